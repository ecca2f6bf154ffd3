// Messages that are wrong: lengths, counts and pointers that lie, sections with what can't be in them, and
// good answers cut at every octet. None of them may be read beyond its end, or be taken for an answer.
#include "tests/unit/protocol/dns/packet.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;
using namespace postern::test;
using namespace std::string_literals;

namespace {

const std::string here = "\xc0\x0c"; // the name of the question
const std::string label63 = "\x3f" + std::string(63, 'x');

rr lying(rr one, int lie) {
    one.lie = lie;
    return one;
}

rr raw(std::string owner, unsigned type, std::string rdata) {
    return {std::move(owner), type, std::move(rdata)};
}

} // namespace

TEST_CASE("RDATA that isn't its type's to the last octet is malformed", "[dns_message]") {
    struct row {
        std::string_view what;
        dns_type type;
        std::string rdata;
    };
    const std::string too_long = label63 + label63 + label63 + label63 + "\0"s;
    const auto r = GENERATE_COPY(values<row>({
        {"A of nothing", dns_type::a, ""},
        {"A of 3", dns_type::a, "abc"},
        {"A of 5", dns_type::a, "abcde"},
        {"A of 16", dns_type::a, std::string(16, 'a')},
        {"AAAA of nothing", dns_type::aaaa, ""},
        {"AAAA of 4", dns_type::aaaa, "abcd"},
        {"AAAA of 15", dns_type::aaaa, std::string(15, 'a')},
        {"AAAA of 17", dns_type::aaaa, std::string(17, 'a')},
        {"PTR of nothing", dns_type::ptr, ""},
        {"PTR and an octet", dns_type::ptr, here + "x"},
        {"PTR without its root", dns_type::ptr, "\1a"},
        {"PTR of half a pointer", dns_type::ptr, "\1a\xc0"},
        {"PTR with a label beyond", dns_type::ptr, "\4abc"},
        {"PTR that points to itself", dns_type::ptr,
         "\xc0\x24"}, // 12 of the header, 12 of the question, 12 of the record
        {"PTR that points forwards", dns_type::ptr, "\xc0\x26\1a\0"s},
        {"PTR that points into the header", dns_type::ptr, "\xc0\x02"},
        {"PTR of a name of 257", dns_type::ptr, too_long},
        {"PTR of a label of 64", dns_type::ptr, "\x40" + std::string(64, 'a') + "\0"s},
        {"MX of nothing", dns_type::mx, ""},
        {"MX of 1", dns_type::mx, "\1"},
        {"MX of a preference alone", dns_type::mx, u16(10)},
        {"MX and an octet", dns_type::mx, u16(10) + here + "\0"s},
        {"MX with a label beyond", dns_type::mx, u16(10) + "\5abcd"},
        {"MX that points into the header", dns_type::mx, u16(10) + "\xc0\x0b"},
        {"MX of a name of 257", dns_type::mx, u16(10) + too_long},
        {"TXT of nothing", dns_type::txt, ""},
        {"TXT with a string beyond", dns_type::txt, "\4abc"},
        {"TXT with a second string beyond", dns_type::txt, "\2ab\1"},
        {"SRV without a target", dns_type::srv, std::string("\0\0\0\0\1\xd1", 6)},
        {"SRV of 5", dns_type::srv, std::string("\0\0\0\0\1", 5)},
        {"TLSA of nothing", dns_type::tlsa, ""},
        {"TLSA of 1", dns_type::tlsa, "\3"},
        {"TLSA of 2", dns_type::tlsa, "\3\1"},
    }));
    INFO(r.what);
    packet message;
    message.question = asking("a.test", r.type);
    message.answer = {raw(here, static_cast<unsigned>(r.type), r.rdata)};
    CHECK(reading(message.bytes(), "a.test", r.type) == "malformed");
    message.answer[0].owner = "\xc0\x0e"; // nor is it good for another name
    CHECK(reading(message.bytes(), "a.test", r.type) == "malformed");
    message.answer[0] = raw(here, 5, r.rdata); // as an alias; some of them are good ones
    if (r.type == dns_type::ptr) CHECK(reading(message.bytes(), "a.test", r.type) == "malformed");
}

