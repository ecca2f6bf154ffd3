// What a record is read into, and where a broken one is broken. Which records are well formed is the business
// of cases/syntax.txt.
#include "protocol/spf/record.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;
using namespace postern::protocol::spf;

namespace {

ip_address address(std::string_view text) { return *ip_address::parse(text); }

} // namespace

TEST_CASE("the terms of a record are what was written", "[spf]") {
    const auto read = parse_record("v=spf1 +a ~MX:mx.example/24//64 ?include:%{d2}.x.test -exists:y.test ptr "
                                   "ip4:192.0.2.1/25 redirect=r.test exp=e.test all");
    REQUIRE(read.has_value());
    const record& made = *read;
    struct row {
        qualifier on_match;
        mechanism kind;
        std::string_view text, domain_spec;
        int prefix4, prefix6;
    };
    const std::vector<row> expected{
        {qualifier::pass, mechanism::a, "a", "", 32, 128},
        {qualifier::softfail, mechanism::mx, "MX:mx.example/24//64", "mx.example", 24, 64},
        {qualifier::neutral, mechanism::include, "include:%{d2}.x.test", "%{d2}.x.test", 32, 128},
        {qualifier::fail, mechanism::exists, "exists:y.test", "y.test", 32, 128},
        {qualifier::pass, mechanism::ptr, "ptr", "", 32, 128},
        {qualifier::pass, mechanism::ip4, "ip4:192.0.2.1/25", "", 25, 128},
        {qualifier::pass, mechanism::all, "all", "", 32, 128},
    };
    REQUIRE(made.directives.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const directive& is = made.directives[i];
        const row& should = expected[i];
        CAPTURE(should.text);
        CHECK(is.on_match == should.on_match);
        CHECK(is.kind == should.kind);
        CHECK(made[is.text] == should.text);
        CHECK(made[is.domain_spec] == should.domain_spec);
        CHECK(is.prefix4 == should.prefix4);
        CHECK(is.prefix6 == should.prefix6);
    }
    CHECK(made[made.redirect] == "r.test");
    CHECK(made[made.explanation] == "e.test");
}

TEST_CASE("a record keeps its text when it is moved", "[spf]") {
    auto read = parse_record("v=spf1 a:x.y"); // short enough to lie inside the string itself
    REQUIRE(read.has_value());
    const record moved = std::move(*read);
    CHECK(moved[moved.directives[0].domain_spec] == "x.y");
}

TEST_CASE("a broken record says what is wrong and where", "[spf]") {
    struct row {
        std::string text;
        syntax_errc what;
        std::size_t offset;
    };
    const auto r = GENERATE(values<row>({
        {"v=spf1 " + std::string(4090, ' '), syntax_errc::record_too_long, 4096},
        {"v=spf1 a:\x80.test", syntax_errc::bad_octet, 9},
        {"v=spf1 a foo", syntax_errc::unknown_mechanism, 9},
        {"v=spf1 -foo:x", syntax_errc::unknown_mechanism, 8},
        {"v=spf1 all:x", syntax_errc::unwanted_argument, 10},
        {"v=spf1 ptr/2", syntax_errc::unwanted_argument, 10},
        {"v=spf1 include", syntax_errc::missing_argument, 14},
        {"v=spf1 a: b", syntax_errc::missing_argument, 9},
        {"v=spf1 ip4", syntax_errc::missing_argument, 10},
        {"v=spf1 -a=b", syntax_errc::bad_modifier, 7},
        {"v=spf1 redirect=a.b redirect=a.b", syntax_errc::repeated_modifier, 20},
        {"v=spf1 a:%{d", syntax_errc::bad_macro, 12},
        {"v=spf1 a:%{x}", syntax_errc::bad_macro, 11},
        {"v=spf1 a:%", syntax_errc::bad_macro, 9},
        {"v=spf1 a:%{d0}", syntax_errc::zero_parts, 12},
        {"v=spf1 a:x%{c}", syntax_errc::explanation_macro, 10},
        {"v=spf1 a:%{d}x.1", syntax_errc::bad_domain_end, 13},
        {"v=spf1 ip4:1.2.3", syntax_errc::bad_network, 11},
        {"v=spf1 ip6:1.2.3.4", syntax_errc::bad_network, 11},
        {"v=spf1 ip4:1.2.3.4/33", syntax_errc::bad_prefix_length, 19},
        {"v=spf1 mx//129", syntax_errc::bad_prefix_length, 11},
    }));
    CAPTURE(r.text);
    const auto read = parse_record(r.text);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().what == r.what);
    CHECK(read.error().offset == r.offset);
    CHECK_FALSE(describe(read.error().what).empty());
}

TEST_CASE("the one record among other texts is found", "[spf]") {
    const std::vector<std::string> none{"", "v=spf1x", "v=spf2.0/mfrom a", " v=spf1", "v=spf1\t", "v=spf"};
    CHECK(select_record(none).found == selected::none);
    CHECK(select_record({}).found == selected::none);
    for (const std::string record : {"v=spf1", "V=SPF1 a", "v=spf1 not a record"}) {
        std::vector<std::string> texts = none;
        texts.push_back(record);
        CHECK(select_record(texts).found == selected::one);
        CHECK(select_record(texts).text == record);
        texts.insert(texts.begin(), record);
        CHECK(select_record(texts).found == selected::several);
    }
}

TEST_CASE("every prefix length holds as many bits as it says", "[spf]") {
    for (unsigned bits = 0; bits <= 32; ++bits) {
        CAPTURE(bits);
        std::array<std::uint8_t, 4> other{192, 0, 2, 1};
        if (bits < 32)
            other[bits / 8] =
                static_cast<std::uint8_t>(other[bits / 8] ^ (0x80U >> bits % 8)); // the first bit beyond
        const auto prefix = static_cast<std::uint8_t>(bits);
        CHECK(same_network(address("192.0.2.1"), ip_address::v4(other), prefix, 128));
        if (bits < 32)
            CHECK_FALSE(same_network(address("192.0.2.1"), ip_address::v4(other),
                                     static_cast<std::uint8_t>(bits + 1), 0));
    }
    for (unsigned bits = 0; bits <= 128; ++bits) {
        CAPTURE(bits);
        std::array<std::uint8_t, 16> other{0x20, 1, 0xd, 0xb8};
        if (bits < 128) other[bits / 8] = static_cast<std::uint8_t>(other[bits / 8] ^ (0x80U >> bits % 8));
        const auto prefix = static_cast<std::uint8_t>(bits);
        CHECK(same_network(address("2001:db8::"), ip_address::v6(other), 32, prefix));
        if (bits < 128)
            CHECK_FALSE(same_network(address("2001:db8::"), ip_address::v6(other), 0,
                                     static_cast<std::uint8_t>(bits + 1)));
    }
    CHECK_FALSE(same_network(address("0.0.0.0"), address("::"), 0, 0));
}
