#include "bench/load/session.hpp"

#include <cstring>
#include <fmt/format.h>
#include <sys/epoll.h>

namespace postern::bench {
namespace {

std::uint64_t nanoseconds(steady::duration time) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(time).count());
}

unsigned expected_code(stage where, load_mode mode) {
    switch (where) {
    case stage::greeting:
    case stage::starttls: return 220;
    case stage::data: return 354;
    case stage::quit: return 221;
    case stage::rcpt: return mode == load_mode::reject ? 550 : 250;
    default: return 250;
    }
}

} // namespace

workload::workload(const options& with, server_address address, tls_context tls)
    : wanted(with), server(address), context(std::move(tls)), letter(with.size, with.from) {
    ehlo_line = fmt::format("EHLO {}\r\n", with.helo);
    mail_line = fmt::format("MAIL FROM:<{}>\r\n", with.from);
    bdat_line = fmt::format("BDAT {} LAST\r\n", letter.size());
    for (const auto& to : with.to) rcpt_lines.push_back(fmt::format("RCPT TO:<{}>\r\n", to));
}

bool workload::take(steady::time_point now) {
    const std::uint64_t most = wanted.mode == load_mode::idle ? wanted.sessions : wanted.messages;
    if (stop || (most != 0 && begun == most)) return false;
    if (wanted.seconds != 0 && now - counts.started >= std::chrono::seconds(wanted.seconds)) return false;
    ++begun;
    return true;
}

bool session::open(steady::time_point now) {
    opened_ = began_ = heard_ = now;
    awaits_greeting_ = true;
    greeted_ = failed_ = timing_content_ = false;
    in_message_ = true;
    number_ = shared_.begun;
    in_this_ = 0;
    expected_count_ = 0;
    reader_.clear();
    state_ = state::connecting;
    if (const int error = wire_.open(shared_.server); error != 0) {
        lose(std::strerror(error));
        return false;
    }
    return true;
}

