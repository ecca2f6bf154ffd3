// A term is told by the first of ":", "/" and "=" in it: "=" makes it a modifier (§4.6.1).
#include "protocol/spf/record.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>

namespace postern::protocol::spf {
namespace {

constexpr std::string_view version = "v=spf1";
constexpr unsigned prefix4_max = 32;
constexpr unsigned prefix6_max = 128;

using failure = std::optional<syntax_error>;

struct mechanism_name {
    std::string_view name;
    mechanism kind;
};
constexpr std::array<mechanism_name, 8> mechanisms{{
    {"all", mechanism::all},
    {"include", mechanism::include},
    {"a", mechanism::a},
    {"mx", mechanism::mx},
    {"ptr", mechanism::ptr},
    {"ip4", mechanism::ip4},
    {"ip6", mechanism::ip6},
    {"exists", mechanism::exists},
}};

bool is_alpha(char c) { return to_lower(c) >= 'a' && to_lower(c) <= 'z'; }

// What may stand in a name of a modifier after its first letter.
bool is_name_octet(char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_' || c == '.'; }

std::optional<qualifier> qualifier_of(char c) {
    switch (c) {
    case '+': return qualifier::pass;
    case '-': return qualifier::fail;
    case '~': return qualifier::softfail;
    case '?': return qualifier::neutral;
    }
    return std::nullopt;
}

// Digits without a leading zero.
std::optional<std::uint8_t> read_prefix_length(std::string_view digits, unsigned max) {
    if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits.front() == '0'))
        return std::nullopt;
    const auto length = parse_number(digits);
    if (!length || *length > max) return std::nullopt;
    return static_cast<std::uint8_t>(*length);
}

class reader {
  public:
    explicit reader(std::string_view text) { made_.text = text; }

    result<record, syntax_error> read() {
        const std::string_view text = made_.text;
        for (std::size_t at = version.size(); at < text.size();) {
            if (text[at] == ' ') {
                ++at;
                continue;
            }
            const std::size_t end = std::min(text.find(' ', at), text.size());
            if (const failure error = term(at, end)) return *error;
            at = end;
        }
        return std::move(made_);
    }

  private:
    std::string_view of(std::size_t from, std::size_t end) const {
        return std::string_view(made_.text).substr(from, end - from);
    }
    static slice between(std::size_t from, std::size_t end) {
        return {static_cast<std::uint16_t>(from), static_cast<std::uint16_t>(end - from)};
    }
    static failure fault(syntax_errc what, std::size_t at) { return syntax_error{what, at}; }

    failure term(std::size_t from, std::size_t end) {
        const std::size_t sign = from + std::min(of(from, end).find_first_of(":/="), end - from);
        if (sign < end && made_.text[sign] == '=') return modifier(from, sign, end);
        directive made;
        if (const auto given = qualifier_of(made_.text[from])) {
            made.on_match = *given;
            ++from;
        }
        const std::string_view name = of(from, sign);
        const auto* const row = std::find_if(mechanisms.begin(), mechanisms.end(), [&](const auto& one) {
            return equals_ignoring_case(one.name, name);
        });
        if (row == mechanisms.end()) return fault(syntax_errc::unknown_mechanism, from);
        made.kind = row->kind;
        made.text = between(from, end);
        if (const failure error = argument(made, sign, end)) return error;
        made_.directives.push_back(made);
        return std::nullopt;
    }

    // What follows the name of a mechanism.
    failure argument(directive& made, std::size_t from, std::size_t end) {
        switch (made.kind) {
        case mechanism::all: return from == end ? std::nullopt : fault(syntax_errc::unwanted_argument, from);
        case mechanism::include:
        case mechanism::exists:
            if (from == end) return fault(syntax_errc::missing_argument, from);
            return domain(made, from, end);
        case mechanism::ptr: return domain(made, from, end);
        case mechanism::a:
        case mechanism::mx:
            if (const failure error = dual_prefix(made, from, end)) return error;
            return domain(made, from, end);
        case mechanism::ip4:
        case mechanism::ip6: return network(made, from, end);
        }
        return std::nullopt;
    }

    // [ ":" domain-spec ]
    failure domain(directive& made, std::size_t from, std::size_t end) {
        if (from == end) return std::nullopt;
        if (made_.text[from] != ':') return fault(syntax_errc::unwanted_argument, from);
        return domain_spec(made.domain_spec, from + 1, end);
    }

    failure domain_spec(slice& made, std::size_t from, std::size_t end) {
        if (const failure error = check_domain_spec(of(from, end)))
            return fault(error->what, from + error->offset);
        made = between(from, end);
        return std::nullopt;
    }

