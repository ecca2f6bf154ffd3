// Domains in one form, literals that are addresses, and the names that clients give themselves.
#include "protocol/smtp/grammar.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

const std::string label63(63, 'a');
const std::string label64(64, 'a');

// `length` octets of labels.
std::string domain_of(std::size_t length) {
    std::string domain;
    while (domain.size() + 64 < length) domain += std::string(63, 'a') + '.';
    return domain + std::string(length - domain.size(), 'b');
}

} // namespace

TEST_CASE("a domain is letters, digits and hyphens within its limits", "[domain]") {
    struct row {
        std::string text;
        bool good;
    };
    const auto [text, good] = GENERATE(values<row>({
        {"d.test", true},
        {"D.TEST", true},
        {"localhost", true},
        {"3com.test", true},
        {"a-b.test", true},
        {"r3---sn.test", true},
        {"a.b.c.d.e.f.test", true},
        {label63 + ".test", true},
        {label64 + ".test", false},
        {domain_of(255), true},
        {domain_of(256), false},
        {"", false},
        {".", false},
        {".test", false},
        {"d.test.", false},
        {"d..test", false},
        {"-d.test", false},
        {"d-.test", false},
        {"d.test-", false},
        {"d_e.test", false},
        {"_dmarc.d.test", false},
        {"d e.test", false},
        {"d.test ", false},
        {"d@e.test", false},
        {"d.te\0st"s, false},
        {"d\r\n.test", false},
        {"[192.0.2.1]", false},
        {"d/e.test", false},
        {"d:25", false},
    }));
    CAPTURE(text);
    CHECK(is_ldh_domain(text) == good);
    CHECK(canonical_domain(text, unicode::refuse).has_value() == good);
    CHECK(canonical_domain(text, unicode::allow).has_value() == good);
    if (good) CHECK(*canonical_domain(text, unicode::refuse) == to_lower(text));
}

TEST_CASE("a domain has one canonical form", "[domain]") {
    struct row {
        std::string_view text, canonical;
    };
    const auto [text, canonical] = GENERATE(values<row>({
        {"B\xc3\xbc"
         "cher.test",
         "xn--bcher-kva.test"},
        {"b\xc3\x9c"
         "CHER.test",
         "xn--bcher-kva.test"}, // capital U with diaeresis
        {"bu\xcc\x88"
         "cher.test",
         "xn--bcher-kva.test"}, // NFD
        {"xn--bcher-kva.test", "xn--bcher-kva.test"},
        {"XN--BCHER-KVA.TEST", "xn--bcher-kva.test"},
        {"fa\xc3\x9f.test", "xn--fa-hia.test"},                         // non-transitional: not fass
        {"\xd0\xb5\xd1\x85\xd0\xb0mple.test", "xn--mple-43d3a6i.test"}, // Cyrillic letters are not Latin ones
        {"\xe4\xbe\x8b\xe3\x81\x88.test", "xn--r8jz45g.test"},
        {"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d.test", "xn--9dbne9b.test"},
    }));
    CAPTURE(text);
    const auto domain = canonical_domain(text, unicode::allow);
    REQUIRE(domain.has_value());
    CHECK(*domain == canonical);
    CHECK(*canonical_domain(*domain, unicode::refuse) == canonical);
}

TEST_CASE("what is no domain says why and where", "[domain]") {
    struct row {
        std::string text;
        parse_errc what;
        std::size_t offset;
    };
    const auto r = GENERATE(values<row>({
        {"", parse_errc::empty, 0},
        {domain_of(256), parse_errc::too_long, 255},
        {std::string(1 << 20, 'a'), parse_errc::too_long, 255},
        {"d\x01.test", parse_errc::control, 1},
        {"d.te\0st"s, parse_errc::control, 4},
        {"d.test\x7f", parse_errc::control, 6},
        {"d.\xff.test", parse_errc::bad_utf8, 0},
        {"d.\xc0\xae.test", parse_errc::bad_utf8, 0}, // an overlong dot
        {"good.-bad.test", parse_errc::bad_domain, 5},
        {"d.test.", parse_errc::bad_domain, 7},
        {"a..test", parse_errc::bad_domain, 2},
        {"xn--a", parse_errc::bad_domain, 0},
        {"xn---", parse_errc::bad_domain, 0},
        {"xn--", parse_errc::bad_domain, 0},
        {"d.xn--a.test", parse_errc::bad_domain, 2},
        {"xn--bcher-kva8", parse_errc::bad_domain, 0},
        {"xn--BCHER-", parse_errc::bad_domain, 0},
        {"xn--wxa.xn--.test", parse_errc::bad_domain, 8},
        {"xn--99999999999", parse_errc::bad_domain, 0},
        {"d.\xe2\x98\x83\xe2\x80\x8d.test", parse_errc::bad_domain, 2}, // a joiner where none may be
        {"\xef\xbd\x84.test", parse_errc::bad_domain, 0},               // fullwidth d only maps to d
        {"d\xc2\xad.test", parse_errc::bad_domain, 0},                  // a soft hyphen
        {"d\xe3\x80\x82test", parse_errc::bad_domain, 0},               // an ideographic full stop
        {"\xe2\x84\xaa.test", parse_errc::bad_domain, 0},               // the Kelvin sign
        {"\xc3\xbc_.test", parse_errc::bad_domain, 0},
        {"-\xc3\xbc.test", parse_errc::bad_domain, 0},
        {"192.0.2.1", parse_errc::bad_domain, 8}, // look-ups would take it for an address
        {"12345", parse_errc::bad_domain, 0},
        {"d.0", parse_errc::bad_domain, 2},
    }));
    CAPTURE(r.text.substr(0, 80));
    const auto domain = canonical_domain(r.text, unicode::allow);
    REQUIRE(domain.has_error());
    CHECK(domain.error().what == r.what);
    CHECK(domain.error().offset == r.offset);
}

