// The kernel tells of news once: what was told while nobody waited for it must not be waited for.
#include "tests/unit/server/stream_bench.hpp"

#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <sys/ioctl.h>

using namespace postern;
using server::stream_status;
using test::collector;
using test::stream_bench;

TEST_CASE("what comes while a peek pauses, woken in vain before, is found though others are told of it") {
    using boost::asio::local::stream_protocol;
    stream_bench with;
    stream_protocol::socket ours(with.io), peers(with.io);
    boost::asio::local::connect_pair(ours, peers);
    const auto other = server::make_stream(std::move(ours), with.buffers);
    collector ignored;
    const auto waiting = with.start(other->read(ignored)); // so that the loop asks for news
    const auto urgent = [&](const char* octet) {
        REQUIRE(::send(with.client.native_handle(), octet, 1, MSG_OOB) == 1);
    };
    const auto pass = [&](std::chrono::milliseconds time) {
        with.io.restart();
        with.io.run_for(time);
    };
    char seen[16];
    with.deliver("PROX");
    const auto peeking = with.start(with.side->peek(seen, 5));
    pass(std::chrono::milliseconds(5));
    urgent("Y");
    pass(std::chrono::milliseconds(5));
    with.send("a");
    pass(std::chrono::milliseconds(5)); // it pauses
    with.send("b");
    urgent("c"); // moves the mark: now there is more
    CHECK(with.result_of(peeking).status == stream_status::ok);
    CHECK_FALSE(waiting->has_value());
    other->cancel();
    CHECK(with.result_of(waiting) == stream_status::cancelled);
}

TEST_CASE("the last reply reaches a peer whose input is more than close() takes, and who has fallen silent") {
    stream_bench with;
    const int room = 4 * 1024 * 1024;
    REQUIRE(::setsockopt(with.side->descriptor(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room) == 0);
    const std::string much(std::size_t{64} * 1024, 'x');
    for (std::size_t sent = 0; sent < std::size_t{1024} * 1024;) {
        const ssize_t now = ::send(with.client.native_handle(), much.data(), much.size(), MSG_NOSIGNAL);
        if (now < 0) break;
        sent += static_cast<std::size_t>(now);
    }
    int unread = 0;
    REQUIRE(with.eventually(
        [&] { return ::ioctl(with.side->descriptor(), FIONREAD, &unread) == 0 && unread > 400 * 1024; }));
    CHECK(with.run(with.side->write("421 bye\r\n", server::stream::after::close)) == stream_status::ok);
    with.side->close();
    int ending = 0;
    CHECK(with.received_until_end(ending) == "421 bye\r\n"); // whatever follows it
}

TEST_CASE("what stands behind urgent octets is read without waiting for news") {
    stream_bench with;
    with.deliver("A\r\n");
    REQUIRE(::send(with.client.native_handle(), "!", 1, MSG_OOB) == 1);
    with.send("B\r\n");
    int unread = 0;
    REQUIRE(with.eventually(
        [&] { return ::ioctl(with.client.native_handle(), TIOCOUTQ, &unread) == 0 && unread == 0; }));
    collector got;
    CHECK(with.run(with.side->read(got)) == stream_status::ok);
    CHECK(with.run(with.side->read(got)) == stream_status::ok);
    CHECK(got.text == "A\r\nB\r\n");
}
