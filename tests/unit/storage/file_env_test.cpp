#include "tests/support/failing_files.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>

using namespace postern::storage;
using postern::testing::failing_files;
using postern::testing::file_call;
using postern::testing::temporary_folder;

namespace {

std::string content_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

struct opened_folder {
    temporary_folder place;
    file_handle handle = system_files().open_folder(nullptr, place.path(), folder_links::follow).value();
};

} // namespace

TEST_CASE("a new file is never one that exists, and appending keeps what is there") {
    opened_folder folder;
    file_env& files = system_files();
    const auto write = [&](open_mode mode, const char* text) {
        const auto file = files.open_file(&folder.handle, "f", mode);
        return file ? files.write_all(*file, text) : file.error();
    };
    CHECK(files.open_file(&folder.handle, "f", open_mode::read).error() == storage_errc::not_found);
    CHECK(write(open_mode::create_new, "one"));
    CHECK(write(open_mode::create_new, "two").error() == storage_errc::exists);
    CHECK(write(open_mode::append, "+"));
    CHECK(content_of(folder.place.path() + "/f") == "one+");
    CHECK(write(open_mode::create_empty, "x"));
    CHECK(files.facts(&folder.handle, "f")->size == 1);
}

TEST_CASE("a symbolic link is refused as a file and below a folder") {
    opened_folder folder;
    file_env& files = system_files();
    const std::string path = folder.place.path();
    std::filesystem::create_directory(path + "/real");
    std::ofstream(path + "/real/file") << "x";
    std::filesystem::create_directory_symlink(path + "/real", path + "/link");
    std::filesystem::create_symlink(path + "/real/file", path + "/file");
    CHECK(files.open_file(&folder.handle, "file", open_mode::read).error() == storage_errc::permission);
    CHECK(files.open_file(&folder.handle, "file", open_mode::append).error() == storage_errc::permission);
    CHECK(files.open_folder(&folder.handle, "link", folder_links::refuse).error() ==
          storage_errc::permission);
    CHECK(files.open_folder(&folder.handle, "..", folder_links::refuse).error() == storage_errc::permission);
    CHECK(files.open_folder(&folder.handle, "link", folder_links::follow).has_value());
    CHECK(files.open_folder(&folder.handle, "real", folder_links::refuse).has_value());
}

TEST_CASE("a rename never replaces a file") {
    opened_folder folder;
    file_env& files = system_files();
    std::ofstream(folder.place.path() + "/a") << "a";
    std::ofstream(folder.place.path() + "/b") << "b";
    CHECK(files.rename(folder.handle, "a", folder.handle, "b").error() == storage_errc::exists);
    CHECK(content_of(folder.place.path() + "/b") == "b");
    CHECK(files.rename(folder.handle, "a", folder.handle, "c"));
    CHECK(content_of(folder.place.path() + "/c") == "a");
    CHECK(files.rename(folder.handle, "a", folder.handle, "d").error() == storage_errc::not_found);
}

TEST_CASE("a folder is listed from its start each time, and only until the visitor has enough") {
    opened_folder folder;
    file_env& files = system_files();
    std::set<std::string> expected;
    for (int i = 0; i < 50; ++i) {
        expected.insert("f" + std::to_string(i));
        std::ofstream(folder.place.path() + "/f" + std::to_string(i)) << "x";
    }
    for (int round = 0; round < 2; ++round) {
        std::set<std::string> seen;
        CHECK(files.list(folder.handle, [&](const std::string& name) { return seen.insert(name).second; }));
        CHECK(seen == expected);
    }
    int visits = 0;
    CHECK(files.list(folder.handle, [&](const std::string&) { return ++visits < 3; }));
    CHECK(visits == 3);
}

TEST_CASE("errno values keep their meaning") {
    const std::pair<int, storage_errc> rows[] = {
        {EIO, storage_errc::io},           {ENOSPC, storage_errc::no_space},
        {EDQUOT, storage_errc::no_space},  {EFBIG, storage_errc::no_space},
        {EROFS, storage_errc::read_only},  {EACCES, storage_errc::permission},
        {EPERM, storage_errc::permission}, {ENOENT, storage_errc::not_found},
        {EEXIST, storage_errc::exists},    {EAGAIN, storage_errc::locked},
        {EMFILE, storage_errc::busy},      {EBADF, storage_errc::io}};
    for (const auto& [error, expected] : rows) CHECK(from_errno(error) == expected);
    CHECK(make_error_code(storage_errc::corrupt).message() != make_error_code(storage_errc::io).message());
    CHECK(std::string(make_error_code(storage_errc::io).category().name()) == "postern.storage");
}

TEST_CASE("short writes are continued until everything is written") {
    opened_folder folder;
    failing_files files;
    files.shorten();
    const auto file = files.open_file(&folder.handle, "f", open_mode::create_new);
    REQUIRE(file.has_value());
    CHECK(files.write_all(*file, "twelve bytes"));
    CHECK(files.calls(file_call::write) == 12);
    CHECK(content_of(folder.place.path() + "/f") == "twelve bytes");
}

TEST_CASE("the failing files fail the call they were told to, and no other") {
    opened_folder folder;
    failing_files files;
    files.fail(file_call::facts, 2, EIO);
    CHECK(files.facts(&folder.handle, "x").error() == storage_errc::not_found);
    CHECK(files.free_bytes(folder.place.path()).has_value());
    CHECK(files.facts(&folder.handle, "x").error() == storage_errc::io);
    CHECK(files.facts(&folder.handle, "x").error() == storage_errc::not_found);
    CHECK(files.failures() == 1);
    files.fail_from(file_call::any, 1, ENOSPC);
    CHECK(files.free_bytes(folder.place.path()).error() == storage_errc::no_space);
    CHECK(files.facts(&folder.handle, "x").error() == storage_errc::no_space);
    files.stop();
    CHECK(files.free_bytes(folder.place.path()).value() > 0);
    CHECK(files.calls(file_call::any) == 7);
}
