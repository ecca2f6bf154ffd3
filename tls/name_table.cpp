#include "tls/name_table.hpp"

#include <algorithm>

namespace postern::tls {
namespace {

constexpr std::size_t name_max = 253;
constexpr std::size_t label_max = 63;

bool is_label(std::string_view label) {
    const auto fits = [](char octet) {
        return (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') ||
               (octet >= '0' && octet <= '9') || octet == '-' || octet == '_';
    };
    return !label.empty() && label.size() <= label_max && std::all_of(label.begin(), label.end(), fits);
}

} // namespace

std::string lower_case(std::string_view name) {
    std::string out(name);
    for (char& octet : out) {
        if (octet >= 'A' && octet <= 'Z') octet = static_cast<char>(octet - 'A' + 'a');
    }
    return out;
}

bool is_host_name(std::string_view name) {
    if (name.size() > name_max) return false;
    for (;;) {
        const std::size_t dot = name.find('.');
        if (!is_label(name.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        name.remove_prefix(dot + 1);
    }
}

void name_table::add(std::string_view certificate_name, std::size_t holder) {
    const bool wild = certificate_name.starts_with("*.");
    const std::string_view rest = wild ? certificate_name.substr(2) : certificate_name;
    if (!is_host_name(rest)) return;
    (wild ? below_ : exact_).emplace(lower_case(rest), holder);
}

std::optional<std::size_t> name_table::find(std::string_view server_name) const {
    if (server_name.ends_with('.')) server_name.remove_suffix(1);
    if (!is_host_name(server_name)) return std::nullopt;
    const std::string name = lower_case(server_name);
    if (const auto known = exact_.find(name); known != exact_.end()) return known->second;
    const std::size_t dot = name.find('.');
    if (dot == std::string::npos) return std::nullopt;
    const auto parent = below_.find(std::string_view(name).substr(dot + 1));
    return parent != below_.end() ? std::optional(parent->second) : std::nullopt;
}

} // namespace postern::tls
