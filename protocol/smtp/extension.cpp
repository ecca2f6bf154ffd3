// The table of extensions. A row names its parameters; each parameter's function is the whole of its grammar.
#include "protocol/smtp/extension.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <iterator>

namespace postern::protocol {
namespace {

constexpr std::size_t envelope_id_max = 100; // RFC 3461 §4.4: characters of ENVID as written
constexpr std::size_t original_max = 500;    // RFC 3461 §4.2: characters of ORCPT as written

template <class Value> struct word {
    std::string_view name;
    Value value;
};

template <class Value, std::size_t Size>
bool assign_word(parameter_value value, const std::array<word<Value>, Size>& words, Value& target) {
    if (!value) return false;
    for (const auto& candidate : words) {
        if (!equals_ignoring_case(candidate.name, *value)) continue;
        target = candidate.value;
        return true;
    }
    return false;
}

bool is_printable_ascii(std::string_view text) { return is_ascii(text) && is_printable(text); }

// RFC 1870 §4: 1*20DIGIT
bool apply_size(parameter_value value, envelope& target) {
    if (!value || value->size() > 20) return false;
    const auto size = parse_number(*value);
    if (!size) return false;
    target.declared_size = *size;
    return true;
}

bool apply_body(parameter_value value, envelope& target) {
    constexpr auto types = std::to_array<word<body_type>>({{"7BIT", body_type::seven_bit},
                                                           {"8BITMIME", body_type::eight_bit_mime},
                                                           {"BINARYMIME", body_type::binary_mime}});
    return assign_word(value, types, target.body);
}

bool apply_smtputf8(parameter_value value, envelope& target) {
    target.smtputf8 = true;
    return !value;
}

// draft-hall-prdr-00 §4.2: without a value.
bool apply_prdr(parameter_value value, envelope& target) {
    target.prdr = true;
    return !value;
}

bool apply_ret(parameter_value value, envelope& target) {
    constexpr auto returns =
        std::to_array<word<dsn_return>>({{"FULL", dsn_return::full}, {"HDRS", dsn_return::headers}});
    return assign_word(value, returns, target.ret);
}

bool apply_envid(parameter_value value, envelope& target) {
    if (!value || value->size() > envelope_id_max) return false;
    auto decoded = decode_xtext(*value);
    if (decoded.has_error() || !is_printable_ascii(*decoded)) return false;
    target.envelope_id = std::move(*decoded);
    return true;
}

// RFC 4954 §5: what a peer says about who wrote the message is not believed, so it is checked and not kept.
bool apply_auth(parameter_value value, envelope&) { return value && decode_xtext(*value).has_value(); }

// NEVER stands alone; the others are a list without repetition.
bool apply_notify(parameter_value value, recipient& target) {
    constexpr auto conditions = std::to_array<word<std::uint8_t>>({{"NEVER", dsn_notify::never},
                                                                   {"SUCCESS", dsn_notify::success},
                                                                   {"FAILURE", dsn_notify::failure},
                                                                   {"DELAY", dsn_notify::delay}});
    std::uint8_t notify = dsn_notify::unset;
    for (bool more = value.has_value(); more;) {
        const std::size_t comma = value->find(',');
        more = comma != std::string_view::npos;
        std::uint8_t condition = dsn_notify::unset;
        if (!assign_word(value->substr(0, comma), conditions, condition)) return false;
        if ((notify & condition) != 0) return false;
        notify = static_cast<std::uint8_t>(notify | condition);
        if (more) value->remove_prefix(comma + 1);
    }
    if ((notify & dsn_notify::never) != 0 && notify != dsn_notify::never) return false;
    target.notify = notify;
    return notify != dsn_notify::unset;
}

void append_utf8(std::string& out, std::uint32_t c) {
    const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80U | ((c >> shift) & 0x3fU)); };
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xc0U | (c >> 6U));
        tail(0);
    } else if (c < 0x10000) {
        out += static_cast<char>(0xe0U | (c >> 12U));
        tail(6), tail(0);
    } else {
        out += static_cast<char>(0xf0U | (c >> 18U));
        tail(12), tail(6), tail(0);
    }
}

// The HEXPOINT of "\x{HEXPOINT}": 2 to 6 hexadecimal digits, not above U+10FFFF. Surrogates fall to the UTF-8
// check.
std::optional<std::uint32_t> parse_hex_point(std::string_view digits) {
    if (digits.size() < 2 || digits.size() > 6) return std::nullopt;
    std::uint32_t c = 0;
    for (const char digit : digits) {
        const std::size_t value = std::string_view("0123456789abcdef").find(to_lower(digit));
        if (value == std::string_view::npos) return std::nullopt;
        c = c * 16 + static_cast<std::uint32_t>(value);
    }
    if (c > 0x10ffff) return std::nullopt;
    return c;
}

// RFC 6533 §3: utf-8-addr-xtext or utf-8-addr-unitext: UTF-8, with "\x{...}" for what xtext cannot carry.
std::optional<std::string> decode_unicode_address(std::string_view text) {
    std::string decoded;
    while (!text.empty()) {
        const std::size_t escape = std::min(text.find('\\'), text.size());
        decoded += text.substr(0, escape);
        text.remove_prefix(escape);
        if (text.empty()) break;
        const std::size_t close = text.substr(0, sizeof "\\x{10FFFF}").find('}');
        if (!text.starts_with("\\x{") || close == std::string_view::npos) return std::nullopt;
        const auto c = parse_hex_point(text.substr(3, close - 3));
        if (!c) return std::nullopt;
        append_utf8(decoded, *c);
        text.remove_prefix(close + 1);
    }
    if (!is_printable(decoded)) return std::nullopt;
    return decoded;
}

