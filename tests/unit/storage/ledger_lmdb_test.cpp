#include "storage/big_endian.hpp"
#include "storage/lmdb.hpp"
#include "storage/tables/ledger.hpp"
#include "tests/support/temporary_folder.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace postern::storage;
using postern::protocol::ip_address;
using postern::protocol::parse_address;
using postern::testing::temporary_folder;

namespace {

constexpr std::int64_t start = 1'800'000'000;
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

std::unique_ptr<ledger> open(const temporary_folder& folder, const ledger_limits& limits = {}) {
    auto opened = open_lmdb_ledger(folder.path(), limits);
    REQUIRE(opened.has_value());
    return std::move(*opened);
}

ledger_row row_of(std::int64_t time, const std::string& sender = "a@s.test") {
    ledger_row row;
    row.time = time;
    row.client = *ip_address::parse("192.0.2.1");
    row.sender = parse_address(sender).value();
    row.recipient = parse_address("u@d.test").value();
    row.helo = "c.test";
    row.listener = "mx";
    row.reply = "550 5.1.1 <u@d.test>: no such user";
    return row;
}

std::vector<std::int64_t> times_of(const ledger& in, const std::string& of = "u@d.test") {
    std::vector<std::int64_t> times;
    const auto found = in.find(parse_address(of).value(), 0, "", 1'000'000);
    REQUIRE(found.has_value());
    for (const auto& one : *found) times.push_back(one.row.time - start);
    return times;
}

std::uint64_t file_octets(const temporary_folder& folder) {
    return std::filesystem::file_size(folder.path() + "/ledger/data.mdb");
}

// Octets into a table behind the ledger's back.
void put_raw(const temporary_folder& folder, const char* table, std::string_view key,
             const std::string& value) {
    auto environment = lmdb::environment::open(folder.path() + "/ledger", {}).value();
    auto within = environment->begin_write().value();
    const auto in = within.open_table(table, lmdb::when_absent::make).value();
    REQUIRE(within.put(in, key, value, lmdb::put_mode::replace));
    REQUIRE(within.commit());
}

std::string stamp(std::int64_t time, std::uint64_t number) {
    std::string made;
    append_big_endian(made, static_cast<std::uint64_t>(time), 5);
    append_big_endian(made, number, 6);
    return made;
}

// No file of this process grows beyond so many octets: writes fail with EFBIG, as they do with ENOSPC on a
// full disk.
class full_disk {
  public:
    explicit full_disk(std::uint64_t octets) {
        before_ = std::signal(SIGXFSZ, SIG_IGN);
        REQUIRE(::getrlimit(RLIMIT_FSIZE, &old_) == 0);
        rlimit now = old_;
        now.rlim_cur = octets;
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &now) == 0);
    }
    ~full_disk() {
        (void)::setrlimit(RLIMIT_FSIZE, &old_);
        (void)std::signal(SIGXFSZ, before_);
    }
    full_disk(const full_disk&) = delete;
    full_disk& operator=(const full_disk&) = delete;

  private:
    rlimit old_{};
    void (*before_)(int) = nullptr;
};

} // namespace

