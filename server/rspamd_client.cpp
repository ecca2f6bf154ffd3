#include "server/rspamd_client.hpp"

#include "protocol/smtp/grammar.hpp"
#include "server/close_on_exec.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <fmt/format.h>
#include <unistd.h>

namespace postern::server {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr milliseconds connect_max{3000};
constexpr milliseconds attempt_least{100}; // less is not worth a connection
constexpr milliseconds rest_least{1000}, rest_most{60'000};
constexpr std::size_t piece_octets = 64 * 1024;
constexpr std::size_t field_max = 1024;
constexpr std::uint32_t header_max = 16 * 1024;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

using request = http::request<http::empty_body>;
using asked = result<rspamd_answer, std::string>;

void add(request& to, std::string_view name, const std::string& value) {
    if (!value.empty()) to.insert(name, protocol::printable(value, field_max));
}

request request_of(const rspamd_question& what, const conf::endpoint& at) {
    request made(http::verb::post, "/checkv2", 11);
    made.set(http::field::host, at.to_string());
    made.set(http::field::user_agent, "postern");
    made.keep_alive(false);
    made.content_length(what.head.size() + what.size);
    add(made, "From", what.sender.empty() ? "<>" : what.sender);
    const auto named = std::min(what.recipients.size(), rspamd_recipients_max);
    for (std::size_t i = 0; i < named; ++i) add(made, "Rcpt", what.recipients[i]);
    add(made, "IP", what.client);
    add(made, "Helo", what.helo);
    add(made, "Hostname", what.host_name);
    add(made, "Queue-Id", what.queue_id);
    add(made, "User", what.user);
    add(made, "Deliver-To", what.deliver_to);
    return made;
}

std::string reason(std::string_view what, const error_code& ec) {
    if (ec == beast::error::timeout) return fmt::format("{}: no answer in time", what);
    return fmt::format("{}: {}", what, ec.message());
}

// What was just written to a spool file is in memory: reading it waits for no disk that counts.
bool read_piece(const rspamd_question& what, std::uint64_t at, std::string& piece) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece_octets, what.size - at)));
    for (std::size_t got = 0; got < piece.size();) {
        const auto count = ::pread(what.descriptor, piece.data() + got, piece.size() - got,
                                   static_cast<off_t>(what.from + at + got));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        got += static_cast<std::size_t>(count);
    }
    return true;
}

// "" = all of it is sent.
asio::awaitable<std::string> send(beast::tcp_stream& to, const rspamd_question& what, request& header) {
    http::request_serializer<http::empty_body> serializer(header);
    const auto [header_failed, ignored] = co_await http::async_write_header(to, serializer, as_result);
    if (header_failed) co_return reason("send", header_failed);
    if (!what.head.empty()) {
        const auto head = asio::buffer(what.head);
        const auto [failed, octets] = co_await asio::async_write(to, head, as_result);
        if (failed) co_return reason("send", failed);
    }
    std::string piece;
    for (std::uint64_t at = 0; at < what.size; at += piece.size()) {
        if (!read_piece(what, at, piece)) co_return "the message can't be read";
        const auto part = asio::buffer(piece);
        const auto [failed, octets] = co_await asio::async_write(to, part, as_result);
        if (failed) co_return reason("send", failed);
    }
    co_return std::string();
}

asio::awaitable<asked> receive(beast::tcp_stream& from) {
    beast::flat_buffer buffer(header_max + rspamd_answer_max);
    http::response_parser<http::string_body> response;
    response.header_limit(header_max);
    response.body_limit(rspamd_answer_max);
    const auto [failed, octets] = co_await http::async_read(from, buffer, response, as_result);
    if (failed == http::error::body_limit || failed == http::error::header_limit ||
        failed == http::error::buffer_overflow)
        co_return asked(std::string("its answer is too long"));
    if (failed) co_return asked(reason("answer", failed));
    const auto status = response.get().result_int();
    if (status != 200) co_return asked(fmt::format("it answers HTTP {}", status));
    co_return read_rspamd_answer(response.get().body());
}

} // namespace

rspamd_client::rspamd_client(asio::any_io_executor on, std::vector<conf::endpoint> servers,
                             milliseconds timeout)
    : on_(std::move(on)), timeout_(timeout) {
    for (const auto& one : servers) {
        server made;
        made.at = one;
        servers_.push_back(made);
    }
}

std::vector<std::size_t> rspamd_client::order(steady::time_point now) const {
    std::vector<std::size_t> awake, all;
    for (std::size_t at = 0; at < servers_.size(); ++at) {
        all.push_back(at);
        if (servers_[at].rests_until <= now) awake.push_back(at);
    }
    return awake.empty() ? all : awake;
}

void rspamd_client::note(server& one, bool answered) {
    one.failures = answered ? 0 : std::min(one.failures + 1, 10U);
    one.rests_until = {};
    if (!answered)
        one.rests_until = steady::now() + std::min(rest_least * (1U << (one.failures - 1)), rest_most);
}

asio::awaitable<asked> rspamd_client::ask_one(conf::endpoint at, const rspamd_question& what,
                                              milliseconds time) {
    beast::tcp_stream stream(on_);
    const tcp::endpoint endpoint(asio::ip::make_address(at.address.to_string()), at.port);
    const auto until = steady::now() + time;
    stream.expires_at(std::min(until, steady::now() + connect_max));
    const auto [failed] = co_await stream.async_connect(endpoint, as_result);
    if (failed) co_return asked(reason("connect", failed));
    close_on_exec(stream.socket().native_handle());
    stream.expires_at(until);
    auto header = request_of(what, at);
    const std::string trouble = co_await send(stream, what, header);
    if (!trouble.empty()) co_return asked(trouble);
    co_return co_await receive(stream);
}

// Each server gets its share of the time that is left, so that one that hangs leaves some to the next.
asio::awaitable<asked> rspamd_client::ask(rspamd_question what) {
    const auto until = steady::now() + timeout_;
    const auto servers = order(steady::now());
    std::string troubles;
    for (std::size_t i = 0; i < servers.size(); ++i) {
        const auto left = std::chrono::duration_cast<milliseconds>(until - steady::now());
        const auto share = left / static_cast<int>(servers.size() - i);
        if (share < attempt_least) break;
        auto& one = servers_[servers[i]];
        auto answer = co_await ask_one(one.at, what, share);
        note(one, answer.has_value());
        if (answer) co_return answer;
        troubles += fmt::format("{}{}: {}", troubles.empty() ? "" : "; ", one.at.to_string(), answer.error());
    }
    if (troubles.empty()) troubles = "there is no server to ask, or no time";
    co_return asked(troubles);
}

} // namespace postern::server
