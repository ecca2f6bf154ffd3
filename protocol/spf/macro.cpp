// One reader of pieces serves the check and the expansion, so that both always see the same macros.
#include "protocol/spf/macro.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <vector>

namespace postern::protocol::spf {
namespace {

constexpr std::size_t parts_max = 999; // no value has more; §7.3 wants 127 at the least
constexpr std::string_view letters = "slodiphcrtv";
constexpr std::string_view explanation_letters = "crt"; // §7.2
constexpr std::string_view delimiters = ".-+,/_=";

bool is_alpha(char c) { return to_lower(c) >= 'a' && to_lower(c) <= 'z'; }
bool is_alphanum(char c) { return is_digit(c) || is_alpha(c); }
bool is_visible(char c) { return c >= '!' && c <= '~'; }

// A macro-literal octet, one of "%%", "%_", "%-", or a macro.
struct piece {
    enum class kind { literal, escape, macro } is = kind::literal;
    std::string_view literal{}; // what a literal or an escape stands for
    char letter = 0;            // lower case
    bool url = false;           // the letter was upper case
    bool reverse = false;
    std::size_t parts = 0; // 0: all
    std::string_view split_at{};
    std::size_t length = 0; // octets of the text
};

// "%{" is at the front of `rest`.
result<piece, syntax_error> read_macro(std::string_view rest) {
    const auto bad = [](std::size_t at) { return syntax_error{syntax_errc::bad_macro, at}; };
    std::size_t at = 2;
    if (at >= rest.size() || letters.find(to_lower(rest[at])) == std::string_view::npos) return bad(at);
    piece macro{
        .is = piece::kind::macro, .letter = to_lower(rest[at]), .url = rest[at] != to_lower(rest[at])};
    const std::size_t digits = ++at;
    for (; at < rest.size() && is_digit(rest[at]); ++at)
        macro.parts = std::min(parts_max, macro.parts * 10 + static_cast<std::size_t>(rest[at] - '0'));
    if (at > digits && macro.parts == 0) return syntax_error{syntax_errc::zero_parts, digits};
    if (at < rest.size() && to_lower(rest[at]) == 'r') {
        macro.reverse = true;
        ++at;
    }
    const std::size_t end = std::min(rest.find_first_not_of(delimiters, at), rest.size());
    macro.split_at = rest.substr(at, end - at);
    if (end == rest.size() || rest[end] != '}') return bad(end);
    macro.length = end + 1;
    return macro;
}

// `rest` is not empty.
result<piece, syntax_error> read_piece(std::string_view rest) {
    if (!is_visible(rest.front())) return syntax_error{syntax_errc::bad_octet, 0};
    if (rest.front() != '%') return piece{.literal = rest.substr(0, 1), .length = 1};
    switch (rest.size() > 1 ? rest[1] : '\0') {
    case '{': return read_macro(rest);
    case '%': return piece{.is = piece::kind::escape, .literal = "%", .length = 2};
    case '_': return piece{.is = piece::kind::escape, .literal = " ", .length = 2};
    case '-': return piece{.is = piece::kind::escape, .literal = "%20", .length = 2};
    }
    return syntax_error{syntax_errc::bad_macro, 0};
}

enum class wanted { any_macro, name_macro };

// Also tells where the literal octets at the end of the text begin.
std::optional<syntax_error> check_pieces(std::string_view text, wanted want, std::size_t& literal_tail) {
    literal_tail = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto next = read_piece(text.substr(at));
        if (!next) return syntax_error{next.error().what, at + next.error().offset};
        if (next->is == piece::kind::macro && want == wanted::name_macro &&
            explanation_letters.find(next->letter) != std::string_view::npos)
            return syntax_error{syntax_errc::explanation_macro, at};
        at += next->length;
        if (next->is != piece::kind::literal) literal_tail = at;
    }
    return std::nullopt;
}

// §7.1 toplabel: letters, digits and hyphens, none of them at an end, and not digits alone.
bool is_top_label(std::string_view label) {
    if (label.empty() || !is_alphanum(label.front()) || !is_alphanum(label.back())) return false;
    return std::all_of(label.begin(), label.end(), [](char c) { return is_alphanum(c) || c == '-'; }) &&
           !std::all_of(label.begin(), label.end(), is_digit);
}

// What is needed of a longer text is its end alone: the cut below never sees more than one octet before the
// longest name and a final dot.
void append(std::string& name, std::string_view text) {
    constexpr std::size_t kept = expanded_name_max + 2;
    if (text.size() > kept) text.remove_prefix(text.size() - kept);
    name += text;
    if (name.size() > 4 * kept) name.erase(0, name.size() - kept);
}

// §7.3: what is not "unreserved" (RFC 3986 §2.3) becomes %XX.
std::string url_escaped(std::string_view text) {
    constexpr std::string_view unreserved = "-._~";
    std::string escaped;
    for (const char c : text) {
        if (is_alphanum(c) || unreserved.find(c) != std::string_view::npos)
            escaped += c;
        else
            fmt::format_to(std::back_inserter(escaped), "%{:02X}", static_cast<unsigned char>(c));
    }
    return escaped;
}

// §7.2: IPv4 as text, IPv6 as 32 nibbles.
std::string address_parts(const ip_address& address) {
    if (address.is_v4()) return address.to_string();
    constexpr std::string_view hex = "0123456789abcdef";
    std::string nibbles;
    for (const std::uint8_t octet : address.bytes()) {
        if (!nibbles.empty()) nibbles += '.';
        nibbles += hex[octet >> 4U];
        nibbles += '.';
        nibbles += hex[octet & 15U];
    }
    return nibbles;
}

std::string value_of(char letter, const macro_values& values) {
    switch (letter) {
    case 's': return fmt::format("{}@{}", values.local, values.sender_domain);
    case 'l': return std::string(values.local);
    case 'o': return std::string(values.sender_domain);
    case 'd': return std::string(values.domain);
    case 'i': return address_parts(values.client);
    case 'p': return std::string(values.validated);
    case 'v': return values.client.is_v4() ? "in-addr" : "ip6";
    case 'h': return std::string(values.helo);
    }
    return {}; // c, r and t are in no domain-spec
}

// §7.3: split, turn round, keep the right-hand parts, join with dots.
std::string transformed(std::string_view value, const piece& macro) {
    const std::string_view split_at = macro.split_at.empty() ? "." : macro.split_at;
    std::vector<std::string_view> parts;
    for (std::size_t from = 0; from <= value.size();) {
        parts.push_back(value.substr(from, value.find_first_of(split_at, from) - from));
        from += parts.back().size() + 1;
    }
    if (macro.reverse) std::reverse(parts.begin(), parts.end());
    const std::size_t skipped =
        macro.parts == 0 || macro.parts > parts.size() ? 0 : parts.size() - macro.parts;
    std::string joined;
    for (std::size_t i = skipped; i < parts.size(); ++i) {
        if (i > skipped) joined += '.';
        joined += parts[i];
    }
    return joined;
}

} // namespace

