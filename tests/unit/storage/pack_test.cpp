// Bodies that share a file: they come back whole, the file goes with the last of them, and a call that fails
// leaves nothing of the batch.
#include "queue_support.hpp"
#include "storage/lmdb_tables.hpp"
#include "storage/pack_writer.hpp"
#include "storage/recovery.hpp"
#include "system_call_faults.hpp"
#include "tests/support/failing_files.hpp"
#include "tests/support/queue_surgery.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>

using namespace postern::storage;
using namespace postern::testing;

namespace {

constexpr std::size_t size = 70'000;

queued_message packed_message(std::uint64_t id, std::size_t octets = size) {
    queued_message message = message_of(id, octets);
    message.body_in_file = true;
    return message;
}

insert_message packed(std::uint64_t id, std::size_t octets = size, std::size_t piece = 30'000) {
    insert_message made{packed_message(id, octets), ""};
    const std::string body = body_of(id, octets);
    for (std::size_t at = 0; at < octets; at += piece) made.pieces.push_back(body.substr(at, piece));
    return made;
}

std::vector<std::string> files_below(const std::string& folder) {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder + "/bodies"))
        if (entry.is_regular_file()) found.push_back(entry.path());
    return found;
}

bool is_whole(const queue& in, std::uint64_t id, std::size_t octets = size) {
    const auto message = in.find({id});
    return message && *message && same(**message, packed_message(id, octets)) &&
           stored_body(in, **message) == body_of(id, octets);
}

struct packed_queue {
    temporary_folder folder;
    std::unique_ptr<queue> opened = open_queue(folder.path());

    std::size_t files() const { return files_below(folder.path()).size(); }
    void reopen() {
        opened.reset();
        opened = open_queue(folder.path());
        REQUIRE(opened);
    }
};

// Messages 1 to 3 in one pack, beside a small one.
struct three_in_a_pack : packed_queue {
    three_in_a_pack() {
        const queue_operation batch[] = {packed(1), packed(2), insert_of(9), packed(3)};
        REQUIRE(opened->commit(batch));
    }
};

} // namespace

TEST_CASE("bodies of a batch share a file and come back as they came") {
    three_in_a_pack at;
    for (int opened = 0; opened < 2; ++opened) {
        CHECK(at.files() == 1);
        for (const std::uint64_t id : {1UL, 2UL, 3UL}) CHECK(is_whole(*at.opened, id));
        CHECK(at.opened->place_of({1})->path == pack_path({1}));
        CHECK(at.opened->place_of({3})->offset == 2 * size);
        CHECK_FALSE(at.opened->place_of({3})->alone);
        CHECK(at.opened->place_of({9})->alone);
        CHECK(recover(system_files(), *at.opened)->damaged.empty());
        at.reopen();
    }
}

