// A queue that can't grow: the map is full, or the file may not get larger. Nothing accepted is lost,
// messages can still be updated and removed, and it goes on by itself when there is room.
#include "queue_support.hpp"
#include "tests/support/failing_files.hpp"
#include "tests/support/file_size_limit.hpp"

#include <catch2/catch.hpp>
#include <cerrno>

using namespace postern::storage;
using namespace postern::testing;

namespace {

constexpr std::uint64_t small_map = 1024 * 1024;

struct filling {
    std::uint64_t accepted = 0;
    boost::system::error_code stopped_by;
};

filling fill(queue& into, std::uint64_t first, std::size_t body_size) {
    filling outcome;
    std::vector<queue_operation> batch;
    do { // in larger steps first: flushes are slow
        batch.clear();
        for (std::uint64_t i = 0; i < 10; ++i)
            batch.push_back(insert_of(first + outcome.accepted + i, body_size));
        outcome.accepted += 10;
    } while (into.commit(batch));
    outcome.accepted -= 10;
    for (std::uint64_t id = first + outcome.accepted; id < first + 100'000; ++id) {
        const auto committed = commit_one(into, insert_of(id, body_size));
        if (!committed) {
            outcome.stopped_by = committed.error();
            return outcome;
        }
        ++outcome.accepted;
    }
    return outcome;
}

void check_intact(const queue& in, std::uint64_t first, std::uint64_t count, std::size_t body_size) {
    for (std::uint64_t id = first; id < first + count; ++id) {
        const auto message = in.find({id});
        REQUIRE(message.has_value());
        REQUIRE(message->has_value());
        REQUIRE(same(**message, message_of(id, body_size)));
        REQUIRE(stored_body(in, **message) == body_of(id, body_size));
    }
}

} // namespace

TEST_CASE("a full map refuses messages, keeps what it has, and takes more after a larger one is set") {
    for (const std::size_t body_size : {std::size_t{100}, std::size_t{3000}, inline_body_max}) {
        INFO("bodies of " << body_size);
        const temporary_folder folder;
        filling outcome;
        {
            const auto queue = open_queue(folder.path(), small_map);
            REQUIRE(queue);
            outcome = fill(*queue, 1, body_size);
            CHECK(outcome.stopped_by == storage_errc::map_full);
            CHECK(outcome.accepted > 5);
            CHECK(queue->totals()->messages == outcome.accepted);
            check_intact(*queue, 1, outcome.accepted, body_size);
        }
        const auto queue = open_queue(folder.path(), 4 * small_map);
        REQUIRE(queue);
        check_intact(*queue, 1, outcome.accepted, body_size);
        CHECK(fill(*queue, outcome.accepted + 1, body_size).accepted > outcome.accepted);
    }
}

TEST_CASE("when the map is full every message can still be updated and removed, and the room is used again") {
    for (const std::size_t body_size : {std::size_t{100}, std::size_t{3000}, inline_body_max}) {
        INFO("bodies of " << body_size);
        const temporary_folder folder;
        const auto queue = open_queue(folder.path(), small_map);
        REQUIRE(queue);
        std::uint64_t first = 1;
        for (int round = 0; round < 3; ++round) {
            const filling outcome = fill(*queue, first, body_size);
            REQUIRE(outcome.stopped_by == storage_errc::map_full);
            REQUIRE(outcome.accepted > 5);
            for (std::uint64_t id = first; id < first + 5; ++id) {
                queued_message message = message_of(id, body_size, 2000);
                message.recipients[0].tries = 1;
                message.recipients[0].last_reply = "4.2.2 try later";
                REQUIRE(commit_one(*queue, update_message{message}));
            }
            for (std::uint64_t id = first; id < first + outcome.accepted; ++id) {
                REQUIRE(commit_one(*queue, removal_of(id)));
            }
            CHECK(queue->totals()->messages == 0);
            CHECK_FALSE(queue->next_due()->has_value());
            first += outcome.accepted;
        }
    }
}

