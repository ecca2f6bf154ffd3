#include "tests/unit/server/stream_bench.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <csignal>
#include <netinet/in.h>
#include <netinet/tcp.h>

using namespace postern;
using namespace postern::test;
using boost::asio::awaitable;
using server::stream;
using server::stream_status;

namespace {

awaitable<stream_status> read_to_end(stream& from, collector& into) {
    for (;;) {
        const stream_status status = co_await from.read(into);
        if (status != stream_status::ok) co_return status;
    }
}

int readable_from(stream& waiting) {
    int octets = 0;
    socklen_t size = sizeof octets;
    REQUIRE(::getsockopt(waiting.descriptor(), SOL_SOCKET, SO_RCVLOWAT, &octets, &size) == 0);
    return octets;
}

void reset_by_peer(stream_bench& with) {
    const linger at_once{1, 0};
    ::setsockopt(with.client.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    with.client.close();
}

std::string numbered(std::size_t size) {
    std::string text;
    while (text.size() < size) text += std::to_string(text.size()) + ' ';
    text.resize(size);
    return text;
}

} // namespace

TEST_CASE("a big input comes through small lent buffers whole and without a hang") {
    const std::size_t lent = GENERATE(std::size_t{1000}, std::size_t{65'536});
    stream_bench with(lent);
    const std::string sent = numbered(2'000'000);
    collector got;
    const auto outcome = with.start(read_to_end(*with.side, got));
    std::size_t at = 0;
    CHECK(with.eventually([&] {
        const ssize_t octets =
            ::send(with.client.native_handle(), sent.data() + at, sent.size() - at, MSG_NOSIGNAL);
        if (octets > 0) at += static_cast<std::size_t>(octets);
        return at == sent.size();
    }));
    with.client.shutdown(boost::asio::ip::tcp::socket::shutdown_send);
    CHECK(with.result_of(outcome) == stream_status::end);
    CHECK(got.text == sent);
}

TEST_CASE("octets that wait in the kernel since before the read are found, one buffer after the other") {
    stream_bench with(10);
    with.deliver("0123456789abcdefghijKLM");
    collector got;
    CHECK(with.run(with.side->read(got)) == stream_status::ok);
    CHECK(with.run(with.side->read(got)) == stream_status::ok);
    CHECK(with.run(with.side->read(got)) == stream_status::ok);
    CHECK(got.text == "0123456789abcdefghijKLM");
    const auto waiting = with.start(with.side->read(got));
    with.turn();
    CHECK_FALSE(waiting->has_value());
    with.send("!");
    CHECK(with.result_of(waiting) == stream_status::ok);
    CHECK(got.calls == 4);
}

TEST_CASE("a read whose buffer was filled exactly by the last octets waits for more") {
    stream_bench with(4);
    with.deliver("1234");
    collector got;
    CHECK(with.run(with.side->read(got)) == stream_status::ok);
    const auto waiting = with.start(with.side->read(got));
    with.turn();
    CHECK_FALSE(waiting->has_value());
    with.send("5");
    CHECK(with.result_of(waiting) == stream_status::ok);
    CHECK(got.text == "12345");
}

TEST_CASE("a peer that always has something to say doesn't keep the thread for itself") {
    stream_bench with(16);
    with.deliver(std::string(4000, 'x'));
    with.client.shutdown(boost::asio::ip::tcp::socket::shutdown_send);
    collector got;
    std::size_t most_in_a_row = 0;
    std::size_t calls_before = 0;
    bool over = false;
    const auto outcome = with.start(read_to_end(*with.side, got));
    std::function<void()> other_session = [&] {
        most_in_a_row = std::max(most_in_a_row, got.calls - calls_before);
        calls_before = got.calls;
        over = outcome->has_value();
        if (!over) boost::asio::post(with.io, other_session);
    };
    boost::asio::post(with.io, other_session);
    CHECK(with.eventually([&] { return over; }));
    CHECK(got.calls == 250);
    CHECK(most_in_a_row <= 20);
}

TEST_CASE("cancel ends the wait under way and every later one, until uncancel") {
    stream_bench with;
    collector got;
    const auto reading = with.start(with.side->read(got));
    with.turn();
    with.side->cancel();
    CHECK(with.result_of(reading) == stream_status::cancelled);
    CHECK(with.run(with.side->read(got)) == stream_status::cancelled);
    CHECK(with.run(with.side->pause(std::chrono::hours(1))) == stream_status::cancelled);
    CHECK(with.run(with.side->write("421 too slow\r\n")) == stream_status::cancelled);
    with.side->uncancel();
    CHECK(with.run(with.side->write("421 too slow\r\n")) == stream_status::ok);
    with.send("QUIT\r\n");
    CHECK(with.run(with.side->read(got)) == stream_status::ok);
    CHECK(got.text == "QUIT\r\n");
    int ending = 0;
    CHECK(with.received(ending) == "421 too slow\r\n");
}

TEST_CASE("cancel counts also when it comes after readiness and before the coroutine goes on") {
    stream_bench with;
    collector got;
    const auto reading = with.start(with.side->read(got));
    with.turn();
    SECTION("and stays") {
        with.deliver("x");
        with.side->cancel();
        CHECK(with.result_of(reading) == stream_status::cancelled);
        CHECK(got.calls == 0);
    }
    SECTION("and is taken back at once: the wait under way is over all the same") {
        with.side->cancel();
        with.side->uncancel();
        CHECK(with.result_of(reading) == stream_status::cancelled);
    }
}

TEST_CASE("a pause ends by itself, by cancel, and not by input") {
    stream_bench with;
    CHECK(with.run(with.side->pause(std::chrono::milliseconds(1))) == stream_status::ok);
    const auto pausing = with.start(with.side->pause(std::chrono::hours(1)));
    with.deliver("early talker\r\n");
    with.turn();
    CHECK_FALSE(pausing->has_value());
    with.side->cancel();
    CHECK(with.result_of(pausing) == stream_status::cancelled);
}

TEST_CASE("a close by somebody else ends the wait; a closed stream only fails") {
    stream_bench with;
    collector got;
    const auto reading = with.start(with.side->read(got));
    with.turn();
    with.side->close();
    CHECK(with.result_of(reading) == stream_status::cancelled);
    CHECK(with.run(with.side->read(got)) == stream_status::failed);
    CHECK(with.run(with.side->write("x")) == stream_status::failed);
    char part[8];
    CHECK(with.result_of(with.start(with.side->peek(part, 0))).status == stream_status::failed);
    CHECK(with.side->skip(1) == stream_status::failed);
    CHECK_FALSE(with.side->has_unread_input());
    with.side->cancel();
    with.side->close();
}

TEST_CASE("a write larger than the kernel takes waits for the peer and arrives whole") {
    stream_bench with;
    const std::string sent = numbered(8'000'000);
    const auto writing = with.start(with.side->write(sent));
    with.turn();
    CHECK_FALSE(writing->has_value());
    std::string got;
    int ending = 0;
    CHECK(with.eventually([&] {
        got += with.received(ending);
        return got.size() >= sent.size();
    }));
    CHECK(with.result_of(writing) == stream_status::ok);
    CHECK(got == sent);
}

TEST_CASE("after a write that was cancelled half-way nothing more is sent: it would end a line that isn't "
          "its own") {
    stream_bench with;
    const std::string much(8'000'000, 'x');
    const auto writing = with.start(with.side->write(much));
    with.turn();
    with.side->cancel();
    CHECK(with.result_of(writing) == stream_status::cancelled);
    with.side->uncancel();
    CHECK(with.run(with.side->write("421 too slow\r\n")) == stream_status::failed);
}

TEST_CASE("a peer that is gone is an end or a failure, never a signal") {
    std::signal(SIGPIPE, SIG_DFL);
    stream_bench with;
    collector got;
    SECTION("closed in order") {
        with.client.close();
        CHECK(with.run(with.side->read(got)) == stream_status::end);
        CHECK(with.run(with.side->read(got)) == stream_status::end);
    }
    SECTION("reset") {
        const auto reading = with.start(with.side->read(got));
        with.turn();
        reset_by_peer(with);
        CHECK(with.result_of(reading) == stream_status::failed);
        CHECK(with.run(with.side->write("250 ok\r\n")) == stream_status::failed);
    }
    SECTION("closed, then written to twice") {
        with.client.close();
        CHECK(with.eventually(
            [&] { return with.run(with.side->write("250 ok\r\n")) == stream_status::failed; }));
    }
}

TEST_CASE("a header that comes one octet at a time is peeked at without spinning, and skipped exactly") {
    stream_bench with;
    const std::string header = "PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n";
    char seen[107];
    std::size_t handlers = 0;
    for (std::size_t size = 0; size < header.size(); ++size) {
        const auto peeking = with.start(with.side->peek(seen, size));
        handlers += with.turn();
        CHECK_FALSE(peeking->has_value());
        CHECK(readable_from(*with.side) ==
              static_cast<int>(size + 1)); // the kernel doesn't wake us for what we know
        with.send(header.substr(size, 1));
        const auto outcome = with.result_of(peeking);
        CHECK(outcome.status == stream_status::ok);
        CHECK(std::string_view(seen, outcome.octets) == header.substr(0, size + 1));
    }
    CHECK(handlers <= 6 * header.size());
    CHECK(readable_from(*with.side) == 1);
    with.send("EHLO a\r\n");
    CHECK(with.side->skip(header.size()) == stream_status::ok);
    collector got;
    CHECK(with.run(with.side->read(got)) == stream_status::ok);
    CHECK(got.text == "EHLO a\r\n");
}

TEST_CASE("a peek for many octets waits through few, and ends with the connection") {
    stream_bench with;
    char seen[16];
    with.deliver("PROXY");
    const auto peeking = with.start(with.side->peek(seen, 11));
    with.turn();
    CHECK_FALSE(peeking->has_value());
    SECTION("more come") {
        with.send(" TCP4 and more and more");
        const auto outcome = with.result_of(peeking);
        CHECK(outcome.status == stream_status::ok);
        CHECK(std::string_view(seen, outcome.octets) == "PROXY TCP4 and m");
        collector got; // readable from the first octet on again
        CHECK(with.run(with.side->read(got)) == stream_status::ok);
        with.send("x");
        CHECK(with.run(with.side->read(got)) == stream_status::ok);
    }
    SECTION("the peer closes") {
        with.client.close();
        CHECK(with.result_of(peeking).status == stream_status::end);
    }
    SECTION("the peer resets") {
        reset_by_peer(with);
        CHECK(with.result_of(peeking).status == stream_status::failed);
    }
    SECTION("a deadline passes") {
        with.side->cancel();
        CHECK(with.result_of(peeking).status == stream_status::cancelled);
        with.side->uncancel();
        collector got;
        CHECK(with.run(with.side->read(got)) == stream_status::ok);
        CHECK(got.text == "PROXY");
    }
}

TEST_CASE("a peek for more than its span can hold fails instead of waiting for ever") {
    stream_bench with;
    char seen[4];
    with.deliver("12345678");
    CHECK(with.result_of(with.start(with.side->peek(seen, 4))).status == stream_status::failed);
}

TEST_CASE("what skip leaves over is read without waiting for news") {
    stream_bench with;
    with.deliver("PROXY UNKNOWN\r\nEHLO a\r\n");
    char seen[107];
    CHECK(with.result_of(with.start(with.side->peek(seen, 0))).octets == 23);
    CHECK(with.side->skip(15) == stream_status::ok);
    CHECK(with.side->has_unread_input());
    collector got;
    CHECK(with.run(with.side->read(got)) == stream_status::ok);
    CHECK(got.text == "EHLO a\r\n");
    CHECK(with.side->skip(1) == stream_status::failed);
}

TEST_CASE("a peer that talks before the greeting is noticed; one that is silent or gone is not") {
    stream_bench with;
    CHECK_FALSE(with.side->has_unread_input());
    with.deliver("EHLO early\r\n");
    CHECK(with.side->has_unread_input());
    CHECK(with.side->has_unread_input());
    collector got;
    CHECK(with.run(with.side->read(got)) == stream_status::ok);
    CHECK_FALSE(with.side->has_unread_input());
    with.client.close();
    CHECK(with.run(with.side->read(got)) == stream_status::end);
    CHECK_FALSE(with.side->has_unread_input());
}

TEST_CASE("the last reply reaches a peer whose input nobody read") {
    stream_bench with;
    with.deliver(std::string(4096, 'x'));
    CHECK(with.run(with.side->write("554 no\r\n")) == stream_status::ok);
    with.side->close();
    int ending = 0;
    CHECK(with.received_until_end(ending) == "554 no\r\n");
    CHECK(ending == 0); // not a reset
}

TEST_CASE("small writes aren't held back, and the socket never blocks") {
    stream_bench with;
    int no_delay = 0;
    socklen_t size = sizeof no_delay;
    REQUIRE(::getsockopt(with.side->descriptor(), IPPROTO_TCP, TCP_NODELAY, &no_delay, &size) == 0);
    CHECK(no_delay != 0);
    CHECK((::fcntl(with.side->descriptor(), F_GETFL) & O_NONBLOCK) != 0);
}
