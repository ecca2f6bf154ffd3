#include "policy/publishing/record_text.hpp"

#include <fmt/format.h>

namespace postern::policy {

std::string name_text(const protocol::dns_name& name) {
    return name.is_root() ? name.to_string() : name.to_string() + ".";
}

std::string_view type_text(protocol::dns_type type) {
    switch (type) {
    case protocol::dns_type::a: return "A";
    case protocol::dns_type::ptr: return "PTR";
    case protocol::dns_type::mx: return "MX";
    case protocol::dns_type::txt: return "TXT";
    case protocol::dns_type::aaaa: return "AAAA";
    case protocol::dns_type::srv: return "SRV";
    case protocol::dns_type::tlsa: return "TLSA";
    }
    return {};
}

std::string data_text(const protocol::ip_address& one) { return one.to_string(); }

std::string data_text(const protocol::mx_record& one) {
    return fmt::format("{} {}", one.preference, name_text(one.exchange));
}

// Strings of at most 255 octets each (RFC 1035 §3.3).
std::string data_text(const std::string& one) {
    constexpr std::size_t string_max = 255;
    std::string made = "\"";
    for (std::size_t at = 0; at < one.size(); ++at) {
        if (at != 0 && at % string_max == 0) made += "\" \"";
        if (one[at] == '"' || one[at] == '\\') made += '\\';
        made += one[at];
    }
    return made + '"';
}

std::string data_text(const protocol::srv_record& one) {
    return fmt::format("{} {} {} {}", one.priority, one.weight, one.port, name_text(one.target));
}

std::string data_text(const protocol::tlsa_record& one) {
    auto made = fmt::format("{} {} {} ", one.usage, one.selector, one.matching_type);
    for (const auto octet : one.data) fmt::format_to(std::back_inserter(made), "{:02x}", octet);
    return made;
}

} // namespace postern::policy
