// Domains, address literals and the EHLO argument. Every label is judged by itself: ASCII labels by the
// letter-digit- hyphen rule, A-labels and U-labels by libidn2. "_" is refused: no mail domain or host name
// has it.
#include "protocol/net/ip_address.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <idn2.h>
#include <memory>

namespace postern::protocol {
namespace {

constexpr std::size_t domain_max = 255; // RFC 5321 §4.5.3.1.2
constexpr std::size_t label_max = 63;   // RFC 1035 §2.3.4
constexpr std::string_view a_label_prefix = "xn--";

bool is_let_dig(char c) { return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z'); }

bool is_ldh_label(std::string_view label) {
    if (label.empty() || label.size() > label_max) return false;
    if (label.front() == '-' || label.back() == '-') return false;
    return std::all_of(label.begin(), label.end(), [](char c) { return is_let_dig(c) || c == '-'; });
}

std::string_view label_at(std::string_view domain, std::size_t from) {
    return domain.substr(from, domain.find('.', from) - from);
}

struct idn2_deleter {
    void operator()(char* text) const { idn2_free(text); }
};
using idn2_text = std::unique_ptr<char, idn2_deleter>;

std::optional<std::string> to_a_label(const std::string& label) {
    std::uint8_t* raw = nullptr;
    const int status = idn2_lookup_u8(reinterpret_cast<const std::uint8_t*>(label.c_str()), &raw,
                                      IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    const idn2_text text(reinterpret_cast<char*>(raw));
    if (status != IDN2_OK || !text) return std::nullopt;
    return std::string(text.get());
}

// Is a lower-case "xn--..." the very encoding of a label that IDNA 2008 permits?
bool is_a_label(const std::string& label) {
    char* raw = nullptr;
    const int status = idn2_to_unicode_8z8z(label.c_str(), &raw, IDN2_NONTRANSITIONAL);
    const idn2_text text(raw);
    if (status != IDN2_OK || !text) return false;
    const std::string decoded(text.get());
    return !is_ascii(decoded) && to_a_label(decoded) == label;
}

// `label` is free of controls and is UTF-8.
std::optional<std::string> canonical_label(std::string_view label) {
    std::string canonical = to_lower(label);
    if (!is_ascii(label)) {
        const auto encoded = to_a_label(canonical);
        if (!encoded || !encoded->starts_with(a_label_prefix)) return std::nullopt;
        canonical = *encoded;
    }
    if (!is_ldh_label(canonical)) return std::nullopt;
    if (canonical.starts_with(a_label_prefix) && !is_a_label(canonical)) return std::nullopt;
    return canonical;
}

// What is wrong before any label is looked at.
std::optional<parse_error> refuse_octets(std::string_view text, unicode non_ascii) {
    if (text.empty()) return parse_error{parse_errc::empty, 0};
    if (text.size() > domain_max) return parse_error{parse_errc::too_long, domain_max};
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (is_control(text[i])) return parse_error{parse_errc::control, i};
        if (static_cast<unsigned char>(text[i]) >= 0x80 && non_ascii == unicode::refuse)
            return parse_error{parse_errc::needs_smtputf8, i};
    }
    if (!is_valid_utf8(text)) return parse_error{parse_errc::bad_utf8, 0};
    return std::nullopt;
}

} // namespace

bool is_ldh_domain(std::string_view text) {
    if (text.empty() || text.size() > domain_max) return false;
    for (std::size_t from = 0; from <= text.size();) {
        const std::string_view label = label_at(text, from);
        if (!is_ldh_label(label)) return false;
        from += label.size() + 1;
    }
    return true;
}

result<std::string, parse_error> canonical_domain(std::string_view text, unicode non_ascii) {
    if (const auto error = refuse_octets(text, non_ascii)) return *error;
    std::string domain;
    std::string_view last;
    for (std::size_t from = 0; from <= text.size();) {
        last = label_at(text, from);
        const auto label = canonical_label(last);
        if (!label) return parse_error{parse_errc::bad_domain, from};
        if (from != 0) domain += '.';
        domain += *label;
        from += last.size() + 1;
    }
    if (domain.size() > domain_max) return parse_error{parse_errc::too_long, text.size()};
    if (std::all_of(last.begin(), last.end(), is_digit))
        return parse_error{parse_errc::bad_domain, text.size() - last.size()};
    return domain;
}

result<std::string, parse_error> canonical_literal(std::string_view text) {
    constexpr std::string_view tag = "IPv6:";
    if (text.empty()) return parse_error{parse_errc::empty, 0};
    if (text.size() < 2 || text.front() != '[' || text.back() != ']')
        return parse_error{parse_errc::bad_literal, 0};
    std::string_view inner = text.substr(1, text.size() - 2);
    const bool v6 = equals_ignoring_case(inner.substr(0, tag.size()), tag);
    if (v6) inner.remove_prefix(tag.size());
    const auto address = ip_address::parse(inner);
    if (!address || v6 != (inner.find(':') != std::string_view::npos))
        return parse_error{parse_errc::bad_literal, 1};
    return address->to_literal();
}

result<helo_name, parse_error> parse_helo(std::string_view argument) {
    if (argument.empty()) return parse_error{parse_errc::empty, 0};
    if (argument.size() > domain_max) return parse_error{parse_errc::too_long, domain_max};
    for (std::size_t i = 0; i < argument.size(); ++i) {
        if (argument[i] == ' ') return parse_error{parse_errc::trailing, i};
        if (argument[i] < '!' || argument[i] > '~') return parse_error{parse_errc::control, i};
    }
    const bool well_formed =
        canonical_domain(argument, unicode::refuse).has_value() || canonical_literal(argument).has_value();
    return helo_name{std::string(argument), well_formed};
}

} // namespace postern::protocol
