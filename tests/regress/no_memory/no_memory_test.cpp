// A thread of the pool, or the writer's, that found no memory ended the server. What became of a message is
// told then as far as it is known, and a body that a record names is never removed. A program of its own,
// since it brings its own operator new.
#include "server/async_spool.hpp"
#include "server/awaiting.hpp"
#include "server/tcp_stream.hpp"
#include "tests/regress/no_memory/failing_memory.hpp"
#include "tests/support/temporary_folder.hpp"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <future>
#include <new>
#include <thread>

#if __has_feature(thread_sanitizer)

// The test's driver knows the first word.
TEST_CASE("threads that find no memory") {
    WARN("skipped: ThreadSanitizer brings its own operator new, and can't be given another");
}

#else

using namespace postern;
using boost::system::error_code;
using storage::storage_errc;

namespace postern::testing {

thread_local long passing = -1, failing = 1;
thread_local bool struck = false;
std::atomic<std::size_t> too_large{0};
std::atomic<unsigned> refused_as_large{0};

void fail_from(long nth, long in_a_row) {
    passing = nth;
    failing = in_a_row;
    struck = false;
}

} // namespace postern::testing

using testing::fail_from;
using testing::passing;
using testing::struck;

namespace {

bool fails_now(std::size_t size) {
    if (const std::size_t least = testing::too_large; least != 0 && size >= least) {
        ++testing::refused_as_large;
        return true;
    }
    if (passing < 0 || passing-- > 0) return false;
    if (--testing::failing > 0) passing = 0;
    return struck = true;
}

} // namespace

// All forms of them, or what one family makes another frees.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return fails_now(size) ? nullptr : std::malloc(size == 0 ? 1 : size);
}
void* operator new(std::size_t size) {
    if (void* const made = operator new(size, std::nothrow)) return made;
    throw std::bad_alloc();
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new[](std::size_t size, const std::nothrow_t& quiet) noexcept {
    return operator new(size, quiet);
}
void operator delete(void* what) noexcept { std::free(what); }
void operator delete(void* what, std::size_t) noexcept { std::free(what); }
void operator delete[](void* what) noexcept { std::free(what); }
void operator delete[](void* what, std::size_t) noexcept { std::free(what); }
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) { // Asio's
    void* made = nullptr;
    return fails_now(size) || ::posix_memalign(&made, alignment, size) != 0 ? nullptr : made;
}

namespace {

storage::queue_operation message(std::uint64_t id) {
    storage::insert_message insert;
    insert.message.id = {id};
    insert.message.recipients.resize(1);
    insert.message.recipients[0].address = "u@d.test";
    insert.body = std::string(1000, 'x');
    insert.message.size = insert.body.size();
    return insert;
}

// The first comes while it waits.
boost::asio::awaitable<void> wait_for_octets(boost::asio::io_context& loop, server::thread_buffers& buffers) {
    using boost::asio::local::stream_protocol;
    stream_protocol::socket ours(loop), peers(loop);
    boost::asio::local::connect_pair(ours, peers);
    const auto wire = server::make_stream(std::move(ours), buffers);
    boost::asio::steady_timer later(loop, std::chrono::milliseconds(1));
    later.async_wait([&peers](error_code ec) {
        if (ec) return; // peers has gone
        error_code ignored;
        peers.shutdown(stream_protocol::socket::shutdown_send, ignored);
    });
    std::array<char, 10> octets;
    const std::span<char> into(octets);
    [[maybe_unused]] const auto got = co_await wire->peek(into, 0);
    later.cancel();
}

} // namespace

TEST_CASE("who is to be woken needs no memory of who wakes him") {
    boost::asio::io_context loop(1);
    unsigned woken = 0;
    std::thread other;
    std::function<void(server::resumer)> start = [&](server::resumer resume) {
        other = std::thread([resume = std::move(resume)] {
            fail_from(0, 100);
            resume({});
            passing = -1;
        });
    };
    const auto ask = [&]() -> boost::asio::awaitable<void> {
        co_await server::suspend_until(start);
        ++woken;
    };
    boost::asio::co_spawn(loop, ask(), boost::asio::detached);
    loop.run();
    other.join();
    CHECK(woken == 1);
}

