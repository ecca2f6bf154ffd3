// One wait at a time, each under a deadline that cancels the stream.
#include "server/delivery/conversation.hpp"

#include "protocol/mime/seven_bit.hpp"
#include "protocol/smtp/data_encoder.hpp"
#include "server/clock.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <utility>

namespace postern::server {
namespace asio = boost::asio;
using protocol::client_session;
using protocol::client_step;

namespace {

// Cancels the stream when the time is up. What waits for the timer outlives it and looks at `alive` first.
class deadline {
  public:
    deadline(const asio::any_io_executor& on, stream& whose)
        : timer_(on), whose_(std::make_shared<stream*>(&whose)) {}
    ~deadline() { *whose_ = nullptr; }
    deadline(const deadline&) = delete;
    deadline& operator=(const deadline&) = delete;

    using time_point = asio::steady_timer::time_point;
    // No deadline is later than this.
    void end_all_at(time_point last) { last_ = last; }
    void set(std::chrono::seconds within) { set(asio::steady_timer::clock_type::now() + within); }
    void set(time_point at) {
        timer_.expires_at(std::min(at, last_));
        timer_.async_wait([alive = whose_](boost::system::error_code ec) {
            if (!ec && *alive != nullptr) (*alive)->cancel();
        });
    }

  private:
    asio::steady_timer timer_;
    std::shared_ptr<stream*> whose_;
    time_point last_ = time_point::max();
};

struct listener final : stream::taker {
    explicit listener(client_session& s) : session(s) {}
    void on_input(std::string_view octets) override { session.on_input(octets); }
    client_session& session;
};

std::string cannot_read(const boost::system::error_code& ec) {
    return "the stored message cannot be read: " + ec.message();
}

std::string cannot_narrow(std::string_view why) {
    return fmt::format("the next server takes no 8BITMIME, and the message can't be encoded for it: {}", why);
}

std::string_view what_happened(stream_status status) {
    switch (status) {
    case stream_status::ok: return "";
    case stream_status::end: return "the server ended the connection";
    case stream_status::cancelled: return "the server did not answer in time";
    case stream_status::failed: break;
    }
    return "the connection broke";
}

struct talk {
    client_session& session;
    stream& with;
    content_source* content;
    client_deadlines within;
    deadline& until;
    const conversation_tls* security;
    deadline::time_point ready_by;            // one deadline for all until mail can be sent
    std::optional<unsigned> replies_before{}; // of the wait whose deadline runs; nullopt: none does
    bool content_at_end = false;

    void set_reply_deadline() {
        const auto at = asio::steady_timer::clock_type::now() + time_for(session.awaits());
        until.set(session.is_ready() ? at : std::min(at, ready_by));
    }

    std::chrono::seconds time_for(protocol::client_wait what) const {
        switch (what) {
        case protocol::client_wait::greeting: return within.greeting;
        case protocol::client_wait::hello:
        case protocol::client_wait::starttls:
        case protocol::client_wait::auth:
        case protocol::client_wait::rset: return within.hello;
        case protocol::client_wait::mail: return within.mail;
        case protocol::client_wait::rcpt: return within.recipient;
        case protocol::client_wait::data: return within.data;
        case protocol::client_wait::final_reply: return within.final_reply;
        case protocol::client_wait::quit: break;
        }
        return within.quit;
    }

    // One deadline a reply, in however many pieces it comes.
    asio::awaitable<void> read() {
        if (replies_before != session.replies_to_message()) {
            set_reply_deadline();
            replies_before = session.replies_to_message();
        }
        listener into(session);
        const auto status = co_await with.read(into);
        if (status != stream_status::ok) session.on_lost(what_happened(status));
    }

    asio::awaitable<void> write() {
        replies_before.reset();
        set_reply_deadline();
        const auto status = co_await with.write(session.output());
        if (status != stream_status::ok) co_return session.on_lost(what_happened(status));
        session.on_written();
    }

