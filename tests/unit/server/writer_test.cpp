// The writer thread, the pool and the limits: what they promise under crowding and failure.
#include "server/async_spool.hpp"
#include "server/offload_pool.hpp"
#include "server/session_limits.hpp"
#include "spool_support.hpp"
#include "tests/support/failing_files.hpp"
#include "tests/support/temporary_folder.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <cerrno>
#include <future>
#include <thread>

using namespace postern;
using boost::system::error_code;
using testing::message;

namespace {

struct open_queue {
    testing::temporary_folder folder{testing::temporary_folder::in_memory()};
    std::unique_ptr<storage::queue> queue =
        *storage::queue::open(storage::system_files(), folder.path(), {.map_size = std::uint64_t{1} << 26});
};

} // namespace

TEST_CASE("the writer answers each operation once, and tells of each message once it is in the queue") {
    open_queue at;
    std::atomic<unsigned> told{0}, answers{0}, failed{0}, missing{0};
    const auto tell = [&](std::span<const storage::queue_id> ids) {
        for (const auto id : ids) {
            const auto found = at.queue->find(id);
            if (!found || !*found) ++missing;
            ++told;
        }
    };
    {
        server::async_spool spool(*at.queue, 1000, tell);
        for (std::uint64_t id = 1; id <= 100; ++id)
            REQUIRE(spool.try_submit(message(id), [&](error_code ec) {
                ++answers;
                if (ec) ++failed;
            }));
    } // its end writes what waits
    CHECK(answers == 100);
    CHECK(failed == 0);
    CHECK(told == 100);
    CHECK(missing == 0);
    CHECK(at.queue->totals()->messages == 100);
    CHECK_FALSE(at.queue->owes());
}

TEST_CASE("a failed batch is told to all of it, and the next one works") {
    open_queue at;
    server::async_spool spool(*at.queue, 1000, [](std::span<const storage::queue_id>) {});
    const auto outcome = [&](storage::queue_operation what) {
        std::promise<error_code> done;
        REQUIRE(spool.try_submit(std::move(what), [&](error_code ec) { done.set_value(ec); }));
        return done.get_future().get();
    };
    CHECK_FALSE(outcome(message(7)));
    CHECK(outcome(message(7)) == storage::storage_errc::exists);
    CHECK_FALSE(spool.last_outcome().ec); // the message's own trouble, not the disk's
    CHECK_FALSE(outcome(message(8)));
    CHECK_FALSE(spool.last_outcome().ec);
}

TEST_CASE("a failed write is remembered until one succeeds, and no message's own trouble hides it") {
    const testing::temporary_folder folder{testing::temporary_folder::in_memory()};
    testing::failing_files files;
    const auto queue = *storage::queue::open(files, folder.path(), {.map_size = std::uint64_t{1} << 26});
    server::async_spool spool(*queue, 1000, [](std::span<const storage::queue_id>) {});
    const auto outcome = [&](storage::queue_operation what) {
        std::promise<error_code> done;
        REQUIRE(spool.try_submit(std::move(what), [&](error_code ec) { done.set_value(ec); }));
        return done.get_future().get();
    };
    auto huge = std::get<storage::insert_message>(message(7));
    huge.message.recipients.resize(storage::recipients_max + 1);
    files.fail_from(testing::file_call::free_bytes, 1, EIO);
    CHECK(outcome(message(8)) == storage::storage_errc::io);
    CHECK(spool.last_outcome().ec == storage::storage_errc::io);
    CHECK(outcome(huge) == storage::storage_errc::too_large);
    CHECK(spool.last_outcome().ec == storage::storage_errc::io);
    files.stop();
    CHECK_FALSE(outcome(message(8)));
    CHECK_FALSE(spool.last_outcome().ec);
}

