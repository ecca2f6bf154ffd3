// The runner asked again and again, without a pause, for a message that the queue could not give.
#include "runner_bench.hpp"
#include "server/queue_steering.hpp"

#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>
#include <ctime>

using namespace postern;
using namespace postern::storage;

namespace {

// Exchanges or, with nothing, removes the record of a message.
void break_record(testing::runner_bench& bench, queue_id id, std::optional<std::string> record) {
    bench.change_tables([&](lmdb::transaction& within, const queue_tables& tables) {
        if (record)
            REQUIRE(within.put(tables.messages, id_key(id), *record, lmdb::put_mode::replace));
        else
            REQUIRE(within.remove(tables.messages, id_key(id)).value());
    });
}

} // namespace

TEST_CASE("a message that can't be read is told of once and set aside, and the others are delivered") {
    testing::runner_bench bench;
    const auto now = std::time(nullptr);
    for (std::uint64_t id = 1; id <= 20; ++id) bench.insert(id, now);
    for (std::uint64_t id = 1; id <= 10; ++id)
        break_record(bench, {id}, id % 2 == 0 ? std::optional<std::string>("\x01\x02\x03") : std::nullopt);
    CHECK(bench.run_until([&] { return bench.delivered() == 10 && bench.journal.faults().size() >= 10; },
                          std::chrono::seconds(10)));
    CHECK_FALSE(bench.run_until([&] { return bench.journal.faults().size() > 20; },
                                std::chrono::milliseconds(300))); // a second runner tells of each once more
    CHECK(bench.journal.faults().size() == 20);
}

TEST_CASE("the server deletes a message that can't be read, and can do nothing else to it") {
    testing::runner_bench bench;
    bench.insert(1, std::time(nullptr) + 3600);
    break_record(bench, {1}, "\x01\x02\x03");
    server::async_spool spool(*bench.queue, 100, [](std::span<const storage::queue_id>) {});
    std::vector<queue_id> told;
    server::queue_steering steering(bench.loop.get_executor(), spool, bench.attempts, bench.journal,
                                    [&](queue_id id, wish_outcome outcome) {
                                        if (outcome == wish_outcome::done) told.push_back(id);
                                    });
    const auto steer = [&](queue_wish wish) {
        std::vector<wish_outcome> outcomes;
        boost::asio::co_spawn(
            bench.loop, steering.steer(wish, {{1}}),
            [&](std::exception_ptr, std::vector<wish_outcome> got) { outcomes = std::move(got); });
        bench.loop.restart();
        bench.loop.run();
        return outcomes;
    };
    for (const auto wish : {queue_wish::retry, queue_wish::hold, queue_wish::release, queue_wish::bounce})
        CHECK(steer(wish) == std::vector{wish_outcome::failed});
    CHECK(told.empty());
    CHECK(steer(queue_wish::remove) == std::vector{wish_outcome::done});
    CHECK(told == std::vector{queue_id{1}});
    CHECK(bench.queue->totals()->messages == 0);
    CHECK(bench.queue->due_after(before_all, std::time(nullptr) + 7200, 10)->empty());
    CHECK(steer(queue_wish::remove) == std::vector{wish_outcome::gone});
}
