// A message whose content could not be read back for a test (the pool was full, or the disk too slow) was
// accepted where the operator lets such mail through, and stored without its last octets: they had been
// handed over with the question.
#include "storage/errc.hpp"
#include "tests/support/body_bench.hpp"

#include <catch2/catch.hpp>
#include <latch>
#include <thread>

using namespace postern;

namespace {

constexpr auto id = testing::body_bench::id;
constexpr std::size_t jobs_max = 3;

struct gate { // outlives the pool, whose thread waits for it
    std::latch over{1};
};

struct bench : gate, testing::body_bench {
    bench() : body_bench(jobs_max) {}
    // From here on the pool's thread waits for `over`.
    void occupy() {
        std::latch begun{1};
        REQUIRE(pool.try_post([&] {
            begun.count_down();
            over.wait();
        }));
        begun.wait();
    }
};

const std::string before(storage::packed_body_max + 1, 'a'), tail(1000, 'z');

} // namespace

TEST_CASE("a body that the full pool could not open is not stored without its tail") {
    bench at;
    server::incoming_body body(at.spool, at.pool, id);
    server::resumer give_up;
    REQUIRE_FALSE(at.run(body.append(before, &give_up)).ec);
    REQUIRE(body.in_file());

    at.occupy();
    for (std::size_t i = 0; i < jobs_max; ++i) REQUIRE(at.pool.try_post([] {}));
    REQUIRE(at.run(body.open(tail, &give_up)).ec == storage::storage_errc::busy);
    at.over.count_down();
    while (!at.pool.try_post([] {})) std::this_thread::yield();

    const auto ec = at.run(body.finish({}, &give_up));
    CHECK((ec || at.file() == before + tail));
    CHECK(ec == storage::storage_errc::busy);
    CHECK(at.run(body.open({}, &give_up)).ec == storage::storage_errc::busy);
}

TEST_CASE("a body whose opening was given up is not stored without its tail") {
    bench at;
    server::incoming_body body(at.spool, at.pool, id);
    server::resumer give_up;
    REQUIRE_FALSE(at.run(body.append(before, &give_up)).ec);

    at.occupy();
    auto opening = boost::asio::co_spawn(at.loop, body.open(tail, &give_up), boost::asio::use_future);
    at.loop.restart();
    at.loop.poll();
    REQUIRE(give_up);
    const auto end = give_up;
    end(make_error_code(storage::storage_errc::timed_out));
    at.loop.restart();
    at.loop.run();
    REQUIRE(opening.get().ec == storage::storage_errc::timed_out);

    // The job is still to be run: whatever were stored now would be stored beside it.
    auto finishing = boost::asio::co_spawn(at.loop, body.finish({}, &give_up), boost::asio::use_future);
    at.loop.restart();
    at.loop.poll();
    at.over.count_down();
    at.loop.run();
    const auto ec = finishing.get();
    CHECK((ec || at.file() == before + tail));
    CHECK(ec == storage::storage_errc::timed_out);
}
