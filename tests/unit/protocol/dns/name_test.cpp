// Names of DNS: that no octet of a label becomes part of another name, that reading ends whatever the
// pointers say, and what is the same name, below another, or the reverse of an address.
#include "protocol/dns/name.hpp"
#include "protocol/net/ip_address.hpp"

#include <catch2/catch.hpp>
#include <vector>

using postern::protocol::dns_escapes;
using postern::protocol::dns_name;
using postern::protocol::dns_name_errc;
using postern::protocol::ip_address;
using postern::protocol::lies_in;
using postern::protocol::reverse_name;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

using errc = dns_name_errc;

dns_name name(std::string_view text) {
    const auto parsed = dns_name::parse(text);
    REQUIRE(parsed.has_value());
    return *parsed;
}

std::string shown(errc error) { return "error " + std::to_string(static_cast<int>(error)); }

// A message of its own storage, so that AddressSanitizer sees a read beyond it.
std::string read_at(const std::string& text, std::size_t offset) {
    const std::vector<std::uint8_t> message(text.begin(), text.end());
    const auto read = dns_name::read(message, offset);
    return read ? read->name.to_string() + " " + std::to_string(read->end) : shown(read.error());
}

const std::string header(12, '\x01'); // as labels it would read well
const std::string label63(63, 'a');

} // namespace

TEST_CASE("a name of text is the same name on the wire and in text again", "[dns_name]") {
    struct row {
        std::string_view what, text, wire, again;
    };
    const auto r = GENERATE(values<row>({
        {"the root", ".", "\0"sv, "."},
        {"one label", "example", "\7example\0"sv, "example"},
        {"a final dot says nothing more", "example.", "\7example\0"sv, "example"},
        {"case is kept", "Ex.AMPLE", "\2Ex\5AMPLE\0"sv, "Ex.AMPLE"},
        {"a dot in a label", "a\\.b.c", "\3a.b\1c\0"sv, "a\\.b.c"},
        {"a dot by number", "a\\046b.c", "\3a.b\1c\0"sv, "a\\.b.c"},
        {"a backslash", "a\\\\b", "\3a\\b\0"sv, "a\\\\b"},
        {"a NUL", "a\\000b", "\3a\0b\0"sv, "a\\000b"},
        {"a blank", "a\\032b", "\3a b\0"sv, "a\\032b"},
        {"a blank that stands for itself", "a b", "\3a b\0"sv, "a\\032b"},
        {"a line end", "a\\013\\010b", "\4a\r\nb\0"sv, "a\\013\\010b"},
        {"DEL", "\\127", "\1\x7f\0"sv, "\\127"},
        {"an octet above ASCII", "\\255", "\1\xff\0"sv, "\\255"},
        {"UTF-8 as it is", "\xc3\xa4", "\2\xc3\xa4\0"sv, "\\195\\164"},
        {"a parenthesis could end a comment of a header", "a\\)b", "\3a)b\0"sv, "a\\)b"},
        {"what zone files find special", "\\\"\\$\\(\\)\\;\\@", "\6\"$();@\0"sv, "\\\"\\$\\(\\)\\;\\@"},
        {"an escape that needed none", "\\e\\x", "\2ex\0"sv, "ex"},
        {"service labels", "_25._tcp.mx", "\3_25\4_tcp\2mx\0"sv, "_25._tcp.mx"},
        {"RFC 2317", "0/25.2.0.192",
         "\4"
         "0/25\1"
         "2\1"
         "0\3"
         "192\0"sv,
         "0/25.2.0.192"},
    }));
    INFO(r.what);
    CHECK(name(r.text).wire() == r.wire);
    CHECK(name(r.text).to_string() == r.again);
    CHECK(name(r.again).wire() == r.wire);
    CHECK(read_at(header + std::string(r.wire), 12) ==
          std::string(r.again) + " " + std::to_string(12 + r.wire.size()));
}

