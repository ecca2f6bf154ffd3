// Beast reads the header of the request and writes the answer. Debian's has none of its later hardening:
// so whatever says that a body comes is refused before one would be read, and every connection ends after its
// answer, which leaves nothing to smuggle a second request in.
#include "server/admin/http.hpp"

#include "server/close_on_exec.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>

namespace postern::server {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds pause_after_failure{100}; // out of descriptors: don't spin
constexpr std::size_t unread_max = 65536; // octets that are read and dropped so that a refusal arrives
constexpr std::string_view plain_text = "text/plain; charset=utf-8";
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

using request_parser = http::request_parser<http::string_body>;
using response = http::response<http::string_body>;

// A connection as it is counted; all are on one thread.
using occupancy = std::shared_ptr<std::size_t>;
class place {
  public:
    explicit place(occupancy of) : of_(std::move(of)) { ++*of_; }
    ~place() { --*of_; }
    place(const place&) = delete;
    place& operator=(const place&) = delete;

  private:
    occupancy of_;
};

http_answer refusal(http::status why) {
    const std::string_view reason = http::obsolete_reason(why);
    return {static_cast<unsigned>(why), plain_text, std::string(reason) + "\n"};
}

bool announces_body(const request_parser& request) {
    const auto& header = request.get();
    if (header.find(http::field::transfer_encoding) != header.end()) return true;
    const auto length = request.content_length();
    return length && *length != 0;
}

http_method method_of(http::verb verb) {
    if (verb == http::verb::post) return http_method::post;
    return verb == http::verb::head ? http_method::head : http_method::get;
}

http_request request_of(const request_parser& parser, bool on_loopback) {
    const auto& header = parser.get();
    const std::string_view target = header.target();
    const auto mark = target.find('?');
    http_request made;
    made.method = method_of(header.method());
    made.path = target.substr(0, mark);
    if (mark != std::string_view::npos) made.query = target.substr(mark + 1);
    made.host = header[http::field::host];
    made.origin = header[http::field::origin];
    made.fetch_site = header["Sec-Fetch-Site"];
    made.accept_language = header[http::field::accept_language];
    made.content_type = header[http::field::content_type];
    made.on_loopback = on_loopback;
    return made;
}

// Why the request isn't for a page; nullopt = it is, and its body, if it may have one, can be read.
std::optional<http_answer> objection_to(const request_parser& parser, const http_pages& pages) {
    const auto& header = parser.get();
    const auto method = header.method();
    const std::string_view target = header.target();
    const bool post = method == http::verb::post && pages.takes_post(target.substr(0, target.find('?')));
    if (header.count(http::field::content_length) > 1 || header.count(http::field::host) > 1)
        return refusal(http::status::bad_request);
    if (header.find(http::field::transfer_encoding) != header.end())
        return refusal(http::status::bad_request);
    const auto length = parser.content_length();
    if (post && !length) return refusal(http::status::length_required);
    if (post && *length > http_body_max) return refusal(http::status::payload_too_large);
    if (post) return std::nullopt;
    if (announces_body(parser)) return refusal(http::status::bad_request);
    if (method != http::verb::get && method != http::verb::head)
        return refusal(http::status::method_not_allowed);
    return std::nullopt;
}

http_answer answer_to(const http_request& request, http_pages& pages) {
    auto answer = pages.answer(request);
    return answer ? std::move(*answer) : refusal(http::status::not_found);
}

response response_of(http_answer answer, http::verb method) {
    response made;
    made.version(11);
    made.result(answer.status);
    made.set(http::field::content_type, answer.content_type);
    made.set(http::field::cache_control, "no-store");
    made.set("X-Content-Type-Options", "nosniff");
    made.set("Content-Security-Policy",
             std::string("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri "
                         "'none'; form-action ") +
                 (answer.has_form ? "'self'" : "'none'"));
    // With "no-referrer" a browser's form says that it comes from "null", not from where.
    made.set("Referrer-Policy", answer.has_form ? "same-origin" : "no-referrer");
    if (made.result() == http::status::method_not_allowed) made.set(http::field::allow, "GET, HEAD");
    made.keep_alive(false);
    made.content_length(answer.body.size());
    if (method != http::verb::head) made.body() = std::move(answer.body);
    return made;
}

// Why there is no request; nullopt when nobody is there to be told.
std::optional<http_answer> refusal_of(const error_code& ec) {
    if (ec == http::error::body_limit) return refusal(http::status::payload_too_large);
    if (ec == http::error::header_limit || ec == http::error::buffer_overflow)
        return refusal(http::status::request_header_fields_too_large);
    if (ec.category() == http::make_error_code(http::error::end_of_stream).category() &&
        ec != http::error::end_of_stream && ec != http::error::partial_message)
        return refusal(http::status::bad_request);
    return std::nullopt;
}

// What the client still sends is read, so that the answer isn't lost in a reset.
asio::awaitable<void> await_end(beast::tcp_stream& client) {
    error_code ignored;
    client.socket().shutdown(tcp::socket::shutdown_send, ignored);
    std::array<char, 4096> dropped;
    for (std::size_t seen = 0; seen < unread_max;) {
        const auto room = asio::buffer(dropped);
        const auto [ec, octets] = co_await client.async_read_some(room, as_result);
        if (ec) co_return;
        seen += octets;
    }
}

asio::awaitable<void> serve_client(std::shared_ptr<beast::tcp_stream> client, bool on_loopback,
                                   http_pages& pages) {
    client->expires_after(http_client_time_max); // once: it holds for all that follows
    beast::flat_static_buffer<http_header_max> buffer;
    request_parser request;
    request.header_limit(http_header_max);
    request.body_limit(http_body_max);
    auto [failure, ignored] = co_await http::async_read_header(*client, buffer, request, as_result);
    std::optional<http_answer> answer;
    if (!failure) answer = objection_to(request, pages);
    if (!failure && !answer) {
        auto asked = request_of(request, on_loopback);
        if (asked.method == http_method::post) {
            auto [broken_off, more] = co_await http::async_read(*client, buffer, request, as_result);
            failure = broken_off;
            asked.body = request.get().body();
        }
        if (!failure) answer = answer_to(asked, pages);
    }
    if (failure) answer = refusal_of(failure);
    if (!answer) co_return;
    auto made = response_of(std::move(*answer), failure ? http::verb::get : request.get().method());
    const auto [broken, written] = co_await http::async_write(*client, made, as_result);
    if (!broken) co_await await_end(*client);
}

void start_client(tcp::socket socket, const occupancy& taken, bool on_loopback, http_pages& pages) {
    close_on_exec(socket.native_handle());
    if (*taken >= http_clients_max) return; // the socket closes here
    auto mine = std::make_shared<place>(taken);
    auto client = std::make_shared<beast::tcp_stream>(std::move(socket));
    auto task = serve_client(client, on_loopback, pages);
    // An exception is a lack of memory: it costs this client only.
    asio::co_spawn(client->get_executor(), std::move(task),
                   [client, mine](const std::exception_ptr&) { client->close(); });
}

tcp::endpoint to_asio(const conf::endpoint& from) {
    return {asio::ip::make_address(from.address.to_string()), from.port};
}

} // namespace

