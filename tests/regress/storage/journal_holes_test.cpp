// Holes that a hostile reading found in the journal before it was let in.
#include "storage/recovery.hpp"
#include "storage/spool_file.hpp"
#include "tests/support/failing_files.hpp"
#include "tests/support/file_size_limit.hpp"
#include "tests/unit/storage/queue_support.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <thread>

using namespace postern::storage;
using namespace postern::testing;

namespace {

// Runs something once in the midst of a commit, after it was settled what it takes over.
class interrupted_files final : public failing_files {
  public:
    std::function<void()> at_next_look_at_room;
    postern::result<std::uint64_t> free_bytes(const std::string& path) override {
        if (const auto run = std::exchange(at_next_look_at_room, {})) run();
        return failing_files::free_bytes(path);
    }
};

struct journaled {
    temporary_folder folder;
    interrupted_files files;
    std::unique_ptr<queue> opened;

    explicit journaled(std::uint64_t ring = 1024 * 1024) { reopen(ring); }
    void reopen(std::uint64_t ring = 1024 * 1024) {
        opened.reset();
        opened = *queue::open(files, folder.path(), {.map_size = 1 << 26, .journal_octets = ring});
    }
    bool keep(std::uint64_t id, std::size_t size = 100) {
        const auto insert = insert_of(id, size);
        return opened->keep({&insert, 1}).has_value();
    }
    bool has(std::uint64_t id) const { return opened->find({id}).value().has_value(); }
    std::uint64_t data_octets() const {
        return std::filesystem::file_size(folder.path() + "/queue/data.mdb");
    }
};

} // namespace

TEST_CASE("a journal that fails during a commit is followed by one that begins behind it") {
    journaled at;
    at.files.at_next_look_at_room = [&] {
        at.files.fail(file_call::sync_data, 1, EIO);
        CHECK_FALSE(at.keep(1, 30'000));
    };
    REQUIRE(commit_one(*at.opened, insert_of(7)));
    at.opened->renew_journal(); // too early: the tables have not passed over what failed
    REQUIRE(commit_one(*at.opened, insert_of(1, 30'000)));
    at.opened->renew_journal();
    REQUIRE(at.keep(2)); // promised
    REQUIRE(at.opened->take_over());
    CHECK(at.has(2));
    REQUIRE(at.keep(3));
    at.reopen();
    for (const std::uint64_t id : {1U, 2U, 3U, 7U}) CHECK(at.has(id));
}

TEST_CASE("new mail doesn't take the room that older mail in the journal waits for") {
    journaled at;
    constexpr std::uint64_t count = 12;
    for (std::uint64_t id = 1; id <= count; ++id) REQUIRE(at.keep(id, 50'000));
    {
        const file_size_limit little(at.data_octets() + 200'000); // for some of them
        CHECK_FALSE(at.opened->take_over());
        CHECK_FALSE(commit_one(*at.opened, insert_of(100)));
        CHECK_FALSE(at.has(100));
        CHECK((at.has(1) && !at.has(count))); // as far as it goes
    }
    CHECK(commit_one(*at.opened, removal_of(1)));
    at.reopen();
    CHECK_FALSE(at.has(1)); // once taken over it doesn't come again
    CHECK(at.opened->found_in_journal().messages < count);
    for (std::uint64_t id = 2; id <= count; ++id) CHECK(at.has(id));
    CHECK(commit_one(*at.opened, insert_of(100)));
}

TEST_CASE("what was refused because the journal's flush failed doesn't come back") {
    journaled at;
    at.files.fail(file_call::sync_data, 1, EIO);
    CHECK_FALSE(at.keep(1));
    SECTION("after a crash") {}
    SECTION("after a crash, when the tables were told") {
        CHECK(at.opened->owes());
        REQUIRE(at.opened->take_over());
        CHECK_FALSE(at.opened->owes());
    }
    at.reopen();
    CHECK_FALSE(at.has(1));
    CHECK(at.opened->found_in_journal().messages == 0);
}

TEST_CASE("what was damaged at the end of the ring is told of") {
    journaled at(64 * 1024);
    std::uint64_t id = 0;
    while (id < 14) REQUIRE(at.keep(++id)); // of 16 blocks
    REQUIRE(at.opened->take_over());
    REQUIRE((at.keep(15) && at.keep(16) && at.keep(17))); // the last one is at the start of the ring
    at.opened.reset();
    std::fstream journal(at.folder.path() + "/journal", std::ios::in | std::ios::out | std::ios::binary);
    journal.seekp(16 * 4096 + 60).put('!');
    journal.close();
    at.reopen();
    CHECK((at.has(15) && !at.has(16) && at.has(17)));
    CHECK(at.opened->found_in_journal().gaps == 1);
}

TEST_CASE("a start on a full disk removes what is nobody's, and so makes room for what is in the journal") {
    journaled at;
    insert_message packed{message_of(2, 70'000), "", {body_of(2, 70'000)}};
    packed.message.body_in_file = true;
    const queue_operation both[] = {insert_of(1, 20'000), packed};
    REQUIRE(at.opened->keep(both));
    auto orphan = *at.opened->create_body({99});
    REQUIRE(orphan->append("nobody's"));
    orphan->keep();
    orphan.reset();
    {
        const file_size_limit none(at.data_octets());
        at.reopen();
        const auto report = recover(at.files, *at.opened);
        REQUIRE(report.has_value());
        CHECK(report->owing);
        CHECK(report->orphans_removed == 1);
    }
    CHECK_FALSE(recover(at.files, *at.opened)->owing);
    CHECK((at.has(1) && at.has(2)));
    CHECK(stored_body(*at.opened, **at.opened->find({2})) == body_of(2, 70'000));
}

TEST_CASE("who waits for a message is told before anybody can see it in the queue") {
    journaled at;
    const auto insert = insert_of(1);
    std::thread other;
    std::atomic<bool> is_told{false}, was_told_first{false};
    REQUIRE(at.opened->keep({&insert, 1}, [&] {
        other = std::thread([&] { // the one of the tables, at the worst moment
            CHECK(at.opened->take_over());
            was_told_first = is_told.load();
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        is_told = true;
    }));
    other.join();
    CHECK(was_told_first);
    CHECK(at.has(1));
}
