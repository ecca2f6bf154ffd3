// Questions, octet by octet: header, one question, and EDNS when it is wanted.
#include "tests/unit/protocol/dns/packet.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;
using namespace postern::test;

TEST_CASE("a question asks for what it is told to", "[dns_message]") {
    struct row {
        std::string_view what;
        std::string_view name;
        dns_type type;
        dns_asking asking;
        std::string_view hex;
    };
    const auto r = GENERATE(values<row>({
        {"as it is by itself",
         "mx.Test",
         dns_type::a,
         {},
         "471101200001000000000001"
         "026d7804546573740000010001"
         "00002904d0000000000000"},
        {"without EDNS",
         "mx.Test",
         dns_type::aaaa,
         {.payload = 0},
         "471101200001000000000000"
         "026d78045465737400001c0001"},
        {"plain, as in 1987",
         ".",
         dns_type::mx,
         {false, false, false, 0},
         "471100000001000000000000"
         "00000f0001"},
        {"with signatures",
         "t",
         dns_type::tlsa,
         {.signatures = true},
         "471101200001000000000001"
         "01740000340001"
         "00002904d0000080000000"},
        {"signatures need EDNS",
         "t",
         dns_type::txt,
         {.signatures = true, .payload = 0},
         "471101200001000000000000"
         "01740000100001"},
        {"without AD",
         "t",
         dns_type::ptr,
         {.authenticated = false},
         "471101000001000000000001"
         "017400000c0001"
         "00002904d0000000000000"},
        {"without recursion",
         "t",
         dns_type::ptr,
         {.recursion = false},
         "471100200001000000000001"
         "017400000c0001"
         "00002904d0000000000000"},
        {"the largest payload",
         "t",
         dns_type::ptr,
         {.payload = 65535},
         "471101200001000000000001"
         "017400000c0001"
         "000029ffff000000000000"},
        {"a payload that is too small",
         "t",
         dns_type::ptr,
         {.payload = 1},
         "471101200001000000000001"
         "017400000c0001"
         "0000290200000000000000"},
    }));
    INFO(r.what);
    CHECK(make_question(asked_id, {name(r.name), r.type}, r.asking) == from_hex(r.hex));
}

TEST_CASE("the longest question has 282 octets", "[dns_message]") {
    const std::string label(63, 'a');
    const dns_name longest = name(label + "." + label + "." + label + "." + std::string(61, 'b'));
    CHECK(make_question(1, {longest, dns_type::a}).size() == 282);
}

TEST_CASE("a question comes back as the answer that there is nothing, once it is a response",
          "[dns_message]") {
    for (const dns_type type :
         {dns_type::a, dns_type::aaaa, dns_type::mx, dns_type::ptr, dns_type::txt, dns_type::tlsa}) {
        auto message = make_question(asked_id, {name("a\\.b.\\000.test"), type});
        CHECK(reading(message, "A\\.b.\\000.test", type) == "not ours");
        message[2] |= 0x80;
        CHECK(reading(message, "A\\.b.\\000.test", type) == "no data A\\.b.\\000.test 0 ad");
        CHECK(reading(message, "a.b.\\000.test", type) == "not ours");
    }
}
