#include "conf/whole_file_checks.hpp"

#include "conf/locate.hpp"
#include "conf/reserved.hpp"

#include <fmt/format.h>

#include <map>
#include <string>

namespace postern::conf {

namespace {

std::string listener_key(std::size_t index, std::string_view rest) {
    return fmt::format("listener[{}].{}", index, rest);
}

void check_presence(const toml::table& root, findings& found) {
    const auto* node = root.get("listener");
    if (node != nullptr && (!node->is_array() || !node->as_array()->empty())) return;
    found.error(place_of(root, "listener"), "listener",
                "no [[listener]] is configured; add one with name and address");
}

void check_names(const config& read, const toml::table& root, findings& found) {
    std::map<std::string_view, std::size_t> first;
    for (std::size_t i = 0; i < read.listeners.size(); ++i) {
        const std::string_view name = read.listeners[i].name;
        if (name.empty()) continue; // missing or wrong, and reported so
        const auto [other, is_new] = first.try_emplace(name, i);
        if (is_new) continue;
        const auto key = listener_key(i, "name");
        found.error(place_of(root, key), key,
                    fmt::format("\"{}\" is already the name of listener[{}]; give each its own", name,
                                other->second));
    }
}

void check_addresses(const config& read, const toml::table& root, findings& found) {
    std::map<std::string, std::string_view> first;
    for (std::size_t i = 0; i < read.listeners.size(); ++i) {
        const auto& listener = read.listeners[i];
        for (std::size_t k = 0; k < listener.addresses.size(); ++k) {
            if (listener.addresses[k].port == 0) continue; // any port: never the same one
            const auto address = listener.addresses[k].to_string();
            const auto [other, is_new] = first.try_emplace(address, listener.name);
            if (is_new) continue;
            const auto key = listener_key(i, fmt::format("address[{}]", k));
            found.error(
                place_of(root, key), key,
                fmt::format(
                    "\"{}\" is already an address of listener \"{}\"; give it another port or remove it",
                    address, other->second));
        }
    }
}

void check_tiers(const config& read, const toml::table& root, findings& found) {
    for (std::size_t i = 0; i < read.listeners.size(); ++i) {
        const auto key = listener_key(i, "tier");
        const auto* node = node_at(root, key);
        const auto tests = tests_of_tier(read.listeners[i].tier);
        const bool as_written = node != nullptr && node->value_exact<std::string>() == read.listeners[i].tier;
        if (!as_written || tests.empty()) continue;
        found.warning(node->source(), key,
                      fmt::format("tier {} asks for {}, which this version does not run",
                                  read.listeners[i].tier, tests));
    }
}

} // namespace

void check_whole_file(const config& read, const toml::table& root, findings& found) {
    check_presence(root, found);
    check_names(read, root, found);
    check_addresses(read, root, found);
    check_tiers(read, root, found);
}

} // namespace postern::conf
