// Fails every write and flush that LMDB makes during a commit, one after the other.
#include "queue_support.hpp"
#include "system_call_faults.hpp"

#include <catch2/catch.hpp>
#include <cerrno>

using namespace postern::storage;
using namespace postern::testing;

namespace {

void check_whole(const queue& in, std::uint64_t first, std::uint64_t last, std::size_t size) {
    for (std::uint64_t id = first; id <= last; ++id) {
        const auto message = in.find({id});
        REQUIRE(message.has_value());
        REQUIRE(message->has_value());
        REQUIRE(same(**message, message_of(id, size)));
        REQUIRE(stored_body(in, **message) == body_of(id, size));
    }
}

const queue_operation under_way[] = {insert_of(11, 5000), insert_of(12, 5000),
                                     update_message{message_of(1, 3000, 77)}, removal_of(2)};

// Three messages, then the batch above with the nth call failing. False when the commit made fewer calls than
// that.
bool fail_call(int nth, int error, storage_errc expected) {
    const temporary_folder folder;
    auto queue = open_queue(folder.path());
    REQUIRE(queue);
    const queue_operation before[] = {insert_of(1, 3000), insert_of(2, 3000), insert_of(3, 3000)};
    REQUIRE(queue->commit(before));
    fail_system_call(nth, error);
    const auto committed = queue->commit(under_way);
    if (!disarm_system_calls()) {
        CHECK(committed);
        return false;
    }
    REQUIRE_FALSE(committed);
    CHECK(committed.error() == expected);
    check_whole(*queue, 1, 3, 3000);
    CHECK(queue->totals()->messages == 3);
    CHECK(queue->next_due()->value() == 1000);
    REQUIRE(queue->commit(under_way)); // it goes on by itself
    for (int opened = 0; opened < 2; ++opened) {
        check_whole(*queue, 11, 12, 5000);
        check_whole(*queue, 3, 3, 3000);
        CHECK(queue->totals()->messages == 4);
        CHECK(queue->next_due()->value() == 77);
        queue.reset();
        queue = open_queue(folder.path());
        REQUIRE(queue);
    }
    return true;
}

} // namespace

TEST_CASE("each write and flush of a commit that fails fails the batch; nothing of it shows, and the next "
          "commit works") {
    const std::pair<int, storage_errc> errors[] = {
        {EIO, storage_errc::io}, {ENOSPC, storage_errc::no_space}, {EROFS, storage_errc::read_only}};
    for (const auto& [error, expected] : errors) {
        int nth = 1;
        for (bool struck = true; struck; ++nth) {
            INFO("call " << nth << ", errno " << error);
            struck = fail_call(nth, error, expected);
        }
        CHECK(nth > 4); // pages, a flush and the meta page at least
    }
}
