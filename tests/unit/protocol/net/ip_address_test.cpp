// Addresses as text and bytes: what is refused, what is one client, and RFC 5952's spelling.
#include "protocol/net/ip_address.hpp"

#include <catch2/catch.hpp>

using postern::protocol::ip_address;

namespace {

std::string spelled(std::string_view text) {
    const auto address = ip_address::parse(text);
    return address ? address->to_string() : "refused";
}

} // namespace

TEST_CASE("an address has one spelling", "[ip_address]") {
    struct row {
        std::string_view text, canonical;
    };
    const auto [text, canonical] = GENERATE(values<row>({
        {"0.0.0.0", "0.0.0.0"},
        {"192.0.2.1", "192.0.2.1"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:DB8::A", "2001:db8::a"},
        {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, // one zero group is not shortened
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},          // the longest run is
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},    // the first of equal ones is
        {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
        {"0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"},
        {"::1:2", "::1:2"}, // not ::0.1.0.2
        {"64:ff9b::192.0.2.1", "64:ff9b::c000:201"},
        {"fe80:0:0:0:1::", "fe80::1:0:0:0"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
    }));
    CAPTURE(text);
    CHECK(spelled(text) == canonical);
    CHECK(spelled(canonical) == canonical);
}

TEST_CASE("what is no address is refused", "[ip_address]") {
    const std::string_view text = GENERATE(values<std::string_view>({"",
                                                                     " ",
                                                                     "1",
                                                                     "1.2.3",
                                                                     "1.2.3.4.5",
                                                                     "1.2.3.256",
                                                                     "1.2.3.4 ",
                                                                     " 1.2.3.4",
                                                                     "01.2.3.4",
                                                                     "1.2.3.04",
                                                                     "0x7f.0.0.1",
                                                                     "127.1",
                                                                     "2130706433",
                                                                     "1.2.3.-4",
                                                                     "1.2.3.+4",
                                                                     "1..3.4",
                                                                     "1.2.3.",
                                                                     ":",
                                                                     ":::",
                                                                     "1::2::3",
                                                                     "1:2:3:4:5:6:7",
                                                                     "1:2:3:4:5:6:7:8:9",
                                                                     "12345::",
                                                                     "g::",
                                                                     "[::1]",
                                                                     "::1%eth0",
                                                                     "::1/64",
                                                                     "1.2.3.4:25",
                                                                     "::ffff:1.2.3",
                                                                     "::ffff:1.2.3.256",
                                                                     "1.2.3.4::",
                                                                     ":1:2:3:4:5:6:7",
                                                                     "localhost",
                                                                     "1:2:3:4:5:6:7:",
                                                                     "::1 "}));
    CAPTURE(text);
    CHECK_FALSE(ip_address::parse(text));
}

TEST_CASE("a NUL does not hide what follows it", "[ip_address]") {
    CHECK_FALSE(ip_address::parse(std::string_view("1.2.3.4\0", 8)));
    CHECK_FALSE(ip_address::parse(std::string_view("1.2.3.4\0.evil", 13)));
    CHECK_FALSE(ip_address::parse(std::string_view("::1\0", 4)));
}

TEST_CASE("the text is read up to its view's end only", "[ip_address]") {
    const std::string_view longer = "192.0.2.123";
    CHECK(spelled(longer.substr(0, 9)) == "192.0.2.1");
}

TEST_CASE("endless text is refused without being read", "[ip_address]") {
    CHECK_FALSE(ip_address::parse(std::string(1 << 20, '1')));
    CHECK_FALSE(ip_address::parse(std::string(1 << 20, ':')));
    CHECK(spelled("0000:0000:0000:0000:0000:ffff:255.255.255.255") ==
          "255.255.255.255"); // the longest there is
}

TEST_CASE("an IPv4 client is one client whichever socket it came in by", "[ip_address]") {
    const auto plain = ip_address::parse("192.0.2.1");
    for (const char* text : {"::ffff:192.0.2.1", "::FFFF:c000:0201", "0:0:0:0:0:ffff:192.0.2.1"}) {
        CAPTURE(text);
        const auto mapped = ip_address::parse(text);
        REQUIRE(mapped);
        CHECK(mapped->is_v4());
        CHECK(*mapped == *plain);
    }
    const auto compatible = ip_address::parse("::192.0.2.1"); // deprecated, and another address
    REQUIRE(compatible);
    CHECK_FALSE(compatible->is_v4());
    CHECK(*compatible != *plain);
}

TEST_CASE("bytes go in and out in network order", "[ip_address]") {
    const std::array<std::uint8_t, 4> four{192, 0, 2, 1};
    const ip_address v4 = ip_address::v4(four);
    CHECK(v4.to_string() == "192.0.2.1");
    CHECK(std::equal(v4.bytes().begin(), v4.bytes().end(), four.begin(), four.end()));

    const std::array<std::uint8_t, 16> sixteen{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 1};
    const ip_address v6 = ip_address::v6(sixteen);
    CHECK(v6.to_string() == "2001:db8::ff01");
    CHECK(v6.bytes().size() == 16);
    CHECK(std::equal(v6.bytes().begin(), v6.bytes().end(), sixteen.begin(), sixteen.end()));

    const std::array<std::uint8_t, 16> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1};
    CHECK(ip_address::v6(mapped) == *ip_address::parse("10.0.0.1"));
}

TEST_CASE("literals are what RFC 5321 wants after an at sign", "[ip_address]") {
    CHECK(ip_address::parse("192.0.2.1")->to_literal() == "[192.0.2.1]");
    CHECK(ip_address::parse("2001:DB8::1")->to_literal() == "[IPv6:2001:db8::1]");
    CHECK(ip_address::parse("::ffff:192.0.2.1")->to_literal() == "[192.0.2.1]");
    CHECK(ip_address().to_literal() == "[0.0.0.0]");
}

TEST_CASE("families differ and addresses have an order", "[ip_address]") {
    CHECK(*ip_address::parse("0.0.0.0") != *ip_address::parse("::"));
    CHECK(*ip_address::parse("10.0.0.1") < *ip_address::parse("10.0.0.2"));
    CHECK(ip_address() == *ip_address::parse("0.0.0.0"));
}
