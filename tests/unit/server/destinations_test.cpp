// Whose turn it is: lines, connections, and destinations that are away.
#include "server/delivery/destinations.hpp"

#include <catch2/catch.hpp>
#include <map>

using namespace postern;
using namespace std::chrono_literals;
using server::destinations;
using storage::queue_id;

namespace {

conf::relay_hop hop(const std::string& name) { return {conf::relay_hop::kind::domain, {{}, 25}, name}; }

struct lines {
    int freed = 0;
    destinations all;
    destinations::time_point now = std::chrono::steady_clock::now();

    explicit lines(destinations::limits bounds = {}) : all(bounds, [this] { ++freed; }) {}
    void wait(const std::string& at, std::uint64_t id, const std::string& sender = "s", bool fresh = true) {
        all.wait(hop(at), {queue_id{id}, sender, fresh, 0});
    }
    std::vector<destinations::place> take_all(const std::string& at) {
        std::vector<destinations::place> held;
        while (auto one = all.take(hop(at), now)) held.push_back(std::move(one));
        return held;
    }
};

} // namespace

TEST_CASE("a destination has few connections first, more as it does well, and fewer as it doesn't") {
    lines at({200, 20, 0});
    CHECK(at.take_all("d.test").size() == destinations::connections_first);
    CHECK(at.freed == static_cast<int>(destinations::connections_first));
    for (int i = 0; i < 1000; ++i) at.all.went_well(hop("d.test"), at.now);
    CHECK(at.take_all("d.test").size() == 20);
    at.all.asked_for_less(hop("d.test"));
    CHECK(at.take_all("d.test").size() == 10);
    CHECK_FALSE(at.all.went_badly(hop("d.test"), "cannot connect", at.now)); // it was there a moment ago
    CHECK(at.take_all("d.test").size() == 5);
    CHECK(at.take_all("e.test").size() == destinations::connections_first); // nobody else's trouble
}

TEST_CASE("all destinations together have so many connections") {
    lines at({10, 20, 0});
    const auto a = at.take_all("a.test"), b = at.take_all("b.test"), c = at.take_all("c.test");
    CHECK(a.size() + b.size() + c.size() == 10);
    at.wait("d.test", 1);
    CHECK_FALSE(at.all.next(at.now));
}

TEST_CASE("one that is away is closed for a time that doubles, and then tried once") {
    lines at;
    CHECK(at.all.went_badly(hop("d.test"), "cannot connect: refused", at.now));
    CHECK(at.all.why_closed(hop("d.test"), at.now) == "cannot connect: refused");
    CHECK(at.all.take(hop("d.test"), at.now) == nullptr);
    CHECK_FALSE(at.all.went_badly(hop("d.test"), "late news", at.now)); // a try that had begun before
    auto wait = std::chrono::seconds(destinations::closed_first);
    for (int i = 0; i < 12; ++i) {
        CHECK_FALSE(at.all.why_closed(hop("d.test"), at.now + wait - 1s).empty());
        at.now += wait;
        CHECK(at.all.why_closed(hop("d.test"), at.now).empty());
        CHECK(at.take_all("d.test").size() == 1);
        CHECK_FALSE(at.all.went_badly(hop("d.test"), "again", at.now)); // no news
        wait = std::min(wait * 2, std::chrono::seconds(destinations::closed_max));
    }
    at.now += wait;
    at.all.went_well(hop("d.test"), at.now);
    CHECK(at.take_all("d.test").size() == destinations::connections_first);
}

TEST_CASE("who waits for one that is closed is told so at once, and takes no connection") {
    lines at({1, 20, 0});
    const auto held = at.take_all("other.test");
    at.wait("d.test", 1);
    CHECK_FALSE(at.all.next(at.now));
    at.all.went_badly(hop("d.test"), "away", at.now);
    const auto turn = at.all.next(at.now);
    REQUIRE(turn);
    CHECK(turn->id == queue_id{1});
    CHECK(turn->place == nullptr);
    CHECK_FALSE(at.all.next(at.now));
}

TEST_CASE("one that opens again while its connections hang keeps no other waiting") {
    lines at;
    const auto hanging = at.take_all("d.test");
    for (std::uint64_t i = 1; i <= 3; ++i) at.wait("d.test", i);
    at.all.went_badly(hop("d.test"), "away", at.now);
    at.now += destinations::closed_first; // nobody took its line meanwhile
    at.wait("e.test", 9);
    const auto turn = at.all.next(at.now);
    REQUIRE(turn);
    CHECK(turn->id == queue_id{9});
    CHECK_FALSE(at.all.next(at.now));
    CHECK(at.all.is_waiting(queue_id{1}, 0));
}

