#include "conf/reserved.hpp"

#include "conf/read_value.hpp"
#include "conf/text_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace postern::conf {

namespace {

constexpr std::array<reserved_name, 2> names{{{"relay.smarthost", ""}, {"relay.tls", ""}}};

void report(const reserved_name& one, const toml::node& node, findings& found) {
    const std::string key{one.name};
    const auto* text = node.as_string();
    if (one.allowed.empty()) {
        found.warning(node.source(), key, "has no effect in this version; leave it out");
    } else if (text == nullptr) {
        found.error(
            node.source(), key,
            fmt::format("{} stands where a string is needed; write \"{}\"", type_name(node), one.allowed));
    } else if (text->get() != one.allowed) {
        found.error(
            node.source(), key,
            fmt::format("{} is not in this version yet; use \"{}\"", quoted(text->get()), one.allowed));
    }
}

} // namespace

std::span<const reserved_name> reserved_names() { return names; }

bool is_reserved(std::string_view full_key) {
    return std::ranges::find(names, full_key, &reserved_name::name) != names.end();
}

void report_reserved(const toml::table& root, findings& found) {
    for (const auto& one : names) {
        const auto dot = one.name.find('.');
        const auto* node = root.get(one.name.substr(0, dot));
        if (node != nullptr && dot != std::string_view::npos) {
            const auto* inner = node->as_table();
            node = inner == nullptr ? nullptr : inner->get(one.name.substr(dot + 1));
        }
        if (node != nullptr) report(one, *node, found);
    }
}

} // namespace postern::conf
