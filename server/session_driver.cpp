// Each step of the session is one await here; what the peer sees is decided in protocol/ and policy/. A
// connection that breaks or times out leaves nothing behind: the session's transaction goes as a whole.
#include "server/session_driver.hpp"

#include "policy/engine.hpp"
#include "server/clock.hpp"
#include "server/session_settings.hpp"

#include <algorithm>

namespace postern::server {
namespace asio = boost::asio;
using protocol::make_reply;
using protocol::question_stage;
using protocol::reply_id;
using protocol::step;
using protocol::verdict_answer;

namespace {

constexpr std::chrono::seconds rate_window{60};
constexpr std::chrono::seconds login_time{30}; // for each answer in AUTH: an attempt holds a place meanwhile
constexpr std::chrono::seconds farewell_time{5}; // for the last reply of a session whose time is over

std::string tls_text(const stream& peer) {
    if (peer.tls_layer() == nullptr) return {};
    const auto facts = peer.tls_layer()->facts();
    return facts.protocol + " with cipher " + facts.cipher;
}

protocol::sasl::channel_binding binding_of(const stream& peer) {
    return peer.tls_layer() == nullptr ? protocol::sasl::channel_binding()
                                       : peer.tls_layer()->channel_binding();
}

} // namespace

session_driver::session_driver(session_services& services, roster& sessions, std::unique_ptr<stream> peer,
                               session_origin origin)
    : services_(services), roster_(sessions), stream_(std::move(peer)), config_(std::move(origin.config)),
      listener_(std::move(origin.listener)), client_(origin.client), client_port_(origin.client_port),
      client_text_(client_.to_string()), id_(services.session_ids.next(now_microseconds()).to_string()),
      began_(std::chrono::steady_clock::now()) {
    roster_.add(*this);
}

session_driver::~session_driver() { roster_.remove(*this); }

asio::awaitable<void> session_driver::run() {
    const bool begun = co_await begin();
    if (begun) {
        for (auto what = session_->next(); what != step::close; what = session_->next())
            co_await carry_out(what);
        finish();
    }
    stream_->close();
}

asio::awaitable<void> session_driver::carry_out(step what) {
    switch (what) {
    case step::read: co_await read(); break;
    case step::write: co_await write(); break;
    case step::ask: co_await ask(); break;
    case step::pause: co_await pause(); break;
    case step::start_tls: {
        const bool done = co_await start_tls_layer();
        session_->on_tls(done, tls_text(*stream_), binding_of(*stream_));
        break;
    }
    case step::open_message: open_message(); break;
    case step::store: co_await store(); break;
    case step::commit: co_await commit(); break;
    case step::abandon:
        body_.reset();
        learned_.reset(); // with the room that was reserved for it
        forget_rate();
        session_->on_abandoned();
        break;
    case step::close: break;
    }
}

// --- before the first word

asio::awaitable<bool> session_driver::begin() {
    set_deadline(config_->config->limits.handshake_timeout);
    if (contains(listener_->proxy_from, client_)) {
        const bool known = co_await read_proxy_header();
        if (!known) co_return false;
    }
    log_event_now(log_event::connected);
    const bool placed = take_place();
    if (placed && listener_->tls == conf::tls_mode::implicit) {
        const bool secured = co_await start_tls_layer();
        if (!secured) co_return false;
    }
    auto settings = settings_for(*config_->config, *listener_);
    settings.results_of = config_->host_names;
    session_.emplace(std::move(settings), client_, tls_text(*stream_), binding_of(*stream_));
    session_->observe_refusals([this](const protocol::refusal& what) { log_refusal(what); });
    clear_deadline();
    // Without a place there is no handshake either: under implicit TLS nothing can be said, and the
    // connection ends.
    if (!placed && listener_->tls == conf::tls_mode::implicit) co_return false;
    if (!placed) session_->close_with(farewell());
    co_return true;
}

asio::awaitable<bool> session_driver::read_proxy_header() {
    std::array<char, protocol::proxy_header_max> bytes;
    std::size_t seen = 0;
    for (;;) {
        const std::span<char> room(bytes);
        const auto got = co_await stream_->peek(room, seen);
        if (got.status != stream_status::ok) break;
        seen = got.octets;
        const auto header = protocol::parse_proxy_header({bytes.data(), seen});
        if (header.status == protocol::proxy_status::need_more && seen < bytes.size()) continue;
        if (header.status != protocol::proxy_status::complete) break;
        if (stream_->skip(header.length) != stream_status::ok) break;
        if (header.source) {
            client_ = header.source->address;
            client_port_ = header.source->port;
            client_text_ = client_.to_string();
        }
        co_return true;
    }
    log_event_now(log_event::note, "no PROXY header from a listed balancer: connection closed");
    co_return false;
}

bool session_driver::take_place() {
    const auto& limits = config_->config->limits;
    const std::size_t per_client = contains(limits.exempt_clients, client_) ? 0 : limits.sessions_per_client;
    session_limits::denial why{};
    auto place = services_.limits.enter(client_, {limits.sessions, per_client}, why);
    if (place) {
        place_.emplace(std::move(*place));
        return true;
    }
    crowded_ = why;
    return false;
}

asio::awaitable<bool> session_driver::start_tls_layer() {
    set_deadline(config_->config->limits.handshake_timeout);
    auto layer = config_->tls->accept(listener_->name, stream_->descriptor());
    stream_status status = stream_status::failed;
    if (layer) status = co_await stream_->start_tls(std::move(layer));
    clear_deadline();
    if (status == stream_status::ok) {
        log_event_now(log_event::tls_established);
        co_return true;
    }
    lost_ = true;
    services_.counts.handshakes_failed.fetch_add(1, std::memory_order_relaxed);
    log_event_now(log_event::note, stream_->tls_layer() != nullptr
                                       ? "TLS handshake failed: " + stream_->tls_layer()->error()
                                       : std::string("TLS handshake failed"));
    co_return false;
}

// --- reading and writing

asio::awaitable<void> session_driver::read() {
    const auto& limits = config_->config->limits;
    const bool content = session_->reading() == protocol::waiting_for::content;
    if (content) {
        set_deadline(limits.data_timeout);
        command_by_.reset();
    } else {
        // An octet now and then is no command: the time runs from the last reply on.
        if (!command_by_) command_by_ = std::chrono::steady_clock::now() + limits.command_timeout;
        deadline_ = command_by_;
        if (attempt_) deadline_ = std::min(*command_by_, std::chrono::steady_clock::now() + login_time);
    }
    if (content)
        begin_rate();
    else
        forget_rate();
    if (ended_by_ == ended_by::halt) stream_->cancel(); // it came while a disk was waited for
    in_session_ = true;
    if (roster_.draining()) on_drain();
    // The sweep may never meet a peer here that has always sent its next words.
    end_if_too_long(std::chrono::steady_clock::now());
    const auto status = co_await stream_->read(*this);
    in_session_ = false;
    clear_deadline();
    end_rate();
    if (attempt_ && !session_->is_authenticating()) attempt_.reset(); // it was broken off
    if (status == stream_status::ok || said_farewell(status)) co_return;
    lost_ = true;
    session_->on_end();
}

asio::awaitable<void> session_driver::pause() {
    const bool over = co_await waited_in_vain(config_->config->limits.error_delay);
    if (!over) session_->on_paused();
}

// Lets time pass; true when the session was ended meanwhile.
asio::awaitable<bool> session_driver::waited_in_vain(std::chrono::milliseconds time) {
    if (time.count() == 0) co_return false;
    in_session_ = true;
    if (roster_.draining()) on_drain();
    const auto status = co_await stream_->pause(time);
    in_session_ = false;
    co_return said_farewell(status);
}

// A wait that a deadline or a stop has ended: the peer is told why, and the session closes.
bool session_driver::said_farewell(stream_status status) {
    if (status != stream_status::cancelled || ended_by_ == ended_by::halt) return false;
    stream_->uncancel();
    session_->close_with(farewell());
    return true;
}

void session_driver::on_input(std::string_view octets) {
    rate_octets_ += octets.size();
    session_->on_input(octets);
}

asio::awaitable<void> session_driver::write() {
    command_by_.reset();
    // A peer that hardly reads has no more than its time either.
    const auto& limits = config_->config->limits;
    const auto now = std::chrono::steady_clock::now();
    const auto session_end = std::max(began_ + limits.session_time, now + farewell_time);
    deadline_ = std::min(now + limits.command_timeout, session_end);
    if (ended_by_ == ended_by::halt) deadline_ = now + farewell_time;
    const auto status = co_await stream_->write(
        session_->output(), session_->closes_after_output() ? stream::after::close : stream::after::more);
    clear_deadline();
    if (status == stream_status::ok) {
        session_->on_written();
        co_return;
    }
    lost_ = true;
    session_->on_end();
}

// --- deadlines, from the roster's sweep

void session_driver::end_wait(ended_by why) {
    clear_deadline();
    if (give_up_) { // waiting for a disk, not for the peer: the peer is told 4yz and the session goes on
        if (why == ended_by::halt) ended_by_ = why; // until it would read again
        const resumer resume = give_up_;
        return resume(make_error_code(storage::storage_errc::timed_out));
    }
    if (ended_by_ == ended_by::nothing || why == ended_by::halt) ended_by_ = why;
    stream_->cancel();
}

bool session_driver::end_if_too_long(steady_time now) {
    const bool too_long = in_session_ && now - began_ >= config_->config->limits.session_time;
    if (too_long) end_wait(ended_by::too_long);
    return too_long;
}

void session_driver::on_sweep(steady_time now) {
    const auto& limits = config_->config->limits;
    if (deadline_ && now >= *deadline_) return end_wait(ended_by::idle);
    if (end_if_too_long(now)) return;
    if (!rate_since_ || limits.data_min_rate == 0) return;
    const auto spent = rate_spent_ + (now - *rate_since_);
    if (spent < rate_window) return;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(spent).count();
    if (rate_octets_ < limits.data_min_rate * static_cast<std::uint64_t>(seconds))
        return end_wait(ended_by::slow);
    forget_rate();
    rate_since_ = now;
}

void session_driver::end_rate() {
    if (rate_since_) rate_spent_ += std::chrono::steady_clock::now() - *rate_since_;
    rate_since_.reset();
}

void session_driver::forget_rate() {
    rate_since_.reset();
    rate_spent_ = {};
    rate_octets_ = 0;
}

void session_driver::on_drain() {
    if (in_session_ && session_->current() != protocol::server_session::state::rcpt &&
        session_->current() != protocol::server_session::state::chunking)
        end_wait(ended_by::drain);
}

void session_driver::on_halt() { end_wait(session_ && in_session_ ? ended_by::drain : ended_by::halt); }

protocol::reply session_driver::farewell() const {
    const auto& host = listener_->hostname;
    switch (ended_by_) {
    case ended_by::idle: return make_reply(reply_id::idle_timeout, {host});
    case ended_by::slow: return make_reply(reply_id::data_too_slow, {host});
    case ended_by::too_long: return make_reply(reply_id::session_too_long, {host});
    case ended_by::drain:
    case ended_by::halt: return make_reply(reply_id::shutting_down, {host});
    case ended_by::nothing: break;
    }
    if (crowded_ == session_limits::denial::all_taken) return make_reply(reply_id::too_many_sessions, {host});
    if (crowded_ == session_limits::denial::too_many_from_client)
        return make_reply(reply_id::too_many_from_client, {host, client_text_});
    return make_reply(reply_id::internal_trouble, {host});
}

void session_driver::finish() {
    body_.reset();
    if (ended_by_ == ended_by::idle)
        log_event_now(log_event::timed_out);
    else if (lost_)
        log_event_now(log_event::lost_connection);
    log_event_now(log_event::disconnected);
}

} // namespace postern::server
