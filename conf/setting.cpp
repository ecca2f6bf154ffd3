#include "conf/setting.hpp"

#include "conf/read_value.hpp"
#include "conf/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <map>

namespace postern::conf {

namespace {

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    for (std::size_t at = 0; (at = text.find_first_not_of(' ', at)) != std::string_view::npos;) {
        const auto end = std::min(text.find(' ', at), text.size());
        words.push_back(text.substr(at, end - at));
        at = end;
    }
    return words;
}

std::vector<std::string_view> default_items(const setting& row) {
    return row.allowed.many == plurality::one ? std::vector{row.otherwise.text}
                                              : words_of(row.otherwise.text);
}

std::string item_toml(const rule& allowed, std::string_view text) {
    const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
    const bool bare = allowed.what == form::number || (allowed.what == form::size && digits);
    return bare ? std::string{text} : fmt::format("\"{}\"", text);
}

std::string listener_field(std::string_view name, std::string_view key) {
    return fmt::format("listener \"{}\".{}", name, key);
}

using listeners_by_name = std::map<std::string_view, listener_settings*>;

listeners_by_name by_name(config& of) {
    listeners_by_name all;
    for (auto& listener : of.listeners) all.emplace(listener.name, &listener);
    return all;
}

// The names of listeners for which the row differs, or which only one side has.
std::vector<std::string> listeners_that_differ(const setting& row, config& a, config& b) {
    std::vector<std::string> keys;
    const auto before = by_name(a);
    const auto after = by_name(b);
    for (const auto& [name, listener] : before) {
        const auto match = after.find(name);
        const bool same =
            match != after.end() && row.kept.same({&a, listener, nullptr}, {&b, match->second, nullptr});
        if (!same) keys.push_back(listener_field(name, row.key));
    }
    for (const auto& [name, listener] : after) {
        if (!before.contains(name)) keys.push_back(listener_field(name, row.key));
    }
    return keys;
}

} // namespace

std::vector<const setting*> settings_of(std::string_view section_name) {
    std::vector<const setting*> rows;
    for (const auto& row : all_settings()) {
        if (row.section == section_name) rows.push_back(&row);
    }
    return rows;
}

value default_value(const setting& row) {
    value items;
    for (const auto text : default_items(row)) {
        auto one = read_item(row.allowed, text);
        assert(one.has_value() && "the default of a row breaks its own rule");
        items.push_back(std::move(*one));
    }
    return items;
}

std::string default_toml(const setting& row) {
    if (row.allowed.many == plurality::one) return item_toml(row.allowed, row.otherwise.text);
    std::vector<std::string> items;
    for (const auto text : default_items(row)) items.push_back(item_toml(row.allowed, text));
    return fmt::format("[{}]", fmt::join(items, ", "));
}

void store_defaults(std::string_view section_name, const place& where) {
    for (const auto* row : settings_of(section_name)) {
        if (row->otherwise.how == fallback::kind::value) row->kept.store(where, default_value(*row));
    }
}

std::vector<std::string> changes_needing_restart(const config& running, const config& fresh) {
    config a = running; // rows reach into records that may be written to
    config b = fresh;
    std::vector<std::string> keys;
    for (const auto& row : all_settings()) {
        if (row.applies != change::needs_restart) continue;
        if (row.section == "listener") {
            for (auto& key : listeners_that_differ(row, a, b)) keys.push_back(std::move(key));
        } else if (!row.kept.same({&a, nullptr, nullptr}, {&b, nullptr, nullptr})) {
            keys.push_back(fmt::format("{}.{}", row.section, row.key));
        }
    }
    return keys;
}

} // namespace postern::conf
