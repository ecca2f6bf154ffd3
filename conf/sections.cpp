#include "conf/sections.hpp"

#include "conf/locate.hpp"
#include "conf/read_value.hpp"
#include "conf/setting.hpp"
#include "conf/settings.hpp"
#include "conf/suggest.hpp"
#include "conf/text_checks.hpp"
#include "protocol/smtp/grammar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace postern::conf {

namespace {

constexpr std::size_t shown_key_max = 60;

std::string joined(std::string_view prefix, std::string_view key) {
    const auto shown = protocol::printable(key, shown_key_max);
    return prefix.empty() ? shown : fmt::format("{}.{}", prefix, shown);
}

bool is_section(std::string_view full_name) {
    const auto sections = all_sections();
    return std::ranges::find(sections, full_name, &section::name) != sections.end();
}

// Keys of one table that are neither settings nor sections.
void report_unknown(const toml::table& table, std::string_view section_name, const std::string& prefix,
                    findings& found) {
    const auto rows = settings_of(section_name);
    for (const auto& [key, node] : table) {
        const auto full_name =
            section_name.empty() ? std::string{key.str()} : fmt::format("{}.{}", section_name, key.str());
        const bool known =
            std::ranges::any_of(rows, [&](const setting* row) { return row->key == key.str(); });
        if (known || is_section(full_name)) continue;
        found.error(key.source(), joined(prefix, key.str()), unknown_key(section_name, key.str()));
    }
}

void read_missing(const setting& row, const toml::table& table, const std::string& prefix, findings& found) {
    if (row.otherwise.how != fallback::kind::required) return;
    found.error(table.source(), joined(prefix, row.key),
                fmt::format("is missing; write {} = \"{}\"", row.key, row.otherwise.text));
}

void read_table(const toml::table& table, std::string_view section_name, const std::string& prefix,
                const place& where, findings& found) {
    report_unknown(table, section_name, prefix, found);
    for (const auto* row : settings_of(section_name)) {
        const auto* node = table.get(row->key);
        if (node == nullptr) {
            read_missing(*row, table, prefix, found);
        } else if (const auto read = read_value(row->allowed, *node, joined(prefix, row->key), found)) {
            row->kept.store(where, *read);
        }
    }
}

// nullptr: it is none, and that was said.
const toml::table* table_of(const section& one, const toml::node& node, findings& found) {
    const auto* table = node.as_table();
    if (table == nullptr)
        found.error(node.source(), std::string{one.name},
                    fmt::format("{} stands where a table is needed; write [{}]", type_name(node), one.name));
    return table;
}

void read_one(const section& one, const toml::node& node, config& into, findings& found) {
    if (const auto* table = table_of(one, node, found))
        read_table(*table, one.name, std::string{one.name}, {&into}, found);
}

// The new record of an array of tables, with its defaults.
place append_record(const section& one, config& into, std::string_view name) {
    const place where{&into, one.append(into, name)};
    store_defaults(one.name, where);
    return where;
}

void read_array(const section& one, const toml::node& node, config& into, findings& found) {
    const auto* array = node.as_array();
    if (array == nullptr) {
        found.error(node.source(), std::string{one.name},
                    fmt::format("{} stands where an array of tables is needed; write [[{}]]", type_name(node),
                                one.name));
        return;
    }
    for (std::size_t i = 0; i < array->size(); ++i) {
        const auto prefix = fmt::format("{}[{}]", one.name, i);
        const auto where = append_record(one, into, "");
        const auto& element = (*array)[i];
        if (const auto* table = element.as_table()) {
            read_table(*table, one.name, prefix, where, found);
        } else {
            found.error(
                element.source(), prefix,
                fmt::format("{} stands where a table is needed; write [[{}]]", type_name(element), one.name));
        }
    }
}

// [tier.a]: a record for each table, which knows its name.
void read_named(const section& one, const toml::node& node, config& into, findings& found) {
    const auto* all = node.as_table();
    if (all == nullptr) {
        found.error(
            node.source(), std::string{one.name},
            fmt::format("{} stands where tables are needed; write [{}.NAME]", type_name(node), one.name));
        return;
    }
    for (const auto& [key, element] : *all) {
        const auto prefix = joined(one.name, key.str());
        if (auto name = short_name(key.str()); name.has_error()) {
            found.error(key.source(), prefix, std::move(name.error().text));
        } else if (const auto* table = element.as_table()) {
            read_table(*table, one.name, prefix, append_record(one, into, *name), found);
        } else {
            found.error(
                element.source(), prefix,
                fmt::format("{} stands where a table is needed; write [{}]", type_name(element), prefix));
        }
    }
}

// "example.org" = value. In TOML a domain without quotes is a path of tables.
void read_by_domain(const section& one, const toml::node& node, config& into, findings& found) {
    const auto* all = table_of(one, node, found);
    const auto& row = *settings_of(one.name).front();
    if (all == nullptr) return;
    std::set<std::string> domains;
    for (const auto& [key, element] : *all) {
        const auto full = joined(one.name, key.str());
        auto domain = domain_name(key.str());
        if (element.is_table())
            found.error(key.source(), full,
                        fmt::format("a table stands where a value is needed; write the domain in quotes, "
                                    "\"example.org\" = \"{}\"",
                                    row.otherwise.text));
        else if (domain.has_error())
            found.error(key.source(), full, std::move(domain.error().text));
        else if (!domains.insert(*domain).second)
            found.error(key.source(), full, fmt::format("{} stands there twice; remove one", *domain));
        else if (const auto read = read_value(row.allowed, element, full, found))
            row.kept.store(append_record(one, into, *domain), *read);
    }
}

// DATE_MISSING = value. What words there are is not known here.
void read_by_word(const section& one, const toml::node& node, config& into, findings& found) {
    const auto* all = table_of(one, node, found);
    const auto& row = *settings_of(one.name).front();
    if (all == nullptr) return;
    for (const auto& [key, element] : *all) {
        const auto full = joined(one.name, key.str());
        if (auto word = capital_word(key.str()); word.has_error())
            found.error(key.source(), full, std::move(word.error().text));
        else if (const auto read = read_value(row.allowed, element, full, found))
            row.kept.store(append_record(one, into, *word), *read);
    }
}

// Those that the file doesn't have itself.
void add_standard_tiers(config& into) {
    const tier_settings standard[] = {{"a", false, false, false},
                                      {"b", true, false, false},
                                      {"c", true, true, false},
                                      {"d", true, true, true}};
    for (const auto& one : standard)
        if (std::ranges::find(into.tiers, one.name, &tier_settings::name) == into.tiers.end())
            into.tiers.push_back(one);
}

relay_hop hop_of(const relay_route& route, std::uint16_t mx_port) {
    auto hop = parse_relay_server(route.server).value_or(relay_hop{});
    if (hop.what != relay_hop::kind::mx) return hop;
    hop.name = route.domain;
    hop.address.port = mx_port;
    return hop;
}

} // namespace

config read_sections(const toml::table& root, findings& found) {
    config into;
    report_unknown(root, "", "", found);
    for (const auto& one : all_sections()) {
        if (one.how == section::kind::table) store_defaults(one.name, {&into});
        const auto* node = node_at(root, one.name);
        if (node == nullptr) continue;
        switch (one.how) {
        case section::kind::table: read_one(one, *node, into, found); break;
        case section::kind::array: read_array(one, *node, into, found); break;
        case section::kind::named: read_named(one, *node, into, found); break;
        case section::kind::by_domain: read_by_domain(one, *node, into, found); break;
        case section::kind::by_word: read_by_word(one, *node, into, found); break;
        }
    }
    add_standard_tiers(into);
    if (!into.relay.smarthost.empty()) into.relay.smart_hop = parse_relay_server(into.relay.smarthost);
    for (auto& route : into.relay.routes) route.next_hop = hop_of(route, into.relay.port);
    std::ranges::sort(into.relay.routes, {}, &relay_route::domain); // find_route() searches so
    return into;
}

} // namespace postern::conf
