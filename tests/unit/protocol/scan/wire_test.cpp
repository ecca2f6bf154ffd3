#include "protocol/scan/order.hpp"
#include "protocol/scan/report.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol::scan;
using outcome = report_reader::outcome;

namespace {

order an_order() {
    order made;
    made.id = 0x0102030405060708;
    made.from = 321;
    made.size = 5'000'000'000;
    made.attachments = made.facts = true;
    made.extensions = {".exe", ".bat"};
    made.max_depth = 8;
    made.max_entries = 10'000;
    made.max_unpacked = 1'000'000'000'000;
    made.max_ratio = 250;
    made.milliseconds = 60'000;
    made.now = 1'800'000'000;
    made.phrases = {{"cheap pills", phrase_place::subject}, {"žluťoučký", phrase_place::anywhere}};
    return made;
}

report a_report() {
    report made;
    made.id = 77;
    made.findings = {{finding_kind::extension, "invoice.zip/run.exe", ".exe"},
                     {finding_kind::virus, std::string("a\0b", 3), "Eicar"}};
    made.about.subject = "Hello";
    made.about.authors = {"a@x.test"};
    made.about.signs = {1, 65535};
    made.about.phrases = {3};
    made.about.tokens = {0, ~std::uint64_t{0}};
    made.all = {{"part", "part 1", "text/plain"}};
    return made;
}

report read(const std::vector<std::string>& datagrams) {
    report_reader from(true);
    for (std::size_t i = 0; i < datagrams.size(); ++i)
        REQUIRE(from.feed(datagrams[i]) == (i + 1 == datagrams.size() ? outcome::whole : outcome::more));
    return from.take();
}

} // namespace

