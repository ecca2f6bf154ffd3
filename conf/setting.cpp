#include "conf/setting.hpp"

#include "conf/read_value.hpp"
#include "conf/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

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
    const bool bare = allowed.what == form::number || allowed.what == form::boolean ||
                      allowed.what == form::decimal || (allowed.what == form::size && digits);
    return bare ? std::string{text} : fmt::format("\"{}\"", text);
}

listener_settings* find_listener(std::vector<listener_settings>& among, std::string_view name) {
    const auto at =
        std::find_if(among.begin(), among.end(), [&](const auto& row) { return row.name == name; });
    return at == among.end() ? nullptr : &*at;
}

// Puts back what `fresh` changed in rows of one section that need a restart.
void keep_rows(std::string_view section_name, const place& running, const place& fresh,
               std::string_view prefix, std::vector<std::string>& told) {
    for (const auto* row : settings_of(section_name)) {
        if (row->applies != change::needs_restart || row->kept.same(running, fresh)) continue;
        row->kept.copy(running, fresh);
        told.push_back(fmt::format("{}{}: the change takes effect at the next start", prefix, row->key));
    }
}

void keep_listeners(config& running, config& fresh, std::vector<std::string>& told) {
    for (const auto& row : fresh.listeners) {
        if (find_listener(running.listeners, row.name) == nullptr)
            told.push_back(fmt::format("listener \"{}\": it begins at the next start", row.name));
    }
    for (auto& old : running.listeners) {
        auto* now = find_listener(fresh.listeners, old.name);
        if (now != nullptr) {
            keep_rows("listener", {&running, &old}, {&fresh, now}, fmt::format("listener \"{}\".", old.name),
                      told);
            continue;
        }
        told.push_back(fmt::format("listener \"{}\": it goes on until the next start", old.name));
        fresh.listeners.push_back(old);
    }
}

} // namespace

const tier_settings* find_tier(const config& among, std::string_view name) {
    const auto at = std::ranges::find(among.tiers, name, &tier_settings::name);
    return at == among.tiers.end() ? nullptr : &*at;
}

const relay_route* find_route(const config& among, std::string_view domain) {
    const auto& routes = among.relay.routes;
    const auto at = std::ranges::lower_bound(routes, domain, {}, &relay_route::domain);
    return at == routes.end() || at->domain != domain ? nullptr : &*at;
}

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

std::vector<std::string> keep_what_needs_restart(const config& running, config& fresh) {
    config before = running; // rows reach into records that may be written to
    std::vector<std::string> told;
    for (const auto& part : all_sections()) {
        if (part.how == section::kind::table)
            keep_rows(part.name, {&before}, {&fresh}, fmt::format("{}.", part.name), told);
    }
    keep_listeners(before, fresh, told);
    return told;
}

} // namespace postern::conf
