#include "tests/contract/ledger_contract.hpp"
#include "tests/support/memory_ledger.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

namespace postern::testing {
namespace {

using namespace storage;
using protocol::address;
using protocol::ip_address;

constexpr std::int64_t start = 1'800'000'000;

std::optional<address> whom(std::string_view text) {
    if (text.empty()) return std::nullopt;
    return protocol::parse_address(text).value();
}

ledger_row row_of(std::int64_t time, std::string_view sender, std::string_view recipient) {
    ledger_row row;
    row.time = time;
    row.client = *ip_address::parse("192.0.2.1");
    row.sender = whom(sender);
    row.recipient = whom(recipient);
    row.helo = "c.test";
    row.listener = "mx";
    row.test = "spf";
    row.reply = "550 5.7.23 no";
    row.cause = "fail";
    return row;
}

void add(ledger& to, std::int64_t time, std::string_view sender, std::string_view recipient) {
    REQUIRE(to.add(row_of(time, sender, recipient)));
}

// The times of what is found, from the start times on.
std::vector<std::int64_t> times_of(const ledger& in, std::string_view of, std::int64_t since = 0,
                                   std::size_t page = 100) {
    std::vector<std::int64_t> times;
    std::string position;
    for (;;) {
        const auto found = in.find(whom(of), since, position, page);
        REQUIRE(found.has_value());
        REQUIRE(found->size() <= page);
        if (found->empty()) return times;
        for (const auto& one : *found) times.push_back(one.row.time - start);
        position = found->back().position;
    }
}

using times = std::vector<std::int64_t>;

void check_finding(ledger& refusals) {
    add(refusals, start + 1, "a@s.test", "u@d.test");
    add(refusals, start + 2, "b@s.test", "u@d.test");
    add(refusals, start + 3, "u@d.test", "a@s.test");
    CHECK(times_of(refusals, "u@d.test").empty()); // what was not flushed
    REQUIRE(refusals.flush());
    add(refusals, start + 4, "a@s.test", "v@d.test");
    REQUIRE(refusals.flush());
    CHECK(times_of(refusals, "u@d.test") == times{3, 2, 1});
    CHECK(times_of(refusals, "a@s.test") == times{4, 3, 1});
    CHECK(times_of(refusals, "A@S.Test") == times{4, 3, 1});
    CHECK(times_of(refusals, "v@d.test") == times{4});
    CHECK(times_of(refusals, "u@d.tes").empty());
    CHECK(times_of(refusals, "x@d.test").empty());
    CHECK(times_of(refusals, "u@d.test", start + 2) == times{3, 2});
    CHECK(times_of(refusals, "u@d.test", start + 4).empty());
}

void check_order(ledger& refusals) {
    // Five in one second, and one that comes late with an earlier time: the clock was set back.
    for (int i = 0; i < 5; ++i) add(refusals, start + 9, "a" + std::to_string(i) + "@s.test", "u@d.test");
    add(refusals, start + 1, "late@s.test", "u@d.test");
    add(refusals, start + 9, "u@d.test", "u@d.test"); // to oneself: found once
    REQUIRE(refusals.flush());
    for (const std::size_t page : {1U, 2U, 3U, 7U, 100U})
        CHECK(times_of(refusals, "u@d.test", 0, page) == times{9, 9, 9, 9, 9, 9, 1});
    const auto newest = refusals.find(whom("u@d.test"), 0, "", 2).value();
    CHECK(newest.at(0).row.sender == whom("u@d.test"));
    CHECK(newest.at(1).row.sender == whom("a4@s.test"));
}

void check_fields(ledger& refusals) {
    ledger_row one = row_of(start, "Some.One@s.test", "\"odd local\"@d.test");
    one.mode = ledger_mode::reported;
    one.client = *ip_address::parse("2001:db8::7");
    REQUIRE(refusals.add(one));
    ledger_row bounce = row_of(start + 1, "", "u@d.test");
    bounce.test = bounce.cause = "";
    REQUIRE(refusals.add(bounce));
    REQUIRE(refusals.flush());
    CHECK(refusals.find(whom("some.one@s.test"), 0, "", 9).value().at(0).row == one);
    CHECK(refusals.find(std::nullopt, 0, "", 9).value().at(0).row == bounce);
    CHECK(times_of(refusals, "") == times{1});
}

void check_lengths(ledger& refusals) {
    ledger_row one = row_of(start, "a@s.test", "u@d.test");
    one.helo = std::string(10'000, 'h');
    one.cause = "bell\a" + std::string(10'000, 'c');
    one.reply = std::string(70'000, 'r');
    REQUIRE(refusals.add(one));
    ledger_row at_most = one;
    at_most.recipient->local = std::string(ledger_address_max - std::string("@d.test").size(), 'x');
    REQUIRE(refusals.add(at_most));
    CHECK(refusals.dropped() == 0);
    ledger_row too_long = at_most, nul = one;
    too_long.recipient->local += 'x';
    nul.sender->local = std::string("a\0b", 3);
    CHECK_FALSE(refusals.add(too_long));
    CHECK_FALSE(refusals.add(nul));
    CHECK(refusals.dropped() == 2);
    REQUIRE(refusals.flush());
    const auto kept = refusals.find(whom("u@d.test"), 0, "", 9).value().at(0).row;
    CHECK(kept.helo.size() == ledger_name_max);
    CHECK(kept.cause.starts_with("bell?ccc"));
    CHECK(kept.cause.size() == ledger_text_max);
    CHECK(kept.reply.size() == ledger_text_max);
    CHECK(refusals.find(at_most.recipient, 0, "", 9).value().size() == 1);
    CHECK(refusals.find(too_long.recipient, 0, "", 9).value().empty());
}

void check_sweeping(ledger& refusals) {
    for (int i = 0; i < 10; ++i) add(refusals, start + i, "a@s.test", "u@d.test");
    CHECK(refusals.sweep(start + 1000, 100, 50).value().removed == 0); // nothing was flushed
    REQUIRE(refusals.flush());
    auto swept = refusals.sweep(start + 99, 100, 50).value();
    CHECK(swept.removed == 0);
    CHECK_FALSE(swept.more);
    swept = refusals.sweep(start + 103, 100, 3).value(); // 0 to 3 are due
    CHECK(swept.removed == 3);
    CHECK(swept.more);
    CHECK(times_of(refusals, "u@d.test") == times{9, 8, 7, 6, 5, 4, 3});
    swept = refusals.sweep(start + 103, 100, 3).value();
    CHECK(swept.removed == 1);
    CHECK_FALSE(swept.more);
    CHECK(times_of(refusals, "a@s.test") == times{9, 8, 7, 6, 5, 4});
}

} // namespace

void check_ledger_contract(ledger& refusals) {
    SECTION("a row is found by its sender and by its recipient") { check_finding(refusals); }
    SECTION("the newest come first, by pages of any size") { check_order(refusals); }
    SECTION("a row comes back as it was") { check_fields(refusals); }
    SECTION("long texts are cut, addresses that can't be kept are counted") { check_lengths(refusals); }
    SECTION("what is old enough goes, in bounded steps") { check_sweeping(refusals); }
}

TEST_CASE("the ledger in memory keeps the contract", "[ledger]") {
    memory_ledger refusals;
    check_ledger_contract(refusals);
}

TEST_CASE("the ledger in LMDB keeps the contract", "[ledger]") {
    const temporary_folder folder;
    const auto refusals = open_lmdb_ledger(folder.path(), {.octets = std::uint64_t{64} << 20});
    REQUIRE(refusals.has_value());
    check_ledger_contract(**refusals);
}

} // namespace postern::testing