    // False: the session has been told why.
    asio::awaitable<bool> send(std::string_view octets) {
        replies_before.reset();
        until.set(within.content_block);
        const auto status = co_await with.write(octets);
        if (status != stream_status::ok) session.on_content_broken();
        co_return status == stream_status::ok;
    }

    // "" = the handshake is done, and the peer is who it has to be.
    std::string why_insecure(stream_status status) const {
        const auto* const layer = with.tls_layer();
        if (security == nullptr || layer == nullptr) return "TLS is not to be had here";
        if (status != stream_status::ok) {
            const auto error = layer->error();
            return fmt::format("the TLS handshake failed: {}", error.empty() ? what_happened(status) : error);
        }
        const bool by_name = security->wanted.level == tls::demand_level::verified;
        if (!by_name && security->wanted.level != tls::demand_level::dane) return {};
        const auto proof = layer->proof();
        if (proof.holds) return {};
        if (by_name) return fmt::format("its certificate does not prove its name: {}", proof.words);
        return fmt::format("its certificate is not the one of the TLSA records: {}", proof.words);
    }

    asio::awaitable<void> start_tls() {
        replies_before.reset();
        set_reply_deadline();
        std::unique_ptr<tls::connection> layer;
        if (security) layer = security->by.connect(with.descriptor(), security->wanted, now_seconds());
        auto status = stream_status::failed;
        if (layer) status = co_await with.start_tls(std::move(layer));
        const auto why = why_insecure(status);
        session.on_tls(why.empty(), why);
    }

    // A message whose recipients are many is sent more than once.
    asio::awaitable<result<std::string>> next_block() {
        if (std::exchange(content_at_end, false)) content->restart();
        auto block = co_await content->next();
        if (block) content_at_end = block->empty();
        co_return block;
    }

    asio::awaitable<void> send_content() {
        protocol::data_encoder encoder;
        protocol::mime::seven_bit_writer narrow;
        const bool narrows = session.sends_seven_bit();
        std::string wire, text;
        for (bool more = true; more;) {
            auto block = co_await next_block();
            if (!block) co_return session.on_lost(cannot_read(block.error()));
            more = !content_at_end;
            wire.clear();
            text.clear();
            if (!narrows)
                text = std::move(*block);
            else if (!(more ? narrow.feed(*block, text) : narrow.finish(text)))
                co_return session.on_content_unfit({5, 6, 3}, cannot_narrow(narrow.refusal()));
            encoder.feed(text, wire);
            if (!more) encoder.finish(wire);
            const bool sent = co_await send(wire);
            if (!sent) co_return;
        }
        session.on_content_sent();
    }

    // As many octets as were announced: with fewer the server would wait, and take more for commands.
    asio::awaitable<void> send_chunk() {
        const std::string command(session.output());
        std::uint64_t left = session.content_size();
        const bool begun = co_await send(command);
        if (!begun) co_return;
        for (;;) {
            auto block = co_await next_block();
            if (!block) co_return session.on_lost(cannot_read(block.error()));
            if (block->size() > left || (content_at_end && left != 0))
                co_return session.on_lost("the stored message has another size than was noted");
            if (content_at_end) co_return session.on_content_sent();
            left -= block->size();
            const bool sent = co_await send(*block);
            if (!sent) co_return;
        }
    }
};

} // namespace

asio::awaitable<void> converse(client_session& session, stream& with, content_source* content,
                               client_deadlines within, const conversation_tls* security) {
    const auto here = co_await asio::this_coro::executor;
    deadline until(here, with);
    const auto begun = asio::steady_timer::clock_type::now();
    until.end_all_at(begun + within.whole);
    talk now{session, with, content, within, until, security, begun + within.ready};
    for (;;) {
        switch (session.next()) {
        case client_step::read: co_await now.read(); break;
        case client_step::write: co_await now.write(); break;
        case client_step::start_tls: co_await now.start_tls(); break;
        case client_step::send_content: co_await now.send_content(); break;
        case client_step::send_chunk: co_await now.send_chunk(); break;
        case client_step::idle:
        case client_step::close: co_return;
        }
    }
}

} // namespace postern::server
