// The client of rspamd against servers that do as they are told: what it sends, and what becomes of answers
// that are hostile, late or none. The real one is asked in tests/integration/test_rspamd.py.
#include "server/rspamd_client.hpp"

#include "conf/settings.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <optional>

namespace {

namespace asio = boost::asio;
using namespace postern;
using namespace postern::server;
using asio::ip::tcp;
using std::chrono::milliseconds;
using asked = result<rspamd_answer, std::string>;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

struct script {
    std::string answer;        // sent after the request
    std::size_t repeat = 1;    // times
    bool closes_early = false; // before anything is read
    bool stays_silent = false; // holds the connection
    milliseconds between{};    // octets of the answer, one at a time
};

// Takes connections until the loop ends.
class scripted_server {
  public:
    scripted_server(asio::io_context& on, script does)
        : does_(std::move(does)), acceptor_(on, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
        asio::co_spawn(on, serve(), [](std::exception_ptr) {});
    }
    conf::endpoint at() const {
        return {*protocol::ip_address::parse("127.0.0.1"), acceptor_.local_endpoint().port()};
    }
    std::vector<std::string> requests; // whole ones
    int connections = 0;

  private:
    asio::awaitable<void> serve() {
        for (;;) {
            auto [failed, socket] = co_await acceptor_.async_accept(as_result);
            if (failed) co_return;
            ++connections;
            if (does_.closes_early) continue;
            auto held = std::make_shared<tcp::socket>(std::move(socket));
            asio::co_spawn(acceptor_.get_executor(), talk(held), [](std::exception_ptr) {});
        }
    }
    asio::awaitable<void> talk(std::shared_ptr<tcp::socket> with) {
        std::string request = co_await read_request(*with);
        requests.push_back(request);
        if (does_.stays_silent) {
            asio::steady_timer forever(acceptor_.get_executor(), std::chrono::hours(1));
            co_await forever.async_wait(as_result);
        }
        for (std::size_t time = 0; time < does_.repeat; ++time)
            if (!co_await write(*with)) co_return;
    }
    asio::awaitable<bool> write(tcp::socket& to) {
        if (does_.between == milliseconds(0)) {
            const auto whole = asio::buffer(does_.answer);
            const auto [failed, octets] = co_await asio::async_write(to, whole, as_result);
            co_return !failed;
        }
        asio::steady_timer pause(acceptor_.get_executor());
        for (const char& octet : does_.answer) {
            const auto one = asio::buffer(&octet, 1);
            const auto [failed, octets] = co_await asio::async_write(to, one, as_result);
            if (failed) co_return false;
            pause.expires_after(does_.between);
            co_await pause.async_wait(as_result);
        }
        co_return true;
    }
    static asio::awaitable<std::string> read_request(tcp::socket& from) {
        std::string request;
        char piece[65536];
        for (;;) {
            const auto end = request.find("\r\n\r\n");
            const auto length = request.find("Content-Length: ");
            if (end != std::string::npos && length != std::string::npos &&
                request.size() >= end + 4 + std::stoul(request.substr(length + 16)))
                co_return request;
            const auto room = asio::buffer(piece);
            const auto [failed, octets] = co_await from.async_read_some(room, as_result);
            if (failed) co_return request;
            request.append(piece, octets);
        }
    }

    script does_;
    tcp::acceptor acceptor_;
};

std::string ok(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

const std::string scored = R"({"score": 7.25, "required_score": 15, "action": "add header", "skipped": false,
    "symbols": {"R_BAD": {"name": "R_BAD", "score": 4.25, "options": ["x"]}, "A_GOOD": {"score": -1}}})";

asio::awaitable<void> ask(rspamd_client& whom, rspamd_question what, std::optional<asked>& into) {
    auto asking = whom.ask(std::move(what));
    into = co_await std::move(asking);
}

struct bench {
    asio::io_context context{1};

