// Names from text and from messages. Whatever builds a name goes through `builder`, which alone knows the
// limits. Reading follows pointers backwards only, so it ends; the number of jumps is bounded as well, so
// that a chain of pointers in every record can't make it slow.
#include "protocol/dns/name.hpp"

#include "protocol/net/ip_address.hpp"
#include "protocol/smtp/grammar.hpp"

#include <fmt/format.h>
#include <iterator>
#include <optional>

namespace postern::protocol {
namespace {

constexpr std::size_t header_size = 12;            // RFC 1035 §4.1.1: no name is in there
constexpr std::uint8_t kind_mask = 0xc0;           // the upper two bits of a length
constexpr std::uint8_t pointer_kind = 0xc0;        // RFC 1035 §4.1.4
constexpr std::string_view special = "\"$().;@\\"; // in zone files

std::uint8_t octet(char c) { return static_cast<std::uint8_t>(c); }

// Labels one after the other, without the root; the first error stays.
class builder {
  public:
    std::optional<dns_name_errc> add(std::string_view label) {
        if (label.empty()) return dns_name_errc::empty_label;
        if (label.size() > dns_label_max) return dns_name_errc::long_label;
        if (wire_.size() + 1 + label.size() + 1 > dns_name_max) return dns_name_errc::long_name;
        wire_ += static_cast<char>(label.size());
        wire_ += label;
        return std::nullopt;
    }
    std::string finished() && {
        wire_ += '\0';
        return std::move(wire_);
    }

  private:
    std::string wire_;
};

// The octet after a backslash at text[at - 1]; moves `at` behind what it took.
std::optional<char> unescaped(std::string_view text, std::size_t& at) {
    if (at == text.size()) return std::nullopt;
    if (!is_digit(text[at])) return text[at++];
    unsigned value = 0;
    for (const std::size_t end = at + 3; at < end; ++at) {
        if (at == text.size() || !is_digit(text[at])) return std::nullopt;
        value = value * 10 + static_cast<unsigned>(text[at] - '0');
    }
    if (value > 0xff) return std::nullopt;
    return static_cast<char>(value);
}

void append_printable(std::string& text, char c) {
    if (special.find(c) != std::string_view::npos) {
        text += '\\';
        text += c;
    } else if (c > ' ' && c <= '~') {
        text += c;
    } else {
        fmt::format_to(std::back_inserter(text), "\\{:03}", octet(c));
    }
}

} // namespace

result<dns_name, dns_name_errc> dns_name::parse(std::string_view text, dns_escapes escapes) {
    if (text.empty()) return dns_name_errc::empty;
    if (text == ".") return dns_name();
    builder made;
    std::string label;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at++];
        if (c == '.') {
            if (const auto error = made.add(label)) return *error;
            label.clear();
        } else if (c == '\\' && escapes == dns_escapes::read) {
            const auto meant = unescaped(text, at);
            if (!meant) return dns_name_errc::bad_escape;
            label += *meant;
        } else {
            label += c;
        }
    }
    if (label.empty()) return dns_name(std::move(made).finished()); // after a final dot
    if (const auto error = made.add(label)) return *error;
    return dns_name(std::move(made).finished());
}

result<dns_name::from_wire, dns_name_errc> dns_name::read(std::span<const std::uint8_t> message,
                                                          std::size_t offset) {
    builder made;
    std::optional<std::size_t> end; // known at the first pointer
    std::size_t at = offset, run = offset, jumps = 0;
    while (at < message.size()) {
        const std::uint8_t length = message[at++];
        if (length == 0) return from_wire{dns_name(std::move(made).finished()), end.value_or(at)};
        if ((length & kind_mask) == 0) {
            if (message.size() - at < length) return dns_name_errc::cut_short;
            const auto* label = reinterpret_cast<const char*>(message.data() + at);
            if (const auto error = made.add({label, length})) return *error;
            at += length;
            continue;
        }
        if ((length & kind_mask) != pointer_kind) return dns_name_errc::bad_label_type;
        if (at == message.size()) return dns_name_errc::cut_short;
        const std::size_t target = (length & ~kind_mask & 0xffU) * 256U + message[at++];
        // Into the labels since `run` would come back here for ever.
        if (target < header_size || target >= run || ++jumps > dns_jumps_max)
            return dns_name_errc::bad_pointer;
        if (!end) end = at;
        at = run = target;
    }
    return dns_name_errc::cut_short;
}

// A length is at most 63 and "A" is 65, so lengths are not taken for letters, here and in ==.
std::string dns_name::key() const { return to_lower(wire_); }

std::string dns_name::to_string() const {
    if (is_root()) return ".";
    std::string text;
    for (std::size_t at = 0; wire_[at] != '\0'; at += 1 + octet(wire_[at])) {
        if (at != 0) text += '.';
        for (const char c : std::string_view(wire_).substr(at + 1, octet(wire_[at])))
            append_printable(text, c);
    }
    return text;
}

bool operator==(const dns_name& a, const dns_name& b) { return equals_ignoring_case(a.wire_, b.wire_); }

result<dns_name, dns_name_errc> join(const dns_name& below, const dns_name& parent) {
    const std::size_t size = below.wire_.size() - 1;
    if (size + parent.wire_.size() > dns_name_max) return dns_name_errc::long_name;
    return dns_name(below.wire_.substr(0, size) + parent.wire_);
}

bool lies_in(const dns_name& name, const dns_name& parent) {
    std::string_view rest = name.wire_;
    while (rest.size() > parent.wire_.size()) rest.remove_prefix(1 + octet(rest.front()));
    return equals_ignoring_case(rest, parent.wire_);
}

result<dns_name, dns_name_errc> reverse_name(const ip_address& address, const dns_name& zone) {
    std::string labels;
    const auto bytes = address.bytes();
    for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
        if (address.is_v4())
            fmt::format_to(std::back_inserter(labels), "{}.", *byte);
        else
            fmt::format_to(std::back_inserter(labels), "{:x}.{:x}.", *byte & 0xfU, *byte >> 4U);
    }
    return join(*dns_name::parse(labels), zone);
}

dns_name reverse_name(const ip_address& address) {
    return *reverse_name(address, *dns_name::parse(address.is_v4() ? "in-addr.arpa" : "ip6.arpa"));
}

} // namespace postern::protocol