TEST_CASE("a U-label needs SMTPUTF8", "[domain]") {
    const auto domain = canonical_domain("d.b\xc3\xbc.test", unicode::refuse);
    REQUIRE(domain.has_error());
    CHECK(domain.error().what == parse_errc::needs_smtputf8);
    CHECK(domain.error().offset == 3);
    CHECK(canonical_domain("\xff", unicode::refuse).error().what == parse_errc::needs_smtputf8);
}

TEST_CASE("a U-label whose A-label is too long is refused", "[domain]") {
    std::string many;
    for (int i = 0; i < 31; ++i) many += "\xc3\xbc";
    CHECK(canonical_domain(many + ".test", unicode::allow).has_value());
    for (int i = 0; i < 40; ++i) many += "\xc3\xbc";
    CHECK(canonical_domain(many + ".test", unicode::allow).error().what == parse_errc::bad_domain);
}

TEST_CASE("a literal is an address in brackets", "[literal]") {
    struct row {
        std::string_view text, canonical;
    };
    const auto [text, canonical] = GENERATE(values<row>({
        {"[192.0.2.1]", "[192.0.2.1]"},
        {"[IPv6:2001:DB8::1]", "[IPv6:2001:db8::1]"},
        {"[ipv6:2001:db8:0:0::1]", "[IPv6:2001:db8::1]"},
        {"[IPv6:::1]", "[IPv6:::1]"},
        {"[IPv6:::ffff:192.0.2.1]", "[192.0.2.1]"},
        {"[127.0.0.1]", "[127.0.0.1]"},
        {"", ""},
        {"[]", ""},
        {"[", ""},
        {"]", ""},
        {"192.0.2.1", ""},
        {"[192.0.2.1", ""},
        {"192.0.2.1]", ""},
        {"[[192.0.2.1]]", ""},
        {"[192.0.2.1] ", ""},
        {"[ 192.0.2.1]", ""},
        {"[192.0.2.256]", ""},
        {"[192.0.2.01]", ""},
        {"[192.0.2]", ""},
        {"[::1]", ""},
        {"[IPv6:192.0.2.1]", ""},
        {"[IPv6:]", ""},
        {"[IPv6::1]", ""},
        {"[IPv4:192.0.2.1]", ""},
        {"[IPv6:fe80::1%eth0]", ""},
        {"[d.test]", ""},
        {"[x400:c=us]", ""},
        {"[192.0.2.1\0]"sv, ""},
    }));
    CAPTURE(text);
    const auto literal = canonical_literal(text);
    CHECK(literal.has_value() == !canonical.empty());
    if (literal.has_value()) CHECK(*literal == canonical);
}

TEST_CASE("a client may call itself what it likes in one printable word", "[helo]") {
    struct row {
        std::string text;
        bool well_formed;
    };
    const auto [text, well_formed] = GENERATE(values<row>({
        {"client.test", true},
        {"CLIENT.test", true},
        {"localhost", true},
        {"[192.0.2.1]", true},
        {"[IPv6:2001:db8::1]", true},
        {"xn--bcher-kva.test", true},
        {domain_of(255), true},
        {"192.0.2.1", false},
        {"my_pc", false},
        {"client.test.", false},
        {"[192.0.2.1", false},
        {"-", false},
        {"x\"},\"evil\":\"1", false}, // taken, and escaped wherever it is written
        {"%n%s", false},
        {"xn--a", false},
        {std::string(255, '!'), false},
    }));
    CAPTURE(text);
    const auto helo = parse_helo(text);
    REQUIRE(helo.has_value());
    CHECK(helo->name == text);
    CHECK(helo->well_formed == well_formed);
}

TEST_CASE("an EHLO argument that is not one printable word is refused", "[helo]") {
    struct row {
        std::string text;
        parse_errc what;
    };
    const auto [text, what] = GENERATE(values<row>({
        {"", parse_errc::empty},
        {std::string(256, 'a'), parse_errc::too_long},
        {"a b", parse_errc::trailing},
        {" a", parse_errc::trailing},
        {"a\tb", parse_errc::control},
        {"a\0b"s, parse_errc::control},
        {"a\x1b[2J", parse_errc::control},
        {"a\x7f", parse_errc::control},
        {"b\xc3\xbc.test", parse_errc::control},
        {"\xff", parse_errc::control},
    }));
    CAPTURE(text);
    const auto helo = parse_helo(text);
    REQUIRE(helo.has_error());
    CHECK(helo.error().what == what);
}
