// Networks: their edges, and the mistakes a configuration makes.
#include "protocol/net/cidr.hpp"

#include <catch2/catch.hpp>

using postern::protocol::cidr;
using postern::protocol::ip_address;

TEST_CASE("a network holds its first and its last address and neither neighbour", "[cidr]") {
    struct row {
        std::string_view network, before, first, last, after;
    };
    const auto r = GENERATE(values<row>({
        {"192.0.2.0/24", "192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"},
        {"192.0.2.128/25", "192.0.2.127", "192.0.2.128", "192.0.2.255", "192.0.3.0"},
        {"10.0.0.0/8", "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
        {"172.16.0.0/12", "172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
        {"192.0.2.4/30", "192.0.2.3", "192.0.2.4", "192.0.2.7", "192.0.2.8"},
        {"192.0.2.4/31", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"},
        {"192.0.2.4/32", "192.0.2.3", "192.0.2.4", "192.0.2.4", "192.0.2.5"},
        {"192.0.2.4", "192.0.2.3", "192.0.2.4", "192.0.2.4", "192.0.2.5"},
        {"128.0.0.0/1", "127.255.255.255", "128.0.0.0", "255.255.255.255", "::"},
        {"2001:db8::/32", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
         "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"},
        {"fe80::/10", "fe7f:ffff::", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::"},
        {"2001:db8::8/125", "2001:db8::7", "2001:db8::8", "2001:db8::f", "2001:db8::10"},
        {"::1", "::", "::1", "::1", "::2"},
    }));
    CAPTURE(r.network);
    const auto network = cidr::parse(r.network);
    REQUIRE(network);
    CHECK_FALSE(network->contains(*ip_address::parse(r.before)));
    CHECK(network->contains(*ip_address::parse(r.first)));
    CHECK(network->contains(*ip_address::parse(r.last)));
    CHECK_FALSE(network->contains(*ip_address::parse(r.after)));
}

TEST_CASE("everything of one family is nothing of the other", "[cidr]") {
    const auto v4 = cidr::parse("0.0.0.0/0");
    const auto v6 = cidr::parse("::/0");
    REQUIRE(v4);
    REQUIRE(v6);
    CHECK(v4->contains(*ip_address::parse("203.0.113.9")));
    CHECK(v4->contains(*ip_address::parse("::ffff:203.0.113.9")));
    CHECK_FALSE(v4->contains(*ip_address::parse("::")));
    CHECK(v6->contains(*ip_address::parse("2001:db8::1")));
    CHECK_FALSE(v6->contains(*ip_address::parse("0.0.0.0")));
}

TEST_CASE("a network that cannot be meant is refused", "[cidr]") {
    const std::string_view text = GENERATE(values<std::string_view>({"",
                                                                     "/",
                                                                     "/8",
                                                                     "10.0.0.1/8",
                                                                     "192.0.2.1/24",
                                                                     "192.0.2.1/31",
                                                                     "2001:db8::1/32",
                                                                     "10.0.0.0/33",
                                                                     "::/129",
                                                                     "10.0.0.0/",
                                                                     "10.0.0.0/-1",
                                                                     "10.0.0.0/+8",
                                                                     "10.0.0.0/ 8",
                                                                     "10.0.0.0/8 ",
                                                                     "10.0.0.0/08",
                                                                     "10.0.0.0/00",
                                                                     "10.0.0.0/8/8",
                                                                     "10.0.0.0/4294967304",
                                                                     "10.0.0.0/0x8",
                                                                     "10.0.0/8",
                                                                     "10/8",
                                                                     "a/8",
                                                                     "[::1]/128",
                                                                     "10.0.0.0/255.0.0.0",
                                                                     "128.0.0.0/0",
                                                                     "::ffff:0.0.0.0/95",
                                                                     "::ffff:10.0.0.1/104"}));
    CAPTURE(text);
    CHECK_FALSE(cidr::parse(text));
}

TEST_CASE("a mapped network is the IPv4 network", "[cidr]") {
    CHECK(*cidr::parse("::ffff:10.0.0.0/104") == *cidr::parse("10.0.0.0/8"));
    CHECK(*cidr::parse("::ffff:0:0/96") == *cidr::parse("0.0.0.0/0"));
    CHECK(*cidr::parse("::ffff:192.0.2.1") == *cidr::parse("192.0.2.1/32"));
}

TEST_CASE("a network prints as it is written", "[cidr]") {
    for (const char* text : {"192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32", "::1/128", "192.0.2.1/32"}) {
        CHECK(cidr::parse(text)->to_string() == text);
    }
    CHECK(cidr::parse("192.0.2.1")->to_string() == "192.0.2.1/32");
    CHECK(cidr::parse("2001:DB8:0::/48")->to_string() == "2001:db8::/48");
    CHECK(*cidr::parse("10.0.0.0/8") != *cidr::parse("10.0.0.0/9"));
}

TEST_CASE("a network tells its first address and its leading bits", "[cidr]") {
    CHECK(cidr::parse("192.0.2.128/25")->address() == ip_address::parse("192.0.2.128"));
    CHECK(cidr::parse("192.0.2.128/25")->prefix() == 25);
    CHECK(cidr::parse("2001:db8::/32")->prefix() == 32);
    CHECK(cidr::parse("::ffff:192.0.2.0/120")->prefix() == 24);
}