    asked run(rspamd_client& whom, rspamd_question what) {
        std::optional<asked> answer;
        asio::co_spawn(context, ask(whom, std::move(what), answer), [](std::exception_ptr failed) {
            if (failed) std::rethrow_exception(failed);
        });
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!answer && std::chrono::steady_clock::now() < end) context.run_one_until(end);
        REQUIRE(answer.has_value());
        return *answer;
    }
    asked run(const scripted_server& of, milliseconds timeout = std::chrono::seconds(30)) {
        rspamd_client client(context.get_executor(), {of.at()}, timeout);
        rspamd_question what;
        what.head = "Subject: x\r\n\r\nx\r\n";
        return run(client, what);
    }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("rspamd is told what is known, and its score comes back", "[rspamd]") {
    bench on;
    scripted_server server(on.context, {ok(scored)});
    rspamd_client client(on.context.get_executor(), {server.at()}, std::chrono::seconds(30));
    rspamd_question what;
    what.head = "Received: by us\r\nSubject: x\r\n\r\nhello\r\n";
    what.sender = "a@b.test";
    what.recipients = {"c@d.test", "e@f.test"};
    what.client = "192.0.2.1";
    what.helo = "h\r\nEvil: 1";
    what.host_name = "host.test";
    what.queue_id = "Q1";
    const auto answer = on.run(client, what);
    REQUIRE(answer.has_value());
    CHECK(answer->score == 7.25);
    CHECK(answer->required == 15);
    CHECK(answer->action == "add header");
    REQUIRE(answer->symbols.size() == 2);
    CHECK(answer->symbols[0].name == "A_GOOD");
    CHECK(answer->symbols[1].score == 4.25);
    REQUIRE(server.requests.size() == 1);
    const auto& request = server.requests[0];
    CHECK(request.starts_with("POST /checkv2 HTTP/1.1\r\n"));
    for (const auto line :
         {"From: a@b.test\r\n", "Rcpt: c@d.test\r\n", "Rcpt: e@f.test\r\n", "IP: 192.0.2.1\r\n",
          "Helo: h??Evil: 1\r\n", "Hostname: host.test\r\n", "Queue-Id: Q1\r\n"})
        CHECK(has(request, line));
    CHECK_FALSE(has(request, "User: "));
    CHECK(request.ends_with("\r\n\r\n" + what.head));
}

TEST_CASE("a message goes from its file, from where it begins there", "[rspamd]") {
    bench on;
    scripted_server server(on.context, {ok(scored)});
    rspamd_client client(on.context.get_executor(), {server.at()}, std::chrono::seconds(30));
    std::FILE* file = std::tmpfile();
    REQUIRE(file != nullptr);
    const std::string body = std::string(1'000'000, 'x') + "end";
    std::fputs(("record" + body).c_str(), file);
    std::fflush(file);
    rspamd_question what;
    what.head = "H: 1\r\n";
    what.descriptor = ::fileno(file);
    what.from = 6;
    what.size = body.size();
    CHECK(on.run(client, what).has_value());
    CHECK(server.requests.at(0).ends_with("\r\n\r\nH: 1\r\n" + body));
    CHECK(has(server.requests.at(0), "From: <>\r\n"));
    what.size += 1; // the file is shorter than was said
    const auto cut = on.run(client, what);
    REQUIRE_FALSE(cut.has_value());
    CHECK(has(cut.error(), "the message can't be read"));
    std::fclose(file);
}