TEST_CASE("text that is no name is refused", "[dns_name]") {
    struct row {
        std::string_view what;
        std::string text;
        errc error;
    };
    const std::string three = label63 + "." + label63 + "." + label63 + ".";
    const auto r = GENERATE_COPY(values<row>({
        {"nothing", "", errc::empty},
        {"two dots", "..", errc::empty_label},
        {"an empty label in front", ".a", errc::empty_label},
        {"an empty label within", "a..b", errc::empty_label},
        {"two dots at the end", "a..", errc::empty_label},
        {"a label of 64", label63 + "a", errc::long_label},
        {"a label of 64 within", label63 + "a.b", errc::long_label},
        {"a name of 256", three + std::string(62, 'b'), errc::long_name},
        {"a name far too long", three + three, errc::long_name},
        {"a backslash at the end", "a\\", errc::bad_escape},
        {"an escape of two digits", "a\\12", errc::bad_escape},
        {"an escape of two digits and a letter", "a\\12b", errc::bad_escape},
        {"256 is no octet", "\\256", errc::bad_escape},
        {"999 is no octet", "\\999", errc::bad_escape},
    }));
    INFO(r.what);
    const auto parsed = dns_name::parse(r.text);
    REQUIRE(!parsed);
    CHECK(parsed.error() == r.error);
}

TEST_CASE("a name has 255 octets on the wire and a label 63, and not one more", "[dns_name]") {
    const std::string longest = label63 + "." + label63 + "." + label63 + "." + std::string(61, 'b');
    CHECK(name(longest).wire().size() == 255);
    CHECK(name(longest + ".").wire().size() == 255);
    std::string many;
    for (int i = 0; i < 127; ++i) many += "a.";
    CHECK(name(many).wire().size() == 255);
    CHECK(!dns_name::parse(many + "a"));
}

TEST_CASE("text that others made up has no escapes when that is asked", "[dns_name]") {
    const auto literal = dns_name::parse("a\\.b\\", dns_escapes::none);
    REQUIRE(literal.has_value());
    CHECK(literal->wire() == "\2a\\\2b\\\0"sv);
    CHECK(literal->to_string() == "a\\\\.b\\\\");
}

TEST_CASE("a compressed name is read to its end, and the message goes on after its pointer", "[dns_name]") {
    struct row {
        std::string_view what;
        std::string after_header;
        std::size_t offset;
        std::string_view expected;
    };
    const auto r = GENERATE(values<row>({
        {"a pointer alone", "\3com\0\xc0\x0c"s, 17, "com 19"},
        {"a label and a pointer", "\3com\0\1a\xc0\x0c"s, 17, "a.com 21"},
        {"a pointer to a name that ends in a pointer", "\3com\0\1a\xc0\x0c\1b\xc0\x11"s, 21, "b.a.com 25"},
        {"a pointer to a pointer", "\3com\0\xc0\x0c\xc0\x11"s, 19, "com 21"},
        {"into the middle of a name", "\1a\3com\0\1b\xc0\x0e"s, 19, "b.com 23"},
        {"to a root", "\0\1a\xc0\x0c"s, 13, "a 17"},
        {"what follows is not looked at", "\3com\0\xff\xff"s, 12, "com 17"},
    }));
    INFO(r.what);
    CHECK(read_at(header + r.after_header, r.offset) == r.expected);
}

TEST_CASE("a pointer reaches the last octet that 14 bits can say", "[dns_name]") {
    std::string message = header;
    message.resize(0x3fff - 2, 'x');
    message += "\1a\0\xff\xff"s; // at 0x3ffd: a label, at 0x3fff: the root
    CHECK(read_at(message + "\1b\xff\xff"s, message.size()) == "b " + std::to_string(message.size() + 4));
    CHECK(read_at(message + "\1b\xff\xfd"s, message.size()) == "b.a " + std::to_string(message.size() + 4));
}

