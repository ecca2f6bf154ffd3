// The journal before the queue's tables: what it keeps is durable at once and in the queue a little later,
// for once, whatever happens in between.
#include "journal_support.hpp"
#include "storage/recovery.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>

using namespace postern::storage;
using namespace postern::testing;

namespace {

bool is_error(const postern::result<std::uint64_t>& outcome, storage_errc code) {
    return !outcome && outcome.error() == code;
}

} // namespace

TEST_CASE("what is kept costs one flush, and is in the queue when it was taken over", "[journal]") {
    journaled_queue at;
    const auto flushes = at.files.calls(file_call::sync_data);
    const queue_operation both[] = {insert_of(1, 5000), insert_of(2, 7000)};
    const auto number = at.opened->keep(both);
    REQUIRE(number);
    CHECK(at.files.calls(file_call::sync_data) == flushes + 1);
    CHECK(*number > at.opened->taken_over());
    CHECK(at.opened->kept() == *number);
    CHECK(at.opened->owes());
    CHECK_FALSE(at.has(1));
    CHECK(at.opened->highest_id().value() == queue_id{2});
    REQUIRE(at.opened->take_over());
    CHECK(at.opened->taken_over() == *number);
    CHECK_FALSE(at.opened->owes());
    CHECK((at.has(1, 5000) && at.has(2, 7000)));
    CHECK(at.opened->next_due()->value() == 1000);
    CHECK(at.opened->highest_id().value() == queue_id{2});
}

TEST_CASE("whatever is committed takes what is kept along, in one transaction", "[journal]") {
    journaled_queue at;
    REQUIRE(at.keep(1));
    const queue_operation update = insert_of(9);
    REQUIRE(commit_one(*at.opened, update));
    CHECK((at.has(1) && at.has(9)));
    CHECK_FALSE(at.opened->owes());
}

TEST_CASE("a start finds what was kept and not taken over, and nothing twice", "[journal]") {
    journaled_queue at;
    REQUIRE((at.keep(1, 3000) && at.keep(2, 3000)));
    at.reopen();
    CHECK(at.opened->found_in_journal().messages == 2);
    CHECK(at.opened->found_in_journal().gaps == 0);
    CHECK((at.has(1, 3000) && at.has(2, 3000)));
    REQUIRE(commit_one(*at.opened, removal_of(1))); // as after a delivery
    REQUIRE(at.keep(3));
    at.reopen();
    CHECK(at.opened->found_in_journal().messages == 1);
    CHECK_FALSE(at.has(1, 3000));
    CHECK((at.has(2, 3000) && at.has(3)));
    at.reopen();
    CHECK(at.opened->found_in_journal().messages == 0);
    CHECK(at.opened->totals()->messages == 2);
}