void session::on_event(std::uint32_t events, std::span<char> room) {
    if (state_ == state::closed) return; // an event of a connection that ended in the same batch
    if (state_ == state::connecting) {
        if (const int error = wire_.pending_error(); error != 0) return lose(std::strerror(error));
        if ((events & (EPOLLOUT | EPOLLIN)) == 0) return;
        connected();
    }
    if (state_ == state::handshaking) shake_hands();
    if (state_ == state::closed || state_ == state::handshaking) return;
    if (wire_.has_unsent()) flush();
    if (state_ != state::closed && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        read((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0, room);
}

void session::connected() {
    ++shared_.counts.connections;
    expect(stage::greeting);
    state_ = state::talking;
    if (shared_.wanted.tls != load_tls::implicit) return;
    start_tls();
}

void session::start_tls() {
    if (wire_.start_tls(*shared_.context, shared_.wanted.resume)) ++shared_.counts.offered;
    shook_ = steady::now();
    state_ = state::handshaking;
}

void session::shake_hands() {
    const progress went = wire_.handshake();
    if (went == progress::again) return;
    if (went == progress::failed) return lose("the TLS handshake failed");
    heard_ = steady::now();
    ++shared_.counts.handshakes;
    if (wire_.resumed()) ++shared_.counts.resumed;
    shared_.counts.to_handshake.record(nanoseconds(heard_ - shook_));
    state_ = state::talking;
    if (shared_.wanted.tls == load_tls::starttls) say(shared_.ehlo_line, stage::ehlo);
}

void session::read(bool to_the_end, std::span<char> room) {
    for (;;) {
        std::size_t got = 0;
        const progress went = wire_.receive(room.data(), room.size(), got);
        if (went == progress::again) return;
        if (went == progress::failed) return lose("the server closed the connection");
        heard_ = steady::now();
        reader_.feed({room.data(), got});
        while (const auto one = reader_.next()) {
            on_reply(*one);
            if (state_ == state::closed) return;
        }
        if (state_ == state::handshaking) return shake_hands();
        // Plain, a read that was short took all there was.
        if (!wire_.encrypted() && got < room.size() && !to_the_end) return;
    }
}

void session::on_reply(const reply& got) {
    if (expected_count_ == 0) {
        shared_.counts.count_trouble(stage::idle, got.code, got.text);
        return lose({});
    }
    const stage where = expected_[expected_first_];
    expected_first_ = (expected_first_ + 1) % expected_.size();
    --expected_count_;
    if (got.code == expected_code(where, shared_.wanted.mode)) return go_on(where, got);
    on_unexpected(where, got);
}

void session::on_unexpected(stage where, const reply& got) {
    shared_.counts.count_trouble(where, got.code, got.text);
    // A content that was refused before its end leaves the rest of it unsaid.
    if (where != stage::content || got.code == 421 || got.code == 0 || wire_.has_unsent()) return lose({});
    ++shared_.counts.failed;
    in_message_ = timing_content_ = false;
    next_or_quit();
}

void session::go_on(stage after, const reply& got) {
    const bool one_by_one = !shared_.wanted.pipelining;
    switch (after) {
    case stage::greeting:
        awaits_greeting_ = false;
        greeted_ = true;
        shared_.counts.to_greeting.record(nanoseconds(heard_ - opened_));
        return say(shared_.ehlo_line, stage::ehlo);
    case stage::ehlo: return after_ehlo();
    case stage::starttls: return start_tls();
    case stage::mail:
        if (one_by_one) say(shared_.rcpt_lines[number_ % shared_.rcpt_lines.size()], stage::rcpt);
        return;
    case stage::rcpt:
        if (shared_.wanted.mode == load_mode::reject) return next_or_quit();
        if (one_by_one && shared_.wanted.chunking) return send_content();
        if (one_by_one) say("DATA\r\n", stage::data);
        return;
    case stage::data: return send_content();
    case stage::content: return message_ended(got);
    case stage::quit: return done_session();
    case stage::connect:
    case stage::handshake:
    case stage::idle: return;
    }
}

void session::after_ehlo() {
    if (shared_.wanted.tls == load_tls::starttls && !wire_.encrypted())
        return say("STARTTLS\r\n", stage::starttls);
    switch (shared_.wanted.mode) {
    case load_mode::deliver:
    case load_mode::reject: return begin_message();
    case load_mode::handshake: return next_or_quit();
    case load_mode::idle: break;
    }
    state_ = state::held;
    in_message_ = false;
    shared_.counts.all_open = heard_;
    shared_.counts.whole.record(nanoseconds(heard_ - opened_));
    shared_.counts.count_done(heard_);
    ++shared_.up;
}

void session::begin_message() {
    if (shared_.wanted.mode == load_mode::deliver) began_ = steady::now();
    in_message_ = true;
    if (!shared_.wanted.pipelining) return say(shared_.mail_line, stage::mail);
    wire_.put(shared_.mail_line);
    wire_.put(shared_.rcpt_lines[number_ % shared_.rcpt_lines.size()]);
    expect(stage::mail);
    expect(stage::rcpt);
    if (shared_.wanted.mode == load_mode::reject) return flush();
    if (shared_.wanted.chunking) return send_content();
    say("DATA\r\n", stage::data);
}

void session::send_content() {
    scratch_.clear();
    if (shared_.wanted.chunking) scratch_ = shared_.bdat_line;
    shared_.letter.append_header(scratch_, number_);
    wire_.put(scratch_, shared_.wanted.chunking ? shared_.letter.body() : shared_.letter.body_and_dot());
    expect(stage::content);
    timing_content_ = true;
    flush();
}

void session::message_ended(const reply& got) {
    auto& counts = shared_.counts;
    counts.to_final.record(nanoseconds(heard_ - sent_));
    counts.whole.record(nanoseconds(heard_ - began_));
    counts.octets += shared_.letter.size();
    counts.count_done(heard_);
    in_message_ = false;
    if (shared_.promises.is_open() &&
        !shared_.promises.note(shared_.letter.message_id(number_), queue_id_of(got.text))) {
        counts.count_trouble(stage::content, 0, "the ledger could not be written");
        shared_.stop = true;
    }
    next_or_quit();
}

void session::next_or_quit() {
    const bool may_go_on = shared_.wanted.mode == load_mode::deliver &&
                           (shared_.wanted.per_session == 0 || ++in_this_ < shared_.wanted.per_session);
    if (!may_go_on || !shared_.take(heard_)) return say("QUIT\r\n", stage::quit);
    number_ = shared_.begun;
    begin_message();
}

void session::done_session() {
    if (in_message_) { // in the modes whose session is the unit
        shared_.counts.whole.record(nanoseconds(heard_ - opened_));
        shared_.counts.count_done(heard_);
        in_message_ = false;
    }
    end();
}

void session::check_silence(steady::time_point before) {
    if (state_ == state::closed || state_ == state::held || heard_ >= before) return;
    lose("nothing came within the timeout");
}

void session::expect(stage what) {
    expected_[(expected_first_ + expected_count_) % expected_.size()] = what;
    ++expected_count_;
}

void session::say(std::string_view line, stage what) {
    wire_.put(line);
    expect(what);
    flush();
}

void session::flush() {
    const progress went = wire_.send();
    if (went == progress::failed) return lose("the server closed the connection");
    if (went == progress::done && timing_content_) {
        sent_ = steady::now();
        timing_content_ = false;
    }
}

void session::lose(std::string_view why) {
    const stage where = state_ == state::handshaking ? stage::handshake
                        : expected_count_ > 0        ? expected_[expected_first_]
                        : state_ == state::held      ? stage::idle
                                                     : stage::connect;
    if (!why.empty()) shared_.counts.count_trouble(where, 0, why);
    if (in_message_) ++shared_.counts.failed;
    if (state_ == state::held) --shared_.up;
    failed_ = true;
    if (shared_.wanted.until_loss) shared_.stop = true;
    end();
}

void session::end() {
    in_message_ = false;
    awaits_greeting_ = false;
    state_ = state::closed;
    wire_.close();
}

} // namespace postern::bench
