// A message whose content could not be read back for a test (the pool was full, or the disk too slow) was
// accepted where the operator lets such mail through, and stored without its last octets: they had been
// handed over with the question.
#include "server/incoming_body.hpp"
#include "storage/errc.hpp"
#include "tests/support/temporary_folder.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <catch2/catch.hpp>
#include <fstream>
#include <latch>
#include <thread>

using namespace postern;

namespace {

constexpr storage::queue_id id{77 << 10};
constexpr std::size_t jobs_max = 3;

struct bench {
    testing::temporary_folder folder{testing::temporary_folder::in_memory()};
    std::unique_ptr<storage::queue> queue =
        *storage::queue::open(storage::system_files(), folder.path(), {.map_size = std::uint64_t{1} << 26});
    std::latch over{1};
    server::offload_pool pool{1, jobs_max};
    server::async_spool spool{*queue, 10, [] {}};
    boost::asio::io_context loop{1};

    template <class Value> Value run(boost::asio::awaitable<Value> task) {
        auto outcome = boost::asio::co_spawn(loop, std::move(task), boost::asio::use_future);
        loop.restart();
        loop.run();
        return outcome.get();
    }
    // From here on the pool's thread waits for `over`.
    void occupy() {
        std::latch begun{1};
        REQUIRE(pool.try_post([&] {
            begun.count_down();
            over.wait();
        }));
        begun.wait();
    }
    std::string stored() const {
        std::ifstream in(folder.path() + "/bodies/" + storage::body_path(id), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
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
    CHECK((ec || at.stored() == before + tail));
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
    CHECK((ec || at.stored() == before + tail));
    CHECK(ec == storage::storage_errc::timed_out);
}