TEST_CASE("refusals that were flushed survive a kill, and no more than the rest is lost", "[ledger]") {
    const temporary_folder folder;
    const auto server = ::fork();
    REQUIRE(server >= 0);
    if (server == 0) {
        auto refusals = open_lmdb_ledger(folder.path());
        if (!refusals || !(*refusals)->add(row_of(start)) || !(*refusals)->flush() ||
            !(*refusals)->add(row_of(start + 1)))
            ::_exit(3);
        ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    REQUIRE(::waitpid(server, &status, 0) == server);
    REQUIRE(WIFSIGNALED(status));
    const auto refusals = open(folder);
    CHECK(times_of(*refusals) == std::vector<std::int64_t>{0});
    REQUIRE(refusals->add(row_of(start))); // the same second: it pushes out nothing
    REQUIRE(refusals->flush());
    CHECK(times_of(*refusals) == std::vector<std::int64_t>{0, 0});
}

TEST_CASE("a flood of refusals stays within the size and pushes out the oldest", "[ledger]") {
    constexpr int flood = 40000;
    const temporary_folder folder;
    const auto refusals = open(folder, {.octets = 4 * mebibyte});
    for (int i = 0; i < flood; ++i) {
        REQUIRE(refusals->add(row_of(start + i, "n" + std::to_string(i * 7919 % flood) + "@flood.test")));
        if (i % 1000 == 999) REQUIRE(refusals->flush());
    }
    CHECK(file_octets(folder) <= 4 * mebibyte);
    const auto times = times_of(*refusals);
    CHECK(times.size() > 5000);
    CHECK(times.size() < 12000);
    for (std::size_t i = 0; i < times.size(); ++i)
        REQUIRE(times[i] == flood - 1 - static_cast<std::int64_t>(i)); // the newest, and none is missing
    // The index of those that went is gone too.
    CHECK(times_of(*refusals, "n0@flood.test").empty());
    CHECK(times_of(*refusals, "n" + std::to_string((flood - 1) * 7919 % flood) + "@flood.test").size() == 1);
}

TEST_CASE("rows of all sizes by turns leave the file within its size", "[ledger]") {
    const temporary_folder folder;
    const auto refusals = open(folder, {.octets = 2 * mebibyte});
    for (int round = 0; round < 120; ++round) {
        for (int i = 0; i < 300; ++i) {
            auto row = row_of(start + round, "n" + std::to_string(i * 37 % 300) + "@flood.test");
            if (round % 2 == 1) {
                row.helo = std::string(ledger_name_max, 'h');
                row.reply = row.cause = std::string(ledger_text_max, 'r');
            }
            REQUIRE(refusals->add(row));
        }
        REQUIRE(refusals->flush());
        while (refusals->sweep(start + round, 100, 100).value().more) {
        }
    }
    CHECK(file_octets(folder) <= 2 * mebibyte);
    CHECK(times_of(*refusals).front() == 119);
    CHECK(times_of(*refusals).size() > 300);
}

TEST_CASE("more refusals than may wait in memory are dropped and counted", "[ledger]") {
    const temporary_folder folder;
    const auto refusals = open(folder, {.unwritten = 2000});
    int taken = 0;
    while (refusals->add(row_of(start + taken))) ++taken;
    CHECK(taken > 2);
    CHECK(taken < 20);
    CHECK_FALSE(refusals->add(row_of(start)));
    CHECK(refusals->dropped() == 2);
    REQUIRE(refusals->flush());
    CHECK(times_of(*refusals).size() == static_cast<std::size_t>(taken));
    CHECK(refusals->add(row_of(start + taken)));
}

TEST_CASE("a full disk keeps refusals in memory, bounded, and they are written when there is room",
          "[ledger]") {
    const temporary_folder folder;
    const auto refusals = open(folder, {.octets = 64 * mebibyte, .unwritten = 1 * mebibyte});
    REQUIRE(refusals->add(row_of(start)));
    REQUIRE(refusals->flush());
    int taken = 1;
    {
        const full_disk full(file_octets(folder));
        for (int second = 0; second < 10; ++second) {
            for (int i = 0; i < 1000; ++i) taken += refusals->add(row_of(start + 1 + second)) ? 1 : 0;
            const auto flushed = refusals->flush();
            REQUIRE_FALSE(flushed);
            CHECK(flushed.error() == storage_errc::no_space);
        }
        CHECK(times_of(*refusals).size() < static_cast<std::size_t>(taken));
        CHECK(refusals->dropped() == static_cast<std::uint64_t>(10'001 - taken));
        CHECK(refusals->dropped() > 1000);
    }
    REQUIRE(refusals->flush());
    CHECK(times_of(*refusals).size() == static_cast<std::size_t>(taken)); // each once
    REQUIRE(refusals->add(row_of(start + 99)));
    REQUIRE(refusals->flush());
    CHECK(times_of(*refusals).front() == 99);
}

TEST_CASE("damaged rows are not found, and go in time", "[ledger]") {
    const temporary_folder folder;
    {
        const auto refusals = open(folder);
        for (int i = 0; i < 4; ++i) REQUIRE(refusals->add(row_of(start + i)));
        REQUIRE(refusals->flush());
    }
    put_raw(folder, "rows", stamp(start, 0), "garbage");
    put_raw(folder, "rows", stamp(start + 1, 1), std::string(300, '\xff'));
    put_raw(folder, "rows", stamp(start + 2, 2), "");
    put_raw(folder, "rows", "short", "x");
    put_raw(folder, "by_whom", std::string("u@d.test\0", 9), "");
    put_raw(folder, "meta", "octets", "");
    put_raw(folder, "meta", "next", std::string(8, '\0'));
    const auto refusals = open(folder);
    CHECK(times_of(*refusals) == std::vector<std::int64_t>{3});
    REQUIRE(refusals->add(row_of(start + 3)));
    REQUIRE(refusals->add(row_of(start + 3, "b@s.test")));
    REQUIRE(refusals->flush());
    CHECK(times_of(*refusals) == std::vector<std::int64_t>{3, 3, 3});
    bool more = true;
    for (int calls = 0; calls < 20 && more; ++calls)
        more = refusals->sweep(start + 100, 10, 100).value().more;
    CHECK_FALSE(more);
    CHECK(times_of(*refusals).empty());
}

TEST_CASE("a ledger of a later version is not opened, nor one that is no LMDB file", "[ledger]") {
    const temporary_folder folder;
    open(folder).reset();
    put_raw(folder, "meta", "format", std::string(7, '\0') + '\2');
    CHECK(open_lmdb_ledger(folder.path()).error() == storage_errc::newer_format);
    std::ofstream(folder.path() + "/ledger/data.mdb") << std::string(8192, 'x');
    CHECK(open_lmdb_ledger(folder.path()).error() == storage_errc::corrupt);
    CHECK(open_lmdb_ledger(folder.path() + "/absent").error() == storage_errc::not_found);
    CHECK(open_lmdb_ledger(folder.path(), {.octets = mebibyte - 1}).error() == storage_errc::invalid);
}

TEST_CASE("refusals of many threads are all kept, once each", "[ledger]") {
    const temporary_folder folder;
    const auto refusals = open(folder);
    std::atomic<int> wrong = 0;
    std::atomic<bool> done = false;
    std::vector<std::thread> sessions;
    for (int t = 0; t < 4; ++t)
        sessions.emplace_back([&, t] {
            for (int i = 0; i < 1000; ++i)
                if (!refusals->add(row_of(start + t * 1000 + i))) ++wrong;
        });
    std::thread keeper([&] {
        while (!done)
            if (!refusals->flush() || !refusals->sweep(start, 10, 10)) ++wrong;
    });
    for (auto& session : sessions) session.join();
    done = true;
    keeper.join();
    REQUIRE(refusals->flush());
    CHECK(wrong == 0);
    const auto times = times_of(*refusals);
    REQUIRE(times.size() == 4000);
    for (std::size_t i = 0; i < times.size(); ++i) REQUIRE(times[i] == 3999 - static_cast<std::int64_t>(i));
}