TEST_CASE("a result waits a moment for a message and shares its flush, and not for ever") {
    using clock = std::chrono::steady_clock;
    open_queue at;
    server::async_spool spool(*at.queue, 1000, [](std::span<const storage::queue_id>) {});
    std::promise<clock::time_point> alone, hurried;
    std::promise<bool> shared;
    const auto removal = [](std::uint64_t id) { return storage::remove_message{{id}, false}; };
    const auto when = [](std::promise<clock::time_point>& told) {
        return [&told](error_code) { told.set_value(clock::now()); };
    };
    const auto start = clock::now();
    REQUIRE(spool.try_submit(removal(1),
                             [&](error_code) { shared.set_value(at.queue->find({2})->has_value()); }));
    REQUIRE(spool.try_submit(message(2), [](error_code) {}));
    CHECK(shared.get_future().get());
    REQUIRE(spool.try_submit(removal(2), when(alone)));
    const auto ended = alone.get_future().get();
    CHECK(ended - start >= std::chrono::milliseconds(10));
    CHECK(at.queue->totals()->messages == 0);
    spool.hurry(true);
    REQUIRE(spool.try_submit(removal(2), when(hurried)));
    hurried.get_future().wait();
}

TEST_CASE("a message waits for several that are coming in, and goes with them") {
    open_queue at;
    server::async_spool spool(
        *at.queue, 1000, [](std::span<const storage::queue_id>) {},
        std::chrono::hours(1)); // without them it would not end
    constexpr std::size_t all = server::async_spool::company_min + 1;
    std::vector<std::unique_ptr<server::async_spool::to_come>> coming;
    for (std::size_t i = 0; i < all; ++i)
        coming.push_back(std::make_unique<server::async_spool::to_come>(spool));
    std::promise<void> last;
    std::atomic<std::size_t> answers{0}, failed{0};
    const auto submit = [&](std::uint64_t id) {
        REQUIRE(spool.try_submit(message(id), [&, id](error_code ec) {
            if (ec) ++failed;
            coming[id - 1].reset(); // none is still to come: what is left over waits for nobody
            if (++answers == all) last.set_value();
        }));
    };
    submit(1);
    std::this_thread::sleep_for(std::chrono::milliseconds(200)); // the writer sees it alone, and waits
    CHECK(answers == 0);
    for (std::uint64_t id = 2; id <= all; ++id) submit(id);
    last.get_future().wait();
    CHECK(failed == 0);
    CHECK(spool.measures().times.read().count() == 1);

    // Alone, or with too few, it waits for nobody.
    coming.clear();
    for (std::size_t i = 0; i < server::async_spool::company_min; ++i)
        coming.push_back(std::make_unique<server::async_spool::to_come>(spool));
    std::promise<void> alone;
    REQUIRE(spool.try_submit(message(100), [&](error_code) { alone.set_value(); }));
    alone.get_future().wait();
}

TEST_CASE("company that doesn't come is waited for no longer than it may be") {
    using clock = std::chrono::steady_clock;
    open_queue at;
    server::async_spool spool(
        *at.queue, 1000, [](std::span<const storage::queue_id>) {}, std::chrono::milliseconds(20));
    std::vector<std::unique_ptr<server::async_spool::to_come>> coming;
    for (std::size_t i = 0; i <= server::async_spool::company_min; ++i)
        coming.push_back(std::make_unique<server::async_spool::to_come>(spool));
    const auto start = clock::now();
    std::promise<clock::time_point> ended;
    REQUIRE(spool.try_submit(message(1), [&](error_code) { ended.set_value(clock::now()); }));
    CHECK(ended.get_future().get() - start >= std::chrono::milliseconds(20));
}

TEST_CASE("a writer that is hurried or stopped waits for no company") {
    open_queue at;
    std::atomic<unsigned> answers{0};
    {
        server::async_spool spool(
            *at.queue, 1000, [](std::span<const storage::queue_id>) {}, std::chrono::hours(1));
        std::vector<std::unique_ptr<server::async_spool::to_come>> coming;
        for (std::size_t i = 0; i <= server::async_spool::company_min; ++i)
            coming.push_back(std::make_unique<server::async_spool::to_come>(spool));
        std::promise<void> hurried;
        REQUIRE(spool.try_submit(message(1), [&](error_code) {
            ++answers;
            hurried.set_value();
        }));
        spool.hurry(true);
        hurried.get_future().wait();
        spool.hurry(false);
        REQUIRE(spool.try_submit(message(2), [&](error_code) { ++answers; }));
        spool.stop();
    }
    CHECK(answers == 2);
}

