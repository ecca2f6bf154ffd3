// What an answer means: records and only those of the name asked for, aliases in any order, the two kinds of
// absence with their time, and everything else a reason to try later.
#include "tests/unit/protocol/dns/packet.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;
using namespace postern::test;
using namespace std::string_literals;

namespace {

struct said {
    std::string_view what;
    packet message; // its question is filled in
    std::string_view expected;
};

void check(const said& row, std::string_view asked, dns_type type) {
    INFO(row.what);
    packet message = row.message;
    message.question = asking(asked, type);
    CHECK(reading(message.bytes(), asked, type) == row.expected);
}

constexpr unsigned ad = good | 0x20, no_name = good | 3;

} // namespace

TEST_CASE("records of every type are read", "[dns_message]") {
    struct row {
        dns_type type;
        std::vector<std::string> rdata;
        std::string_view expected;
    };
    const auto r = GENERATE(values<row>({
        {dns_type::a, {"\xc0\0\2\1"s, "\x7f\0\0\1"s}, "192.0.2.1 | 127.0.0.1"},
        {dns_type::aaaa, {"\x20\1\x0d\xb8"s + std::string(11, '\0') + "\1"}, "2001:db8::1"},
        {dns_type::aaaa, {std::string(10, '\0') + "\xff\xff\x7f\0\0\1"s}, "127.0.0.1"},
        {dns_type::ptr, {wire("mx.test"), "\1b\xc0\x0c"s, "\xc0\x0c"s}, "mx.test | b.a.test | a.test"},
        {dns_type::ptr, {wire("a\\.b.\\000\\013\\010.test")}, "a\\.b.\\000\\013\\010.test"},
        {dns_type::mx,
         {u16(20) + wire("b.test"), u16(10) + "\2mx\xc0\x0c"s, u16(0) + "\0"s, u16(65535) + "\xc0\x0c"s},
         "20 b.test | 10 mx.a.test | 0 . | 65535 a.test"},
        {dns_type::txt, {"\0"s, "\1a"s, "\2ab\1c\0\1d"s}, "\"\" | \"a\" | \"abcd\""},
        {dns_type::txt, {"\6a\"\\\n; "s}, "\"a\"\\\n; \""},
        {dns_type::srv,
         {u16(0) + u16(1) + u16(465) + "\2mx\xc0\x0c"s, u16(65535) + u16(0) + u16(0) + "\0"s},
         "0 1 465 mx.a.test | 65535 0 0 ."},
        {dns_type::tlsa,
         {"\3\1\1\xab\xcd"s, "\xff\xfe\xfd\0"s, "\3\1\1"s},
         "3 1 1 abcd | 255 254 253 00 | 3 1 1 "},
    }));
    packet message;
    message.question = asking("a.test", r.type);
    for (const auto& rdata : r.rdata)
        message.answer.push_back({"\xc0\x0c", static_cast<unsigned>(r.type), rdata});
    CHECK(reading(message.bytes(), "a.test", r.type) == "found a.test 300: "s + std::string(r.expected));
}

TEST_CASE("a text of many strings is one, and a NUL doesn't end it", "[dns_message]") {
    std::string rdata, expected;
    for (int i = 0; i < 200; ++i) {
        rdata += "\xff" + std::string(255, static_cast<char>(i));
        expected += std::string(255, static_cast<char>(i));
    }
    packet message;
    message.question = asking("a.test", dns_type::txt);
    message.answer = {{"\xc0\x0c", 16, rdata}};
    const auto answer = read_answer(message.bytes(), asked_id, {name("a.test"), dns_type::txt});
    REQUIRE(std::holds_alternative<dns_found>(answer));
    CHECK(std::get<dns_found>(answer).records.texts == std::vector{expected});
}

