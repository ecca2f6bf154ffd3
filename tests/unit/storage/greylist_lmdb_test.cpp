#include "storage/lmdb.hpp"
#include "storage/tables/greylist.hpp"
#include "tests/support/temporary_folder.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace postern::storage;
using postern::protocol::ip_address;
using postern::testing::temporary_folder;

namespace {

constexpr std::int64_t day = 24 * 60 * 60;
constexpr std::int64_t start = 1'800'000'000;
constexpr greylist_terms terms{};
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

std::unique_ptr<greylist> open(const temporary_folder& folder, const greylist_limits& limits = {}) {
    auto opened = open_lmdb_greylist(folder.path(), limits);
    REQUIRE(opened.has_value());
    return std::move(*opened);
}

greylist_key key_of(const std::string& sender) { return {sender, *ip_address::parse("192.0.2.1")}; }

std::string numbered(const char* name, int i) { return name + std::to_string(i) + "@flood.test"; }

greylist_answer attempt(greylist& pairs, const std::string& sender, std::int64_t now) {
    const auto answer = pairs.attempt(key_of(sender), now, terms);
    REQUIRE(answer.has_value());
    return *answer;
}

std::size_t count(const greylist& pairs) { return pairs.list("", 1'000'000).value().size(); }

std::uint64_t file_octets(const temporary_folder& folder) {
    return std::filesystem::file_size(folder.path() + "/greylist/data.mdb");
}

// Octets into a table, or a table's entry away, behind the greylist's back.
void put_raw(const temporary_folder& folder, const char* table, std::string_view key,
             const std::optional<std::string>& value) {
    auto environment = lmdb::environment::open(folder.path() + "/greylist", {}).value();
    auto within = environment->begin_write().value();
    const auto in = within.open_table(table, lmdb::when_absent::make).value();
    if (value)
        REQUIRE(within.put(in, key, *value, lmdb::put_mode::replace));
    else
        REQUIRE(within.remove(in, key).value());
    REQUIRE(within.commit());
}

std::string octets_of(std::string_view sender) { return std::string("4\xc0\x00\x02\x01", 5).append(sender); }

} // namespace

