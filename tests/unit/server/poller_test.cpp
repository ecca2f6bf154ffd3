// What a stream can't show by itself: many at once, and loops that go while somebody waits.
#include "server/poller.hpp"
#include "storage/file_handle.hpp"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <new>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using namespace postern;
using server::polled;
using server::poller;
using server::stream_status;
namespace asio = boost::asio;

namespace {

struct pair {
    pair() {
        std::array<int, 2> both{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both.data()) == 0);
        ours = storage::file_handle(both[0]);
        peers = storage::file_handle(both[1]);
    }
    void send() const { REQUIRE(::send(peers.get(), "x", 1, MSG_NOSIGNAL) == 1); }
    storage::file_handle ours, peers;
};

struct waiting_end {
    explicit waiting_end(asio::io_context& loop) : news(poller::of(loop), sockets.ours.get()) {}
    pair sockets;
    polled news;
    std::vector<stream_status> ended;
};

asio::awaitable<void> wait_once(waiting_end& on, polled::until what = polled::until::readable) {
    auto waiting = on.news.wait(what);
    on.ended.push_back(co_await std::move(waiting));
}

void begin(asio::io_context& loop, waiting_end& on, polled::until what = polled::until::readable) {
    asio::co_spawn(loop, wait_once(on, what), asio::detached);
}

const std::vector<stream_status> once_ok{stream_status::ok};

} // namespace

TEST_CASE("more descriptors than one question tells of are all told of") {
    constexpr std::size_t many = 500;
    asio::io_context loop(1);
    std::vector<std::unique_ptr<waiting_end>> all;
    for (std::size_t i = 0; i < many; ++i) {
        all.push_back(std::make_unique<waiting_end>(loop));
        begin(loop, *all.back());
        all.back()->sockets.send();
    }
    loop.run();
    for (const auto& each : all) CHECK(each->ended == once_ok);
}

TEST_CASE("a loop in which nobody waits any more ends, after news and after a cancel") {
    asio::io_context loop(1);
    waiting_end told(loop), cancelled(loop);
    begin(loop, told);
    begin(loop, cancelled);
    loop.poll();
    told.sockets.send();
    loop.poll();
    CHECK(told.ended == once_ok);
    cancelled.news.cancel();
    CHECK(cancelled.ended.empty()); // not from within the call
    loop.run();
    CHECK(cancelled.ended == std::vector<stream_status>{stream_status::cancelled});
}

TEST_CASE("who begins to wait just after the last one was cancelled gets its news") {
    asio::io_context loop(1);
    waiting_end cancelled(loop), later(loop);
    begin(loop, cancelled);
    loop.poll();
    cancelled.news.cancel();
    begin(loop, later);
    loop.poll();
    later.sockets.send();
    loop.run();
    CHECK(later.ended == once_ok);
}

TEST_CASE("a loop in which a wait was destroyed ends") {
    asio::io_context loop(1);
    auto gone = std::make_unique<waiting_end>(loop);
    auto* const on = gone.get();
    begin(loop, *on);
    loop.poll();
    gone.reset();
    loop.run();
    CHECK(loop.stopped());
}

TEST_CASE("who never finds what it is told of again and again leaves the others of the loop their turns") {
    asio::io_context loop(1);
    waiting_end ended(loop);
    ended.sockets.peers.reset();
    begin(loop, ended);
    loop.run();
    REQUIRE(ended.ended == once_ok);
    bool is_over = false;
    const auto insist = [&]() -> asio::awaitable<void> {
        while (!is_over) {
            auto waiting = ended.news.wait(polled::until::readable);
            (void)co_await std::move(waiting);
        }
    };
    loop.restart();
    asio::co_spawn(loop, insist(), asio::detached);
    asio::steady_timer over(loop, std::chrono::milliseconds(20));
    over.async_wait([&](boost::system::error_code) { is_over = true; });
    loop.run();
    CHECK(is_over);
}

TEST_CASE("a coroutine that waits goes with its loop") {
    struct tells {
        explicit tells(bool& of) : gone(of) {}
        ~tells() { gone = true; }
        bool& gone;
    };
    bool gone = false;
    const pair sockets;
    {
        asio::io_context loop(1);
        const auto wait = [&]() -> asio::awaitable<void> {
            const tells at_end(gone);
            polled news(poller::of(loop), sockets.ours.get());
            auto waiting = news.wait(polled::until::readable);
            (void)co_await std::move(waiting);
        };
        asio::co_spawn(loop, wait(), asio::detached);
        loop.poll();
        CHECK_FALSE(gone);
    }
    CHECK(gone);
}