TEST_CASE("records and sections that lie are malformed", "[dns_message]") {
    const rr good_a = a("a.test", "192.0.2.1"), good_soa = soa("test", 60, 60);
    rr opt_of_a = opt(), soa_cut = good_soa, soa_more = good_soa, soa_names = good_soa;
    opt_of_a.owner = here;
    soa_cut.rdata.pop_back();
    soa_more.rdata += '\0';
    soa_names.rdata = "\xc0\x0c\xc0\xff"s + std::string(20, 'n');
    struct row {
        std::string_view what;
        packet message;
    };
    const auto r = GENERATE_COPY(values<row>({
        {"an answer that isn't there", {.counts = {-1, 1, -1, -1}}},
        {"the most answers that aren't there", {.answer = {good_a}, .counts = {-1, 1024, -1, -1}}},
        {"65535 of authority", {.answer = {good_a}, .counts = {-1, -1, 65535, -1}}},
        {"65535 additional ones", {.answer = {good_a}, .counts = {-1, -1, -1, 65535}}},
        {"an answer that isn't counted", {.answer = {good_a}, .counts = {-1, 0, -1, -1}}},
        {"one of two isn't counted", {.answer = {good_a, good_a}, .counts = {-1, 1, -1, -1}}},
        {"an octet after all", {.answer = {good_a}, .garbage = "\0"s}},
        {"a record after all", {.answer = {good_a}, .garbage = good_a.bytes()}},
        {"no question is counted", {.answer = {good_a}, .counts = {0, -1, -1, -1}}},
        {"two questions are counted", {.answer = {good_a}, .counts = {2, -1, -1, -1}}},
        {"65535 questions", {.answer = {good_a}, .counts = {65535, -1, -1, -1}}},
        {"RDATA is longer than it says", {.answer = {lying(good_a, -1)}}},
        {"RDATA ends the message early", {.answer = {lying(good_a, 1)}}},
        {"RDATA far beyond the end", {.answer = {lying(good_a, 65000)}}},
        {"RDATA of an unknown type beyond the end",
         {.answer = {good_a, lying(record("a.test", 99, "x"), 1)}}},
        {"RDATA beyond the end in the authority section", {.authority = {lying(ns("test"), 1)}}},
        {"RDATA beyond the end in the additional section",
         {.answer = {good_a}, .additional = {lying(good_a, 1)}}},
        {"RDATA takes the next record with it", {.answer = {lying(good_a, 16), good_a}}},
        {"an owner beyond the end", {.answer = {good_a}, .counts = {-1, 2, -1, -1}, .garbage = "\5abc"}},
        {"an owner that points to itself", {.answer = {raw("\xc0\x18", 1, "abcd")}}},
        {"an owner that points forwards", {.answer = {raw("\xc0\x24", 1, "\1a\0\0"s)}}},
        {"an owner that points into the header", {.answer = {raw("\xc0\x04", 1, "abcd")}}},
        {"such an owner of an unknown type", {.answer = {raw("\xc0\x04", 99, "abcd")}}},
        {"such an owner in the authority section", {.authority = {raw("\xc0\x04", 99, "abcd")}}},
        {"such an owner in the additional section", {.additional = {raw("\xc0\x04", 1, "abcd")}}},
        {"an owner of 256",
         {.answer = {raw(label63 + label63 + label63 + "\x37" + std::string(55, 'x') + here, 1, "abcd")}}},
        {"an owner with a label of 64", {.answer = {raw("\x40" + std::string(64, 'x') + "\0"s, 1, "abcd")}}},
        {"CNAME of nothing", {.answer = {raw(here, 5, "")}}},
        {"CNAME and an octet", {.answer = {raw(here, 5, wire("b.test") + "x")}}},
        {"CNAME of another name that is wrong", {.answer = {good_a, raw(wire("b.test"), 5, "\1")}}},
        {"SOA cut short", {.authority = {soa_cut}}},
        {"SOA with an octet more", {.authority = {soa_more}}},
        {"SOA whose second name points beyond", {.authority = {soa_names}}},
        {"SOA of nothing", {.authority = {raw(here, 6, "")}}},
        {"two OPT", {.answer = {good_a}, .additional = {opt(), opt()}}},
        {"two OPT apart", {.answer = {good_a}, .additional = {opt(), good_a, opt()}}},
        {"OPT that isn't the root's", {.answer = {good_a}, .additional = {opt_of_a}}},
        {"OPT in the answer section", {.answer = {good_a, opt()}}},
        {"OPT in the authority section", {.answer = {good_a}, .authority = {opt()}}},
        {"an option beyond the OPT", {.answer = {good_a}, .additional = {opt(0, "\0\x0f\0\3\0\x16"s)}}},
        {"half an option", {.answer = {good_a}, .additional = {opt(0, "\0\x0f\0"s)}}},
    }));
    INFO(r.what);
    packet message = r.message;
    message.question = asking("a.test", dns_type::a);
    CHECK(reading(message.bytes(), "a.test", dns_type::a) == "malformed");
}