// In the loop's thread, with a run of failures that begins at each of its allocations in turn.
template <class Task> void check_that_it_ends(const Task& task, long in_a_row = 20) {
    for (long nth = 0;; ++nth) {
        boost::asio::io_context loop(1);
        unsigned ended = 0, refused = 0;
        boost::asio::post(loop, [&] {
            fail_from(nth, in_a_row);
            try {
                server::spawn(loop.get_executor(), task(loop), [](std::string_view) {}, [&] { ++ended; });
            } catch (const std::bad_alloc&) {
                ++refused;
            }
        });
        for (bool runs = true; runs;) {
            try {
                loop.run();
                runs = false;
            } catch (const std::bad_alloc&) { // as the server's loops do
            }
        }
        passing = -1;
        CAPTURE(nth, ended, refused);
        REQUIRE(ended + refused == 1);
        if (!struck) return;
    }
}

TEST_CASE("a task that finds no memory ends, or was not begun") {
    check_that_it_ends([](boost::asio::io_context&) -> boost::asio::awaitable<void> {
        std::function<void(server::resumer)> at_once = [](const server::resumer& resume) { resume({}); };
        co_await server::suspend_until(std::move(at_once));
    });
}

TEST_CASE("a task that Asio destroys, since a wait found no memory, has ended") {
    const auto task = [](boost::asio::io_context& loop) -> boost::asio::awaitable<void> {
        boost::asio::steady_timer soon(loop, std::chrono::milliseconds(1));
        co_await soon.async_wait(boost::asio::use_awaitable);
    };
    check_that_it_ends(task, 1);
}

TEST_CASE("a session that finds no memory while it waits for its peer ends") {
    server::thread_buffers buffers;
    check_that_it_ends([&](boost::asio::io_context& loop) { return wait_for_octets(loop, buffers); });
}

// How many were told of a failure.
static unsigned check_that_the_truth_is_told(std::uint64_t journal_octets) {
    const testing::temporary_folder folder(testing::temporary_folder::in_memory());
    const auto queue =
        *storage::queue::open(storage::system_files(), folder.path(),
                              {.map_size = std::uint64_t{1} << 26, .journal_octets = journal_octets});
    std::uint64_t id = 0;
    unsigned failed = 0;
    for (long nth = 0;; ++nth) {
        server::async_spool spool(*queue, 1000, [](std::span<const storage::queue_id>) {});
        std::promise<void> held, release;
        auto wait = release.get_future().share();
        // The operation before arms the writer's thread.
        REQUIRE(spool.try_submit(message(++id), [&](error_code) {
            held.set_value();
            wait.wait();
            fail_from(nth, 1);
        }));
        held.get_future().wait();
        error_code outcomes[3];
        bool has_failed = true;
        const auto armed_by = id;
        const std::uint64_t ids[] = {++id, armed_by, ++id}; // the second is there already: each goes alone
        for (unsigned i = 0; i < 3; ++i)
            REQUIRE(spool.try_submit(message(ids[i]), [&, i](error_code ec) {
                outcomes[i] = ec;
                has_failed = struck;
                if (i == 2) passing = -1;
            }));
        release.set_value();
        spool.stop();
        CAPTURE(nth);
        for (const unsigned i : {0U, 2U}) {
            CAPTURE(i, outcomes[i].message());
            const bool is_there = queue->find({ids[i]})->has_value();
            if (outcomes[i] != storage_errc::timed_out) CHECK(is_there == !outcomes[i]);
            failed += outcomes[i] ? 1 : 0;
        }
        CHECK(outcomes[1]);
        if (!has_failed) break;
    }
    return failed;
}

TEST_CASE("the writer tells of each message what is true, whichever allocation fails") {
    CHECK(check_that_the_truth_is_told(0) != 0);
}

TEST_CASE("what the journal's thread has no memory for the writer takes") {
    CHECK(check_that_the_truth_is_told(std::uint64_t{1} << 20) == 0);
}

#endif