TEST_CASE("an order comes as it went") {
    const auto before = an_order();
    const auto after = decode_order(encode(before));
    REQUIRE(after.has_value());
    CHECK(after->id == before.id);
    CHECK(after->from == before.from);
    CHECK(after->size == before.size);
    CHECK(after->attachments);
    CHECK(!after->antivirus);
    CHECK(after->facts);
    CHECK(!after->everything);
    CHECK(after->extensions == before.extensions);
    CHECK(after->max_depth == 8);
    CHECK(after->max_entries == 10'000);
    CHECK(after->max_unpacked == before.max_unpacked);
    CHECK(after->max_ratio == 250);
    CHECK(after->milliseconds == 60'000);
    CHECK(after->now == 1'800'000'000);
    REQUIRE(after->phrases.size() == 2);
    CHECK(after->phrases[1].text == before.phrases[1].text);
    CHECK(after->phrases[0].where == phrase_place::subject);
}

TEST_CASE("the largest order fits into a datagram, and one that is too large is cut") {
    auto large = an_order();
    large.extensions.assign(extensions_max + 5, std::string(text_max + 5, 'x'));
    large.phrases.assign(phrases_max + 5, {std::string(text_max + 5, 'y'), phrase_place::body});
    const auto octets = encode(large);
    CHECK(octets.size() <= order_octets_max);
    const auto after = decode_order(octets);
    REQUIRE(after.has_value());
    CHECK(after->extensions.size() == extensions_max);
    CHECK(after->phrases.back().text.size() == text_max);
}

TEST_CASE("an order that is cut anywhere, or longer, or of another kind, is none") {
    const auto whole = encode(an_order());
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK(decode_order(whole.substr(0, size)).has_error());
    CHECK(decode_order(whole + "x").has_error());
    auto other = whole;
    other[0] = 'Q';
    CHECK(decode_order(other).has_error());
    other = whole;
    other[28] = 16; // a wish that nobody knows
    CHECK(decode_order(other).has_error());
}

TEST_CASE("a report comes as it went") { CHECK(read(encode(a_report())) == a_report()); }

TEST_CASE("an empty report is one datagram") {
    CHECK(encode(report{}).size() == 1);
    CHECK(read(encode(report{})) == report{});
}

TEST_CASE("the largest report comes whole, in datagrams of bounded size") {
    report large;
    const std::string text(finding_text_max, 'x');
    for (std::size_t i = 0; i < findings_max; ++i)
        large.findings.push_back({finding_kind::limit, text, text});
    large.about.tokens.assign(tokens_max, 5);
    large.all.assign(seen_max, {text, text, text});
    const auto datagrams = encode(large);
    for (const auto& one : datagrams) CHECK(one.size() <= datagram_max);
    CHECK(read(datagrams) == large);
}

TEST_CASE("more than fits is cut where it is written") {
    report large;
    large.findings.assign(findings_max + 3, {finding_kind::virus, std::string(5000, 'x'), ""});
    large.about.authors.assign(authors_max + 3, "a");
    const auto after = read(encode(large));
    CHECK(after.findings.size() == findings_max);
    CHECK(after.findings[0].where.size() <= finding_text_max);
    CHECK(after.findings[0].where.find("x...x") != std::string::npos);
    CHECK(after.about.authors.size() == authors_max);
}

TEST_CASE("what is no report is not taken for one") {
    const auto whole = encode(a_report()).front();
    SECTION("cut anywhere") {
        for (std::size_t size = 0; size < 13; ++size)
            CHECK(report_reader(true).feed(whole.substr(0, size)) == outcome::broken);
        std::size_t taken = 0; // between two records it can't be seen; nowhere else is it taken
        for (std::size_t size = 13; size < whole.size(); ++size)
            if (report_reader(true).feed(whole.substr(0, size)) != outcome::broken) ++taken;
        CHECK(taken == 10);
    }
    SECTION("other marks") {
        auto other = whole;
        other[1] = 'x';
        CHECK(report_reader(true).feed(other) == outcome::broken);
    }
    SECTION("a last one that is neither yes nor no") {
        auto other = whole;
        other[12] = 2;
        CHECK(report_reader(true).feed(other) == outcome::broken);
    }
    SECTION("a kind that nobody knows") {
        auto other = whole;
        other[14] = finding_kind_count;
        CHECK(report_reader(true).feed(other) == outcome::broken);
    }
    SECTION("a datagram of another order in between") {
        report_reader from(true);
        auto first = whole;
        first[12] = 0;
        REQUIRE(from.feed(first) == outcome::more);
        auto second = whole;
        second[4] ^= 1;
        CHECK(from.feed(second) == outcome::broken);
    }
    SECTION("lists without end") {
        report_reader from(true);
        auto more = whole;
        more[12] = 0;
        auto told = outcome::more;
        int times = 0;
        for (; told == outcome::more && times < 100'000; ++times) told = from.feed(more);
        CHECK(told == outcome::broken);
        CHECK(times <= static_cast<int>(findings_max));
    }
    SECTION("empty datagrams without end") {
        report_reader from(true);
        auto empty = encode(report{}).front();
        empty[12] = 0;
        auto told = outcome::more;
        int times = 0;
        for (; told == outcome::more && times < 100'000; ++times) told = from.feed(empty);
        CHECK(told == outcome::broken);
    }
}

TEST_CASE("what was not asked for is nothing to read") {
    const auto whole = encode(a_report()).front();
    CHECK(report_reader(false).feed(whole) == outcome::broken);
    auto less = a_report();
    less.all.clear();
    CHECK(report_reader(false).feed(encode(less).front()) == outcome::whole);
}

TEST_CASE("findings are told once, and of each kind one has its place") {
    report made;
    add({finding_kind::virus, "a", "x"}, made);
    add({finding_kind::virus, "a", "x"}, made);
    CHECK(made.findings.size() == 1);
    for (int i = 0; i < 1000; ++i) add({finding_kind::limit, std::to_string(i), ""}, made);
    CHECK(made.findings.size() == findings_max);
    add({finding_kind::extension, "b", ".exe"}, made);
    CHECK(made.findings.size() == findings_max);
    CHECK(made.findings.front().kind == finding_kind::virus);
    CHECK(made.findings.back() == finding{finding_kind::extension, "b", ".exe"});
    add({finding_kind::extension, "c", ".exe"}, made);
    CHECK(made.findings.back().where == "b");
}
