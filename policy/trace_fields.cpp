#include "policy/trace_fields.hpp"

#include "protocol/spf/header.hpp"
#include "storage/queue.hpp"

#include <algorithm>

namespace postern::policy {
namespace {

std::string report_field(const std::string& line) { return "X-Postern-Report: " + line + "\r\n"; }

bool is_blank(char c) { return c == ' ' || c == '\t'; }

} // namespace

std::string trace_fields(const transaction& learned, std::string_view hostname) {
    std::string made;
    for (const auto& one : learned.reports) made += report_field(one);
    if (!learned.spf_result) return made;
    made += "Authentication-Results: ";
    made += hostname;
    made +=
        ";\r\n\t" + protocol::spf::authentication_result(learned.spf_subject, *learned.spf_result) + "\r\n";
    made += protocol::spf::received_spf_field(learned.spf_subject, *learned.spf_result, hostname);
    return made;
}

bool is_whole_field(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == 0 || colon == std::string_view::npos || !text.ends_with("\r\n")) return false;
    const auto is_of_name = [](char c) { return c > ' ' && c < 0x7f; };
    if (!std::ranges::all_of(text.substr(0, colon), is_of_name)) return false;
    for (auto rest = text.substr(colon + 1); !rest.empty();) {
        const auto end = rest.find("\r\n");
        const auto line = rest.substr(0, end);
        if (!std::ranges::all_of(line, [](char c) { return (c >= ' ' && c < 0x7f) || c == '\t'; }))
            return false;
        if (rest.data() != text.data() + colon + 1 && (line.empty() || !is_blank(line.front()))) return false;
        rest.remove_prefix(end + 2);
    }
    return true;
}

std::string result_fields(const transaction& learned) {
    std::string made;
    const auto add = [&](const std::string& field) {
        if (is_whole_field(field) && field.size() <= storage::result_fields_max - made.size()) made += field;
    };
    for (std::size_t i = learned.reports_written; i < learned.reports.size(); ++i)
        add(report_field(learned.reports[i]));
    for (const auto& field : learned.result_fields) add(field);
    return made;
}

} // namespace postern::policy
