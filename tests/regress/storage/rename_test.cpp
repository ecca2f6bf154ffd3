// On a file system without RENAME_NOREPLACE (NFS, an older ZFS) nothing could be delivered and no queue made.
#include "storage/queue.hpp"
#include "tests/support/failing_files.hpp"
#include "tests/unit/storage/maildir_fixture.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace postern::storage;
using namespace postern::testing;
namespace fs = std::filesystem;

namespace {

std::atomic<int> refused_with = 0; // errno of a rename that asks for RENAME_NOREPLACE; 0 = none

struct without_noreplace {
    explicit without_noreplace(int error = EINVAL) { refused_with = error; }
    without_noreplace(const without_noreplace&) = delete;
    without_noreplace& operator=(const without_noreplace&) = delete;
    ~without_noreplace() { refused_with = 0; }
};

} // namespace

// Stands before libc's for the whole program.
extern "C" int renameat2(int from_folder, const char* from, int to_folder, const char* to,
                         unsigned flags) noexcept {
    if (refused_with != 0 && flags != 0) {
        errno = refused_with;
        return -1;
    }
    return static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}

TEST_CASE("a rename that the file system can't do in one step is done in two, and replaces nothing") {
    for (const int error : {0, EINVAL, ENOSYS}) {
        INFO("errno " << error);
        const without_noreplace old(error);
        const temporary_folder folder(temporary_folder::in_memory());
        const fs::path at = folder.path();
        for (const char* name : {"a", "taken"}) std::ofstream(at / name) << name;
        fs::create_directory(at / "folder");
        fs::create_directory(at / "full");
        std::ofstream(at / "full/x") << "x";
        auto& files = system_files();
        const auto open = files.open_folder(nullptr, folder.path(), folder_links::follow);
        REQUIRE(open.has_value());
        const auto rename = [&](const char* from, const char* to) {
            const auto done = files.rename(*open, from, *open, to);
            return done ? boost::system::error_code() : done.error();
        };
        CHECK(rename("a", "taken") == storage_errc::exists);
        CHECK(fs::exists(at / "a"));
        CHECK_FALSE(rename("a", "b"));
        CHECK_FALSE(fs::exists(at / "a"));
        CHECK(fs::hard_link_count(at / "b") == 1);
        CHECK(rename("a", "c") == storage_errc::not_found);
        CHECK(rename("folder", "full") == storage_errc::exists);
        CHECK(rename("folder", "taken") == storage_errc::exists);
        CHECK_FALSE(rename("folder", "other"));
        CHECK(fs::is_directory(at / "other"));
    }
}

TEST_CASE("a queue is made and a message delivered on such a file system") {
    const without_noreplace old;
    const temporary_folder folder(temporary_folder::in_memory());
    CHECK(queue::open(system_files(), folder.path(), {1 << 24}).has_value());
    CHECK_FALSE(fs::exists(folder.path() + "/queue.new"));
    const mail_store store;
    REQUIRE(store.deliver("1.Q1R0.h", "first"));
    REQUIRE(store.deliver("1.Q1R0.h", "first")); // again, as after a crash
    REQUIRE(store.deliver("1.Q2R0.h", "second"));
    CHECK(store.names("new").size() == 2);
    CHECK(store.names("tmp").empty());
}

TEST_CASE("what was delivered is never written over by its own leftover in tmp") {
    const mail_store store;
    const std::string name = "1.Q1R0.h";
    REQUIRE(store.deliver(name, "delivered"));
    const auto delivered = store.names("new").at(0);
    const auto content = store.content("new/" + delivered);
    // As a crash between the two steps of the rename leaves it.
    fs::create_hard_link(store.box() / "new" / delivered, store.box() / "tmp" / name);
    failing_files files;
    files.fail(file_call::write, 1, ENOSPC);
    CHECK(store.deliver(files, name, "delivered").error() == storage_errc::no_space);
    CHECK(store.content("new/" + delivered) == content);
    fs::create_hard_link(store.box() / "new" / delivered, store.box() / "tmp" / name);
    CHECK(store.deliver(name, "delivered"));
    CHECK(store.names("new").size() == 1);
    CHECK(store.content("new/" + delivered) == content);
    CHECK(store.names("tmp").empty());
}
