#include "queue_support.hpp"
#include "storage/recovery.hpp"
#include "storage/spool_file.hpp"
#include "tests/support/failing_files.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>

using namespace postern::storage;
using namespace postern::testing;

namespace {

std::string body_file(const temporary_folder& folder, std::uint64_t id) {
    return folder.path() + "/bodies/" + body_path({id});
}

void write_file(const std::string& path, std::size_t size) { std::ofstream(path) << std::string(size, 'x'); }

queue_operation insert_with_file(const temporary_folder& folder, std::uint64_t id, std::size_t size) {
    write_file(body_file(folder, id), size);
    queued_message message = message_of(id, size);
    message.body_in_file = true;
    return insert_message{message, ""};
}

// Ten messages with files and 200 without, five orphans, one message whose file is missing and one whose file
// is short.
struct damaged_queue {
    temporary_folder folder;
    std::unique_ptr<queue> opened = open_queue(folder.path());

    damaged_queue() {
        std::vector<queue_operation> batch;
        for (std::uint64_t i = 1; i <= 12; ++i) batch.push_back(insert_with_file(folder, i << 10, 100));
        for (std::uint64_t i = 1; i <= 200; ++i) batch.push_back(insert_of(1'000'000 + i));
        REQUIRE(opened->commit(batch));
        for (std::uint64_t i = 101; i <= 104; ++i) write_file(body_file(folder, i << 10), 5);
        write_file(body_file(folder, 1'000'001), 100); // its message has the body inside
        std::filesystem::remove(body_file(folder, 3 << 10));
        std::filesystem::resize_file(body_file(folder, 5 << 10), 99);
    }
    std::size_t files_left() const {
        std::size_t count = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path() + "/bodies")) {
            if (entry.is_regular_file()) ++count;
        }
        return count;
    }
};

const std::vector<queue_id> expected_damage = {{3 << 10}, {5 << 10}};

} // namespace

TEST_CASE("recovery removes what no record names, reports what is damaged and keeps everything else") {
    const damaged_queue state;
    const auto report = recover(system_files(), *state.opened);
    REQUIRE(report.has_value());
    CHECK(report->messages == 212);
    CHECK(report->orphans_removed == 5);
    CHECK(report->damaged == expected_damage);
    CHECK(state.files_left() == 11);
    CHECK(std::filesystem::exists(body_file(state.folder, 5 << 10)));
    CHECK(state.opened->totals()->messages == 212);
    CHECK(recover(system_files(), *state.opened)->orphans_removed == 0);
}

TEST_CASE("a damaged message that was given up is not kept from telling its sender") {
    const damaged_queue state;
    auto found = state.opened->find({3 << 10});
    REQUIRE((found && *found));
    (*found)->given_up = true;
    REQUIRE(commit_one(*state.opened, update_message{**found}));
    CHECK(recover(system_files(), *state.opened)->damaged == std::vector<queue_id>{{5 << 10}});
}

TEST_CASE("files that are not named as ours stay") {
    const damaged_queue state;
    const std::string bodies = state.folder.path() + "/bodies/";
    const std::string stray[] = {bodies + "README", bodies + "0/notes.txt", bodies + "0/000000000000I",
                                 bodies + "1/" + queue_id{0}.to_string(), bodies + "0/00000000000aa"};
    for (const auto& path : stray) write_file(path, 3);
    std::filesystem::create_directory(bodies + "lost+found");
    REQUIRE(recover(system_files(), *state.opened).has_value());
    for (const auto& path : stray) CHECK(std::filesystem::exists(path));
    CHECK(std::filesystem::exists(bodies + "lost+found"));
}

TEST_CASE("each call that can fail during recovery is an error, never a file judged orphaned or a message "
          "judged damaged") {
    std::size_t failed_runs = 0;
    for (std::size_t nth = 1;; ++nth) {
        INFO("call " << nth);
        const damaged_queue state;
        failing_files files;
        files.fail(file_call::any, nth, EIO);
        const auto report = recover(files, *state.opened);
        if (files.failures() == 0) break;
        ++failed_runs;
        REQUIRE_FALSE(report.has_value());
        CHECK(state.files_left() >= 11);
        const auto again = recover(files, *state.opened);
        REQUIRE(again.has_value());
        CHECK(again->damaged == expected_damage);
        CHECK(state.files_left() == 11);
    }
    CHECK(failed_runs == 2 * body_subfolders + 5 + 12);
}