TEST_CASE("a question cut short, or wrong, is malformed", "[dns_message]") {
    const auto [what, question] = GENERATE(table<std::string_view, std::string>({
        {"no octet of it", ""},
        {"no root", "\1a\4test"},
        {"no type", wire("a.test")},
        {"half a class", wire("a.test") + "\0\1\0"s},
        {"it points to itself", "\xc0\x0c\0\1\0\1"s},
        {"it points into the header", "\1a\xc0\0\0\1\0\1"s},
        {"a label of 64", "\x40" + std::string(64, 'a') + "\0\0\1\0\1"s},
        {"a name of 257", label63 + label63 + label63 + label63 + "\0\0\1\0\1"s},
    }));
    INFO(what);
    packet message;
    message.counts[0] = 1;
    message.question = question;
    CHECK(reading(message.bytes(), "a.test", dns_type::a) == "malformed");
}

TEST_CASE("a name compressed into what came before is followed, wherever it stands", "[dns_message]") {
    packet message;
    message.question = asking("a.test", dns_type::a);
    // The target of the alias is written out at 36; its address has that as its owner.
    message.answer = {raw(here, 5, "\1b\xc0\x0e"), raw("\xc0\x24", 1, "\xc0\0\2\1"s)};
    CHECK(reading(message.bytes(), "a.test", dns_type::a) == "found b.test 300: 192.0.2.1");
    message.answer.pop_back();
    message.authority = {raw("\xc0\x0e", 6, "\2ns\xc0\x0e\1h\xc0\x24"s + std::string(19, '\0') + "\x07"s)};
    CHECK(reading(message.bytes(), "a.test", dns_type::a) == "no data b.test 7");
}

TEST_CASE("every beginning of a good answer is refused", "[dns_message]") {
    struct row {
        std::string_view what;
        dns_type type;
        packet message;
    };
    const rr alias = raw(here, 5, "\1b\xc0\x0e");
    const auto r = GENERATE_COPY(values<row>({
        {"A", dns_type::a, {.answer = {alias, raw("\xc0\x24", 1, "\xc0\0\2\1"s)}, .additional = {opt()}}},
        {"MX", dns_type::mx, {.answer = {mx("a.test", 1, "b.test"), raw(here, 15, "\0\1\1x\xc0\x0c"s)}}},
        {"TXT", dns_type::txt, {.answer = {raw(here, 16, "\1a\2bc\0\0"s)}, .authority = {ns("test")}}},
        {"TLSA", dns_type::tlsa, {.answer = {raw(here, 52, "\3\1\1abcdef"s)}}},
        {"PTR", dns_type::ptr, {.answer = {raw(here, 12, wire("a\\.b.c")), raw(here, 12, "\0"s)}}},
        {"no name", dns_type::a, {.flags = good | 3, .answer = {alias}, .authority = {soa("test", 1, 2)}}},
        {"no data", dns_type::a, {.authority = {soa("test", 1, 2)}, .additional = {opt(0, "\0\1\0\1x"s)}}},
        {"SERVFAIL", dns_type::a, {.flags = good | 2, .additional = {opt()}}},
    }));
    packet message = r.message;
    message.question = asking("a.test", r.type);
    const octets whole = message.bytes();
    INFO(r.what << ": " << reading(whole, "a.test", r.type));
    CHECK(reading(whole, "a.test", r.type).find("malformed") == std::string::npos);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CAPTURE(size);
        const octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        const auto answer = read_answer(cut, asked_id, {name("a.test"), r.type});
        REQUIRE(std::holds_alternative<dns_later>(answer));
        // Without a whole header nobody can say whose it is.
        CHECK(std::get<dns_later>(answer).why ==
              (size < 12 ? dns_trouble::not_ours : dns_trouble::malformed));
    }
}

TEST_CASE("a message longer than DNS has is malformed", "[dns_message]") {
    packet message;
    message.question = asking("a.test", dns_type::a);
    message.answer = {a("a.test", "192.0.2.1")};
    const auto room = [&] { return dns_message_max - message.bytes().size(); };
    message.additional = {record("a.test", 99, std::string(40000, 'x'))};
    message.additional.push_back(record("a.test", 99, ""));
    message.additional.back().rdata.assign(room(), 'y');
    REQUIRE(message.bytes().size() == dns_message_max);
    CHECK(reading(message.bytes(), "a.test", dns_type::a) == "found a.test 300: 192.0.2.1");
    message.additional.back().rdata += 'y';
    CHECK(reading(message.bytes(), "a.test", dns_type::a) == "malformed");
}
