#include "storage/state_lock.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace postern::storage;
using postern::testing::temporary_folder;

TEST_CASE("a second server on the same state folder is told who holds it") {
    const temporary_folder folder;
    const std::string state = folder.path() + "/state";
    std::string holder;
    {
        const auto first = state_lock::take(state, holder);
        REQUIRE(first.has_value());
        const auto second = state_lock::take(state, holder);
        REQUIRE_FALSE(second.has_value());
        CHECK(second.error() == storage_errc::locked);
        CHECK(holder == std::to_string(::getpid()));
    }
    CHECK(state_lock::take(state, holder).has_value());
}

TEST_CASE("the lock of a killed process is free at once") {
    const temporary_folder folder;
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        std::string holder;
        const auto lock = state_lock::take(folder.path(), holder);
        const char told = lock ? 'y' : 'n';
        if (::write(ready[1], &told, 1) != 1) ::_exit(1);
        for (;;) ::pause();
    }
    char told = 0;
    REQUIRE(::read(ready[0], &told, 1) == 1);
    CHECK(told == 'y');
    std::string holder;
    CHECK(state_lock::take(folder.path(), holder).error() == storage_errc::locked);
    CHECK(holder == std::to_string(child));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    CHECK(state_lock::take(folder.path(), holder).has_value());
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST_CASE("what an old lock file says is not believed beyond its digits") {
    const temporary_folder folder;
    std::ofstream(folder.path() + "/lock") << "12\x1b[31m rm -rf\n" << std::string(10000, '9');
    std::string holder;
    const auto first = state_lock::take(folder.path(), holder);
    REQUIRE(first.has_value());
    CHECK(state_lock::take(folder.path(), holder).error() == storage_errc::locked);
    CHECK(holder == std::to_string(::getpid()));
}

TEST_CASE("a missing parent folder is not made: the disk may not be mounted") {
    const temporary_folder folder;
    std::string holder;
    CHECK(state_lock::take(folder.path() + "/mount/state", holder).error() == storage_errc::not_found);
}

TEST_CASE("a lock file that is another file too is neither emptied nor given away") {
    const temporary_folder folder;
    const std::string precious = folder.path() + "/precious";
    std::ofstream(precious) << "precious";
    std::string about;
    SECTION("a second name") { REQUIRE(::link(precious.c_str(), (folder.path() + "/lock").c_str()) == 0); }
    SECTION("a symbolic link") {
        REQUIRE(::symlink(precious.c_str(), (folder.path() + "/lock").c_str()) == 0);
    }
    CHECK_FALSE(state_lock::take(folder.path(), about).has_value());
    CHECK(about == folder.path() + "/lock");
    std::string left;
    std::ifstream(precious) >> left;
    CHECK(left == "precious");
}

TEST_CASE("a pipe in the place of the lock file holds up nobody") {
    const temporary_folder folder;
    REQUIRE(::mkfifo((folder.path() + "/lock").c_str(), 0600) == 0);
    std::string about;
    CHECK(state_lock::take(folder.path(), about).error() == storage_errc::invalid);
}