TEST_CASE("only what was asked for is taken", "[dns_message]") {
    const rr ours = a("a.test", "192.0.2.1"), other = a("b.test", "192.0.2.66");
    rr chaos = a("a.test", "192.0.2.66");
    chaos.klass = 3;
    rr any_class = cname("a.test", "b.test");
    any_class.klass = 255;
    const auto row = GENERATE_COPY(values<said>({
        {"records of another name", {.answer = {other, ours, other}}, "found a.test 300: 192.0.2.1"},
        {"a lie about another name alone", {.answer = {other}}, "no data a.test 0"},
        {"a name below", {.answer = {a("x.a.test", "192.0.2.66")}}, "no data a.test 0"},
        {"a name above", {.answer = {a("test", "192.0.2.66")}}, "no data a.test 0"},
        {"one label that looks like two", {.answer = {a("a\\.test", "192.0.2.66")}}, "no data a.test 0"},
        {"the owner in another case", {.answer = {a("A.TesT", "192.0.2.1")}}, "found a.test 300: 192.0.2.1"},
        {"another class", {.answer = {chaos, ours}}, "found a.test 300: 192.0.2.1"},
        {"another class alone", {.answer = {chaos}}, "no data a.test 0"},
        {"an alias of another class", {.answer = {any_class, other}}, "no data a.test 0"},
        {"another type", {.answer = {mx("a.test", 1, "b.test"), ours}}, "found a.test 300: 192.0.2.1"},
        {"another type alone", {.answer = {a("a.test", "::1")}}, "no data a.test 0"},
        {"an unknown type", {.answer = {record("a.test", 65280, "x"), ours}}, "found a.test 300: 192.0.2.1"},
        {"a signature", {.answer = {ours, record("a.test", 46, "")}}, "found a.test 300: 192.0.2.1"},
        {"the authority section", {.authority = {ours}}, "no data a.test 0"},
        {"the additional section", {.additional = {ours}}, "no data a.test 0"},
        {"an alias of the authority section",
         {.answer = {other}, .authority = {cname("a.test", "b.test")}},
         "no data a.test 0"},
        {"twice the same", {.answer = {ours, ours}}, "found a.test 300: 192.0.2.1 | 192.0.2.1"},
    }));
    check(row, "a.test", dns_type::a);
}

TEST_CASE("the least time of what an answer rests on is its time", "[dns_message]") {
    const auto at = [](std::uint32_t ttl) { return a("a.test", "192.0.2.1", ttl); };
    const auto row = GENERATE_COPY(values<said>({
        {"one record", {.answer = {at(7)}}, "found a.test 7: 192.0.2.1"},
        {"the lesser of two", {.answer = {at(9), at(7)}}, "found a.test 7: 192.0.2.1 | 192.0.2.1"},
        {"of others it doesn't matter",
         {.answer = {at(9), a("b.test", "192.0.2.1", 1), record("a.test", 46, "", 2)}},
         "found a.test 9: 192.0.2.1"},
        {"nothing", {.answer = {at(0)}}, "found a.test 0: 192.0.2.1"},
        {"a day", {.answer = {at(86400)}}, "found a.test 86400: 192.0.2.1"},
        {"more than a day", {.answer = {at(86401)}}, "found a.test 86400: 192.0.2.1"},
        {"the most", {.answer = {at(0x7fffffff)}}, "found a.test 86400: 192.0.2.1"},
        {"the top bit, RFC 2181", {.answer = {at(0x80000000)}}, "found a.test 0: 192.0.2.1"},
        {"all bits", {.answer = {at(0xffffffff)}}, "found a.test 0: 192.0.2.1"},
        {"an alias before",
         {.answer = {cname("a.test", "b.test", 5), a("b.test", "192.0.2.1", 7)}},
         "found b.test 5: 192.0.2.1"},
        {"an alias that isn't on the way",
         {.answer = {cname("c.test", "a.test", 5), at(7)}},
         "found a.test 7: 192.0.2.1"},
        {"an alias with the top bit",
         {.answer = {cname("a.test", "b.test", 0x80000001), a("b.test", "192.0.2.1", 7)}},
         "found b.test 0: 192.0.2.1"},
    }));
    check(row, "a.test", dns_type::a);
}