    // [ ip4-cidr-length ] [ "/" ip6-cidr-length ] is taken off the end: a "/" of the domain-spec itself can't
    // be followed by digits alone, for a name doesn't end so.
    failure dual_prefix(directive& made, std::size_t from, std::size_t& end) {
        if (const failure error = prefix_at_end(made.prefix6, "//", prefix6_max, from, end)) return error;
        return prefix_at_end(made.prefix4, "/", prefix4_max, from, end);
    }

    failure prefix_at_end(std::uint8_t& prefix, std::string_view sign, unsigned max, std::size_t from,
                          std::size_t& end) {
        const std::string_view rest = of(from, end);
        const std::size_t digits = rest.find_last_not_of("0123456789") + 1;
        if (digits < sign.size() || rest.substr(digits - sign.size(), sign.size()) != sign)
            return std::nullopt;
        const auto length = read_prefix_length(rest.substr(digits), max);
        if (!length) return fault(syntax_errc::bad_prefix_length, from + digits);
        prefix = *length;
        end = from + digits - sign.size();
        return std::nullopt;
    }

    failure network(directive& made, std::size_t from, std::size_t end) {
        if (from == end || made_.text[from] != ':') return fault(syntax_errc::missing_argument, from);
        ++from;
        const std::size_t slash = std::min(of(from, end).find('/'), end - from) + from;
        const std::string_view text = of(from, slash);
        const bool v4 = made.kind == mechanism::ip4;
        const auto address = ip_address::parse(text);
        if (!address || v4 != (text.find(':') == std::string_view::npos))
            return fault(syntax_errc::bad_network, from);
        const auto bytes = address->bytes();
        auto to = made.network.begin();
        if (!v4 && address->is_v4()) { // it was written as ::ffff:a.b.c.d
            made.network[10] = made.network[11] = 0xff;
            to += 12;
        }
        std::copy(bytes.begin(), bytes.end(), to);
        if (slash == end) return std::nullopt;
        const auto length = read_prefix_length(of(slash + 1, end), v4 ? prefix4_max : prefix6_max);
        if (!length) return fault(syntax_errc::bad_prefix_length, slash + 1);
        (v4 ? made.prefix4 : made.prefix6) = *length;
        return std::nullopt;
    }

    failure modifier(std::size_t from, std::size_t sign, std::size_t end) {
        const std::string_view name = of(from, sign);
        if (name.empty() || !is_alpha(name.front()) || !std::all_of(name.begin(), name.end(), is_name_octet))
            return fault(syntax_errc::bad_modifier, from);
        if (equals_ignoring_case(name, "redirect")) return only_once(made_.redirect, from, sign + 1, end);
        if (equals_ignoring_case(name, "exp")) return only_once(made_.explanation, from, sign + 1, end);
        if (const failure error = check_macro_string(of(sign + 1, end)))
            return fault(error->what, sign + 1 + error->offset);
        return std::nullopt;
    }

    failure only_once(slice& made, std::size_t term_at, std::size_t from, std::size_t end) {
        if (!made.empty()) return fault(syntax_errc::repeated_modifier, term_at);
        return domain_spec(made, from, end);
    }

    record made_;
};

bool same_bits(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, unsigned bits) {
    const std::size_t whole = bits / 8;
    if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) return false;
    if (bits % 8 == 0) return true;
    return ((a[whole] ^ b[whole]) >> (8 - bits % 8)) == 0;
}

bool is_record(std::string_view text) {
    return equals_ignoring_case(text.substr(0, version.size()), version) &&
           (text.size() == version.size() || text[version.size()] == ' ');
}

} // namespace

selection select_record(std::span<const std::string> texts) {
    selection made;
    for (const std::string& text : texts) {
        if (!is_record(text)) continue;
        if (made.found == selected::one) return {selected::several, {}};
        made = {selected::one, text};
    }
    return made;
}

result<record, syntax_error> parse_record(std::string_view text) {
    if (text.size() > record_octets_max) return syntax_error{syntax_errc::record_too_long, record_octets_max};
    if (!is_record(text)) return syntax_error{syntax_errc::unknown_mechanism, 0};
    return reader(text).read();
}

bool same_network(const ip_address& a, const ip_address& b, std::uint8_t prefix4, std::uint8_t prefix6) {
    return a.is_v4() == b.is_v4() && same_bits(a.bytes(), b.bytes(), a.is_v4() ? prefix4 : prefix6);
}

bool holds(const directive& network, const ip_address& client) {
    if (client.is_v4() != (network.kind == mechanism::ip4)) return false;
    return same_bits(network.network, client.bytes(), client.is_v4() ? network.prefix4 : network.prefix6);
}

} // namespace postern::protocol::spf
