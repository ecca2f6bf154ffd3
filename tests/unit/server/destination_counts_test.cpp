// What came of tries, by destination: the busiest have counts of their own, each try is in one of them, and
// none falls.
#include "server/destination_counts.hpp"

#include <catch2/catch.hpp>
#include <map>

using namespace postern::server;
using result = destination_counts::result;

namespace {

std::map<std::string, destination_status> read(destination_counts& from) {
    std::map<std::string, destination_status> made;
    for (auto& one : from.read()) made[one.name] = one;
    return made;
}

void add(destination_counts& to, const std::string& name, int times) {
    for (int i = 0; i < times; ++i) to.add(name, result::deferred);
}

destination_status line_of(std::string name, std::uint64_t waiting) {
    destination_status made;
    made.name = std::move(name);
    made.waiting = waiting;
    return made;
}

} // namespace

TEST_CASE("tries are counted by what came of them", "[destinations]") {
    destination_counts counts;
    counts.add("d.test", result::delivered);
    counts.add("d.test", result::deferred);
    counts.add("d.test", result::failed);
    counts.add("d.test", result::delivered);
    counts.add("e.test", result::failed);
    const auto rows = counts.read();
    REQUIRE(rows.size() == 3);
    CHECK(rows[0].name == "d.test");
    CHECK(rows[0].delivered == 2);
    CHECK(rows[0].deferred == 1);
    CHECK(rows[0].failed == 1);
    CHECK(rows[1].failed == 1);
    CHECK(rows[2].name == "other");
    CHECK(rows[2].failed == 0);
}

TEST_CASE("however many names strangers choose, the counts are bounded and each try is in one of them",
          "[destinations]") {
    destination_counts counts;
    std::uint64_t tries = 0, other = 0;
    for (int i = 0; i < 20'000; ++i) {
        counts.add(std::to_string(i) + ".test", result::failed);
        ++tries;
        if (i % 1000 != 0) continue;
        const auto rows = counts.read();
        CHECK(rows.size() <= destination_counts::shown_max + 1);
        std::uint64_t sum = 0;
        for (const auto& row : rows) sum += row.failed;
        CHECK(sum == tries);
        CHECK(rows.back().failed >= other);
        other = rows.back().failed;
    }
}

TEST_CASE("a destination that becomes busy gets a place, from then on", "[destinations]") {
    destination_counts counts;
    for (std::size_t i = 0; i < destination_counts::shown_max; ++i) add(counts, std::to_string(i), 10);
    add(counts, "busy.test", 20);
    CHECK_FALSE(read(counts).contains("busy.test")); // not more than twice as busy
    add(counts, "busy.test", 1);
    auto rows = read(counts);
    REQUIRE(rows.contains("busy.test"));
    CHECK(rows["busy.test"].deferred == 0);
    CHECK(rows["other"].deferred == 21);
    CHECK(rows.size() == destination_counts::shown_max + 1);
    add(counts, "busy.test", 5);
    rows = read(counts);
    CHECK(rows["busy.test"].deferred == 5);
    CHECK(rows["other"].deferred == 21);
}

TEST_CASE("what waits is joined with what was counted, and the rest is one row", "[destinations]") {
    destination_counts counts;
    add(counts, "a.test", 1);
    auto away = line_of("a.test", 3);
    away.retry_at = 1'800'000'000;
    away.last_error = "no answer";
    std::vector<destination_status> seen{away, line_of("b.test", 5), line_of("c.test", 7),
                                         line_of("d.test", 6)};
    const auto rows = merge_destinations(counts.read(), seen, 3);
    REQUIRE(rows.size() == 4);
    CHECK(rows[0].name == "a.test");
    CHECK(rows[0].waiting == 3);
    CHECK(rows[0].deferred == 1);
    CHECK(rows[0].retry_at == 1'800'000'000);
    CHECK(rows[0].last_error == "no answer");
    CHECK(rows[1].name == "c.test");
    CHECK(rows[2].name == "d.test");
    CHECK(rows[3].name == "other");
    CHECK(rows[3].waiting == 5);
    CHECK(merge_destinations({}, {}, 3).size() == 1);
}