TEST_CASE("a message's other time holds as long as it stands in any line") {
    lines at;
    at.all.wait(hop("d.test"), {queue_id{1}, "s", true, 100});
    at.all.wait(hop("e.test"), {queue_id{1}, "s", true, 100});
    REQUIRE(at.all.next(at.now));
    CHECK_FALSE(at.all.is_waiting(queue_id{1}, 100));
    CHECK(at.all.is_waiting(queue_id{1}, 99));
    at.all.wait(hop("e.test"), {queue_id{1}, "s", true, 200}); // it stands there already
    CHECK(at.all.is_waiting(queue_id{1}, 100));
}

TEST_CASE("a message that is gone stands in no line any more, and takes nobody's turn") {
    lines at({200, 1, 0});
    at.all.wait(hop("d.test"), {queue_id{1}, "s", true, 0});
    at.all.wait(hop("e.test"), {queue_id{1}, "s", true, 0});
    at.all.wait(hop("d.test"), {queue_id{2}, "s", true, 0});
    at.all.forget(queue_id{1});
    at.all.forget(queue_id{1});
    at.all.forget(queue_id{3});
    CHECK(at.all.waiting() == 1);
    CHECK_FALSE(at.all.is_waiting(queue_id{1}, 0));
    const auto turn = at.all.next(at.now);
    REQUIRE(turn);
    CHECK(turn->id == queue_id{2});
    CHECK_FALSE(at.all.next(at.now));
    at.all.wait(hop("e.test"), {queue_id{4}, "s", true, 0}); // the line is as good as before
    REQUIRE(at.all.next(at.now));
}

TEST_CASE("when a message is to be looked at holds for all lines that it stands in") {
    lines at;
    at.all.wait(hop("d.test"), {queue_id{1}, "s", true, destinations::not_known});
    at.all.wait(hop("e.test"), {queue_id{1}, "s", true, 100});
    CHECK(at.all.is_waiting(queue_id{1}, 99)); // or it would be tried again and again, for nothing
    CHECK_FALSE(at.all.is_waiting(queue_id{1}, 100));
}

TEST_CASE("one that was there a moment ago is told from one that never was") {
    lines at;
    CHECK_FALSE(at.all.was_there(hop("d.test"), at.now));
    at.all.went_well(hop("d.test"), at.now);
    CHECK(at.all.was_there(hop("d.test"), at.now));
    CHECK_FALSE(at.all.was_there(hop("d.test"), at.now + destinations::lately));
    for (int i = 0; i < 3; ++i) at.all.asked_for_less(hop("d.test"));
    CHECK_FALSE(at.all.was_there(hop("d.test"), at.now)); // nothing is left to give up
}

TEST_CASE("who isn't known to be due later is looked at when it is due") {
    lines at;
    at.all.wait(hop("d.test"), {queue_id{1}, "s", true, destinations::not_known});
    CHECK_FALSE(at.all.is_waiting(queue_id{1}, 100));
    at.all.wait(hop("d.test"), {queue_id{1}, "s", true, 200});
    CHECK(at.all.is_waiting(queue_id{1}, 199));
    at.all.wait(hop("d.test"), {queue_id{1}, "s", true, destinations::not_known}); // and now it is known
    CHECK(at.all.is_waiting(queue_id{1}, 199));
    CHECK_FALSE(at.all.is_waiting(queue_id{1}, 200));
    CHECK(at.all.waiting() == 1);
}

TEST_CASE("destinations take turns, whatever the length of their lines") {
    lines at({200, 1, 0});
    for (std::uint64_t i = 1; i <= 1000; ++i) at.wait("big.test", i);
    at.wait("small.test", 2000);
    at.wait("other.test", 2001);
    std::vector<std::string> order;
    for (int i = 0; i < 3; ++i) {
        const auto turn = at.all.next(at.now);
        REQUIRE(turn);
        order.push_back(turn->hop.name);
    }
    CHECK(order == std::vector<std::string>{"big.test", "small.test", "other.test"});
    CHECK(at.all.waiting() == 999);
}