TEST_CASE("what is no score is never one", "[rspamd]") {
    const struct {
        std::string answer, why;
    } rows[] = {
        {ok("{}"), "its answer has no score"},
        {ok("[1]"), "its answer is not JSON"},
        {ok("{\"score\": \"0\"}"), "its answer has no score"},
        {ok("{\"score\": 1e400}"), "its answer"},
        {ok("{\"score\": 0"), "its answer is not JSON"},
        {ok(""), "its answer is not JSON"},
        {ok("{\"error\": \"no\\r\\nmemory\"}"), "it says: no??memory"},
        {ok(std::string(10'000, '[')), "its answer is not JSON"},
        {"HTTP/1.1 403 Unauthorized\r\nContent-Length: 0\r\n\r\n", "it answers HTTP 403"},
        {"HTTP/1.1 302 Found\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n", "it answers HTTP 302"},
        {"220 mx.test ESMTP\r\n", "answer: "},
        {"", "answer: "},
        {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"score\": 0}", "answer: "},
        {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "its answer is too long"},
        {"HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n", "its answer is too long"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.why, row.answer.substr(0, 60));
        bench on;
        const scripted_server server(on.context, {row.answer});
        const auto answer = on.run(server);
        REQUIRE_FALSE(answer.has_value());
        CHECK(has(answer.error(), row.why));
        CHECK(answer.error().starts_with(server.at().to_string() + ": "));
    }
}

TEST_CASE("an answer without end is cut off, of whatever form it is", "[rspamd]") {
    for (const std::string head :
         {"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
        bench on;
        const bool chunked = has(head, "chunked");
        const std::string piece =
            chunked ? "ffff\r\n" + std::string(0xffff, ' ') + "\r\n" : std::string(65536, ' ');
        std::string many = head;
        for (int at = 0; at < 64; ++at) many += piece;
        const scripted_server server(on.context, {many});
        const auto answer = on.run(server);
        REQUIRE_FALSE(answer.has_value());
        CHECK(has(answer.error(), "its answer is too long"));
    }
}

TEST_CASE("many symbols, odd names and endless numbers are bounded", "[rspamd]") {
    std::string body =
        R"({"score": 1e300, "action": "re\nject", "symbols": {"b ad": {}, "é": {}, "": {}, "X": 1)";
    for (int at = 0; at < 1000; ++at) body += ", \"S" + std::to_string(at) + "\": {\"score\": 1}";
    const auto read = read_rspamd_answer(body + "}}");
    REQUIRE(read.has_value());
    CHECK(read->score == 10'000);
    CHECK(read->action == "re?ject");
    CHECK(read->symbols.size() == rspamd_symbols_max);
    CHECK(read->symbols.front().name == "S0");
}

TEST_CASE("a server that says nothing, or a little at a time, costs its time and no more", "[rspamd]") {
    for (const bool drips : {false, true}) {
        bench on;
        script does{ok(scored)};
        does.stays_silent = !drips;
        if (drips) does.between = milliseconds(20);
        const scripted_server server(on.context, does);
        const auto before = std::chrono::steady_clock::now();
        const auto answer = on.run(server, milliseconds(400));
        const auto took = std::chrono::steady_clock::now() - before;
        REQUIRE_FALSE(answer.has_value());
        CHECK(has(answer.error(), "no answer in time"));
        CHECK(took >= milliseconds(350));
        CHECK(took < std::chrono::seconds(20));
    }
}

TEST_CASE("the next server is asked when one fails, and the failed one is left alone then", "[rspamd]") {
    bench on;
    scripted_server broken(on.context, {.answer = {}, .closes_early = true});
    scripted_server sound(on.context, {ok(scored)});
    rspamd_client client(on.context.get_executor(), {broken.at(), sound.at()}, std::chrono::seconds(30));
    rspamd_question what;
    what.head = "x";
    CHECK(on.run(client, what).has_value());
    CHECK(broken.connections == 1);
    CHECK(on.run(client, what).has_value());
    CHECK(broken.connections == 1);
    CHECK(sound.connections == 2);
}

TEST_CASE("when all servers have failed all are asked again, and each is named", "[rspamd]") {
    bench on;
    scripted_server first(on.context, {"x"}), second(on.context, {ok("{}")});
    rspamd_client client(on.context.get_executor(), {first.at(), second.at()}, std::chrono::seconds(30));
    rspamd_question what;
    what.head = "x";
    for (int time = 1; time <= 3; ++time) {
        const auto answer = on.run(client, what);
        REQUIRE_FALSE(answer.has_value());
        CHECK(has(answer.error(), first.at().to_string() + ": "));
        CHECK(has(answer.error(), "; " + second.at().to_string() + ": its answer has no score"));
        CHECK(first.connections == time);
    }
}

TEST_CASE("a server that hangs leaves time for the next", "[rspamd]") {
    bench on;
    script silent;
    silent.stays_silent = true;
    const scripted_server first(on.context, silent), second(on.context, {ok(scored)});
    rspamd_client client(on.context.get_executor(), {first.at(), second.at()}, std::chrono::seconds(4));
    rspamd_question what;
    what.head = "x";
    CHECK(on.run(client, what).has_value());
}

// Hidden: tests/integration/test_rspamd.py runs it beside a real rspamd, whose rules stand there.
TEST_CASE("a real rspamd takes what it is told and its score comes back", "[.][real-rspamd]") {
    const char* where = std::getenv("POSTERN_TEST_RSPAMD");
    REQUIRE(where != nullptr);
    bench on;
    rspamd_client client(on.context.get_executor(), {*conf::parse_endpoint(where)}, std::chrono::seconds(60));
    rspamd_question what;
    what.head = "Received: from helo.s.test by mx.test; Sun, 1 Mar 2026 12:00:00 +0000\r\n";
    what.sender = "a@s.test";
    what.recipients = {"u@d.test", "v@d.test"};
    what.client = "192.0.2.7";
    what.helo = "helo.s.test";
    what.host_name = "host.s.test";
    what.queue_id = "Q17";
    what.user = "u@d.test";
    const auto ask = [&](const std::string& body) {
        std::FILE* file = std::tmpfile();
        REQUIRE(file != nullptr);
        const std::string rest = "From: a@s.test\r\nSubject: x\r\n\r\n" + body;
        std::fputs(rest.c_str(), file);
        std::fflush(file);
        what.descriptor = ::fileno(file);
        what.size = rest.size();
        const auto answer = on.run(client, what);
        std::fclose(file);
        INFO((answer ? std::string() : answer.error()));
        REQUIRE(answer.has_value());
        return *answer;
    };
    const auto names = [](const rspamd_answer& answer) {
        std::vector<std::string> made;
        for (const auto& one : answer.symbols) made.push_back(one.name);
        return made;
    };
    const auto plain = ask("hello\r\n");
    CHECK(plain.action == "no action");
    CHECK(plain.score == 0.5);
    CHECK(plain.required == 15);
    CHECK(names(plain) == std::vector<std::string>{"ENVELOPE"});
    std::string lines;
    for (int at = 0; at < 20'000; ++at) lines += "a line of text that is no junk\r\n";
    const auto junk = ask(lines + "junkword\r\n");
    CHECK(junk.action == "add header");
    CHECK(junk.score == 8.5);
    CHECK(names(junk) == std::vector<std::string>{"ENVELOPE", "JUNK_WORD"});
    const auto gtube = ask("XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n");
    CHECK(gtube.action == "reject");
    CHECK(gtube.score == 15);
}

TEST_CASE("nobody there, and nobody to ask, are no score", "[rspamd]") {
    bench on;
    conf::endpoint nobody{*protocol::ip_address::parse("127.0.0.1"), 0};
    {
        const tcp::acceptor gone(on.context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        nobody.port = gone.local_endpoint().port();
    }
    rspamd_client client(on.context.get_executor(), {nobody}, std::chrono::seconds(30));
    const auto answer = on.run(client, {});
    REQUIRE_FALSE(answer.has_value());
    CHECK(has(answer.error(), "connect: "));
    rspamd_client none(on.context.get_executor(), {}, std::chrono::seconds(30));
    CHECK(on.run(none, {}).error() == "there is no server to ask, or no time");
}

} // namespace
