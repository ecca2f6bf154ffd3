#include "storage/schedule.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <limits>

using namespace postern::storage;
using std::chrono::seconds;

namespace {

constexpr std::array steps = {seconds(300), seconds(900), seconds(3600)};
constexpr retry_plan plan{steps, seconds(5 * 86400)};
constexpr auto latest = std::numeric_limits<std::int64_t>::max();
constexpr auto earliest = std::numeric_limits<std::int64_t>::min();

} // namespace

TEST_CASE("the last step of the plan repeats") {
    const std::pair<unsigned, std::int64_t> rows[] = {
        {0, 1300}, {1, 1300}, {2, 1900}, {3, 4600}, {4, 4600}, {std::numeric_limits<unsigned>::max(), 4600}};
    for (const auto& [tries, expected] : rows) CHECK(next_try(plan, tries, 1000) == expected);
}

TEST_CASE("the next try is never now, and never before now by overflow") {
    constexpr std::array careless = {seconds(0), seconds(-5), seconds::max()};
    const retry_plan odd{careless, seconds(1)};
    CHECK(next_try(odd, 1, 1000) == 1001);
    CHECK(next_try(odd, 2, 1000) == 1001);
    CHECK(next_try(odd, 3, 1000) == latest);
    CHECK(next_try(plan, 1, latest) == latest);
}

TEST_CASE("a clock that jumps ahead does not give up a message that was hardly tried") {
    struct row {
        unsigned tries;
        std::int64_t arrived, now;
        bool given_up;
    };
    const row rows[] = {{3, 0, 5 * 86400, true},      {3, 0, 5 * 86400 - 1, false}, {2, 0, latest, false},
                        {0, 0, latest, false},        {9, 0, 1000, false},          {9, 1000, 0, false},
                        {9, latest, earliest, false}, {9, earliest, latest, true}};
    for (const row& each : rows) {
        INFO(each.tries << " " << each.arrived << " " << each.now);
        CHECK(expired(plan, each.tries, each.arrived, each.now) == each.given_up);
    }
}

TEST_CASE("no time that a plan gives is later than its latest") {
    for (unsigned tries = 0; tries < 6; ++tries) CHECK(next_try(plan, tries, 1000) <= latest_due(plan, 1000));
    CHECK(latest_due(plan, 1000) == 1000 + 3600 + 60);
    constexpr std::array falling = {seconds(900), seconds(300)};
    CHECK(latest_due({falling, seconds(1)}, 0) == 900 + 60);
    CHECK(latest_due(plan, latest) == latest);
}