TEST_CASE("the ring goes round many times, and refuses what it has no room for", "[journal]") {
    journaled_queue at;
    std::uint64_t id = 0;
    for (int lap = 0; lap < 40; ++lap) {
        const std::uint64_t first = id + 1;
        while (at.keep(id + 1, 1000 + id % 9000)) ++id;
        REQUIRE(id >= first + 3); // some of up to three blocks each
        CHECK(at.opened->can_keep());
        if (lap % 3 == 0) at.reopen();
        if (lap % 3 == 1) REQUIRE(at.opened->take_over());
        if (lap % 3 == 2) REQUIRE(commit_one(*at.opened, removal_of(first)));
        CHECK(at.opened->found_in_journal().gaps == 0);
        for (std::uint64_t each = first; each <= id; ++each)
            REQUIRE(at.has(each, 1000 + (each - 1) % 9000) == (each > first || lap % 3 != 2));
    }
    const auto large = insert_of(id + 1, 65'500);
    CHECK(is_error(at.opened->keep({&large, 1}), storage_errc::too_large));
    CHECK(at.opened->can_keep());
    REQUIRE(commit_one(*at.opened, large));
    CHECK(at.has(id + 1, 65'500));
}

TEST_CASE("a command sees what is in the journal only, among the others, and nothing twice", "[journal]") {
    journaled_queue at;
    for (const std::uint64_t id : {1U, 5U}) REQUIRE(commit_one(*at.opened, insert_of(id)));
    insert_message large{message_of(7, 70'000), "", {body_of(7, 70'000)}};
    large.message.body_in_file = true;
    const queue_operation packed = large;
    REQUIRE((at.keep(3, 9000) && at.keep(4, 9000)));
    REQUIRE(at.opened->keep({&packed, 1}));
    for (bool taken_over : {false, true}) {
        at.opened.reset(); // as by kill -9
        if (taken_over) {
            at.reopen();
            at.opened.reset();
        }
        const auto reader = queue::open_for_reading(at.files, at.folder.path());
        REQUIRE(reader.has_value());
        const queue& in = **reader;
        CHECK(in.totals()->messages == 5);
        for (std::size_t limit = 1; limit <= 6; ++limit) {
            std::vector<std::uint64_t> ids;
            for (queue_id after;;) {
                const auto page = in.list(after, limit);
                REQUIRE(page.has_value());
                CHECK(page->messages.size() <= limit);
                for (const auto& message : page->messages) ids.push_back(message.id.value);
                if (!page->last) break;
                after = *page->last;
            }
            CHECK(ids == std::vector<std::uint64_t>{1, 3, 4, 5, 7});
        }
        const auto small = in.find({3}), in_pack = in.find({7}), none = in.find({6});
        REQUIRE((small && *small && in_pack && *in_pack && none));
        CHECK_FALSE(*none);
        CHECK(same(**small, message_of(3, 9000)));
        CHECK(stored_body(in, **small) == body_of(3, 9000));
        CHECK(stored_body(in, **in_pack) == body_of(7, 70'000));
        CHECK(in.history({3})->empty());
    }
    at.change(3, '!');
    CHECK(queue::open_for_reading(at.files, at.folder.path()).error() == storage_errc::corrupt);
    std::filesystem::remove(at.path());
    CHECK(queue::open_for_reading(at.files, at.folder.path()));
}

TEST_CASE("a command sees what went round in the ring", "[journal]") {
    journaled_queue at;
    for (std::uint64_t id = 1; id <= 14; ++id) REQUIRE(at.keep(id)); // of 16 blocks
    REQUIRE(at.opened->take_over());
    for (std::uint64_t id = 15; id <= 16; ++id) REQUIRE(at.keep(id, 5000)); // of two blocks each: one round
    at.opened.reset();
    const auto reader = queue::open_for_reading(at.files, at.folder.path());
    REQUIRE(reader.has_value());
    CHECK((*reader)->totals()->messages == 16);
    CHECK((*reader)->list({14}, 10)->messages.size() == 2);
}

TEST_CASE("an id that is taken, twice there or not to be stored is refused, and the journal goes on",
          "[journal]") {
    journaled_queue at;
    REQUIRE(commit_one(*at.opened, insert_of(1)));
    REQUIRE(at.keep(2));
    const queue_operation twice[] = {insert_of(3), insert_of(3)};
    CHECK(is_error(at.opened->keep({&twice[0], 2}), storage_errc::exists));
    for (const std::uint64_t id : {1U, 2U}) CHECK_FALSE(at.keep(id));
    const queue_operation removal = removal_of(1);
    CHECK(is_error(at.opened->keep({&removal, 1}), storage_errc::invalid));
    CHECK_FALSE(at.keep(0));
    CHECK(at.keep(3));
    REQUIRE(at.opened->take_over());
    CHECK(at.opened->totals()->messages == 3);
}

TEST_CASE("a frame that a crash cut is nothing; one that was damaged since is told of, and the others stay",
          "[journal]") {
    journaled_queue at;
    for (std::uint64_t id = 1; id <= 3; ++id) REQUIRE(at.keep(id)); // a block each, behind the head's
    SECTION("the last one") {
        at.change(3 * 4096 + 60, '!');
        at.reopen();
        CHECK(at.opened->found_in_journal().messages == 2);
        CHECK(at.opened->found_in_journal().gaps == 0);
        CHECK((at.has(1) && at.has(2) && !at.has(3)));
    }
    SECTION("one before it") {
        at.change(2 * 4096 + 60, '!');
        at.reopen();
        CHECK(at.opened->found_in_journal().messages == 2);
        CHECK(at.opened->found_in_journal().gaps == 1);
        CHECK((at.has(1) && !at.has(2) && at.has(3)));
        CHECK(recover(at.files, *at.opened)->journal.gaps == 1);
    }
    REQUIRE(at.keep(4));
    at.reopen();
    CHECK(at.has(4));
}

TEST_CASE("each journal has a key of its own, which no message can know", "[journal]") {
    const auto first_frame = [](const journaled_queue& of) {
        std::string octets(4096, '\0');
        std::ifstream file(of.path(), std::ios::binary);
        file.seekg(4096).read(octets.data(), 4096);
        REQUIRE(file.good());
        return octets;
    };
    const auto put_first_frame = [](const journaled_queue& into, const std::string& octets) {
        std::fstream(into.path(), std::ios::in | std::ios::out | std::ios::binary)
            .seekp(4096)
            .write(octets.data(), 4096);
    };
    journaled_queue at, other;
    REQUIRE((at.keep(1) && other.keep(2)));
    const std::string own = first_frame(at), foreign = first_frame(other);
    put_first_frame(at, foreign);
    at.reopen();
    CHECK(at.opened->totals()->messages == 0);
    put_first_frame(at, own);
    at.reopen();
    CHECK(at.has(1));
}

TEST_CASE("a journal that fails is given up: the tables answer, nothing comes twice, and another is made",
          "[journal]") {
    for (const auto call : {file_call::seek, file_call::write, file_call::sync_data}) {
        INFO("call " << static_cast<int>(call));
        journaled_queue at;
        REQUIRE(at.keep(1));
        at.files.fail(call, 1, EIO);
        CHECK_FALSE(at.keep(2));
        CHECK_FALSE(at.opened->can_keep());
        CHECK_FALSE(at.keep(3)); // never behind what may be cut
        at.files.stop();
        at.opened->renew_journal(); // not while something is owed
        CHECK_FALSE(at.opened->can_keep());
        REQUIRE(commit_one(*at.opened, insert_of(2)));
        REQUIRE(commit_one(*at.opened, removal_of(2)));
        at.files.fail_from(file_call::free_bytes, 1, EIO);
        at.opened->renew_journal();
        CHECK_FALSE(at.opened->can_keep());
        at.files.stop();
        SECTION("a crash now") { at.reopen(); }
        SECTION("none") {
            at.opened->renew_journal();
            REQUIRE(commit_one(*at.opened, insert_of(4)));
            REQUIRE(at.opened->can_keep());
            REQUIRE(at.keep(5));
            at.reopen();
            CHECK((at.has(4) && at.has(5)));
        }
        CHECK((at.has(1) && !at.has(2)));
        CHECK(at.opened->found_in_journal().gaps == 0);
    }
}

TEST_CASE("without room on the disk there is no journal, and later there is one", "[journal]") {
    journaled_queue at;
    at.opened.reset();
    std::filesystem::remove(at.path());
    at.files.fail(file_call::free_bytes, 1, EIO);
    at.reopen();
    CHECK_FALSE(at.opened->can_keep());
    CHECK_FALSE(at.keep(1));
    REQUIRE(commit_one(*at.opened, insert_of(1)));
    at.opened->renew_journal();
    CHECK(at.opened->can_keep());
    CHECK(at.keep(2));
    at.with.journal_octets = std::uint64_t{1} << 60; // that is there for the taking stays as it is
    at.reopen();
    CHECK((at.has(1) && at.has(2) && at.keep(3)));
}
