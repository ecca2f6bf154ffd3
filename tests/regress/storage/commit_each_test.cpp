// One operation that can't be stored failed everybody's in its batch, again and again; and removals failed
// with the messages that found no room, so that there never was any.
#include "storage/queue_tables.hpp"
#include "tests/unit/storage/queue_support.hpp"
#include "tests/unit/storage/system_call_faults.hpp"

#include <catch2/catch.hpp>
#include <cerrno>

using namespace postern::storage;
using namespace postern::testing;
using boost::system::error_code;

namespace {

constexpr std::uint64_t small_map = 8 * 1024 * 1024;

bool holds(const queue& in, std::uint64_t id) { return in.find({id}).value().has_value(); }

// Messages until there is no room for more; how many.
std::uint64_t fill(queue& into, std::size_t body_size) {
    std::uint64_t count = 0;
    for (std::size_t step = 50; step > 0;) {
        std::vector<queue_operation> batch;
        for (std::size_t i = 1; i <= step; ++i) batch.push_back(insert_of(count + i, body_size));
        if (into.commit(batch))
            count += step;
        else
            step /= 2;
    }
    return count;
}

queue_operation update_of(std::uint64_t id, std::size_t reply) {
    queued_message message = message_of(id, 100, 2000);
    message.recipients[0].last_reply = std::string(reply, 'x');
    return update_message{message};
}

} // namespace

TEST_CASE("an operation that can't be stored fails alone") {
    const temporary_folder folder(temporary_folder::in_memory());
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    REQUIRE(commit_one(*queue, insert_of(1)));
    queued_message crowd = message_of(3);
    crowd.recipients.resize(recipients_max + 1);
    queued_message other = message_of(1);
    other.recipients.resize(2);
    const queue_operation batch[] = {insert_of(2),
                                     insert_message{crowd, body_of(3, 100)}, // too many recipients
                                     insert_of(4),
                                     insert_of(1),                           // is there
                                     update_message{other},                  // not as many as before
                                     insert_message{message_of(5), "short"}, // not the size it says
                                     insert_of(6)};
    const std::vector<error_code> expected{
        {}, storage_errc::too_large, {}, storage_errc::exists, storage_errc::invalid, storage_errc::invalid,
        {}};
    CHECK(queue->commit_each(batch) == expected);
    CHECK(queue->totals()->messages == 4);
    for (const std::uint64_t id : {1U, 2U, 4U, 6U}) CHECK(holds(*queue, id));
}

TEST_CASE("a message whose time due has parted from its record fails alone") {
    const temporary_folder folder(temporary_folder::in_memory());
    auto queue = open_queue(folder.path());
    REQUIRE(queue);
    REQUIRE(commit_one(*queue, insert_of(1)));
    queue.reset();
    {
        const auto opened = lmdb::environment::open(folder.path() + "/queue", {.map_size = 1 << 30});
        auto begun = (*opened)->begin_write();
        REQUIRE(begun.has_value());
        const auto tables = open_queue_tables(*begun, lmdb::when_absent::fail);
        REQUIRE(begun->remove(tables->due, due_key({1000, {1}})).value());
        REQUIRE(begun->commit());
    }
    queue = open_queue(folder.path());
    const queue_operation batch[] = {insert_of(2), removal_of(1), insert_of(3)};
    CHECK(queue->commit_each(batch) == std::vector<error_code>{{}, storage_errc::corrupt, {}});
    CHECK(holds(*queue, 2));
    CHECK(holds(*queue, 3));
    CHECK(commit_one(*queue, remove_message{{1}, false, true})); // as an operator has it removed
    CHECK_FALSE(holds(*queue, 1));
}

TEST_CASE("removals and updates do not fail with the messages that find no room") {
    const temporary_folder folder(temporary_folder::in_memory());
    const auto queue = open_queue(folder.path(), small_map);
    REQUIRE(queue);
    REQUIRE(fill(*queue, 100) > 100);
    std::vector<queue_operation> batch{insert_of(100'000), update_of(1, 10), removal_of(2),
                                       insert_of(100'001), removal_of(3)};
    const std::vector<error_code> expected{storage_errc::map_full, {}, {}, storage_errc::map_full, {}};
    CHECK(queue->commit_each(batch) == expected);
    CHECK(queue->find({1})->value().recipients[0].next_try == 2000);
    CHECK_FALSE(holds(*queue, 2));
    CHECK_FALSE(holds(*queue, 100'000));
}

TEST_CASE("removals that need more pages than a full map has are made in smaller parts") {
    const temporary_folder folder(temporary_folder::in_memory());
    const auto queue = open_queue(folder.path(), small_map);
    REQUIRE(queue);
    const std::uint64_t count = fill(*queue, 100);
    for (std::uint64_t id = 1; id <= count; ++id) (void)commit_one(*queue, update_of(id, last_reply_max));
    const auto delivered = GENERATE(false, true);
    std::vector<queue_operation> removals;
    for (std::uint64_t id = 10; id <= count; id += 10) { // in every page
        if (delivered)
            removals.push_back(settle_message{message_of(id), true, {}});
        else
            removals.push_back(removal_of(id));
    }
    REQUIRE(queue->commit(removals).error() == storage_errc::map_full); // what this is about
    auto batch = removals;
    batch.push_back(insert_of(100'000, inline_body_max));
    batch.push_back(update_of(1, 0));
    const auto outcomes = queue->commit_each(batch);
    for (std::size_t i = 0; i < removals.size(); ++i) REQUIRE_FALSE(outcomes[i]);
    CHECK(outcomes[removals.size()] == storage_errc::map_full);
    CHECK_FALSE(outcomes[removals.size() + 1]);
    CHECK(queue->totals()->messages == count - removals.size());
}

TEST_CASE("after a failed flush nothing of the batch is tried again") {
    const temporary_folder folder(temporary_folder::in_memory());
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    REQUIRE(commit_one(*queue, insert_of(1)));
    const queue_operation batch[] = {insert_of(2), removal_of(1)};
    fail_system_call(1, EIO);
    CHECK(queue->commit_each(batch) == std::vector<error_code>(2, storage_errc::io));
    CHECK(disarm_system_calls());
    CHECK(holds(*queue, 1));
    CHECK_FALSE(holds(*queue, 2));
}