TEST_CASE("more than may wait is refused at once, not queued") {
    open_queue at;
    std::promise<void> blocked, release;
    auto wait = release.get_future().share();
    server::async_spool spool(*at.queue, 2, [](std::span<const storage::queue_id>) {});
    // The first one's answer holds the writer.
    REQUIRE(spool.try_submit(message(1), [&](error_code) {
        blocked.set_value();
        wait.wait();
    }));
    blocked.get_future().wait();
    CHECK(spool.try_submit(message(2), [](error_code) {}));
    CHECK(spool.try_submit(message(3), [](error_code) {}));
    CHECK_FALSE(spool.has_room());
    CHECK_FALSE(spool.try_submit(message(4), [](error_code) { FAIL("refused, so never answered"); }));
    release.set_value();
}

TEST_CASE("a coroutine that gives up is resumed once, and the late answer counts for nothing") {
    boost::asio::io_context loop(1);
    server::resumer give_up, late;
    unsigned resumed = 0;
    error_code got;
    auto task = [](server::resumer& out, server::resumer& in, unsigned& count,
                   error_code& ec) -> boost::asio::awaitable<void> {
        std::function<void(server::resumer)> keep = [&in](server::resumer resume) { in = std::move(resume); };
        ec = co_await server::suspend_until(std::move(keep), &out);
        ++count;
    };
    boost::asio::co_spawn(loop, task(give_up, late, resumed, got), boost::asio::detached);
    loop.run_one();
    REQUIRE(give_up);
    const auto first = give_up;
    first(make_error_code(storage::storage_errc::busy));
    late({});
    loop.run();
    CHECK(resumed == 1);
    CHECK(got == storage::storage_errc::busy);
    CHECK_FALSE(give_up);
}

TEST_CASE("a full pool says so and runs what it took") {
    std::promise<void> started, release;
    auto wait = release.get_future().share();
    std::atomic<unsigned> ran{0};
    {
        server::offload_pool pool(1, 1);
        REQUIRE(pool.try_post([&] {
            started.set_value();
            wait.wait();
            ++ran;
        }));
        started.get_future().wait();
        REQUIRE(pool.try_post([&] { ++ran; }));
        CHECK_FALSE(pool.try_post([&] { ++ran; }));
        release.set_value();
    }
    CHECK(ran == 2);
}

TEST_CASE("places: one client can't take them all, and each is given back") {
    server::session_limits limits;
    const auto a = *protocol::ip_address::parse("192.0.2.1");
    const auto b = *protocol::ip_address::parse("192.0.2.2");
    server::session_limits::denial why{};
    using denial = server::session_limits::denial;
    {
        auto one = limits.enter(a, {3, 2}, why);
        auto two = limits.enter(a, {3, 2}, why);
        REQUIRE((one && two));
        CHECK_FALSE(limits.enter(a, {3, 2}, why));
        CHECK(why == denial::too_many_from_client);
        auto three = limits.enter(b, {3, 2}, why);
        REQUIRE(three);
        CHECK_FALSE(limits.enter(a, {3, 0}, why));
        CHECK(why == denial::all_taken);
        CHECK(limits.sessions() == 3);
    }
    CHECK(limits.sessions() == 0);
    CHECK(limits.enter(a, {3, 1}, why));
}

TEST_CASE("places: an IPv6 client is its /64, and gives back what it took") {
    server::session_limits limits;
    server::session_limits::denial why{};
    const auto address = [](std::string_view text) { return *protocol::ip_address::parse(text); };
    {
        const auto one = limits.enter(address("2001:db8:0:1::1"), {9, 1}, why);
        REQUIRE(one);
        CHECK_FALSE(limits.enter(address("2001:db8:0:1:ffff::9"), {9, 1}, why));
        CHECK(limits.enter(address("2001:db8:0:2::1"), {9, 1}, why));
        CHECK(limits.enter(address("192.0.2.1"), {9, 1}, why));
    }
    CHECK(limits.enter(address("2001:db8:0:1::2"), {9, 1}, why));
}