TEST_CASE("a name on the wire that is none is refused", "[dns_name]") {
    struct row {
        std::string_view what;
        std::string after_header;
        std::size_t offset;
        errc error;
    };
    const std::string l63 = "\x3f" + label63;
    const auto r = GENERATE_COPY(values<row>({
        {"nothing is there", "", 12, errc::cut_short},
        {"it starts beyond the end", "", 4000, errc::cut_short},
        {"a label that has no octets", "\1"s, 12, errc::cut_short},
        {"a label that ends the message", "\3com"s, 12, errc::cut_short},
        {"a label cut short", "\4com"s, 12, errc::cut_short},
        {"half a pointer", "\1a\xc0"s, 12, errc::cut_short},
        {"a pointer onto itself", "\xc0\x0c"s, 12, errc::bad_pointer},
        {"a pointer to the start of its own name", "\1a\xc0\x0c"s, 12, errc::bad_pointer},
        {"a pointer into its own name", "\1a\1b\xc0\x0e"s, 12, errc::bad_pointer},
        {"two that point to each other", "\1a\xc0\x10\1b\xc0\x0c"s, 16, errc::bad_pointer},
        {"a pointer forwards", "\xc0\x0e\3com\0"s, 12, errc::bad_pointer},
        {"a pointer beyond the end", "\xff\xff"s, 12, errc::bad_pointer},
        {"a pointer into the header", "\1a\xc0\x0b"s, 12, errc::bad_pointer},
        {"a pointer to the message's first octet", "\xc0\x00"s, 12, errc::bad_pointer},
        {"forwards by way of backwards", "\xc0\x10\xc0\x0c\1a\0"s, 14, errc::bad_pointer},
        {"a label of 64", "\x40" + std::string(64, 'a') + "\0"s, 12, errc::bad_label_type},
        {"an extended label", "\x41" + std::string(64, 'a') + "\0"s, 12, errc::bad_label_type},
        {"a reserved label", "\x80"s + std::string(64, 'a') + "\0"s, 12, errc::bad_label_type},
        {"a name of 256", l63 + l63 + l63 + "\x3e" + std::string(62, 'b') + "\0"s, 12, errc::long_name},
        {"a name of 256 by way of a pointer",
         l63 + l63 + "\0"s + l63 + "\x3d" + std::string(61, 'b') + "\1c\xc0\x0c"s, 12 + 129, errc::long_name},
    }));
    INFO(r.what);
    CHECK(read_at(header + r.after_header, r.offset) == shown(r.error));
}

TEST_CASE("a name of 255 octets in two pieces is read", "[dns_name]") {
    const std::string l63 = "\x3f" + label63;
    const std::string message = header + l63 + l63 + "\0"s + l63 + "\x3d" + std::string(61, 'b') + "\xc0\x0c";
    const std::vector<std::uint8_t> bytes(message.begin(), message.end());
    const auto read = dns_name::read(bytes, 12 + 129);
    REQUIRE(read.has_value());
    CHECK(read->name.wire().size() == 255);
    CHECK(read->end == bytes.size());
}

TEST_CASE("a chain of pointers is followed 127 times and no more", "[dns_name]") {
    std::string message = header + "\1a\0"s;
    const auto point_to = [&](std::size_t target) {
        message += static_cast<char>(0xc0 + target / 256);
        message += static_cast<char>(target % 256);
    };
    point_to(12);
    for (int i = 1; i < 128; ++i) point_to(message.size() - 2);
    CHECK(read_at(message, 15 + 2 * 126) == "a " + std::to_string(15 + 2 * 127));
    CHECK(read_at(message, 15 + 2 * 127) == shown(errc::bad_pointer));
}

