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
