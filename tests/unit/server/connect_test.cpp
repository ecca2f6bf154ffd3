// Two addresses of a host: a dead one costs little.
#include "server/delivery/connect.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <catch2/catch.hpp>
#include <sys/socket.h>

using namespace postern;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using tcp = asio::ip::tcp;

namespace {

// Listens on an address of this machine; a silent one takes no more connections, and refuses none.
struct listening {
    explicit listening(const std::string& at, bool is_silent = false) : accepting(loop) {
        const tcp::endpoint where(asio::ip::make_address(at), 0);
        accepting.open(where.protocol());
        accepting.bind(where);
        accepting.listen(is_silent ? 0 : 100);
        for (int i = 0; is_silent && i < 3; ++i) {
            auto& one = fillers.emplace_back(loop, where.protocol());
            one.native_non_blocking(true);
            const auto full = accepting.local_endpoint();
            (void)::connect(one.native_handle(), full.data(), static_cast<socklen_t>(full.size()));
        }
    }
    conf::endpoint address() const {
        const auto at = accepting.local_endpoint();
        return {*protocol::ip_address::parse(at.address().to_string()), at.port()};
    }
    asio::io_context loop;
    tcp::acceptor accepting;
    std::vector<tcp::socket> fillers;
};

conf::endpoint refusing(const std::string& at) {
    listening gone(at);
    return gone.address();
}

struct outcome {
    std::string at; // or what was wrong
    std::chrono::milliseconds took{};
};

outcome connect(const conf::endpoint& first, std::optional<conf::endpoint> also,
                std::chrono::seconds within = 5s) {
    asio::io_context loop{1};
    server::thread_buffers buffers;
    outcome made;
    const auto begun = std::chrono::steady_clock::now();
    auto task = server::connect_to({{}, first}, std::move(also), within, buffers);
    asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown, result<server::connected> done) {
        if (thrown) std::rethrow_exception(thrown);
        made.at = done ? done->at.to_string() : done.error().message();
        made.took =
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
    });
    loop.run();
    return made;
}

} // namespace

TEST_CASE("the address that is preferred is taken where it answers") {
    const listening six("::1"), four("127.0.0.1");
    CHECK(connect(six.address(), four.address()).at == six.address().to_string());
    CHECK(connect(four.address(), std::nullopt).at == four.address().to_string());
}

TEST_CASE("an address that is silent costs a head start, one that refuses costs nothing") {
    const listening silent("127.0.0.1", true), four("127.0.0.1");
    const auto after_silence = connect(silent.address(), four.address());
    CHECK(after_silence.at == four.address().to_string());
    CHECK(after_silence.took >= server::head_start);
    CHECK(after_silence.took < 2s);
    const auto after_refusal = connect(refusing("127.0.0.1"), four.address());
    CHECK(after_refusal.at == four.address().to_string());
    CHECK(after_refusal.took < server::head_start);
}

TEST_CASE("where neither answers the reason is told") {
    CHECK(connect(refusing("127.0.0.1"), refusing("::1")).at == "Connection refused");
    CHECK(connect(refusing("127.0.0.1"), std::nullopt).at == "Connection refused");
    const listening silent("127.0.0.1", true);
    const auto waited = connect(silent.address(), refusing("127.0.0.1"), 1s);
    CHECK(waited.at == make_error_code(asio::error::timed_out).message());
    CHECK(waited.took >= 1s);
}
