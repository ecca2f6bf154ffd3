// Values are dot-atoms where they can be, else quoted strings (RFC 5322 §3.2.3, §3.2.4).
#include "protocol/spf/header.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace postern::protocol::spf {
namespace {

constexpr std::size_t shown_max = 320; // octets of a value: a local part, "@" and a domain

bool is_dot_atom(std::string_view text) {
    if (text.empty() || text.front() == '.' || text.back() == '.') return false;
    return text.find("..") == std::string_view::npos &&
           std::all_of(text.begin(), text.end(), [](char c) { return is_atext(c) || c == '.'; });
}

std::string quoted(std::string_view text) {
    std::string made = "\"";
    for (const char c : printable(text, shown_max)) {
        if (c == '"' || c == '\\') made += '\\';
        made += c;
    }
    return made += '"';
}

std::string value(std::string_view text) {
    return is_dot_atom(text) && text.size() <= shown_max ? std::string(text) : quoted(text);
}

// RFC 2045 §5.1 token, of the octets that names have: nothing in it means anything to a reader.
bool is_name(std::string_view text) {
    constexpr std::string_view others = ".-_";
    return !text.empty() && text.size() <= shown_max && std::all_of(text.begin(), text.end(), [&](char c) {
        return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') ||
               others.find(c) != std::string_view::npos;
    });
}

// A comment holds no parenthesis and no backslash of its own (RFC 5322 §3.2.2).
std::string comment(std::string_view text) {
    std::string made = printable(text, 3 * shown_max);
    std::replace_if(made.begin(), made.end(), [](char c) { return c == '(' || c == ')' || c == '\\'; }, '?');
    return made;
}

std::string envelope_from(const query& subject) {
    return subject.domain.empty() ? "<>" : fmt::format("{}@{}", subject.local, subject.domain);
}

// RFC 8601 §2.2 pvalue: a mailbox may stand without quotes around the whole.
std::string mailbox_value(const query& subject) {
    if (!is_name(subject.domain)) return quoted(envelope_from(subject));
    return fmt::format("{}@{}", value(subject.local), subject.domain);
}

} // namespace

std::string received_spf_field(const query& subject, const conclusion& result, std::string_view receiver) {
    std::string field =
        fmt::format("Received-SPF: {} ({})", to_string(result.result), comment(result.explanation));
    std::string_view before = "";
    const auto pair = [&](std::string_view key, std::string_view text) {
        fmt::format_to(std::back_inserter(field), "{}\r\n\t{}={}", before, key, value(text));
        before = ";";
    };
    pair("client-ip", subject.client.to_string());
    pair("envelope-from", envelope_from(subject));
    pair("helo", subject.helo);
    pair("identity", result.checked == identity::helo ? "helo" : "mailfrom");
    if (!result.mechanism.empty()) pair("mechanism", result.mechanism);
    if (!result.problem.empty()) pair("problem", result.problem);
    pair("receiver", receiver);
    return field + "\r\n";
}

std::string authentication_result(const query& subject, const conclusion& result) {
    std::string made = fmt::format("spf={}", to_string(result.result));
    auto to = std::back_inserter(made);
    if (!result.problem.empty()) fmt::format_to(to, " reason={}", quoted(result.problem));
    if (result.checked == identity::helo)
        fmt::format_to(to, " smtp.helo={}", is_name(subject.helo) ? subject.helo : quoted(subject.helo));
    else
        fmt::format_to(to, " smtp.mailfrom={}", mailbox_value(subject));
    return made;
}

} // namespace postern::protocol::spf