TEST_CASE("aliases are followed in whatever order they stand", "[dns_message]") {
    const rr ab = cname("a.test", "b.test"), bc = cname("B.test", "C.test"), c = a("c.test", "192.0.2.3");
    const auto row = GENERATE_COPY(values<said>({
        {"in order", {.answer = {ab, bc, c}}, "found C.test 300: 192.0.2.3"},
        {"backwards", {.answer = {c, bc, ab}}, "found C.test 300: 192.0.2.3"},
        {"mixed", {.answer = {bc, c, ab}}, "found C.test 300: 192.0.2.3"},
        {"with other things between",
         {.answer = {record("a.test", 39, wire("x.test")), ab, a("x.test", "192.0.2.66"), bc, c}},
         "found C.test 300: 192.0.2.3"},
        {"an alias twice", {.answer = {ab, ab, bc, c}}, "found C.test 300: 192.0.2.3"},
        {"records on the way are taken",
         {.answer = {ab, bc, c, a("b.test", "192.0.2.2")}},
         "found b.test 300: 192.0.2.2"},
        {"records beside an alias are taken",
         {.answer = {ab, a("a.test", "192.0.2.1"), a("b.test", "192.0.2.2")}},
         "found a.test 300: 192.0.2.1"},
        {"a way that breaks off", {.answer = {ab, c}}, "alias b.test after 1, 300"},
        {"a way that doesn't begin", {.answer = {bc, c}}, "no data a.test 0"},
        {"an alias alone",
         {.flags = ad, .answer = {cname("a.test", "b.test", 60)}},
         "alias b.test after 1, 60 ad"},
        {"two aliases alone", {.answer = {bc, ab}}, "alias C.test after 2, 300"},
        {"aliases to the root", {.answer = {cname("a.test", ".")}}, "alias . after 1, 300"},
        {"two ways from one name", {.answer = {ab, cname("a.test", "c.test"), c}}, "malformed"},
        {"to itself", {.answer = {cname("a.test", "A.TEST")}}, "alias loop"},
        {"back to the first", {.answer = {ab, cname("b.test", "a.test")}}, "alias loop"},
        {"back to another", {.answer = {ab, bc, cname("c.test", "b.test")}}, "alias loop"},
        {"a loop beside the way",
         {.answer = {cname("x.test", "x.test"), ab, bc, c}},
         "found C.test 300: 192.0.2.3"},
        {"a loop in a name that isn't there",
         {.flags = no_name, .answer = {cname("a.test", "a.test")}},
         "alias loop (3)"},
    }));
    check(row, "a.test", dns_type::a);
}

TEST_CASE("eight aliases are followed, nine are too many", "[dns_message]") {
    static_assert(dns_aliases_max == 8);
    packet message;
    message.question = asking("0.test", dns_type::a);
    for (int i = 0; i < 8; ++i)
        message.answer.push_back(cname(std::to_string(i) + ".test", std::to_string(i + 1) + ".test"));
    CHECK(reading(message.bytes(), "0.test", dns_type::a) == "alias 8.test after 8, 300");
    message.answer.push_back(a("8.test", "192.0.2.8"));
    CHECK(reading(message.bytes(), "0.test", dns_type::a) == "found 8.test 300: 192.0.2.8");
    message.answer.back() = cname("8.test", "9.test");
    message.answer.push_back(a("9.test", "192.0.2.9"));
    CHECK(reading(message.bytes(), "0.test", dns_type::a) == "too many aliases");
    message.answer[8] = cname("8.test", "0.test");
    CHECK(reading(message.bytes(), "0.test", dns_type::a) == "alias loop");
}

