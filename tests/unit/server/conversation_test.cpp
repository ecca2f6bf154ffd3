// Deadlines of a conversation with a server: each is for a whole reply, whatever the server does meanwhile.
#include "server/delivery/conversation.hpp"
#include "stream_bench.hpp"

using namespace postern;
using namespace postern::test;
using boost::asio::awaitable;
using std::chrono::milliseconds;

namespace {

constexpr auto short_ones = server::client_deadlines::of(std::chrono::seconds(1), std::chrono::seconds(3600));
constexpr milliseconds pause{100};
constexpr int pauses_max = 50; // five deadlines

class one_block final : public server::content_source {
  public:
    explicit one_block(std::string text) : text_(std::move(text)) {}
    awaitable<result<std::string>> next() override {
        if (given_) co_return std::string();
        given_ = true;
        co_return text_;
    }
    void restart() override { given_ = false; }

  private:
    std::string text_;
    bool given_ = false;
};

awaitable<bool> talk(protocol::client_session& session, server::stream& with,
                     server::client_deadlines within = short_ones) {
    co_await server::converse(session, with, nullptr, within);
    co_return true;
}

// Pieces of a reply, with a pause behind each, until the conversation is over; how many were sent.
template <class Piece> int dribble(stream_bench& bench, const eventual<bool>& over, Piece piece) {
    for (int sent = 0; sent < pauses_max; ++sent) {
        if (over->has_value()) return sent;
        const std::string text = piece(sent);
        (void)::send(bench.client.native_handle(), text.data(), text.size(), MSG_NOSIGNAL);
        const auto until = std::chrono::steady_clock::now() + pause;
        while (std::chrono::steady_clock::now() < until) {
            bench.io.restart();
            bench.io.run_one_until(until);
        }
    }
    return pauses_max;
}

protocol::client_session lmtp_session() {
    return protocol::client_session(
        {protocol::client_protocol::lmtp, "mx.d.test", protocol::client_tls::never});
}

} // namespace

TEST_CASE("a reply that comes octet by octet and never ends has one deadline for all of it") {
    stream_bench bench;
    auto session = lmtp_session();
    const auto over = bench.start(talk(session, *bench.side));
    const bool whole_lines = GENERATE(false, true);
    dribble(bench, over, [whole_lines](int at) {
        return std::string(whole_lines ? "220-x\r\n" : at == 0 ? "220 " : "x");
    });
    REQUIRE(over->has_value());
    REQUIRE(session.fault());
    CHECK(session.fault()->what == protocol::client_session::trouble::kind::lost);
    CHECK(session.fault()->text == "the server did not answer in time");
}

TEST_CASE("each reply has a deadline of its own: many that come slowly are no slow reply") {
    stream_bench bench;
    auto session = lmtp_session();
    protocol::outgoing_message message;
    message.sender = "a@s.test";
    for (int i = 0; i < 20; ++i) message.recipients.push_back({"u" + std::to_string(i) + "@d.test", 0, {}});
    session.begin(std::move(message));
    const auto over = bench.start(talk(session, *bench.side));
    bench.send("220 x\r\n");
    int ending = 0;
    const auto heard = [&](std::string_view last) {
        std::string text;
        return bench.eventually([&] {
            text += bench.received(ending);
            return text.find(last) != std::string::npos;
        });
    };
    REQUIRE(heard("LHLO"));
    bench.send("250-x\r\n250 PIPELINING\r\n");
    REQUIRE(heard("u19@d.test"));
    // To MAIL, to each RCPT, to DATA, and to RSET: 2 s in all.
    const auto sent = dribble(bench, over, [](int at) {
        const bool refused = at > 0 && at < 21;
        return std::string(refused ? "450 4.2.0 no\r\n" : at == 21 ? "554 5.5.1 nobody\r\n" : "250 ok\r\n");
    });
    CHECK(sent > 15);
    CHECK_FALSE(session.fault());
    CHECK(session.next() == protocol::client_step::idle);
}

TEST_CASE("whoever takes too long for all of the greeting is given up, however often it answers") {
    stream_bench bench;
    auto session = lmtp_session();
    auto within = server::client_deadlines::of(std::chrono::seconds(60), std::chrono::seconds(3600));
    within.ready = std::chrono::seconds(2);
    const auto over = bench.start(talk(session, *bench.side, within));
    // A line each 100 ms: the greeting, then a reply to LHLO that never ends.
    const auto sent = dribble(bench, over, [](int at) {
        return std::string(at < 10 ? "220-x\r\n" : at == 10 ? "220 x\r\n" : "250-x\r\n");
    });
    REQUIRE(over->has_value());
    CHECK(sent > 11);
    CHECK_FALSE(session.is_ready());
    CHECK(session.fault()->text == "the server did not answer in time");
}

