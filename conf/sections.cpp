#include "conf/sections.hpp"

#include "conf/locate.hpp"
#include "conf/read_value.hpp"
#include "conf/reserved.hpp"
#include "conf/setting.hpp"
#include "conf/suggest.hpp"
#include "protocol/smtp/grammar.hpp"

#include <fmt/format.h>

#include <algorithm>

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

// Keys of one table that are neither settings, nor sections, nor reserved.
void report_unknown(const toml::table& table, std::string_view section_name, const std::string& prefix,
                    findings& found) {
    const auto rows = settings_of(section_name);
    for (const auto& [key, node] : table) {
        const auto full_name =
            section_name.empty() ? std::string{key.str()} : fmt::format("{}.{}", section_name, key.str());
        const bool known =
            std::ranges::any_of(rows, [&](const setting* row) { return row->key == key.str(); });
        if (known || is_section(full_name) || is_reserved(full_name)) continue;
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

void read_one(const section& one, const toml::node& node, config& into, findings& found) {
    const std::string prefix{one.name};
    if (const auto* table = node.as_table()) {
        read_table(*table, one.name, prefix, {&into, nullptr, nullptr}, found);
        return;
    }
    found.error(node.source(), prefix,
                fmt::format("{} stands where a table is needed; write [{}]", type_name(node), one.name));
}

// The new record of an array of tables, with its defaults.
place append_record(std::string_view section_name, config& into) {
    place where{&into, nullptr, nullptr};
    if (section_name == "listener")
        where.listener = &into.listeners.emplace_back();
    else
        where.certificate = &into.tls.certificates.emplace_back();
    store_defaults(section_name, where);
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
        const auto where = append_record(one.name, into);
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

} // namespace

config read_sections(const toml::table& root, findings& found) {
    config into;
    report_unknown(root, "", "", found);
    for (const auto& one : all_sections()) {
        if (one.how == section::kind::table) store_defaults(one.name, {&into, nullptr, nullptr});
        const auto* node = node_at(root, one.name);
        if (node == nullptr) continue;
        if (one.how == section::kind::table)
            read_one(one, *node, into, found);
        else
            read_array(one, *node, into, found);
    }
    return into;
}

} // namespace postern::conf