TEST_CASE("absence has its kind, its name and its time", "[dns_message]") {
    const rr alias = cname("a.test", "b.other", 50);
    const auto row = GENERATE_COPY(values<said>({
        {"no such name", {.flags = no_name, .authority = {soa("test", 600, 900)}}, "no name a.test 600"},
        {"the lesser is the minimum",
         {.flags = no_name, .authority = {soa("test", 900, 60)}},
         "no name a.test 60"},
        {"no such name, validated",
         {.flags = ad | 3, .authority = {soa(".", 60, 60)}},
         "no name a.test 60 ad"},
        {"no such record", {.authority = {soa("a.test", 60, 900)}}, "no data a.test 60"},
        {"no such record, validated",
         {.flags = ad, .authority = {soa("TEST", 60, 900), ns("test")}},
         "no data a.test 60 ad"},
        {"more than a day", {.authority = {soa("test", 86401, 0x7fffffff)}}, "no data a.test 86400"},
        {"the top bit of the time", {.authority = {soa("test", 0x80000000, 900)}}, "no data a.test 0"},
        {"the top bit of the minimum", {.authority = {soa("test", 900, 0xffffffff)}}, "no data a.test 0"},
        {"no such name, without SOA", {.flags = no_name}, "no name a.test 0"},
        {"no such name, with name servers alone",
         {.flags = no_name, .authority = {ns("test")}},
         "no name a.test 0"},
        {"nothing at all", {}, "no data a.test 0"},
        {"an SOA of another zone",
         {.flags = no_name, .authority = {soa("other", 60, 60)}},
         "no name a.test 0"},
        {"an SOA from below", {.authority = {soa("x.a.test", 60, 60)}}, "no data a.test 0"},
        {"two of them",
         {.authority = {soa("test", 60, 60), soa("a.test", 30, 30), soa("test", 90, 90)}},
         "no data a.test 30"},
        {"an SOA among the additional records isn't meant",
         {.additional = {soa("test", 60, 60)}},
         "no data a.test 0"},
        {"name servers among the additional records aren't meant",
         {.additional = {ns("test")}},
         "no data a.test 0"},
        {"an SOA among the answers isn't meant", {.answer = {soa("test", 60, 60)}}, "no data a.test 0"},
        {"an alias to no such name",
         {.flags = no_name, .answer = {alias}, .authority = {soa("other", 60, 60)}},
         "no name b.other 50"},
        {"an alias to a name without it",
         {.answer = {alias}, .authority = {soa("b.other", 40, 60)}},
         "no data b.other 40"},
        {"an alias, and the SOA of where it stands",
         {.answer = {alias}, .authority = {soa("test", 40, 60)}},
         "alias b.other after 1, 50"},
        {"an alias, and name servers",
         {.answer = {alias}, .authority = {ns("other")}},
         "alias b.other after 1, 50"},
        {"name servers alone are a referral", {.authority = {ns("test")}}, "referral"},
        {"name servers and an SOA that isn't about it",
         {.authority = {ns("test"), soa("other", 1, 1)}},
         "referral"},
        {"records of a name that isn't there",
         {.flags = no_name, .answer = {a("a.test", "192.0.2.1")}},
         "malformed (3)"},
        {"records at the end of an alias that isn't there",
         {.flags = no_name, .answer = {alias, a("b.other", "192.0.2.1")}},
         "malformed (3)"},
        {"what the name servers are called doesn't matter when there are records",
         {.answer = {a("a.test", "192.0.2.1")}, .authority = {ns("test"), soa("test", 1, 1)}},
         "found a.test 300: 192.0.2.1"},
    }));
    check(row, "a.test", dns_type::a);
}

TEST_CASE("a complaint is a reason to try later, whatever comes with it", "[dns_message]") {
    const std::vector<rr> records{a("a.test", "192.0.2.1")};
    const auto row = GENERATE_COPY(values<said>({
        {"FORMERR", {.flags = good | 1}, "other rcode (1)"},
        {"SERVFAIL", {.flags = good | 2}, "server failure (2)"},
        {"SERVFAIL with records", {.flags = good | 2, .answer = records}, "server failure (2)"},
        {"SERVFAIL with an SOA", {.flags = good | 2, .authority = {soa("test", 1, 1)}}, "server failure (2)"},
        {"NOTIMP", {.flags = good | 4}, "other rcode (4)"},
        {"REFUSED", {.flags = good | 5}, "refused (5)"},
        {"YXDOMAIN", {.flags = good | 6, .answer = records}, "other rcode (6)"},
        {"the last of a header", {.flags = good | 15, .answer = records}, "other rcode (15)"},
        {"BADVERS", {.answer = records, .additional = {opt(1)}}, "other rcode (16)"},
        {"NXDOMAIN with an upper part is another",
         {.flags = good | 3, .additional = {opt(1)}},
         "other rcode (19)"},
        {"SERVFAIL with an upper part is another",
         {.flags = good | 2, .additional = {opt(1)}},
         "other rcode (18)"},
        {"the last of EDNS", {.flags = good | 15, .additional = {opt(255)}}, "other rcode (4095)"},
        {"EDNS without an upper part",
         {.answer = records, .additional = {opt()}},
         "found a.test 300: 192.0.2.1"},
        {"EDNS with options",
         {.answer = records, .additional = {opt(0, "\0\x0f\0\2\0\x16\0\x0a\0\0"s)}},
         "found a.test 300: 192.0.2.1"},
        {"EDNS before other records",
         {.answer = records, .additional = {opt(), records[0]}},
         "found a.test 300: 192.0.2.1"},
    }));
    check(row, "a.test", dns_type::a);
}