TEST_CASE("a body of any size that may be packed comes back from pieces of any size") {
    packed_queue at;
    std::uint64_t id = 0;
    for (const std::size_t octets : {std::size_t{1}, inline_body_max + 1, packed_body_max}) {
        for (const std::size_t piece : {std::size_t{4097}, std::size_t{100'000}, packed_body_max}) {
            REQUIRE(commit_one(*at.opened, packed(++id, octets, piece)));
            CHECK(is_whole(*at.opened, id, octets));
        }
    }
}

TEST_CASE("a batch with more than a pack may hold makes several") {
    packed_queue at;
    constexpr std::uint64_t messages = 2 * pack_octets_max / packed_body_max + 1;
    std::vector<queue_operation> batch;
    for (std::uint64_t id = 1; id <= messages; ++id) batch.push_back(packed(id, packed_body_max));
    REQUIRE(at.opened->commit(batch));
    CHECK(at.files() == 3);
    for (std::uint64_t id = 1; id <= messages; ++id) CHECK(is_whole(*at.opened, id, packed_body_max));
    for (const auto& path : files_below(at.folder.path()))
        CHECK(std::filesystem::file_size(path) <= pack_octets_max);
}

TEST_CASE("a pack stays while it holds a body, and goes with the last one") {
    three_in_a_pack at;
    std::vector<std::uint64_t> order = {1, 2, 3};
    do {
        INFO(order[0] << order[1] << order[2]);
        three_in_a_pack with;
        REQUIRE(commit_one(*with.opened, remove_message{{order[0]}, true}));
        CHECK(is_whole(*with.opened, order[1]));
        REQUIRE(commit_one(*with.opened, settle_message{packed_message(order[1]), true, {}}));
        CHECK(with.files() == 1);
        CHECK(is_whole(*with.opened, order[2]));
        CHECK(recover(system_files(), *with.opened)->orphans_removed == 0);
        CHECK(is_whole(*with.opened, order[2]));
        REQUIRE(commit_one(*with.opened, remove_message{{order[2]}, true, true}));
        CHECK(with.files() == 0);
        CHECK(with.opened->any_in_pack({1})->has_value() == false);
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("an update leaves a body where it is") {
    three_in_a_pack at;
    REQUIRE(commit_one(*at.opened, update_message{packed_message(2)}));
    CHECK(is_whole(*at.opened, 2));
}

TEST_CASE("pieces that can't be packed are refused, and the rest of the batch is not") {
    packed_queue at;
    insert_message wrong = packed(2);
    SECTION("of another size than the message") { wrong.message.size += 1; }
    SECTION("of a message whose body is no file") { wrong.message.body_in_file = false; }
    SECTION("of more octets than a body in a pack may have") { wrong = packed(2, packed_body_max + 1); }
    const queue_operation batch[] = {packed(1), wrong, packed(3)};
    const auto outcomes = at.opened->commit_each(batch);
    CHECK_FALSE(outcomes[0]);
    CHECK(outcomes[1] == storage_errc::invalid);
    CHECK_FALSE(outcomes[2]);
    CHECK((is_whole(*at.opened, 1) && is_whole(*at.opened, 3)));
    CHECK_FALSE(at.opened->find({2})->has_value());
}

TEST_CASE("an id that is taken fails alone, and the bodies of the others are packed again") {
    three_in_a_pack at;
    const queue_operation batch[] = {packed(5), packed(2), packed(6)};
    const auto outcomes = at.opened->commit_each(batch);
    CHECK((!outcomes[0] && outcomes[1] == storage_errc::exists && !outcomes[2]));
    for (const std::uint64_t id : {1UL, 2UL, 3UL, 5UL, 6UL}) CHECK(is_whole(*at.opened, id));
    CHECK(recover(system_files(), *at.opened)->orphans_removed == 0);
}

TEST_CASE(
    "each call that can fail while bodies are packed fails the batch, leaves nothing, and a retry works") {
    std::size_t failed_runs = 0, written_otherwise = 0;
    for (std::size_t nth = 1;; ++nth) {
        INFO("call " << nth);
        const temporary_folder folder;
        failing_files files;
        auto opened = queue::open(files, folder.path(), {1 << 24});
        REQUIRE(opened.has_value());
        const queue_operation batch[] = {packed(1), insert_of(2), packed(3)};
        files.fail(file_call::any, nth, EIO);
        const auto committed = (*opened)->commit(batch);
        if (files.failures() == 0) {
            CHECK(committed);
            break;
        }
        if (committed) { // past the cache or not: it is written
            ++written_otherwise;
            continue;
        }
        ++failed_runs;
        CHECK(committed.error() == storage_errc::io);
        CHECK(files_below(folder.path()).empty());
        CHECK((*opened)->totals()->messages == 0);
        REQUIRE((*opened)->commit(batch));
        CHECK((is_whole(**opened, 1) && is_whole(**opened, 3)));
    }
    CHECK(failed_runs == 6); // the free space, two opens, a write, two flushes
    CHECK(written_otherwise == 1);
}

TEST_CASE("each write and flush of a commit with packed bodies that fails leaves neither record nor file") {
    int nth = 1;
    for (bool struck = true; struck; ++nth) {
        INFO("call " << nth);
        three_in_a_pack at;
        const queue_operation batch[] = {packed(11), packed(12), remove_message{{1}, true}};
        fail_system_call(nth, EIO);
        const auto committed = at.opened->commit(batch);
        struck = disarm_system_calls();
        CHECK(committed.has_value() == !struck);
        CHECK(at.files() == (struck ? 1 : 2));
        CHECK(is_whole(*at.opened, 1) == struck);
        if (struck) REQUIRE(at.opened->commit(batch));
        for (int opened = 0; opened < 2; ++opened) {
            for (const std::uint64_t id : {2UL, 3UL, 11UL, 12UL}) CHECK(is_whole(*at.opened, id));
            CHECK(recover(system_files(), *at.opened)->orphans_removed == 0);
            at.reopen();
        }
    }
    CHECK(nth > 6); // a write and two flushes of the pack, pages, a flush and the meta page
}

TEST_CASE("without room for a pack its messages are refused, and removals go on") {
    three_in_a_pack at;
    failing_files files;
    at.opened.reset();
    auto opened = queue::open(files, at.folder.path(), {1 << 24});
    REQUIRE(opened.has_value());
    files.fail_from(file_call::write, 1, ENOSPC);
    const queue_operation batch[] = {packed(11), remove_message{{1}, true}};
    const auto outcomes = (*opened)->commit_each(batch);
    CHECK(outcomes[0] == storage_errc::no_space);
    CHECK_FALSE(outcomes[1]);
    CHECK_FALSE((*opened)->find({1})->has_value());
    CHECK(is_whole(**opened, 2));
}

TEST_CASE("recovery removes packs that no record names, and reports bodies that a pack lacks") {
    three_in_a_pack at;
    const std::string bodies = at.folder.path() + "/bodies/";
    std::filesystem::copy_file(bodies + pack_path({1}), bodies + pack_path({77}));
    std::filesystem::copy_file(bodies + pack_path({1}), bodies + body_path({2})); // it is in the pack
    std::filesystem::copy_file(bodies + pack_path({1}), bodies + "Z/" + queue_id{1}.to_string() + ".pack");
    SECTION("whole") {
        const auto report = recover(system_files(), *at.opened);
        REQUIRE(report.has_value());
        CHECK(report->orphans_removed == 2);
        CHECK(report->damaged.empty());
        CHECK(at.files() == 2); // a name in a folder that is not its own stays
        for (const std::uint64_t id : {1UL, 2UL, 3UL}) CHECK(is_whole(*at.opened, id));
    }
    SECTION("cut") {
        std::filesystem::resize_file(bodies + pack_path({1}), 3 * size - 1);
        CHECK(recover(system_files(), *at.opened)->damaged == std::vector<queue_id>{{3}});
    }
    SECTION("gone") {
        std::filesystem::remove(bodies + pack_path({1}));
        CHECK(recover(system_files(), *at.opened)->damaged == std::vector<queue_id>{{1}, {2}, {3}});
    }
}

TEST_CASE("a place that can't be read is damage of its message alone, and an operator can remove it") {
    three_in_a_pack at;
    at.opened.reset();
    change_tables(at.folder.path(), [](lmdb::transaction& within, queue_tables tables) {
        REQUIRE(open_pack_tables(within, lmdb::when_absent::fail, tables));
        REQUIRE(within.put(tables.packed, id_key({2}), "short", lmdb::put_mode::replace));
    });
    at.reopen();
    CHECK(recover(system_files(), *at.opened)->damaged == std::vector<queue_id>{{2}});
    CHECK(commit_one(*at.opened, remove_message{{2}, true}).error() == storage_errc::corrupt);
    REQUIRE(commit_one(*at.opened, remove_message{{2}, true, true}));
    CHECK_FALSE(at.opened->find({2})->has_value());
    CHECK((is_whole(*at.opened, 1) && is_whole(*at.opened, 3)));
}

TEST_CASE("a queue of an earlier version takes packed bodies and keeps tries once it was opened") {
    const temporary_folder folder;
    std::filesystem::create_directory(folder.path() + "/queue");
    {
        const auto made = lmdb::environment::open(folder.path() + "/queue", {});
        REQUIRE(made.has_value());
        auto begun = (*made)->begin_write();
        const auto tables = open_queue_tables(*begun, lmdb::when_absent::make);
        REQUIRE((tables && write_queue_format(*begun, *tables) && begun->commit()));
    }
    std::filesystem::create_directory(folder.path() + "/bodies");
    {
        const auto read = queue::open_for_reading(system_files(), folder.path());
        REQUIRE(read.has_value());
        CHECK((*read)->place_of({1})->alone);
        CHECK_FALSE((*read)->any_in_pack({1})->has_value());
        CHECK((*read)->history({1})->empty());
    }
    const auto opened = open_queue(folder.path());
    REQUIRE(opened);
    REQUIRE(commit_one(*opened, packed(1)));
    CHECK(is_whole(*opened, 1));
    auto tried = opened->find({1}).value().value();
    tried.fresh_tries.emplace_back().text = "not now";
    REQUIRE(commit_one(*opened, update_message{tried}));
    CHECK(opened->history({1}).value() == tried.fresh_tries);
}
