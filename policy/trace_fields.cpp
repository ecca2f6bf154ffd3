#include "policy/trace_fields.hpp"

#include "protocol/spf/header.hpp"

namespace postern::policy {

std::string trace_fields(const transaction& learned, std::string_view hostname) {
    std::string made;
    for (const auto& one : learned.reports) made += "X-Postern-Report: " + one + "\r\n";
    if (!learned.spf_result) return made;
    made += "Authentication-Results: ";
    made += hostname;
    made +=
        ";\r\n\t" + protocol::spf::authentication_result(learned.spf_subject, *learned.spf_result) + "\r\n";
    made += protocol::spf::received_spf_field(learned.spf_subject, *learned.spf_result, hostname);
    return made;
}

} // namespace postern::policy