TEST_CASE("senders take turns within a line, and fresh mail goes before mail that was tried") {
    lines at({10000, 10000, 0});
    for (int i = 0; i < 100000; ++i) at.all.went_well(hop("d.test"), at.now);
    for (int i = 0; i < 1000000; ++i) at.all.went_well(hop("d.test"), at.now);
    for (std::uint64_t i = 1; i <= 500; ++i) at.wait("d.test", i, "crowd");
    for (std::uint64_t i = 501; i <= 503; ++i) at.wait("d.test", i, "alone");
    std::vector<destinations::place> held;
    std::map<std::uint64_t, int> when;
    for (int i = 0; i < 503; ++i) {
        auto turn = at.all.next(at.now);
        REQUIRE(turn);
        when[turn->id.value] = i;
        held.push_back(std::move(turn->place));
    }
    CHECK(when[501] <= 2);
    CHECK(when[502] <= 4);
    CHECK(when[503] <= 6);
    CHECK(when[1] < when[2]);
    held.clear();
    for (std::uint64_t i = 1; i <= 10; ++i) at.wait("d.test", i, "one", false);
    for (std::uint64_t i = 11; i <= 26; ++i) at.wait("d.test", i, "two", true);
    when.clear();
    for (int i = 0; i < 26; ++i) {
        auto turn = at.all.next(at.now);
        REQUIRE(turn);
        when[turn->id.value] = i;
        held.push_back(std::move(turn->place));
    }
    CHECK(when[17] < when[1]); // eight steps for one that was tried
    CHECK(when[1] < when[26]); // and not behind all that is fresh
}

TEST_CASE("a message stands once in a line, and in several lines") {
    lines at;
    at.wait("d.test", 1);
    at.wait("d.test", 1);
    at.wait("e.test", 1);
    CHECK(at.all.waiting() == 2);
    CHECK(at.all.is_waiting(queue_id{1}, 0));
    CHECK_FALSE(at.all.is_waiting(queue_id{2}, 0));
    REQUIRE(at.all.next(at.now));
    CHECK(at.all.is_waiting(queue_id{1}, 0));
    REQUIRE(at.all.next(at.now));
    CHECK_FALSE(at.all.is_waiting(queue_id{1}, 0));
    CHECK_FALSE(at.all.next(at.now));
    at.all.wait(hop("f.test"), {queue_id{3}, "s", true, 100}); // others of its recipients are due at 100
    CHECK(at.all.is_waiting(queue_id{3}, 99));
    CHECK_FALSE(at.all.is_waiting(queue_id{3}, 100));
    at.all.clear(hop("f.test"));
    CHECK(at.all.waiting() == 0);
    CHECK_FALSE(at.all.next(at.now));
}

TEST_CASE("a destination gets so many messages a minute") {
    lines at({200, 20, 60});
    for (std::uint64_t i = 1; i <= 3; ++i) at.wait("d.test", i);
    CHECK(at.all.next(at.now));
    CHECK_FALSE(at.all.next(at.now));
    REQUIRE(at.all.opens_at());
    CHECK(*at.all.opens_at() > at.now);
    CHECK_FALSE(at.all.next(at.now + 900ms));
    CHECK(at.all.next(at.now + 1s));
    CHECK_FALSE(at.all.next(at.now + 1500ms));
    CHECK(at.all.take(hop("e.test"), at.now) != nullptr);
    CHECK(at.all.take(hop("e.test"), at.now) == nullptr);
}

TEST_CASE("a place may outlive its table") {
    destinations::place held;
    {
        lines at;
        at.all = destinations({}, [] {});
        held = at.all.take(hop("d.test"), at.now);
        CHECK(held != nullptr);
    }
    held.reset();
}

TEST_CASE("what is known of each destination can be seen, the longest line first") {
    lines at;
    at.wait("short.test", 1);
    for (std::uint64_t i = 1; i <= 5; ++i) at.wait("long.test", i);
    at.all.went_badly(hop("away.test"), "nobody there", at.now);
    const auto seen = at.all.look(10, at.now);
    REQUIRE(seen.size() == 3);
    CHECK(seen[0].name == "long.test");
    CHECK(seen[0].waiting == 5);
    CHECK(seen[2].name == "away.test");
    CHECK(seen[2].closed_for == destinations::closed_first);
    CHECK(seen[2].last_error == "nobody there");
    CHECK(at.all.look(1, at.now).size() == 1);
}
