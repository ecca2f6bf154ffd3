// Records as a zone file writes them (RFC 1035 §5.1), names with their final dots. Octets of a TXT record
// that are not printable stay as they are.
#pragma once

#include "protocol/dns/records.hpp"

#include <string>
#include <string_view>

namespace postern::policy {

std::string name_text(const protocol::dns_name& name);
std::string_view type_text(protocol::dns_type type);

// The RDATA: "10 mx.example.net.", "\"v=spf1 mx -all\"".
std::string data_text(const protocol::ip_address& one);
std::string data_text(const protocol::mx_record& one);
std::string data_text(const std::string& one); // TXT
std::string data_text(const protocol::srv_record& one);
std::string data_text(const protocol::tlsa_record& one);

} // namespace postern::policy
