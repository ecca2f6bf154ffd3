// A process that dies in a read transaction leaves its slot taken, and the pages of its snapshot can't be
// used again: the file of the queue grew with every message until the server was started anew.
#include "storage/lmdb.hpp"
#include "tests/unit/storage/queue_support.hpp"
#include "tests/unit/storage/system_call_faults.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

using namespace postern::storage;
using namespace postern::testing;

namespace {

// Runs `work` in a child; true when SIGKILL ended it.
template <class Work> bool dies(Work work) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        work();
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

std::uint64_t octets_after_updates(queue& in) {
    for (int i = 1; i <= 30; ++i) REQUIRE(commit_one(in, update_message{message_of(1, 100, i)}));
    return in.totals()->octets;
}

} // namespace

TEST_CASE("the slot of a dead reader serves the next one when all are taken") {
    const temporary_folder folder(temporary_folder::in_memory());
    const auto opened = lmdb::environment::open(folder.path(), {.readers = 1});
    REQUIRE(opened.has_value());
    REQUIRE(dies([&] {
        const auto own = lmdb::environment::open(folder.path(), {.readers = 1});
        const auto begun = (*own)->begin_read();
        if (begun) ::kill(::getpid(), SIGKILL);
    }));
    const auto first = (*opened)->begin_read();
    REQUIRE(first.has_value());
    CHECK((*opened)->begin_read().error() == storage_errc::busy);
}

TEST_CASE("what was freed is room, unless a reader holds it back") {
    constexpr std::uint64_t all = 1 << 30;
    const std::string value(3000, 'x');
    const temporary_folder folder(temporary_folder::in_memory());
    const auto opened = lmdb::environment::open(folder.path(), {});
    REQUIRE(opened.has_value());
    auto& environment = **opened;
    lmdb::table in = 0;
    const auto change = [&](auto each) {
        auto begun = environment.begin_write();
        in = begun->open_table("values", lmdb::when_absent::make).value();
        for (int i = 0; i < 100; ++i) each(*begun, std::to_string(i));
        REQUIRE(begun->commit());
    };
    change([&](auto& within, const auto& key) { (void)within.put(in, key, value, lmdb::put_mode::insert); });
    {
        const auto reader = environment.begin_read();
        change([&](auto& within, const auto& key) { (void)within.remove(in, key); });
        CHECK(environment.freed(all).value() < value.size() * 10);
    }
    CHECK(environment.freed(all).value() > value.size() * 100);
    CHECK(environment.freed(1).value() < all);
}

TEST_CASE("a reader killed anywhere while it opens the queue pins nothing of it") {
    const temporary_folder folder(temporary_folder::in_memory());
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    std::vector<queue_operation> batch;
    for (std::uint64_t id = 1; id <= 200; ++id) batch.push_back(insert_of(id));
    REQUIRE(queue->commit(batch));
    const std::uint64_t before = octets_after_updates(*queue);
    int killed = 0;
    for (int nth = 1;; ++nth, ++killed) {
        INFO("at read " << nth);
        const bool died = dies([&] {
            kill_at_read(nth);
            (void)queue::open_for_reading(system_files(), folder.path());
        });
        if (!died) break;
        REQUIRE(octets_after_updates(*queue) == before);
    }
    CHECK(killed > 10);
}
