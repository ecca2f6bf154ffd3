// A stream over a real loopback connection, with the peer's end as a plain descriptor. Everything runs on the
// test's thread.
#pragma once

#include "server/tcp_stream.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <utility>

namespace postern::test {

// What a spawned coroutine returned; empty while it waits.
template <class T> using eventual = std::shared_ptr<std::optional<T>>;

class collector : public server::stream::taker {
  public:
    void on_input(std::string_view bytes) override {
        text += bytes;
        ++calls;
    }
    std::string text;
    std::size_t calls = 0;
};

struct stream_bench {
    using tcp = boost::asio::ip::tcp;

    explicit stream_bench(std::size_t lent = server::thread_buffers::input_size) : client(io) {
        buffers.input.resize(lent);
        tcp::acceptor acceptor(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
        client.connect(acceptor.local_endpoint());
        client.set_option(tcp::no_delay(true));
        client.native_non_blocking(true);
        side = server::make_stream(acceptor.accept(), buffers);
    }

    template <class T> eventual<T> start(boost::asio::awaitable<T> work) {
        auto outcome = std::make_shared<std::optional<T>>();
        boost::asio::co_spawn(io, std::move(work), [outcome](std::exception_ptr thrown, T value) {
            if (thrown) std::rethrow_exception(thrown);
            *outcome = std::move(value);
        });
        return outcome;
    }

    // Runs what is ready now. A wait that ends at once again and again is a failure here, not a hang.
    std::size_t turn() {
        constexpr std::size_t spinning = 1000;
        std::size_t handlers = 0;
        io.restart();
        while (handlers < spinning && io.poll_one() > 0) ++handlers;
        REQUIRE(handlers < spinning);
        return handlers;
    }

    bool eventually(const std::function<bool()>& holds) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!holds()) {
            if (std::chrono::steady_clock::now() > limit) return false;
            io.restart();
            io.run_one_for(std::chrono::milliseconds(5));
        }
        return true;
    }
    template <class T> T result_of(const eventual<T>& outcome) {
        REQUIRE(eventually([&] { return outcome->has_value(); }));
        return **outcome;
    }
    server::stream_status run(boost::asio::awaitable<server::stream_status> work) {
        return result_of(start(std::move(work)));
    }

    void send(std::string_view text) {
        const ssize_t sent = ::send(client.native_handle(), text.data(), text.size(), MSG_NOSIGNAL);
        REQUIRE(sent == static_cast<ssize_t>(text.size()));
    }
    // Sends and waits until it has arrived.
    void deliver(std::string_view text) {
        send(text);
        REQUIRE(eventually([&] { return arrived() >= text.size(); }));
    }
    std::size_t arrived() const {
        char part[4096];
        const ssize_t octets = ::recv(side->descriptor(), part, sizeof part, MSG_PEEK | MSG_DONTWAIT);
        return octets > 0 ? static_cast<std::size_t>(octets) : 0;
    }
    // What the peer has received; `ending` says how it ended: 1 nothing more now, 0 in order, -1 by reset.
    std::string received(int& ending) {
        std::string text;
        char part[65536];
        for (;;) {
            const ssize_t octets = ::recv(client.native_handle(), part, sizeof part, MSG_DONTWAIT);
            if (octets <= 0) {
                const bool nothing_now = octets < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
                ending = nothing_now ? 1 : static_cast<int>(octets);
                return text;
            }
            text.append(part, static_cast<std::size_t>(octets));
        }
    }
    std::string received_until_end(int& ending) {
        std::string text;
        ending = 1;
        CHECK(eventually([&] {
            text += received(ending);
            return ending != 1;
        }));
        return text;
    }

    boost::asio::io_context io{1};
    server::thread_buffers buffers;
    tcp::socket client;
    std::unique_ptr<server::stream> side;
};

} // namespace postern::test