TEST_CASE("a conversation ends in time, however many slow replies it has") {
    stream_bench bench;
    auto session = lmtp_session();
    protocol::outgoing_message message;
    for (int i = 0; i < 100; ++i) message.recipients.push_back({"u" + std::to_string(i) + "@d.test", 0, {}});
    session.begin(std::move(message));
    auto within = short_ones;
    within.whole = std::chrono::seconds(2);
    const auto over = bench.start(talk(session, *bench.side, within));
    dribble(bench, over, [](int at) { return std::string(at == 0 ? "220 x\r\n" : "250 ok\r\n"); });
    REQUIRE(over->has_value());
    CHECK(session.fault()->text == "the server did not answer in time");
}

namespace {

// A server that takes a message up to its content, one reply each 100 ms.
struct taker {
    explicit taker(const std::vector<std::string>& words) : words_(words) {}
    std::string operator()(int at) const {
        return static_cast<std::size_t>(at) < words_.size() ? words_[static_cast<std::size_t>(at)] : "";
    }
    std::vector<std::string> words_;
};

protocol::outgoing_message message_to(std::size_t recipients, std::string_view content) {
    protocol::outgoing_message made;
    made.sender = "a@s.test";
    made.size = content.size();
    for (std::size_t i = 0; i < recipients; ++i)
        made.recipients.push_back({"u" + std::to_string(i) + "@d.test", 0, {}});
    return made;
}

awaitable<bool> deliver(protocol::client_session& session, server::stream& with,
                        server::content_source& content, server::client_deadlines within) {
    co_await server::converse(session, with, &content, within);
    co_return true;
}

std::string heard_by(stream_bench& bench) {
    int ending = 0;
    std::string all;
    bench.eventually([&] {
        const auto more = bench.received(ending);
        all += more;
        return more.empty();
    });
    return all;
}

} // namespace

TEST_CASE("the answer to the content has a time of its own, and its absence is no refusal", "[CL-07]") {
    stream_bench bench;
    protocol::client_session session({protocol::client_protocol::smtp, "mx.d.test"});
    one_block content("Subject: x\r\n\r\n.\r\n");
    session.begin(message_to(1, "x"));
    auto within = short_ones;
    within.final_reply = std::chrono::seconds(3);
    const auto began = std::chrono::steady_clock::now();
    const auto over = bench.start(deliver(session, *bench.side, content, within));
    dribble(bench, over, taker({"220 x\r\n", "250 x\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n"}));
    REQUIRE(over->has_value());
    CHECK(std::chrono::steady_clock::now() - began >= std::chrono::seconds(3));
    CHECK(session.outcomes()[0].what == protocol::recipient_outcome::kind::deferred);
    CHECK(session.outcomes()[0].perhaps_delivered);
    CHECK(session.fault()->text == "the server did not answer in time");
}

TEST_CASE("each transaction has the whole content") {
    stream_bench bench;
    protocol::client_session session({protocol::client_protocol::smtp, "mx.d.test"});
    one_block content("Subject: x\r\n\r\n.\r\n");
    session.begin(message_to(2, "x"));
    const auto over = bench.start(deliver(session, *bench.side, content, short_ones));
    dribble(bench, over,
            taker({"220 x\r\n", "250 LIMITS\r\n", "250 ok\r\n", "250 ok\r\n", "452 4.5.3 enough\r\n",
                   "354 go\r\n", "250 ok\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 ok\r\n"}));
    REQUIRE(over->has_value());
    CHECK(session.next() == protocol::client_step::idle);
    const auto wire = heard_by(bench);
    const std::string sent = "DATA\r\nSubject: x\r\n\r\n..\r\n.\r\n";
    const auto first = wire.find(sent);
    REQUIRE(first != std::string::npos);
    CHECK(wire.find(sent, first + 1) != std::string::npos);
}

TEST_CASE("a chunk has the size that was announced, or the connection ends within it", "[chunking]") {
    for (const int more : {0, 1, -1}) {
        CAPTURE(more);
        stream_bench bench;
        protocol::client_session session({protocol::client_protocol::smtp, "mx.d.test"});
        const std::string text = "Subject: x\r\n\r\n.\r\n";
        one_block content(text);
        auto message = message_to(1, text);
        message.size += static_cast<std::uint64_t>(static_cast<std::int64_t>(more));
        session.begin(message);
        const auto over = bench.start(deliver(session, *bench.side, content, short_ones));
        dribble(bench, over,
                taker({"220 x\r\n", "250-x\r\n250 CHUNKING\r\n", "250 ok\r\n", "250 ok\r\n", "250 ok\r\n"}));
        REQUIRE(over->has_value());
        const bool fits = more == 0;
        CHECK((session.outcomes()[0].what == protocol::recipient_outcome::kind::delivered) == fits);
        CHECK_FALSE(session.outcomes()[0].perhaps_delivered);
        if (fits) CHECK(heard_by(bench).ends_with(" LAST\r\n" + text));
    }
}
