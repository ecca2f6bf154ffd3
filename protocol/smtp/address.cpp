// Mailboxes and paths. The local part is compared and kept unquoted and in Unicode's form NFC, so that one
// mailbox has one spelling; nothing here repairs: what is not of the grammar is an error.
#include "protocol/smtp/address.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <unicase.h>
#include <uninorm.h>

namespace postern::protocol {
namespace {

constexpr std::size_t local_max = 64; // RFC 5321 §4.5.3.1.1
constexpr std::size_t path_max = 256; // RFC 5321 §4.5.3.1.3: with its brackets

parse_error error_at(parse_errc what, std::size_t offset) { return {what, offset}; }
bool is_non_ascii(char c) { return static_cast<unsigned char>(c) >= 0x80; }
bool is_atom_octet(char c) { return is_atext(c) || is_non_ascii(c); }

bool is_dot_string(std::string_view text) {
    char previous = '.';
    for (const char c : text) {
        if (c == '.' ? previous == '.' : !is_atom_octet(c)) return false;
        previous = c;
    }
    return previous != '.';
}

std::string quoted_if_needed(std::string_view local) {
    if (is_dot_string(local)) return std::string(local);
    std::string quoted = "\"";
    for (const char c : local) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted += '"';
}

struct malloc_deleter {
    void operator()(std::uint8_t* octets) const { std::free(octets); }
};

template <class Function> std::optional<std::string> transformed(std::string_view text, Function function) {
    std::size_t length = 0;
    const std::unique_ptr<std::uint8_t, malloc_deleter> octets(
        function(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), &length));
    if (!octets) return std::nullopt;
    return std::string(reinterpret_cast<const char*>(octets.get()), length);
}

std::optional<std::string> nfc(std::string_view text) {
    return transformed(text, [](const std::uint8_t* from, std::size_t size, std::size_t* length) {
        return u8_normalize(UNINORM_NFC, from, size, nullptr, length);
    });
}

std::optional<std::string> lower_case(std::string_view text) {
    return transformed(text, [](const std::uint8_t* from, std::size_t size, std::size_t* length) {
        return u8_tolower(from, size, "", UNINORM_NFC, nullptr, length);
    });
}

struct scanned_local {
    std::string text; // without its quotes
    std::size_t end = 0;
};

result<scanned_local, parse_error> scan_dot_string(std::string_view text, std::size_t from) {
    std::size_t end = from;
    while (end < text.size() && (is_atom_octet(text[end]) || text[end] == '.')) ++end;
    const std::string_view local = text.substr(from, end - from);
    if (is_dot_string(local)) return scanned_local{std::string(local), end};
    const bool control = local.empty() && from < text.size() && is_control(text[from]);
    return error_at(control ? parse_errc::control : parse_errc::syntax, from);
}

// RFC 5321 §4.1.2: qtextSMTP is printable ASCII, a quoted pair a backslash and printable ASCII. RFC 6531 §3.3
// adds UTF-8.
result<scanned_local, parse_error> scan_quoted_string(std::string_view text, std::size_t from) {
    scanned_local local;
    for (std::size_t at = from + 1; at < text.size(); ++at) {
        char c = text[at];
        if (c == '"') {
            local.end = at + 1;
            return local;
        }
        const bool pair = c == '\\' && at + 1 < text.size();
        if (pair) c = text[++at];
        if (is_control(c)) return error_at(parse_errc::control, at);
        if (pair && is_non_ascii(c)) return error_at(parse_errc::syntax, at);
        local.text += c;
    }
    return error_at(parse_errc::syntax, text.size());
}

std::size_t limit_of(std::string_view local) { return is_rewritten_sender(local) ? path_max : local_max; }

// Departs from RFC 5321 §4.1.2: an empty quoted string is no local part here, since the key "@domain" means
// something else in every table of addresses.
result<scanned_local, parse_error> scan_local(std::string_view text, std::size_t from, unicode non_ascii) {
    const bool quoted = from < text.size() && text[from] == '"';
    auto local = quoted ? scan_quoted_string(text, from) : scan_dot_string(text, from);
    if (local.has_error()) return local;
    if (local->text.empty()) return error_at(parse_errc::empty, from);
    const std::size_t limit = limit_of(local->text);
    if (local->end - from > limit) return error_at(parse_errc::too_long, from + limit);
    if (is_ascii(local->text)) return local;
    if (non_ascii == unicode::refuse) return error_at(parse_errc::needs_smtputf8, from);
    if (!is_valid_utf8(local->text)) return error_at(parse_errc::bad_utf8, from);
    if (!is_printable(local->text)) return error_at(parse_errc::control, from);
    auto normal = nfc(local->text);
    if (!normal) return error_at(parse_errc::bad_utf8, from);
    if (quoted_if_needed(*normal).size() > limit) return error_at(parse_errc::too_long, from + limit);
    local->text = std::move(*normal);
    return local;
}

result<std::string, parse_error> domain_or_literal(std::string_view text, std::size_t offset,
                                                   unicode non_ascii) {
    auto domain = text.starts_with('[') ? canonical_literal(text) : canonical_domain(text, non_ascii);
    if (domain.has_value()) return domain;
    const parse_error error = domain.error();
    return error_at(error.what == parse_errc::empty ? parse_errc::no_domain : error.what,
                    offset + error.offset);
}

// What follows a local part instead of "@domain".
parse_error missing_domain(std::string_view text, std::size_t at, bool at_end) {
    if (at_end) return error_at(parse_errc::no_domain, at);
    const bool control = at < text.size() && is_control(text[at]);
    return error_at(control ? parse_errc::control : parse_errc::syntax, at);
}

// Mailbox = Local-part "@" ( Domain / address-literal ); the whole of text[from, end).
result<address, parse_error> scan_mailbox(std::string_view text, std::size_t from, unicode non_ascii) {
    auto local = scan_local(text, from, non_ascii);
    if (local.has_error()) return local.error();
    if (local->end == text.size() || text[local->end] != '@')
        return missing_domain(text, local->end, local->end == text.size());
    const std::size_t start = local->end + 1;
    auto domain = domain_or_literal(text.substr(start), start, non_ascii);
    if (domain.has_error()) return domain.error();
    address mailbox{std::move(local->text), std::move(*domain)};
    if (mailbox.to_string().size() + 2 > path_max) return error_at(parse_errc::too_long, text.size());
    return mailbox;
}

// RFC 5321 Appendix C: A-d-l ":" = "@" Domain *( "," "@" Domain ) ":". Returns where the mailbox starts.
result<std::size_t, parse_error> skip_source_route(std::string_view text, std::size_t from,
                                                   unicode non_ascii) {
    while (from < text.size() && text[from] == '@') {
        const std::size_t end = text.find_first_of(",:", from);
        if (end == std::string_view::npos) return error_at(parse_errc::syntax, text.size());
        const auto hop = domain_or_literal(text.substr(from + 1, end - from - 1), from + 1, non_ascii);
        if (hop.has_error()) return hop.error();
        if (text[end] == ':') return end + 1;
        from = end + 1;
    }
    return error_at(parse_errc::syntax, from);
}

// Where the ">" is: the first one outside a quoted string at the front of the mailbox.
result<std::size_t, parse_error> find_closing(std::string_view text) {
    bool quoted = false;
    for (std::size_t at = 1; at < text.size(); ++at) {
        if (at >= path_max) return error_at(parse_errc::too_long, path_max);
        if (text[at] == '"') quoted = !quoted;
        if (text[at] == '\\' && quoted)
            ++at;
        else if (text[at] == '>' && !quoted)
            return at;
    }
    return error_at(parse_errc::syntax, text.size());
}

} // namespace