TEST_CASE("updates that fill the rest of the map are refused before removals become impossible") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path(), small_map);
    REQUIRE(queue);
    const filling outcome = fill(*queue, 1, 100);
    REQUIRE(outcome.stopped_by == storage_errc::map_full);
    std::uint64_t refused = 0;
    for (std::uint64_t id = 1; id <= outcome.accepted; ++id) {
        queued_message message = message_of(id, 100, 2000);
        message.recipients[0].last_reply = std::string(last_reply_max, 'x');
        const auto updated = commit_one(*queue, update_message{message});
        if (updated) continue;
        ++refused;
        CHECK(updated.error() == storage_errc::map_full);
        REQUIRE((*queue->find({id}))->recipients[0].last_reply.empty());
    }
    CHECK(refused > 0);
    for (std::uint64_t id = 1; id <= outcome.accepted; ++id) REQUIRE(commit_one(*queue, removal_of(id)));
    CHECK(queue->totals()->messages == 0);
}

TEST_CASE("the room of one large batch of removals is there for the very next message") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path(), small_map);
    REQUIRE(queue);
    const filling outcome = fill(*queue, 1, inline_body_max);
    REQUIRE(outcome.stopped_by == storage_errc::map_full);
    std::vector<queue_operation> batch;
    for (std::uint64_t id = 1; id <= outcome.accepted; ++id) batch.push_back(removal_of(id));
    REQUIRE(queue->commit(batch));
    std::vector<queue_operation> next;
    for (std::uint64_t id = 101; id <= 105; ++id) next.push_back(insert_of(id, inline_body_max));
    CHECK(queue->commit(next));
    check_intact(*queue, 101, 5, inline_body_max);
}

TEST_CASE("messages that were delivered leave a full map, whatever else is settled with them") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path(), small_map);
    REQUIRE(queue);
    const filling outcome = fill(*queue, 1, 100);
    REQUIRE(outcome.stopped_by == storage_errc::map_full);
    const auto delivered = [](std::uint64_t id) { return settle_message{message_of(id), true, {}}; };
    const auto notice = std::get<insert_message>(insert_of(100'000, inline_body_max));
    const queue_operation batch[] = {delivered(1), delivered(2),
                                     settle_message{message_of(3), true, {notice}}, delivered(4)};
    const auto outcomes = queue->commit_each(batch);
    for (const std::size_t i : {0U, 1U, 3U}) {
        CHECK_FALSE(outcomes[i]);
        CHECK_FALSE(queue->find({i + 1})->has_value());
    }
    CHECK(outcomes[2] == storage_errc::map_full);
    CHECK(queue->find({3})->has_value());
    CHECK(queue->totals()->messages == outcome.accepted - 3);
}

TEST_CASE("a batch too large for the map fails whole, and a smaller one passes at once") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path(), small_map);
    REQUIRE(queue);
    std::vector<queue_operation> batch;
    for (std::uint64_t id = 1; id <= 20; ++id) batch.push_back(insert_of(id, inline_body_max));
    CHECK(queue->commit(batch).error() == storage_errc::map_full);
    CHECK(queue->totals()->messages == 0);
    batch.resize(5);
    CHECK(queue->commit(batch));
    check_intact(*queue, 1, 5, inline_body_max);
}

TEST_CASE("a file that can't grow fails the commit, loses nothing and works again when it can") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    filling outcome;
    {
        const file_size_limit limit(512 * 1024);
        outcome = fill(*queue, 1, 20'000);
        CHECK(outcome.stopped_by == storage_errc::no_space);
        CHECK(outcome.accepted > 5);
        CHECK(commit_one(*queue, insert_of(5000, 60'000)).error() == storage_errc::no_space);
        check_intact(*queue, 1, outcome.accepted, 20'000);
    }
    CHECK_FALSE(queue->find({5000})->has_value());
    CHECK(commit_one(*queue, insert_of(5000, 60'000)));
    check_intact(*queue, 1, outcome.accepted, 20'000);
    check_intact(*queue, 5000, 1, 60'000);
    CHECK(queue->totals()->messages == outcome.accepted + 1);
}

TEST_CASE("messages are refused before the disk is full to the last octet; removals are not") {
    const temporary_folder folder;
    failing_files files;
    const auto opened = queue::open(files, folder.path(), {1 << 30});
    REQUIRE(opened.has_value());
    REQUIRE(commit_one(**opened, insert_of(1)));
    files.fail_from(file_call::free_bytes, 1, EIO);
    CHECK(commit_one(**opened, insert_of(2)).error() == storage_errc::io);
    CHECK(commit_one(**opened, update_message{message_of(1, 100, 7)}));
    CHECK(commit_one(**opened, removal_of(1)));
    files.stop();
    CHECK(commit_one(**opened, insert_of(2)));
}