TEST_CASE("a server that can't read a question may leave it out of its complaint alone", "[dns_message]") {
    const auto [flags, expected] = GENERATE(table<unsigned, std::string_view>({
        {good | 1, "other rcode (1)"},
        {good | 2, "server failure (2)"},
        {good | 5, "refused (5)"},
        {good, "malformed"},
        {no_name, "malformed (3)"},
    }));
    CHECK(reading(packet{.flags = flags}.bytes(), "a.test", dns_type::a) == expected);
}

TEST_CASE("what isn't an answer to this question is not ours", "[dns_message]") {
    const auto answers = std::vector{a("a.test", "192.0.2.1")};
    struct row {
        std::string_view what;
        packet message;
        std::string_view expected;
    };
    const std::string right = asking("a.test", dns_type::a);
    const auto r = GENERATE_COPY(values<row>({
        {"ours", {.question = right, .answer = answers}, "found a.test 300: 192.0.2.1"},
        {"the name in another case",
         {.question = asking("A.TEST", dns_type::a), .answer = answers},
         "found a.test 300: 192.0.2.1"},
        {"another id", {.question = right, .answer = answers, .id = 0x4712}, "not ours"},
        {"the id turned round", {.question = right, .answer = answers, .id = 0x1147}, "not ours"},
        {"a question", {.flags = 0x0120, .question = right, .answer = answers}, "not ours"},
        {"a notification", {.flags = good | 0x2000, .question = right, .answer = answers}, "not ours"},
        {"another operation", {.flags = good | 0x0800, .question = right, .answer = answers}, "not ours"},
        {"another name", {.question = asking("b.test", dns_type::a), .answer = answers}, "not ours"},
        {"a name below", {.question = asking("a.a.test", dns_type::a), .answer = answers}, "not ours"},
        {"one label that looks like two", {.question = asking("a\\.test", dns_type::a)}, "not ours"},
        {"another type", {.question = asking("a.test", dns_type::aaaa), .answer = answers}, "not ours"},
        {"another class", {.question = asking("a.test", dns_type::a, 3), .answer = answers}, "not ours"},
        {"another name, and cut short",
         {.flags = good | 0x0200, .question = asking("b.test", dns_type::a)},
         "not ours"},
        {"another id, and SERVFAIL", {.flags = good | 2, .question = right, .id = 1}, "not ours"},
        {"cut short", {.flags = good | 0x0200, .question = right, .answer = answers}, "truncated"},
        {"cut short within a record",
         {.flags = good | 0x0200, .question = right, .counts = {-1, 3, 0, 0}, .garbage = "\xc0"},
         "truncated"},
    }));
    INFO(r.what);
    CHECK(reading(r.message.bytes(), "a.test", dns_type::a) == r.expected);
}

TEST_CASE("a thousand records are read, more than the limit are not", "[dns_message]") {
    packet message;
    message.question = asking("a.test", dns_type::mx);
    message.answer.assign(dns_records_max, {"\xc0\x0c", 15, u16(1) + "\xc0\x0c"s});
    const auto answer = read_answer(message.bytes(), asked_id, {name("a.test"), dns_type::mx});
    REQUIRE(std::holds_alternative<dns_found>(answer));
    CHECK(std::get<dns_found>(answer).records.exchangers.size() == dns_records_max);
    message.answer.push_back(message.answer.back());
    CHECK(reading(message.bytes(), "a.test", dns_type::mx) == "too many records");
    message.additional = std::move(message.answer);
    message.answer = {message.additional.front()};
    CHECK(reading(message.bytes(), "a.test", dns_type::mx) == "found a.test 300: 1 a.test");
}