bool is_rewritten_sender(std::string_view local) {
    constexpr std::size_t tag = 4;
    if (local.size() <= tag) return false;
    const auto is = [&](std::string_view what) { return equals_ignoring_case(local.substr(0, tag), what); };
    const char next = local[tag];
    return (is("SRS0") || is("SRS1")) && (next == '=' || next == '+' || next == '-');
}

std::string address::to_string() const {
    std::string text = quoted_if_needed(local);
    if (domain.empty()) return text;
    text += '@';
    return text += domain;
}

std::string address::folded() const {
    const std::string text = to_string();
    if (is_ascii(text)) return to_lower(text);
    auto lower = lower_case(text);
    return lower ? std::move(*lower) : to_lower(text);
}

result<address, parse_error> parse_address(std::string_view text) {
    if (text.empty()) return error_at(parse_errc::empty, 0);
    if (text.size() + 2 > path_max) return error_at(parse_errc::too_long, path_max - 2);
    return scan_mailbox(text, 0, unicode::allow);
}

result<parsed_path, parse_error> parse_path(std::string_view text, path_kind kind, unicode non_ascii) {
    if (!text.starts_with('<')) return error_at(parse_errc::syntax, 0);
    const auto closing = find_closing(text);
    if (closing.has_error()) return closing.error();
    const std::size_t length = *closing + 1;
    const std::string_view inner = text.substr(0, *closing);
    if (inner.size() == 1) {
        if (kind == path_kind::reverse) return parsed_path{std::nullopt, length, false};
        return error_at(parse_errc::empty, 1);
    }
    if (kind == path_kind::forward && equals_ignoring_case(inner.substr(1), "postmaster"))
        return parsed_path{address{"postmaster", ""}, length, false};
    std::size_t start = 1;
    if (inner[start] == '@') {
        const auto after = skip_source_route(inner, start, non_ascii);
        if (after.has_error()) return after.error();
        start = *after;
    }
    auto mailbox = scan_mailbox(inner, start, non_ascii);
    if (mailbox.has_error()) return mailbox.error();
    const bool utf8 = !is_ascii(mailbox->local);
    return parsed_path{std::move(*mailbox), length, utf8};
}

} // namespace postern::protocol
