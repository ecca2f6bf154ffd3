// A message whose result could not be written for its own records' sake held a delivery slot for ever.
#include "runner_bench.hpp"

#include <catch2/catch.hpp>
#include <ctime>

using namespace postern;
using namespace postern::storage;

namespace {

// The index has the message at another time than its record: it is found, and can't be taken out.
void part_from_index(testing::runner_bench& bench, queue_id id, std::int64_t was, std::int64_t is) {
    bench.change_tables([&](lmdb::transaction& within, const queue_tables& tables) {
        REQUIRE(within.remove(tables.due, due_key({was, id})).value());
        REQUIRE(within.put(tables.due, due_key({is, id}), {}, lmdb::put_mode::insert));
    });
}

} // namespace

TEST_CASE("a message whose result can't be written is told of once and set aside, and the others go") {
    testing::runner_bench bench; // of four deliveries at a time
    const auto now = std::time(nullptr);
    for (std::uint64_t id = 1; id <= 6; ++id) bench.insert(id, now - 10);
    for (std::uint64_t id = 1; id <= 4; ++id) part_from_index(bench, {id}, now - 10, now - 20);
    const auto all_are_through = [&] {
        return bench.delivered() == 6 && bench.queue->totals()->messages == 4 && bench.attempts.size() == 0;
    };
    CHECK(bench.run_until(all_are_through, std::chrono::seconds(4)));
    CHECK(bench.journal.faults().size() == 4);
}
