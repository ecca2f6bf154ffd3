// The state folder as mounts and moves may leave it: bodies without their queue were removed as orphans of an
// empty one, and new bodies went to wherever the path led by then.
#include "storage/recovery.hpp"
#include "storage/spool_file.hpp"
#include "tests/support/failing_files.hpp"
#include "tests/unit/storage/queue_support.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>

using namespace postern::storage;
using namespace postern::testing;

namespace {

constexpr queue_id id{5 << 10};

void accept_large(queue& into) {
    const auto file = into.create_body(id);
    REQUIRE(file.has_value());
    REQUIRE((*file)->append("large"));
    REQUIRE((*file)->make_durable());
    queued_message message = message_of(id.value, 5);
    message.body_in_file = true;
    REQUIRE(commit_one(into, insert_message{message, ""}));
    (*file)->keep();
}

boost::system::error_code error_of_opening(const std::string& state_dir) {
    const auto opened = queue::open(system_files(), state_dir, {1 << 24});
    return opened ? boost::system::error_code() : opened.error();
}

} // namespace

TEST_CASE("bodies without a queue refuse the start, and nothing of them is lost") {
    const temporary_folder folder(temporary_folder::in_memory());
    accept_large(*open_queue(folder.path()));
    std::filesystem::rename(folder.path() + "/queue", folder.path() + "/away");
    CHECK(error_of_opening(folder.path()) == storage_errc::incomplete);
    CHECK_FALSE(std::filesystem::exists(folder.path() + "/queue"));
    CHECK(std::filesystem::exists(folder.path() + "/bodies/" + body_path(id)));
    std::filesystem::rename(folder.path() + "/away", folder.path() + "/queue");
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    CHECK(stored_body(*queue, queue->find(id)->value()) == "large");
}

TEST_CASE("files that are no bodies do not hinder a first start") {
    const temporary_folder folder(temporary_folder::in_memory());
    const std::string bodies = folder.path() + "/bodies/";
    std::filesystem::create_directories(bodies + "0");
    for (const char* name : {"README", "0/notes", "0/0000000000Z00"}) std::ofstream(bodies + name) << "x";
    CHECK_FALSE(error_of_opening(folder.path()));
}

TEST_CASE("bodies that can't be listed refuse a first start") {
    const temporary_folder folder(temporary_folder::in_memory());
    failing_files files;
    files.fail(file_call::list, 7, EIO);
    CHECK(queue::open(files, folder.path(), {1 << 24}).error() == storage_errc::io);
    CHECK_FALSE(std::filesystem::exists(folder.path() + "/queue"));
}

TEST_CASE("a body is written and recovered where the queue is open, wherever the path leads by then") {
    const temporary_folder folder(temporary_folder::in_memory());
    const std::string state = folder.path() + "/state", moved = folder.path() + "/moved";
    std::filesystem::create_directory(state);
    const auto queue = open_queue(state);
    REQUIRE(queue);
    CHECK(queue->is_in_place());
    std::filesystem::rename(state, moved);
    CHECK_FALSE(queue->is_in_place());
    std::filesystem::create_directory(state);
    accept_large(*open_queue(state)); // another's, of the same id
    CHECK_FALSE(queue->is_in_place());
    CHECK(recover(system_files(), *queue)->orphans_removed == 0);
    accept_large(*queue);
    for (const auto& each : {state, moved}) CHECK(std::filesystem::exists(each + "/bodies/" + body_path(id)));
    std::filesystem::remove_all(state);
    std::filesystem::rename(moved, state);
    CHECK(queue->is_in_place());
}

TEST_CASE("a state folder behind a link of the operator's is in its place") {
    const temporary_folder folder(temporary_folder::in_memory());
    std::filesystem::create_directory(folder.path() + "/real");
    std::filesystem::create_directory_symlink("real", folder.path() + "/state");
    const auto queue = open_queue(folder.path() + "/state");
    REQUIRE(queue);
    CHECK(queue->is_in_place());
}

TEST_CASE("the state folder's own entry is flushed before anything in it counts") {
    const temporary_folder folder(temporary_folder::in_memory());
    const std::string state = folder.path() + "/state";
    std::filesystem::create_directory(state);
    REQUIRE(open_queue(state));
    failing_files files;
    const std::size_t wanted = 3; // bodies, the state folder, its parent
    REQUIRE(queue::open(files, state, {1 << 24}).has_value());
    CHECK(files.calls(file_call::sync_folder) == wanted);
    files.fail(file_call::sync_folder, wanted, EIO);
    CHECK(queue::open(files, state, {1 << 24}).error() == storage_errc::io);
}
