// A domain name as DNS has it: labels of any octets (RFC 2181 §11), compared without regard to the case of
// ASCII letters. Kept as octets of the wire, so that a dot, a NUL or a blank inside a label never becomes
// part of another name. A host name of mail is judged stricter: see canonical_domain in smtp/grammar.hpp.
#pragma once

#include "protocol/result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace postern::protocol {

class ip_address;

inline constexpr std::size_t dns_label_max = 63; // octets, RFC 1035 §2.3.4
inline constexpr std::size_t dns_name_max = 255; // octets on the wire, lengths and the root included
// More labels than this don't fit into a name, so no honest name is compressed more often.
inline constexpr std::size_t dns_jumps_max = 127;

enum class dns_name_errc {
    empty,       // no text at all; the root is "."
    empty_label, // "a..b", ".a"
    long_label,
    long_name,
    bad_escape,     // "\" at the end, "\12", "\256"
    cut_short,      // the message ends inside the name
    bad_label_type, // neither a label nor a pointer (RFC 1035 §4.1.4, RFC 6891 §5)
    bad_pointer,    // forwards, onto itself, into the header, or more than dns_jumps_max of them
};

// How the text of a name is to be understood.
enum class dns_escapes {
    read, // "\." is a dot inside a label, "\ddd" the octet of that decimal number (RFC 1035 §5.1)
    none, // a backslash is an octet like any other: text that somebody else made up
};

class dns_name {
  public:
    dns_name() = default; // the root

    // A final dot may be there or not. An octet that is neither dot nor backslash stands for itself.
    [[nodiscard]] static result<dns_name, dns_name_errc> parse(std::string_view text,
                                                               dns_escapes escapes = dns_escapes::read);

    // The name that starts at `offset` of a whole message, pointers followed (RFC 1035 §4.1.4); a pointer
    // leads before the labels that it ends, and not into the header. `message` may end where a record ends.
    struct from_wire;
    [[nodiscard]] static result<from_wire, dns_name_errc> read(std::span<const std::uint8_t> message,
                                                               std::size_t offset);

    bool is_root() const { return wire_.size() == 1; }

    // Uncompressed, in the case that it came in, with the root's zero; 1 to dns_name_max octets. Lives as
    // long as this object.
    std::string_view wire() const { return wire_; }
    // The same octets for equal names and for no others: wire() with ASCII letters in lower case.
    std::string key() const;
    // Printable ASCII without blanks, at most 4 * dns_name_max octets, no final dot; the root is ".". What is
    // special in a zone file has a backslash, other odd octets are "\ddd"; parse() makes the same name of it.
    std::string to_string() const;

    friend bool operator==(const dns_name& a, const dns_name& b);

    // `below` put in front of `parent`: "_25._tcp" and "mx.example" are "_25._tcp.mx.example".
    // Fails with long_name alone.
    friend result<dns_name, dns_name_errc> join(const dns_name& below, const dns_name& parent);
    // Is `name` equal to or below `parent`? Everything lies in the root.
    friend bool lies_in(const dns_name& name, const dns_name& parent);

  private:
    explicit dns_name(std::string wire) : wire_(std::move(wire)) {}

    std::string wire_ = std::string(1, '\0');
};

struct dns_name::from_wire {
    dns_name name;
    std::size_t end = 0; // offset of the octet after the name, where the record goes on
};

bool operator==(const dns_name& a, const dns_name& b);
[[nodiscard]] result<dns_name, dns_name_errc> join(const dns_name& below, const dns_name& parent);
bool lies_in(const dns_name& name, const dns_name& parent);

// Where an address is looked up in a zone of addresses: its octets (IPv4) or its nibbles (IPv6, RFC 3596
// §2.5) backwards, in front of the zone: RFC 5782 §2.1, §2.4. Fails with long_name alone.
[[nodiscard]] result<dns_name, dns_name_errc> reverse_name(const ip_address& address, const dns_name& zone);
// The same in in-addr.arpa (RFC 1035 §3.5) or ip6.arpa: where its PTR records are.
dns_name reverse_name(const ip_address& address);

} // namespace postern::protocol