std::optional<http_answer> http_pages_of::answer(const http_request& request) {
    for (auto* pages : all_)
        if (auto made = pages->answer(request)) return made;
    return std::nullopt;
}

bool http_pages_of::takes_post(std::string_view path) const {
    return std::any_of(all_.begin(), all_.end(), [&](const auto* pages) { return pages->takes_post(path); });
}

http_reading read_http_request(std::string_view octets, const http_pages& pages) {
    constexpr unsigned more = 1;
    request_parser parser;
    parser.header_limit(http_header_max);
    parser.body_limit(http_body_max);
    error_code ec;
    parser.eager(true);
    parser.put(asio::buffer(octets.data(), octets.size()), ec);
    if (ec && ec != http::error::need_more) {
        const auto refused = refusal_of(ec);
        return {refused ? refused->status : more, {}};
    }
    if (!parser.is_header_done()) return {more, {}};
    if (const auto no = objection_to(parser, pages)) return {no->status, {}};
    if (parser.get().method() == http::verb::post && !parser.is_done()) return {more, {}};
    http_reading made{0, request_of(parser, true)};
    made.request.body = parser.get().body();
    return made;
}

struct http_listener::impl {
    explicit impl(const asio::any_io_executor& on) : acceptor(on) {}
    tcp::acceptor acceptor;
    conf::endpoint address;
};

http_listener::http_listener(const asio::any_io_executor& on) : impl_(std::make_unique<impl>(on)) {}
http_listener::~http_listener() = default;

const conf::endpoint& http_listener::address() const { return impl_->address; }

std::string http_listener::listen(const conf::endpoint& on) {
    auto& acceptor = impl_->acceptor;
    error_code ec;
    const auto endpoint = to_asio(on);
    acceptor.open(endpoint.protocol(), ec);
    if (!ec) close_on_exec(acceptor.native_handle());
    if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
    if (!ec && !on.address.is_v4()) acceptor.set_option(asio::ip::v6_only(true), ec);
    if (!ec) acceptor.bind(endpoint, ec);
    if (!ec) acceptor.listen(http_clients_max, ec);
    if (ec) {
        std::string text = "cannot listen on " + on.to_string() + ": " + ec.message();
        if (ec == asio::error::address_in_use)
            text += "; stop what listens there, or choose another port, or \"\" for none";
        if (ec == asio::error::access_denied) text += "; ports below 1024 need root at start";
        return text;
    }
    impl_->address = on;
    impl_->address.port = acceptor.local_endpoint(ec).port();
    return {};
}

asio::awaitable<void> http_listener::serve(std::unique_ptr<http_listener> on, http_pages& pages) {
    auto& acceptor = on->impl_->acceptor;
    const bool on_loopback = to_asio(on->impl_->address).address().is_loopback();
    const auto taken = std::make_shared<std::size_t>(0);
    asio::steady_timer pause(acceptor.get_executor());
    for (;;) {
        auto [failure, socket] = co_await acceptor.async_accept(as_result);
        if (failure == asio::error::operation_aborted) co_return;
        if (!failure) {
            start_client(std::move(socket), taken, on_loopback, pages);
            continue;
        }
        pause.expires_after(pause_after_failure);
        const auto [cancelled] = co_await pause.async_wait(as_result);
        if (cancelled) co_return;
    }
}

} // namespace postern::server