TEST_CASE("a descriptor that another process still holds tells nobody any more once it is ended") {
    asio::io_context loop(1);
    auto first = std::make_unique<waiting_end>(loop);
    const storage::file_handle held(::dup(first->sockets.ours.get()));
    const storage::file_handle peer(::dup(first->sockets.peers.get()));
    first->news.end();
    first.reset();
    waiting_end second(loop);
    begin(loop, second);
    loop.poll();
    REQUIRE(::send(peer.get(), "x", 1, MSG_NOSIGNAL) == 1);
    loop.poll();
    CHECK(second.ended.empty());
    second.sockets.send();
    loop.run();
    CHECK(second.ended == once_ok);
}

TEST_CASE("one that throws when it goes on takes no turn from the others") {
    asio::io_context loop(1);
    waiting_end first(loop), second(loop), third(loop);
    const auto wait_and_throw = [&]() -> asio::awaitable<void> {
        auto waiting = first.news.wait(polled::until::readable);
        (void)co_await std::move(waiting);
        throw std::bad_alloc();
    };
    asio::co_spawn(loop, wait_and_throw(), [](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
    });
    for (auto* each : {&second, &third}) begin(loop, *each);
    loop.poll();
    for (auto* each : {&first, &second, &third}) each->sockets.send();
    CHECK_THROWS_AS(loop.run(), std::bad_alloc);
    loop.run();
    CHECK(second.ended == once_ok);
    CHECK(third.ended == once_ok);
}

TEST_CASE("one that ends another which has its news as well leaves it no turn in its old state") {
    asio::io_context loop(1);
    waiting_end ending(loop), ended(loop);
    const auto wait_and_end = [&]() -> asio::awaitable<void> {
        auto waiting = ending.news.wait(polled::until::readable);
        (void)co_await std::move(waiting);
        ended.news.end();
    };
    asio::co_spawn(loop, wait_and_end(), asio::detached);
    begin(loop, ended);
    loop.poll();
    ending.sockets.send();
    ended.sockets.send();
    loop.run();
    CHECK(ended.ended == std::vector<stream_status>{stream_status::cancelled});
}

TEST_CASE("an end that was told already ends later waits for input, not those for room") {
    asio::io_context loop(1);
    waiting_end on(loop);
    begin(loop, on);
    loop.poll();
    on.sockets.peers.reset();
    loop.run();
    CHECK(on.ended == once_ok);
    CHECK(on.news.may_have_input());
    on.news.note_read(0, 1);
    CHECK(on.news.may_have_input()); // it is still to be read
    loop.restart();
    begin(loop, on);
    loop.run();
    CHECK(on.ended.size() == 2);
}

TEST_CASE("a wait for room ends when the peer has read, and when it has gone") {
    asio::io_context loop(1);
    waiting_end on(loop);
    const std::string much(std::size_t{64} * 1024, 'x');
    const auto fill = [&] {
        while (::send(on.sockets.ours.get(), much.data(), much.size(), MSG_NOSIGNAL) > 0) {
        }
    };
    fill();
    begin(loop, on, polled::until::writable);
    loop.poll();
    CHECK(on.ended.empty());
    on.sockets.send(); // input is not what it waits for
    loop.poll();
    CHECK(on.ended.empty());
    std::string taken(much.size(), ' ');
    while (::recv(on.sockets.peers.get(), taken.data(), taken.size(), 0) > 0) {
    }
    loop.run();
    CHECK(on.ended == once_ok);
    CHECK(on.news.may_have_input());
    fill();
    loop.restart();
    begin(loop, on, polled::until::writable);
    loop.poll();
    CHECK(on.ended.size() == 1);
    on.sockets.peers.reset();
    loop.run();
    CHECK(on.ended.size() == 2);
}

TEST_CASE("a descriptor that can't be watched fails its waits") {
    asio::io_context loop(1);
    polled news(poller::of(loop), -1);
    std::optional<stream_status> ended;
    const auto wait = [&]() -> asio::awaitable<void> {
        auto waiting = news.wait(polled::until::readable);
        ended = co_await std::move(waiting);
    };
    asio::co_spawn(loop, wait(), asio::detached);
    loop.run();
    CHECK(ended == stream_status::failed);
}
