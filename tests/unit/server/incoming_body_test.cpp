// Where the octets of a body are while it comes in, and that threads of the pool are woken for all jobs.
#include "tests/support/body_bench.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <future>
#include <latch>
#include <thread>

using namespace postern;
using boost::system::error_code;
using server::async_spool;
using server::incoming_body;

namespace {

constexpr std::size_t piece = 65'000;
constexpr auto id = testing::body_bench::id;

std::string octets_of(std::size_t number) { return std::string(piece, static_cast<char>('a' + number)); }

struct bench : testing::body_bench {
    bench() : body_bench(10) {}
    // Pieces 0 to `count` - 1 by append(), the one after them by finish().
    error_code take(incoming_body& body, std::size_t count) {
        server::resumer give_up;
        for (std::size_t i = 0; i < count; ++i)
            if (const auto done = run(body.append(octets_of(i), &give_up)); done.ec) return done.ec;
        return run(body.finish(octets_of(count), &give_up));
    }
};

std::string whole(std::size_t count) {
    std::string all;
    for (std::size_t i = 0; i <= count; ++i) all += octets_of(i);
    return all;
}

std::string joined(const std::vector<std::string>& pieces) {
    std::string all;
    for (const auto& each : pieces) all += each;
    return all;
}

} // namespace

TEST_CASE("a body that may be packed stays in memory, whole and in order") {
    bench at;
    incoming_body body(at.spool, at.pool, id);
    REQUIRE_FALSE(at.take(body, 3));
    CHECK_FALSE(body.in_file());
    CHECK(body.size() == 4 * piece);
    CHECK(joined(body.take_pieces()) == whole(3));
    CHECK(at.file().empty());
}

TEST_CASE("a body that becomes larger than may be packed goes to a file, with what was in memory") {
    bench at;
    incoming_body body(at.spool, at.pool, id);
    REQUIRE_FALSE(at.take(body, 5));
    CHECK(body.in_file());
    CHECK(body.size() == 6 * piece);
    CHECK(body.take_pieces().empty());
    CHECK(at.file() == whole(5));
}

TEST_CASE("bodies in memory take no more than there is for them, and give it back when they were written") {
    bench at;
    async_spool::body_memory others(at.spool);
    REQUIRE(others.grow(async_spool::body_memory_max - 2 * piece));
    std::shared_ptr<const void> until_written;
    {
        incoming_body body(at.spool, at.pool, id);
        REQUIRE_FALSE(at.take(body, 1));
        CHECK_FALSE(body.in_file());
        until_written = body.memory();
    }
    {
        incoming_body body(at.spool, at.pool, id);
        REQUIRE_FALSE(at.take(body, 1));
        CHECK(at.file() == whole(1));
    }
    until_written.reset();
    // A file that is given up goes on a thread of its own.
    for (int i = 0; i < 500 && !at.file().empty(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    CHECK(at.file().empty());
    CHECK_FALSE(others.grow(2 * piece + 1));
    CHECK(others.grow(2 * piece));
}

TEST_CASE("jobs that wait for each other all get a thread") {
    constexpr int threads = 4;
    server::offload_pool pool(threads, 100);
    for (int round = 0; round < 200; ++round) {
        std::latch all_run(threads);
        std::promise<void> last;
        std::atomic<int> left{threads};
        for (int i = 0; i < threads; ++i)
            REQUIRE(pool.try_post([&] {
                all_run.arrive_and_wait();
                if (--left == 0) last.set_value();
            }));
        if (last.get_future().wait_for(std::chrono::seconds(20)) != std::future_status::ready) {
            UNSCOPED_INFO("round " << round);
            std::fputs("a job got no thread\n", stderr);
            std::_Exit(1); // the jobs hold what is on this stack
        }
    }
}
