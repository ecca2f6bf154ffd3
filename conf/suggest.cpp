#include "conf/suggest.hpp"

#include "conf/setting.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace postern::conf {

namespace {

constexpr std::size_t name_max = 40; // no key is longer; bounds the work for one that is
constexpr std::size_t slips_max = 2;

// Optimal string alignment: insertions, deletions, substitutions, swaps of neighbours.
std::size_t distance(std::string_view a, std::string_view b) {
    std::array<std::array<std::size_t, name_max + 1>, name_max + 1> cost{};
    for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
    for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t differ = a[i - 1] == b[j - 1] ? 0 : 1;
            cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + differ});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
            }
        }
    }
    return cost[a.size()][b.size()];
}

// The parts of the schema one level below: the keys of a section, and the section that may stand inside it.
std::vector<std::string_view> names_in(std::string_view section_name) {
    std::vector<std::string_view> names;
    for (const auto* row : settings_of(section_name)) names.push_back(row->key);
    for (const auto& one : all_sections()) {
        const auto dot = one.name.find('.');
        const bool top = dot == std::string_view::npos;
        if (section_name.empty() ? top : (!top && one.name.substr(0, dot) == section_name)) {
            names.push_back(top ? one.name : one.name.substr(dot + 1));
        }
    }
    return names;
}

std::string bracketed(const section& one) {
    return one.how == section::kind::array ? fmt::format("[[{}]]", one.name) : fmt::format("[{}]", one.name);
}

// "[identity] or [queue]"; "" = none has it.
std::string homes_of(std::string_view key) {
    std::string homes;
    for (const auto& one : all_sections()) {
        const auto names = names_in(one.name);
        if (std::ranges::find(names, key) == names.end()) continue;
        if (!homes.empty()) homes += " or ";
        homes += bracketed(one);
    }
    return homes;
}

} // namespace

std::optional<std::string_view> nearest(std::string_view name, std::span<const std::string_view> candidates) {
    if (name.empty() || name.size() > name_max) return std::nullopt;
    std::optional<std::string_view> best;
    std::size_t best_cost = slips_max + 1;
    for (const auto candidate : candidates) {
        if (candidate.size() > name_max) continue;
        const auto cost = distance(name, candidate);
        // Two slips in a word of three letters make another word.
        if (cost < best_cost && cost * 2 < candidate.size()) {
            best = candidate;
            best_cost = cost;
        }
    }
    return best;
}

std::string unknown_key(std::string_view section_name, std::string_view key) {
    const auto names = names_in(section_name);
    if (const auto meant = nearest(key, names))
        return fmt::format("is not a setting; did you mean \"{}\"?", *meant);
    if (const auto homes = homes_of(key); !homes.empty())
        return fmt::format("is not a setting here; it belongs in {}", homes);
    return fmt::format("is not a setting; {} are {}", section_name.empty() ? "the sections" : "those here",
                       fmt::join(names, ", "));
}

} // namespace postern::conf
