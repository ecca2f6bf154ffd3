// What threads counted beside each other is one sum.
#include "bench/load/tally.hpp"

#include <catch2/catch.hpp>

using namespace postern::bench;
using std::chrono::milliseconds;

TEST_CASE("two tallies are added, from the first beginning to the last end") {
    const steady::time_point start{milliseconds(1000)};
    tally first, second;
    first.started = start + milliseconds(1);
    second.started = start;
    first.count_done(start + milliseconds(50));
    second.count_done(start + milliseconds(60));
    second.count_done(start + milliseconds(250));
    first.to_final.record(10);
    second.to_final.record(30);
    second.failed = 2;
    second.count_trouble(stage::rcpt, 451, "later");
    first.count_trouble(stage::rcpt, 451, "not now");
    second.count_trouble(stage::mail, 0, "lost");
    first.add(second);
    CHECK(first.done == 3);
    CHECK(first.failed == 2);
    CHECK(first.seconds() == Approx(0.25));
    CHECK(first.done_in_slot == std::vector<std::uint32_t>{2, 0, 1});
    CHECK(first.to_final.count() == 2);
    CHECK(first.to_final.max() == 30);
    CHECK(first.troubles.at({stage::rcpt, 451}).count == 2);
    CHECK(first.troubles.at({stage::rcpt, 451}).first == "not now");
    CHECK(first.troubles.at({stage::mail, 0}).first == "lost");
}