std::string_view describe(syntax_errc what) {
    switch (what) {
    case syntax_errc::record_too_long: return "too many octets";
    case syntax_errc::bad_octet: return "an octet that is not visible ASCII";
    case syntax_errc::unknown_mechanism: return "an unknown mechanism";
    case syntax_errc::unwanted_argument: return "an argument where none may be";
    case syntax_errc::missing_argument: return "a mechanism without its argument";
    case syntax_errc::bad_modifier: return "a malformed modifier";
    case syntax_errc::repeated_modifier: return "a modifier that may be there only once";
    case syntax_errc::bad_macro: return "a malformed macro";
    case syntax_errc::zero_parts: return "a macro that keeps no part";
    case syntax_errc::explanation_macro: return "a macro that is allowed in explanations only";
    case syntax_errc::bad_domain_end: return "a domain that ends in no top-level label";
    case syntax_errc::bad_network: return "a malformed network address";
    case syntax_errc::bad_prefix_length: return "a malformed prefix length";
    }
    return {};
}

std::optional<syntax_error> check_macro_string(std::string_view text) {
    std::size_t literal_tail = 0;
    return check_pieces(text, wanted::any_macro, literal_tail);
}

std::optional<syntax_error> check_domain_spec(std::string_view text) {
    if (text.empty()) return syntax_error{syntax_errc::missing_argument, 0};
    std::size_t literal_tail = 0;
    if (const auto error = check_pieces(text, wanted::name_macro, literal_tail)) return error;
    if (literal_tail == text.size()) return std::nullopt; // ends in a macro
    const syntax_error bad_end{syntax_errc::bad_domain_end, literal_tail};
    std::string_view tail = text.substr(literal_tail);
    if (tail.back() == '.') tail.remove_suffix(1);
    const std::size_t dot = tail.rfind('.');
    if (dot == std::string_view::npos || !is_top_label(tail.substr(dot + 1))) return bad_end;
    return std::nullopt;
}

bool uses_macro(std::string_view text, char letter) {
    for (std::size_t at = text.find('%'); at < text.size(); at = text.find('%', at)) {
        const auto next = read_piece(text.substr(at));
        if (!next) return false;
        if (next->is == piece::kind::macro && next->letter == letter) return true;
        at += next->length;
    }
    return false;
}

std::string expand(std::string_view domain_spec, const macro_values& values) {
    std::string name;
    for (std::size_t at = 0; at < domain_spec.size();) {
        const std::size_t macro_at = std::min(domain_spec.find('%', at), domain_spec.size());
        append(name, domain_spec.substr(at, macro_at - at));
        at = macro_at;
        if (at == domain_spec.size()) break;
        const auto next = read_piece(domain_spec.substr(at));
        if (!next) break; // not well formed: see the contract
        at += next->length;
        if (next->is == piece::kind::escape) {
            append(name, next->literal);
            continue;
        }
        const std::string value = transformed(value_of(next->letter, values), *next);
        append(name, next->url ? url_escaped(value) : value);
    }
    if (name.ends_with('.')) name.pop_back();
    while (name.size() > expanded_name_max) {
        const std::size_t dot = name.find('.');
        name.erase(0, dot == std::string::npos ? dot : dot + 1);
    }
    return name;
}

} // namespace postern::protocol::spf
