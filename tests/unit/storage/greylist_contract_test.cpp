#include "tests/contract/greylist_contract.hpp"
#include "tests/support/memory_greylist.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

namespace postern::testing {
namespace {

using namespace storage;
using protocol::ip_address;

constexpr std::int64_t day = 24 * 60 * 60;
constexpr std::int64_t start = 1'800'000'000;
constexpr greylist_terms terms{};

greylist_key key_of(const std::string& sender, std::string_view client = "192.0.2.1") {
    return {sender, ip_address::parse(client)->client_network()};
}

greylist_answer attempt(greylist& pairs, const greylist_key& key, std::int64_t now) {
    const auto answer = pairs.attempt(key, now, terms);
    REQUIRE(answer.has_value());
    return *answer;
}

std::vector<std::string> senders_of(const greylist& pairs, std::size_t page = 100) {
    std::vector<std::string> senders;
    std::string position;
    for (;;) {
        const auto rows = pairs.list(position, page);
        REQUIRE(rows.has_value());
        REQUIRE(rows->size() <= page);
        if (rows->empty()) return senders;
        for (const auto& row : *rows) senders.push_back(row.key.sender);
        position = rows->back().position;
    }
}

// Each step once with what was gathered still in memory, and once with it flushed.
void check_times(greylist& pairs) {
    const bool flushed = GENERATE(false, true);
    INFO("flushed " << flushed);
    const auto key = key_of("a@f.test");
    const auto ask = [&](std::int64_t now) {
        const auto answer = attempt(pairs, key, now);
        if (flushed) REQUIRE(pairs.flush());
        return answer;
    };
    CHECK(ask(start) == greylist_answer::first);
    CHECK(ask(start + 100) == greylist_answer::early);
    CHECK(ask(start + 299) == greylist_answer::early);
    CHECK(ask(start + 300) == greylist_answer::pass);
    CHECK(ask(start + 300 + day - 1) == greylist_answer::pass);
    CHECK(ask(start + 300 + 2 * day - 2) == greylist_answer::pass);
    CHECK(ask(start + 300 + 3 * day - 2) == greylist_answer::first);
}

// As often as it is done.
void check_looking(greylist& pairs) {
    const auto key = key_of("a@f.test");
    const auto look = [&](std::int64_t now) { return pairs.look(key, now, terms).value(); };
    CHECK(look(start) == greylist_answer::first);
    REQUIRE(pairs.flush());
    CHECK(pairs.list("", 10).value().empty());
    CHECK(attempt(pairs, key, start + 10) == greylist_answer::first);
    CHECK(look(start + 300) == greylist_answer::early);
    REQUIRE(pairs.flush());
    CHECK(look(start + 310) == greylist_answer::pass);
    CHECK(look(start + 310 + day - 1) == greylist_answer::pass);
    CHECK(look(start + 310 + day) == greylist_answer::first); // no look made the window longer
    REQUIRE(pairs.flush());
    CHECK(pairs.list("", 10).value().at(0).entry == greylist_entry{start + 10, std::nullopt});
    CHECK(pairs.look(key_of(std::string(greylist_sender_max + 1, 'a')), start, terms).error() ==
          storage_errc::invalid);
}

void check_keys(greylist& pairs) {
    CHECK(attempt(pairs, key_of("a@f.test"), start) == greylist_answer::first);
    CHECK(attempt(pairs, key_of("a@f.test", "192.0.2.2"), start + 300) == greylist_answer::first);
    CHECK(attempt(pairs, key_of("b@f.test"), start + 300) == greylist_answer::first);
    CHECK(attempt(pairs, key_of(""), start + 300) == greylist_answer::first);
    CHECK(attempt(pairs, key_of(""), start + 600) == greylist_answer::pass);
    CHECK(attempt(pairs, key_of("a@f.test"), start + 300) == greylist_answer::pass);
    CHECK(attempt(pairs, key_of("a@f.test", "2001:db8::1"), start) == greylist_answer::first);
    CHECK(attempt(pairs, key_of("a@f.test", "2001:db8::ffff"), start + 300) == greylist_answer::pass);
    CHECK(attempt(pairs, key_of("a@f.test", "2001:db8:0:1::1"), start + 300) == greylist_answer::first);
}

void check_odd_keys(greylist& pairs) {
    const std::string longest(greylist_sender_max, 'a');
    CHECK(attempt(pairs, key_of(longest), start) == greylist_answer::first);
    CHECK(attempt(pairs, key_of(longest, "2001:db8::"), start) == greylist_answer::first);
    REQUIRE(pairs.flush());
    CHECK(attempt(pairs, key_of(longest), start + 300) == greylist_answer::pass);
    for (const auto& sender : {longest + 'a', std::string("a\0b", 3)}) {
        CHECK(pairs.attempt(key_of(sender), start, terms).error() == storage_errc::invalid);
        CHECK(pairs.allow(key_of(sender), start).error() == storage_errc::invalid);
        CHECK_FALSE(pairs.remove(key_of(sender)).value());
    }
}

void check_listing(greylist& pairs) {
    CHECK(pairs.list("", 10).value().empty());
    attempt(pairs, key_of("c@f.test", "192.0.2.9"), start);
    attempt(pairs, key_of("b@f.test", "192.0.2.1"), start);
    attempt(pairs, key_of("a@f.test", "2001:db8::"), start);
    attempt(pairs, key_of("d@f.test", "192.0.2.1"), start);
    REQUIRE(pairs.flush());
    attempt(pairs, key_of("d@f.test", "192.0.2.1"), start + 300);
    REQUIRE(pairs.flush());
    const std::vector<std::string> all{"b@f.test", "d@f.test", "c@f.test", "a@f.test"};
    for (const std::size_t page : {1U, 2U, 3U, 4U, 100U}) CHECK(senders_of(pairs, page) == all);
    const auto rows = pairs.list("", 2).value();
    CHECK(rows.at(0).key == key_of("b@f.test"));
    CHECK(rows.at(0).entry == greylist_entry{start, std::nullopt});
    CHECK(rows.at(1).entry == greylist_entry{start, start + 300});
    CHECK(pairs.list(std::string(600, 'z'), 2).value().empty());
}

void check_mending(greylist& pairs) {
    REQUIRE(pairs.allow(key_of("a@f.test"), start));
    CHECK(senders_of(pairs) == std::vector<std::string>{"a@f.test"});
    CHECK(attempt(pairs, key_of("a@f.test"), start + day - 1) == greylist_answer::pass);
    CHECK(pairs.remove(key_of("a@f.test")).value());
    CHECK_FALSE(pairs.remove(key_of("a@f.test")).value());
    CHECK(senders_of(pairs).empty());
    CHECK(attempt(pairs, key_of("a@f.test"), start + day) == greylist_answer::first);
    CHECK(pairs.remove(key_of("a@f.test")).value()); // known since the last attempt only
    REQUIRE(pairs.flush());
    CHECK(senders_of(pairs).empty());

    CHECK(attempt(pairs, key_of("b@f.test"), start) == greylist_answer::first);
    REQUIRE(pairs.allow(key_of("b@f.test"), start + 1));
    REQUIRE(pairs.flush());
    CHECK(attempt(pairs, key_of("b@f.test"), start + 2) == greylist_answer::pass);
}

// What sweeping does until there is nothing more to do.
std::size_t sweep_all(greylist& pairs, std::int64_t now, std::size_t limit = 1000) {
    REQUIRE(pairs.flush());
    std::size_t removed = 0;
    for (int calls = 0; calls < 1000; ++calls) {
        const auto swept = pairs.sweep(now, terms, limit);
        REQUIRE(swept.has_value());
        CHECK(swept->removed <= limit);
        removed += swept->removed;
        if (!swept->more) return removed;
    }
    FAIL("sweeping does not end");
    return removed;
}

void check_sweeping(greylist& pairs) {
    for (int i = 0; i < 10; ++i) attempt(pairs, key_of("old" + std::to_string(i)), start);
    attempt(pairs, key_of("passed"), start);
    attempt(pairs, key_of("passed"), start + 300);
    attempt(pairs, key_of("again"), start);
    attempt(pairs, key_of("again"), start + 300);
    REQUIRE(pairs.flush());
    attempt(pairs, key_of("again"), start + 1000);
    CHECK(sweep_all(pairs, start + 300 + day - 1, 3) == 0);
    CHECK(senders_of(pairs).size() == 12);
    CHECK(sweep_all(pairs, start + 300 + day, 3) == 11);
    CHECK(senders_of(pairs) == std::vector<std::string>{"again"});
    CHECK(sweep_all(pairs, start + 1000 + day - 1) == 0);
    CHECK(sweep_all(pairs, start + 1000 + day) == 1);
    CHECK(sweep_all(pairs, start + 1000 + day) == 0);
}

void check_small_steps(greylist& pairs) {
    for (int i = 0; i < 10; ++i) attempt(pairs, key_of("old" + std::to_string(i)), start);
    REQUIRE(pairs.flush());
    const auto swept = pairs.sweep(start + 10 * day, terms, 4);
    REQUIRE(swept.has_value());
    CHECK(swept->removed == 4);
    CHECK(swept->more);
    CHECK(senders_of(pairs).size() == 6);
}

// Pairs that nobody asks about while the clock is wrong must not live on in the future.
void check_clock(greylist& pairs) {
    attempt(pairs, key_of("ahead"), start + 400 * day);
    attempt(pairs, key_of("passed ahead"), start + 400 * day);
    attempt(pairs, key_of("passed ahead"), start + 400 * day + 300);
    attempt(pairs, key_of("good"), start);
    attempt(pairs, key_of("good"), start + 300);
    REQUIRE(pairs.flush());
    attempt(pairs, key_of("good"), start + 300 + day - 1);
    CHECK(sweep_all(pairs, start + 300) == 0); // the clock is right again
    CHECK(senders_of(pairs).size() == 3);
    const auto removed = sweep_all(pairs, start + 300 + day + 300, 2);
    CHECK(removed >= 2); // a pass noted ahead may be found one window later
    CHECK(removed + sweep_all(pairs, start + 300 + 2 * day + 300, 2) == 3);
    CHECK(senders_of(pairs).empty());
}

} // namespace

void check_greylist_contract(greylist& pairs) {
    SECTION("a pair is refused and passes to the second") { check_times(pairs); }
    SECTION("a look changes nothing") { check_looking(pairs); }
    SECTION("senders, addresses and networks have memories of their own") { check_keys(pairs); }
    SECTION("the longest sender is a key, a longer one is invalid") { check_odd_keys(pairs); }
    SECTION("a listing is in order, by pages of any size") { check_listing(pairs); }
    SECTION("an operator's word counts at once") { check_mending(pairs); }
    SECTION("what has expired is swept to the second, and what passed again is not") {
        check_sweeping(pairs);
    }
    SECTION("a sweep does no more than its step") { check_small_steps(pairs); }
    SECTION("times that lie ahead are mended, asked about or not") { check_clock(pairs); }
}

TEST_CASE("the greylist in memory keeps the contract", "[greylist]") {
    memory_greylist pairs;
    check_greylist_contract(pairs);
}

TEST_CASE("the greylist in LMDB keeps the contract", "[greylist]") {
    const temporary_folder folder;
    const auto pairs = open_lmdb_greylist(folder.path(), {.octets = std::uint64_t{64} << 20});
    REQUIRE(pairs.has_value());
    check_greylist_contract(**pairs);
}

} // namespace postern::testing
