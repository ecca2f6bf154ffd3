// The journal and the end of a run: disks that are full or fail, starts, other versions.
#include "journal_support.hpp"
#include "storage/recovery.hpp"
#include "tests/support/file_size_limit.hpp"
#include "tests/support/queue_surgery.hpp"

#include <cerrno>
#include <filesystem>

using namespace postern::storage;
using namespace postern::testing;

TEST_CASE("what the tables have no room for stays kept, over a start too, and no body is taken for nobody's",
          "[journal]") {
    journaled_queue at;
    insert_message large{message_of(2, 70'000), "", {body_of(2, 70'000)}};
    large.message.body_in_file = true;
    const queue_operation both[] = {insert_of(1, 1000), large};
    REQUIRE(at.opened->keep(both));
    {
        const file_size_limit none(std::filesystem::file_size(at.folder.path() + "/queue/data.mdb"));
        CHECK(at.opened->take_over().error() == storage_errc::no_space);
        CHECK_FALSE(at.opened->can_keep()); // who comes now is told
        CHECK_FALSE(commit_one(*at.opened, insert_of(3, 50'000)));
        at.reopen();
        CHECK(at.opened->owes());
        CHECK(at.opened->highest_id().value() == queue_id{2});
        const auto report = recover(at.files, *at.opened);
        REQUIRE(report.has_value());
        CHECK(report->owing);
        CHECK(report->orphans_removed == 0);
    }
    REQUIRE(at.opened->take_over());
    CHECK(at.opened->can_keep());
    CHECK(at.has(1, 1000));
    const auto found = at.opened->find({2});
    REQUIRE((found && *found));
    CHECK(stored_body(*at.opened, **found) == body_of(2, 70'000));
    CHECK(at.opened->totals()->messages == 2);
}

TEST_CASE("in a full map nothing is kept that the tables have no room for, and removals make room",
          "[journal]") {
    journaled_queue at;
    std::uint64_t id = 0;
    while (commit_one(*at.opened, insert_of(++id, 30'000))) {
    }
    const std::uint64_t last = id - 1;
    std::uint64_t kept = 0;
    // The map is full; what was promised before it was stays promised.
    for (std::uint64_t more = id; at.keep(more); ++more) ++kept;
    CHECK(kept == 0);
    for (std::uint64_t each = 1; each <= last; ++each) REQUIRE(commit_one(*at.opened, removal_of(each)));
    CHECK(at.keep(id));
    REQUIRE(at.opened->take_over());
    CHECK(at.has(id));
}

TEST_CASE("whichever call fails, what was kept or committed is there after a start, once", "[journal]") {
    for (std::size_t nth = 1;; ++nth) {
        INFO("call " << nth);
        journaled_queue at;
        std::vector<std::uint64_t> promised;
        at.files.fail(file_call::any, nth, EIO);
        const auto accept = [&](std::uint64_t id) {
            const auto insert = insert_of(id, 9000);
            if (at.opened->keep({&insert, 1}) || commit_one(*at.opened, insert)) promised.push_back(id);
        };
        accept(1);
        (void)at.opened->take_over();
        accept(2);
        accept(3);
        const std::size_t failures = at.files.failures();
        at.files.stop();
        at.reopen();
        for (const std::uint64_t id : promised) REQUIRE(at.has(id, 9000));
        CHECK(at.opened->totals()->messages <= 3);
        CHECK(promised.size() >= 2);
        if (failures == 0) break;
        REQUIRE(nth < 200);
    }
}

TEST_CASE("a start that fails at any call loses nothing of the journal", "[journal]") {
    journaled_queue at;
    REQUIRE(at.keep(1, 5000));
    for (std::size_t nth = 1;; ++nth) {
        INFO("call " << nth);
        REQUIRE(nth < 200);
        at.opened.reset();
        at.files.fail(file_call::any, nth, EIO);
        (void)queue::open(at.files, at.folder.path(), at.with);
        const bool struck = at.files.failures() == nth;
        at.files.stop();
        at.reopen();
        REQUIRE(at.has(1, 5000));
        CHECK(at.opened->totals()->messages == 1);
        if (!struck) break;
    }
}

TEST_CASE("a journal that is damaged or whose queue is missing ends the start, and one of a later version",
          "[journal]") {
    journaled_queue at;
    REQUIRE(at.keep(1));
    at.opened.reset();
    const auto outcome = [&] { return queue::open(at.files, at.folder.path(), at.with).error(); };
    SECTION("its head") {
        at.change(3, '!');
        CHECK(outcome() == storage_errc::corrupt);
    }
    SECTION("cut") {
        std::filesystem::resize_file(at.path(), 8192);
        CHECK(outcome() == storage_errc::corrupt);
    }
    SECTION("empty") {
        std::filesystem::resize_file(at.path(), 0);
        CHECK(outcome() == storage_errc::corrupt);
    }
    SECTION("later") {
        at.change(23, 2);
        CHECK(outcome() == storage_errc::newer_format);
    }
    SECTION("no queue") {
        std::filesystem::remove_all(at.folder.path() + "/queue");
        CHECK(outcome() == storage_errc::incomplete);
        std::filesystem::rename(at.path(), at.path() + ".lost");
        CHECK(queue::open(at.files, at.folder.path(), at.with));
    }
}

TEST_CASE("a queue of the version before gets a journal, and is no longer for that version", "[journal]") {
    journaled_queue at;
    REQUIRE(commit_one(*at.opened, insert_of(1)));
    at.opened.reset();
    std::filesystem::remove(at.path());
    const auto format = [&](auto use) {
        change_tables(at.folder.path(),
                      [&](lmdb::transaction& within, const queue_tables& tables) { use(within, tables); });
    };
    format([](lmdb::transaction& within, const queue_tables& tables) {
        REQUIRE(
            within.put(tables.meta, "format", std::string("\0\0\0\0\0\0\0\1", 8), lmdb::put_mode::replace));
        REQUIRE(within.remove(tables.meta, "journal").has_value());
    });
    at.reopen();
    CHECK(at.keep(2));
    at.reopen();
    CHECK((at.has(1) && at.has(2)));
    at.opened.reset();
    format([](lmdb::transaction& within, const queue_tables& tables) {
        CHECK(*read_queue_format(within, tables) == 2);
    });
}