std::optional<std::string> decode_original_address(std::string_view type, std::string_view encoded) {
    if (equals_ignoring_case(type, "utf-8")) return decode_unicode_address(encoded);
    const auto decoded = decode_xtext(encoded);
    if (decoded.has_error() || !is_printable_ascii(*decoded)) return std::nullopt;
    return *decoded;
}

// RFC 3461 §4.2: addr-type ";" xtext. What is in the address is its type's affair and not looked into.
bool apply_orcpt(parameter_value value, recipient& target) {
    if (!value || value->size() > original_max) return false;
    const std::size_t semicolon = value->find(';');
    if (semicolon == 0 || semicolon == std::string_view::npos) return false;
    const std::string_view type = value->substr(0, semicolon);
    if (!std::all_of(type.begin(), type.end(), is_atext)) return false;
    const auto decoded = decode_original_address(type, value->substr(semicolon + 1));
    if (!decoded || decoded->empty()) return false;
    target.original = fmt::format("{};{}", type, *decoded);
    return true;
}

bool always(const extension_context&) { return true; }
bool with_tls(const extension_context& context) { return context.tls_available; }
bool with_mechanisms(const extension_context& context) { return !context.auth_mechanisms.empty(); }
bool with_utf8(const extension_context& context) { return context.takes_utf8; }
bool with_binary(const extension_context& context) { return context.takes_binary; }
bool with_answers(const extension_context& context) { return context.answers_each; }
bool with_recipient_limit(const extension_context& context) { return context.max_recipients != 0; }

void describe_size(const extension_context& context, std::string& out) {
    fmt::format_to(std::back_inserter(out), " {}", context.max_message_size);
}
void describe_auth(const extension_context& context, std::string& out) {
    fmt::format_to(std::back_inserter(out), " {}", context.auth_mechanisms);
}
void describe_limits(const extension_context& context, std::string& out) { // RFC 9422 §4.2
    fmt::format_to(std::back_inserter(out), " RCPTMAX={}", context.max_recipients);
}

constexpr mail_parameter size_mail[] = {{"SIZE", apply_size}};
constexpr mail_parameter body_mail[] = {{"BODY", apply_body}};
constexpr mail_parameter smtputf8_mail[] = {{"SMTPUTF8", apply_smtputf8}};
constexpr mail_parameter dsn_mail[] = {{"RET", apply_ret}, {"ENVID", apply_envid}};
constexpr rcpt_parameter dsn_rcpt[] = {{"NOTIFY", apply_notify}, {"ORCPT", apply_orcpt}};
constexpr mail_parameter prdr_mail[] = {{"PRDR", apply_prdr}};
constexpr mail_parameter auth_mail[] = {{"AUTH", apply_auth}};

constexpr auto table = std::to_array<extension>({
    {"PIPELINING", always, nullptr, {}, {}},                   // RFC 2920
    {"SIZE", always, describe_size, size_mail, {}},            // RFC 1870
    {"STARTTLS", with_tls, nullptr, {}, {}},                   // RFC 3207
    {"AUTH", with_mechanisms, describe_auth, auth_mail, {}},   // RFC 4954
    {"8BITMIME", always, nullptr, body_mail, {}},              // RFC 6152
    {"SMTPUTF8", with_utf8, nullptr, smtputf8_mail, {}},       // RFC 6531
    {"CHUNKING", always, nullptr, {}, {}},                     // RFC 3030
    {"BINARYMIME", with_binary, nullptr, {}, {}},              // RFC 3030; BODY stands above
    {"DSN", always, nullptr, dsn_mail, dsn_rcpt},              // RFC 3461
    {"ENHANCEDSTATUSCODES", always, nullptr, {}, {}},          // RFC 2034
    {"LIMITS", with_recipient_limit, describe_limits, {}, {}}, // RFC 9422
    {"PRDR", with_answers, nullptr, prdr_mail, {}},            // draft-hall-prdr-00
});

template <class Target>
const parameter_row<Target>* find_row(std::span<const parameter_row<Target>> extension::* rows,
                                      std::string_view keyword) {
    for (const extension& each : table) {
        for (const parameter_row<Target>& row : each.*rows) {
            if (equals_ignoring_case(row.keyword, keyword)) return &row;
        }
    }
    return nullptr;
}

template <class Target>
result<void, parse_error> apply_parameters(std::span<const parameter> parameters,
                                           std::span<const parameter_row<Target>> extension::* rows,
                                           Target& target) {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        const parameter_row<Target>* row = find_row(rows, parameters[i].keyword);
        if (row == nullptr) return parse_error{parse_errc::unknown_parameter, i};
        if (!row->apply(parameters[i].value, target)) return parse_error{parse_errc::bad_parameter, i};
    }
    return {};
}

} // namespace

std::span<const extension> extensions() { return table; }

result<void, parse_error> apply_mail_parameters(std::span<const parameter> parameters, envelope& target) {
    return apply_parameters(parameters, &extension::mail, target);
}

result<void, parse_error> apply_rcpt_parameters(std::span<const parameter> parameters, recipient& target) {
    return apply_parameters(parameters, &extension::rcpt, target);
}

} // namespace postern::protocol
