// What lay in the queue went into DATA as it was, bare CR and LF and NUL included.
#include "server/delivery/mail_client.hpp"
#include "tests/support/temporary_folder.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

using namespace postern;
using namespace std::string_literals;
namespace asio = boost::asio;
using protocol::recipient_outcome;

namespace {

// An LMTP server that takes everything and remembers every octet; 550 to recipients at gone.test.
class greedy_server {
  public:
    greedy_server(asio::io_context& loop, const std::string& path) : acceptor_(loop, {path}) {
        asio::co_spawn(loop, serve(), asio::detached);
    }
    std::string heard;

  private:
    using socket = asio::local::stream_protocol::socket;

    asio::awaitable<void> serve() {
        for (;;) {
            socket peer(acceptor_.get_executor());
            const auto [failed] = co_await acceptor_.async_accept(peer, asio::as_tuple(asio::use_awaitable));
            if (failed) co_return;
            heard.clear();
            co_await talk(peer);
        }
    }

    asio::awaitable<void> say(socket& peer, std::string_view line) {
        co_await asio::async_write(peer, asio::buffer(line), asio::as_tuple(asio::use_awaitable));
    }

    asio::awaitable<void> talk(socket& peer) {
        co_await say(peer, "220 x\r\n");
        std::string line;
        bool content = false;
        for (char octet = 0;;) {
            const auto [failed, got] =
                co_await asio::async_read(peer, asio::buffer(&octet, 1), asio::as_tuple(asio::use_awaitable));
            if (failed || got == 0) co_return;
            heard += octet;
            line += octet;
            if (!line.ends_with("\r\n")) continue;
            if (content && line != ".\r\n") {
                line.clear();
                continue;
            }
            content = line == "DATA\r\n";
            co_await say(peer, content                            ? "354 go\r\n"
                               : line.ends_with("gone.test>\r\n") ? "550 5.1.1 who\r\n"
                                                                  : "250 x\r\n");
            line.clear();
        }
    }

    asio::local::stream_protocol::acceptor acceptor_;
};

class blocks final : public server::content_source {
  public:
    explicit blocks(std::vector<std::string> all) : all_(std::move(all)) {}
    asio::awaitable<result<std::string>> next() override {
        if (at_ == all_.size()) co_return std::string();
        co_return all_[at_++];
    }
    void restart() override { at_ = 0; }

  private:
    std::vector<std::string> all_;
    std::size_t at_ = 0;
};

struct told {
    std::vector<recipient_outcome> outcomes;
    std::string wire;
};

told deliver(const std::vector<std::string>& content) {
    const testing::temporary_folder folder;
    asio::io_context loop{1};
    conf::next_hop where;
    where.path = folder.path() + "/lmtp";
    greedy_server server(loop, where.path);
    server::mail_client client;
    protocol::outgoing_message message;
    message.sender = "a@s.test";
    message.recipients = {{"u@d.test", 0, {}}, {"v@gone.test", 0, {}}};
    told made;
    asio::co_spawn(
        loop,
        [&]() -> asio::awaitable<void> {
            server::mail_client::content_maker maker = [&content] {
                return std::make_unique<blocks>(content);
            };
            const server::mail_peer peer{where, protocol::client_protocol::lmtp};
            const server::client_identity who{"mx.d.test", {}};
            auto report = co_await client.deliver(peer, who, message, std::move(maker), {});
            made.outcomes = std::move(report.outcomes);
            client.close();
            loop.stop();
        },
        asio::detached);
    loop.run();
    loop.restart();
    loop.poll(); // what was sent last
    made.wire = server.heard;
    return made;
}

std::string content_of(const std::string& wire) {
    const auto at = wire.find("DATA\r\n");
    return at == std::string::npos ? wire : wire.substr(at + 6);
}

} // namespace

TEST_CASE("content with a bare CR, LF or NUL never goes into DATA, and fails for good", "[IN-03]") {
    const std::vector<std::string> rows[] = {
        {"x\n.\r\nMAIL FROM:<>\r\n"}, {"x\r.\r\n"},     {"x\0\r\n"s}, {"x\r\n", "y\n.\r\n"},
        {"x\r\ny", "\n.\r\n"},        {"x\r", ".\r\n"}, {"x\r\ny\r"},
    };
    for (const auto& row : rows) {
        const auto [outcomes, wire] = deliver(row);
        CAPTURE(row, wire);
        REQUIRE(outcomes.size() == 2);
        CHECK(outcomes[0].what == recipient_outcome::kind::failed);
        CHECK(outcomes[0].status == protocol::enhanced_code{5, 6, 0});
        CHECK(outcomes[1].text == "550 5.1.1 who");
        const auto content = content_of(wire);
        CHECK(content.find(".\r\n") == std::string::npos);
        CHECK(content.find('\n') == (content.starts_with("x\r\n") ? 2 : std::string::npos));
        CHECK(content.find('\0') == std::string::npos);
    }
}

TEST_CASE("a line's end that two blocks share is whole") {
    const auto [outcomes, wire] = deliver({"x\r", "\n.y\r\n"});
    REQUIRE(outcomes.size() == 2);
    CHECK(outcomes[0].what == recipient_outcome::kind::delivered);
    CHECK(content_of(wire) == "x\r\n..y\r\n.\r\nQUIT\r\n");
}
