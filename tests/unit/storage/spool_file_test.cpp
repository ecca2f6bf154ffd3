#include "queue_support.hpp"
#include "storage/recovery.hpp"
#include "storage/spool_file.hpp"
#include "tests/support/failing_files.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <set>

using namespace postern::storage;
using namespace postern::testing;

namespace {

constexpr queue_id id{1'700'000'000'000'123ULL << 10};

std::size_t body_files(const std::string& state_dir) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(state_dir + "/bodies")) {
        if (entry.is_regular_file()) ++count;
    }
    return count;
}

// A body on its way: the file, its octets, its flush, its record. Whatever fails, the message was not
// accepted.
postern::result<void> accept(queue& into) {
    const auto file = into.create_body(id);
    if (!file) return file.error();
    for (const char* piece : {"first ", "second ", "third"}) {
        if (const auto appended = (*file)->append(piece); !appended) return appended;
    }
    if (const auto durable = (*file)->make_durable(); !durable) return durable;
    queued_message message = message_of(id.value, (*file)->size());
    message.body_in_file = true;
    if (const auto committed = commit_one(into, insert_message{message, ""}); !committed) return committed;
    (*file)->keep();
    return {};
}

} // namespace

TEST_CASE("body files are spread over all subfolders by their time, and named by their id") {
    CHECK(body_path({0}) == "0/0000000000000");
    CHECK(body_path({31 << 10}) == "Z/0000000000Z00");
    std::set<std::string> folders;
    for (std::size_t i = 0; i < body_subfolders; ++i) folders.insert(body_subfolder(i));
    CHECK(folders.size() == body_subfolders);
    for (std::uint64_t i = 0; i < 100; ++i) {
        CHECK(folders.contains(body_path({id.value + (i << 10)}).substr(0, 1)));
    }
}

TEST_CASE("each call that can fail while a large body is accepted fails the message, leaves nothing, and a "
          "retry works") {
    std::size_t failed_runs = 0;
    for (std::size_t nth = 1;; ++nth) {
        INFO("call " << nth);
        const temporary_folder folder;
        failing_files files;
        auto opened = queue::open(files, folder.path(), {1 << 24});
        REQUIRE(opened.has_value());
        files.fail(file_call::any, nth, EIO);
        const auto accepted = accept(**opened);
        if (files.failures() == 0) {
            CHECK(accepted);
            break;
        }
        ++failed_runs;
        REQUIRE_FALSE(accepted);
        CHECK(accepted.error() == storage_errc::io);
        CHECK(body_files(folder.path()) == 0);
        CHECK((*opened)->totals()->messages == 0);
        REQUIRE(accept(**opened));
        CHECK(stored_body(**opened, **(*opened)->find(id)) == "first second third");
    }
    CHECK(failed_runs == 8); // two opens, three writes, two flushes, the look at the free space
}

TEST_CASE("a disk that fills in mid-body and stays full leaves no file that looks like a message") {
    const temporary_folder folder;
    failing_files files;
    auto opened = queue::open(files, folder.path(), {1 << 24});
    REQUIRE(opened.has_value());
    files.fail_from(file_call::write, 2, ENOSPC);
    CHECK(accept(**opened).error() == storage_errc::no_space);
    CHECK(body_files(folder.path()) == 0);
}

TEST_CASE("an orphan that could not be removed is found by recovery") {
    const temporary_folder folder;
    failing_files files;
    auto opened = queue::open(files, folder.path(), {1 << 24});
    REQUIRE(opened.has_value());
    {
        const auto file = (*opened)->create_body(id);
        REQUIRE(file.has_value());
        REQUIRE((*file)->append("x"));
        files.fail_from(file_call::any, 1, EIO);
    }
    CHECK(body_files(folder.path()) == 1);
    files.stop();
    CHECK(recover(files, **opened)->orphans_removed == 1);
    CHECK(body_files(folder.path()) == 0);
}

TEST_CASE("after a failed flush the same file is never flushed or written again") {
    for (const file_call flush : {file_call::sync_data, file_call::sync_folder}) {
        const temporary_folder folder;
        failing_files files;
        auto opened = queue::open(files, folder.path(), {1 << 24});
        REQUIRE(opened.has_value());
        const auto file = (*opened)->create_body(id);
        REQUIRE(file.has_value());
        REQUIRE((*file)->append("x"));
        files.fail(flush, 1, EIO);
        CHECK((*file)->make_durable().error() == storage_errc::io);
        const std::size_t calls = files.calls(file_call::any);
        CHECK((*file)->make_durable().error() == storage_errc::io);
        CHECK((*file)->append("y").error() == storage_errc::io);
        CHECK(files.calls(file_call::any) == calls);
    }
}

TEST_CASE("a body is flushed, and its folder after it, before it counts as durable") {
    const temporary_folder folder;
    failing_files files;
    auto opened = queue::open(files, folder.path(), {1 << 24});
    REQUIRE(opened.has_value());
    const auto file = (*opened)->create_body(id);
    REQUIRE(file.has_value());
    const std::size_t data = files.calls(file_call::sync_data), folders = files.calls(file_call::sync_folder);
    REQUIRE((*file)->make_durable());
    CHECK(files.calls(file_call::sync_data) == data + 1);
    CHECK(files.calls(file_call::sync_folder) == folders + 1);
}

TEST_CASE("a subfolder removed under a running server is made again and flushed") {
    const temporary_folder folder;
    failing_files files;
    auto opened = queue::open(files, folder.path(), {1 << 24});
    REQUIRE(opened.has_value());
    std::filesystem::remove_all(folder.path() + "/bodies/" + body_path(id).substr(0, 1));
    const std::size_t folders = files.calls(file_call::sync_folder);
    REQUIRE(accept(**opened));
    CHECK(files.calls(file_call::sync_folder) == folders + 2);
}

TEST_CASE("an id whose file exists is not overwritten") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    const auto first = queue->create_body(id);
    REQUIRE(first.has_value());
    CHECK(queue->create_body(id).error() == storage_errc::exists);
    CHECK(body_files(folder.path()) == 1);
}
