// After a failed write of its meta page LMDB is closed and opened again; what the failure left in memory
// alone was taken for durable.
#include "tests/unit/storage/queue_support.hpp"
#include "tests/unit/storage/system_call_faults.hpp"

#include <catch2/catch.hpp>
#include <cerrno>

using namespace postern::storage;
using namespace postern::testing;

TEST_CASE("a queue that can't be flushed when it is opened again stays closed until it can") {
    int closed = 0, nth = 1;
    for (bool struck = true; struck; ++nth) {
        INFO("from call " << nth);
        const temporary_folder folder(temporary_folder::in_memory());
        const auto queue = open_queue(folder.path());
        REQUIRE(queue);
        REQUIRE(commit_one(*queue, insert_of(1)));
        fail_system_calls_from(nth, EIO);
        const auto committed = commit_one(*queue, insert_of(2));
        const auto found = queue->find({1});
        if (!found) {
            ++closed;
            CHECK(found.error() == storage_errc::io);
            CHECK(commit_one(*queue, insert_of(3)).error() == storage_errc::io);
            CHECK_FALSE(queue->find({1}).has_value());
        }
        struck = disarm_system_calls();
        if (!struck) break;
        CHECK_FALSE(committed);
        REQUIRE(commit_one(*queue, insert_of(4)));
        CHECK(queue->totals()->messages == 2);
        CHECK(same(queue->find({1})->value(), message_of(1)));
    }
    CHECK(nth > 3);
    CHECK(closed == 1); // the meta page
}

TEST_CASE("a queue that can't be flushed refuses the start") {
    const temporary_folder folder(temporary_folder::in_memory());
    REQUIRE(open_queue(folder.path()));
    int nth = 1;
    for (;; ++nth) {
        fail_system_call(nth, EIO);
        const auto opened = queue::open(system_files(), folder.path(), {1 << 30});
        if (!disarm_system_calls()) break;
        CHECK(opened.error() == storage_errc::io);
    }
    CHECK(nth == 1 + 4); // three folders and data.mdb
}
