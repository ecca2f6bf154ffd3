// A message that was accepted or deferred while the clock was far ahead was forgotten until that date.
#include "runner_bench.hpp"

#include <catch2/catch.hpp>
#include <ctime>

using namespace postern;

TEST_CASE("a message is delivered now although its next try lies beyond all that the plan gives") {
    testing::runner_bench bench;
    constexpr std::int64_t year = 365 * 86400;
    bench.insert(1, std::time(nullptr) + year);
    bench.insert(2, std::time(nullptr));
    CHECK(bench.run_until([&] { return bench.queue->totals()->messages == 0; }, std::chrono::seconds(10)));
    CHECK(bench.delivered() == 2);
}