TEST_CASE("names are the same whatever the case of their ASCII letters", "[dns_name]") {
    struct row {
        std::string_view a, b;
        bool same;
    };
    const auto [a, b, same] = GENERATE(values<row>({
        {"example", "EXAMPLE", true},
        {"example", "example.", true},
        {".", ".", true},
        {"example", "exampl", false},
        {"a.b", "a\\.b", false},
        {"ab.c", "a.bc", false},
        {"a", ".", false},
        {"a\\000", "a", false},
        {"a\\000b", "a\\000c", false},
        {"\\196", "\\228", false}, // A-umlaut and a-umlaut in Latin-1
        {"\\064", "\\096", false}, // before "A", and before "a"
        {"\\091", "\\123", false}, // after "Z", and after "z"
    }));
    CAPTURE(a, b);
    CHECK((name(a) == name(b)) == same);
    CHECK((name(b) == name(a)) == same);
    CHECK((name(a).key() == name(b).key()) == same);
}

TEST_CASE("a name lies in its parents, label by label", "[dns_name]") {
    struct row {
        std::string_view name, parent;
        bool lies;
    };
    const auto r = GENERATE(values<row>({
        {"example.com", "example.com", true},
        {"a.example.com", "example.com", true},
        {"a.b.EXAMPLE.com", "example.COM", true},
        {"example.com", ".", true},
        {".", ".", true},
        {".", "com", false},
        {"com", "example.com", false},
        {"badexample.com", "example.com", false},
        {"bad\\.example.com", "example.com", false}, // one label that looks like two
        {"example.com", "a.example.com", false},
        {"example.com.evil", "example.com", false},
        {"a\\007example.com", "example.com", false}, // the octets of the wire, not at a label's start
        {"b\\.a.c", "a.c", false},
        {"a.org", "com", false},
    }));
    CAPTURE(r.name, r.parent);
    CHECK(lies_in(name(r.name), name(r.parent)) == r.lies);
}

TEST_CASE("names are put together while they fit", "[dns_name]") {
    CHECK(*join(name("_25._tcp"), name("mx.example")) == name("_25._tcp.mx.example"));
    CHECK(*join(name("."), name("a")) == name("a"));
    CHECK(*join(name("a"), name(".")) == name("a"));
    const std::string three = label63 + "." + label63 + "." + label63;
    CHECK(join(name(three), name(std::string(61, 'b')))->wire().size() == 255);
    CHECK(join(name(three), name(std::string(62, 'b'))).error() == errc::long_name);
}

TEST_CASE("an address is looked up backwards", "[dns_name]") {
    struct row {
        std::string_view address, zone, expected;
    };
    const auto r = GENERATE(values<row>({
        {"192.0.2.1", "", "1.2.0.192.in-addr.arpa"},
        {"255.0.128.9", "", "9.128.0.255.in-addr.arpa"},
        {"::ffff:192.0.2.1", "", "1.2.0.192.in-addr.arpa"},
        {"2001:db8::567:89ab", "",
         "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
        {"127.0.0.2", "dnsbl.example", "2.0.0.127.dnsbl.example"}, // RFC 5782 §5
        {"::FFFF:7F00:2", "dnsbl.example", "2.0.0.127.dnsbl.example"},
        {"2001:db8:1:2:3:4:567:89ab", "ugly.example.com", // RFC 5782 §2.4
         "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ugly.example.com"},
        {"1.2.3.4", ".", "4.3.2.1"},
    }));
    CAPTURE(r.address, r.zone);
    const auto address = ip_address::parse(r.address);
    REQUIRE(address.has_value());
    if (r.zone.empty())
        CHECK(reverse_name(*address).to_string() == r.expected);
    else
        CHECK(reverse_name(*address, name(r.zone))->to_string() == r.expected);
}

TEST_CASE("a zone too long for an address is told", "[dns_name]") {
    const dns_name zone = name(label63 + "." + label63 + "." + label63); // 193 octets
    CHECK(reverse_name(*ip_address::parse("1.2.3.4"), zone).has_value());
    CHECK(reverse_name(*ip_address::parse("::1"), zone).error() == errc::long_name);
}
