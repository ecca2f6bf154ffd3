// By BDAT, which needs no encoding of dots; the verdict on a message is the same.
#include "server/message_trial.hpp"

#include "protocol/smtp/grammar.hpp"

#include <fmt/format.h>

namespace postern::server {

using protocol::step;

namespace {

constexpr std::size_t piece = 64 * 1024; // octets given to the session at a time
constexpr std::string_view no_id = "NONE";

bool is_ascii(const trial_subject& about) {
    return (!about.sender || protocol::is_ascii(about.sender->to_string())) &&
           protocol::is_ascii(about.recipient.to_string());
}

} // namespace

std::size_t end_of_field(std::string_view text, std::size_t at) {
    for (;;) {
        const auto end = text.find('\n', at);
        if (end == std::string_view::npos) return text.size();
        at = end + 1;
        if (at == text.size() || (text[at] != ' ' && text[at] != '\t')) return at;
    }
}

message_trial::message_trial(trial_subject about)
    : about_(std::move(about)), session_(about_.settings, about_.client, {}) {
    session_.observe_refusals([this](const protocol::refusal& what) { refusal_ = what.with; });
}

// False when the session is to be told no more.
bool message_trial::carry_out(step what) {
    switch (what) {
    case step::read:
    case step::close:
    case step::start_tls: return false;
    case step::ask:
        waits_ = session_.question() == protocol::question_stage::content;
        if (waits_) return false;
        session_.on_verdict({});
        return true;
    case step::write: session_.on_written(); return true;
    case step::pause: session_.on_paused(); return true;
    case step::abandon: session_.on_abandoned(); return true;
    case step::open_message:
        session_.on_message_opened(std::string(no_id), about_.now, about_.fields);
        return true;
    case step::store: {
        auto body = session_.take_body();
        if (beginning_.empty()) beginning_ = body;
        session_.on_stored({}, std::move(body));
        return true;
    }
    case step::commit:
        if (beginning_.empty()) beginning_ = session_.take_body();
        session_.on_commit({});
        return true;
    }
    return false;
}

void message_trial::say(std::string_view octets) {
    while (carry_out(session_.next())) {
    }
    if (session_.next() == step::read && !octets.empty()) session_.on_input(octets);
    while (carry_out(session_.next())) {
    }
}

bool message_trial::take(std::string_view content) {
    const auto from = about_.sender ? about_.sender->to_string() : std::string();
    say({});
    say(fmt::format("EHLO {}\r\n", about_.helo));
    if (!refusal_.positive()) say(fmt::format("EHLO {}\r\n", about_.client.to_literal()));
    refusal_ = {};
    say(fmt::format("MAIL FROM:<{}>{}\r\n", from, is_ascii(about_) ? "" : " SMTPUTF8"));
    if (refusal_.positive()) say(fmt::format("RCPT TO:<{}>\r\n", about_.recipient.to_string()));
    if (!refusal_.positive()) return false;
    say(fmt::format("BDAT {} LAST\r\n", content.size()));
    for (std::size_t at = 0; at < content.size(); at += piece) say(content.substr(at, piece));
    return waits_ && refusal_.positive();
}

std::string message_trial::added() {
    if (waits_) session_.on_verdict({});
    waits_ = false;
    while (carry_out(session_.next())) {
    }
    return beginning_.substr(0, end_of_field(beginning_, about_.fields.size()));
}

std::vector<std::string> forged_in(std::string_view content, const protocol::session_settings& settings) {
    std::vector<std::string> forged;
    for (std::size_t at = 0; at < content.size() && content[at] != '\r' && content[at] != '\n';) {
        const auto end = end_of_field(content, at);
        const auto field = content.substr(at, end - at);
        auto filter = protocol::forged_fields(settings.results_of, settings.drop_spam_marks);
        std::string left;
        filter.feed(field, left);
        filter.finish(left);
        if (left.empty()) forged.emplace_back(field);
        at = end;
    }
    return forged;
}

std::string with_line_ends(std::string content) {
    const auto first = content.find('\n');
    if (first == std::string::npos || (first != 0 && content[first - 1] == '\r')) return content;
    std::string made;
    made.reserve(content.size() + content.size() / 16);
    for (const char c : content) {
        if (c == '\n') made += '\r';
        made += c;
    }
    return made;
}

} // namespace postern::server