TEST_CASE("what was flushed survives a kill, and no more than the rest is lost", "[greylist]") {
    const temporary_folder folder;
    const auto server = ::fork();
    REQUIRE(server >= 0);
    if (server == 0) {
        auto pairs = open_lmdb_greylist(folder.path());
        if (!pairs || !(*pairs)->attempt(key_of("kept"), start, terms) || !(*pairs)->flush() ||
            !(*pairs)->attempt(key_of("lost"), start, terms))
            ::_exit(3);
        ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    REQUIRE(::waitpid(server, &status, 0) == server);
    REQUIRE(WIFSIGNALED(status));
    const auto pairs = open(folder);
    CHECK(attempt(*pairs, "kept", start + 300) == greylist_answer::pass);
    CHECK(attempt(*pairs, "lost", start + 300) == greylist_answer::first);
}

TEST_CASE("another process's removal is seen by the next attempt", "[greylist]") {
    const temporary_folder folder;
    int go[2];
    REQUIRE(::pipe(go) == 0);
    const auto command = ::fork(); // before this process opens the environment
    REQUIRE(command >= 0);
    if (command == 0) {
        char octet = 0;
        if (::read(go[0], &octet, 1) != 1) ::_exit(2);
        auto pairs = open_lmdb_greylist(folder.path());
        ::_exit(pairs && (*pairs)->remove(key_of("a")).value() ? 0 : 4);
    }
    const auto pairs = open(folder);
    attempt(*pairs, "a", start);
    REQUIRE(pairs->flush());
    REQUIRE(::write(go[1], "x", 1) == 1);
    int status = -1;
    REQUIRE(::waitpid(command, &status, 0) == command);
    REQUIRE(status == 0);
    CHECK(attempt(*pairs, "a", start + 300) == greylist_answer::first);
    ::close(go[0]);
    ::close(go[1]);
}

TEST_CASE("a flood of keys stays within the size and pushes out the oldest that never passed", "[greylist]") {
    constexpr int flood = 40000;
    const temporary_folder folder;
    const auto pairs = open(folder, {.octets = 4 * mebibyte});
    for (int i = 0; i < 100; ++i) attempt(*pairs, numbered("good", i), start);
    for (int i = 0; i < 100; ++i)
        REQUIRE(attempt(*pairs, numbered("good", i), start + 300) == greylist_answer::pass);
    for (int i = 0; i < flood; ++i) {
        REQUIRE(attempt(*pairs, numbered("evil", i * 7919 % flood), start + 400 + i / 100) ==
                greylist_answer::first);
        if (i % 1000 == 999) REQUIRE(pairs->flush());
    }
    CHECK(file_octets(folder) <= 4 * mebibyte);
    CHECK(count(*pairs) < 20000);
    CHECK(count(*pairs) > 8000);
    for (int i = 0; i < 100; ++i)
        CHECK(attempt(*pairs, numbered("good", i), start + 2000) == greylist_answer::pass);
    // The newest are there, the oldest have gone.
    CHECK(attempt(*pairs, numbered("evil", (flood - 1) * 7919 % flood), start + 2000) ==
          greylist_answer::pass);
    CHECK(attempt(*pairs, numbered("evil", 0), start + 2000) == greylist_answer::first);
}

TEST_CASE("a table of known-good pairs alone lets newcomers through and keeps them all", "[greylist]") {
    const temporary_folder folder;
    auto pairs = open(folder, {.octets = mebibyte});
    int passed = 0;
    for (; passed < 20000; ++passed) {
        if (attempt(*pairs, numbered("good", passed), start) == greylist_answer::pass_crowd) break;
        REQUIRE(attempt(*pairs, numbered("good", passed), start + 300) == greylist_answer::pass);
        if (passed % 50 == 49) REQUIRE(pairs->flush());
    }
    CHECK(passed > 1000);
    CHECK(passed < 10000);
    pairs.reset();
    pairs = open(folder, {.octets = mebibyte});
    CHECK(pairs->look(key_of("new@f.test"), start + 400, terms).value() == greylist_answer::pass_crowd);
    CHECK(attempt(*pairs, "new@f.test", start + 400) == greylist_answer::pass_crowd);
    for (int i = 0; i < passed; ++i)
        REQUIRE(attempt(*pairs, numbered("good", i), start + 500) == greylist_answer::pass);
    REQUIRE(pairs->flush());
    CHECK(file_octets(folder) <= mebibyte);
    // They expire, and greylisting is as ever.
    for (bool more = true; more;) more = pairs->sweep(start + 500 + day, terms, 100).value().more;
    CHECK(count(*pairs) == 0);
    CHECK(attempt(*pairs, "new@f.test", start + 500 + day) == greylist_answer::first);
}

TEST_CASE("weeks of coming and going leave the file within its size", "[greylist]") {
    const temporary_folder folder;
    const auto pairs = open(folder, {.octets = 2 * mebibyte});
    std::int64_t now = start;
    for (int round = 0; round < 300; ++round, now += day / 12) {
        for (int i = 0; i < 400; ++i) attempt(*pairs, numbered("n", round * 400 + i * 37 % 400), now);
        attempt(*pairs, "good@f.test", now);
        REQUIRE(pairs->flush());
        attempt(*pairs, "good@f.test", now + 300);
        for (int i = 0; i < 40; ++i) attempt(*pairs, numbered("n", round * 400 + i), now + 300);
        REQUIRE(pairs->flush());
        while (pairs->sweep(now, terms, 100).value().more) {
        }
    }
    CHECK(attempt(*pairs, "good@f.test", now) == greylist_answer::pass);
    CHECK(count(*pairs) < 6000);
    CHECK(file_octets(folder) <= 2 * mebibyte);
}

TEST_CASE("more attempts than may wait in memory are refused or pass, unremembered", "[greylist]") {
    const temporary_folder folder;
    const auto pairs = open(folder, {.octets = mebibyte, .unwritten = 2});
    REQUIRE(pairs->allow(key_of("good"), start));
    attempt(*pairs, "a", start);
    attempt(*pairs, "b", start);
    CHECK(attempt(*pairs, "c", start) == greylist_answer::first);
    CHECK(attempt(*pairs, "good", start + 5) == greylist_answer::pass);
    REQUIRE(pairs->flush());
    CHECK(attempt(*pairs, "a", start + 300) == greylist_answer::pass);
    CHECK(attempt(*pairs, "c", start + 300) == greylist_answer::first);
    CHECK(attempt(*pairs, "good", start + day) == greylist_answer::first);
}

TEST_CASE("damaged entries are pairs that are not known, and go in time", "[greylist]") {
    const temporary_folder folder;
    {
        const auto pairs = open(folder);
        for (const char* sender : {"a", "b", "c"}) attempt(*pairs, sender, start);
        REQUIRE(pairs->flush());
    }
    put_raw(folder, "entries", octets_of("a"), "garbage");
    put_raw(folder, "entries", octets_of("b"), std::string(15, '\xff'));
    put_raw(folder, "entries", octets_of("c"), std::nullopt);
    put_raw(folder, "entries", "x", "y");
    put_raw(folder, "waiting", "short", "");
    put_raw(folder, "passed", std::string(8, '\xff') + "long", "value");
    put_raw(folder, "meta", "waiting", "");
    const auto pairs = open(folder);
    CHECK(count(*pairs) == 0);
    CHECK(attempt(*pairs, "a", start + 300) == greylist_answer::first);
    CHECK(attempt(*pairs, "b", start + 300) == greylist_answer::first);
    REQUIRE(pairs->flush());
    CHECK(attempt(*pairs, "a", start + 600) == greylist_answer::pass);
    bool more = true;
    for (int calls = 0; calls < 20 && more; ++calls)
        more = pairs->sweep(start + 3 * day, terms, 100).value().more;
    CHECK_FALSE(more);
}

TEST_CASE("a greylist of a later version is not opened, nor one that is no LMDB file", "[greylist]") {
    const temporary_folder folder;
    open(folder).reset();
    put_raw(folder, "meta", "format", std::string(7, '\0') + '\2');
    CHECK(open_lmdb_greylist(folder.path()).error() == storage_errc::newer_format);
    std::ofstream(folder.path() + "/greylist/data.mdb") << std::string(8192, 'x');
    CHECK(open_lmdb_greylist(folder.path()).error() == storage_errc::corrupt);
    CHECK(open_lmdb_greylist(folder.path() + "/absent").error() == storage_errc::not_found);
    CHECK(open_lmdb_greylist(folder.path(), {.octets = mebibyte - 1}).error() == storage_errc::invalid);
}

TEST_CASE("attempts, flushes and sweeps in many threads agree on every pair", "[greylist]") {
    const temporary_folder folder;
    const auto pairs = open(folder);
    std::atomic<int> firsts = 0;
    std::atomic<int> wrong = 0;
    std::atomic<bool> done = false;
    std::vector<std::thread> sessions;
    for (int t = 0; t < 4; ++t)
        sessions.emplace_back([&] {
            for (int i = 0; i < 1000; ++i) {
                const auto answer = pairs->attempt(key_of(numbered("n", i)), start, terms);
                if (!answer)
                    ++wrong;
                else if (*answer == greylist_answer::first)
                    ++firsts;
            }
        });
    std::thread keeper([&] {
        while (!done)
            if (!pairs->flush() || !pairs->sweep(start, terms, 10)) ++wrong;
    });
    for (auto& session : sessions) session.join();
    done = true;
    keeper.join();
    CHECK(wrong == 0);
    CHECK(firsts == 1000); // each pair's first attempt was one of the four, and one only
}

TEST_CASE("times before 1970 and beyond all clocks are kept within what can be stored", "[greylist]") {
    const temporary_folder folder;
    const auto pairs = open(folder);
    attempt(*pairs, "a", -5);
    attempt(*pairs, "b", INT64_MAX - 2 * day);
    REQUIRE(pairs->flush());
    CHECK(attempt(*pairs, "a", 299) == greylist_answer::early);
    CHECK(attempt(*pairs, "a", 300) == greylist_answer::pass);
    CHECK(attempt(*pairs, "b", start) == greylist_answer::early);
    CHECK(attempt(*pairs, "b", start + 300) == greylist_answer::pass);
}
