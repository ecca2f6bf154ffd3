// Recipients that are answered one by one after the data (draft-hall-prdr-00 §4.5): 353, then a reply for
// each in the order of RCPT, then one for the whole. Used where at least one of several is refused; else the
// one reply says it all. No recipient is told 250 before the commit.
#include "protocol/smtp/server_session.hpp"

#include <algorithm>
#include <cassert>

namespace postern::protocol {

bool server_session::answers_each() const {
    return now().envelope.prdr && now().envelope.recipients.size() > 1;
}

bool server_session::is_refused(std::size_t recipient) const {
    return recipient < now().answers.size() && now().answers[recipient];
}

void server_session::decided_for_each(std::vector<std::optional<reply>> answers) {
    const bool fits = answers_each() && answers.size() == now().envelope.recipients.size();
    assert(fits);
    if (!fits) { // who was to be refused must not be taken
        refuse(make_reply(reply_id::not_kept), refused_thing::message);
        return reset_transaction();
    }
    say(reply_id::answers_follow);
    now().answers = std::move(answers);
    if (!std::ranges::all_of(now().answers, [](const auto& one) { return one.has_value(); }))
        return want(step::commit);
    const bool later = std::ranges::any_of(now().answers, [](const auto& one) { return one->temporary(); });
    begin_answers(make_reply(later ? reply_id::put_off_by_all : reply_id::refused_by_all));
}

// Each refusal is observed as one of its own, and no farewell: others are still to be answered.
void server_session::begin_answers(reply last) {
    for (std::size_t i = 0; i < now().answers.size(); ++i) {
        auto& own = now().answers[i];
        if (!own) continue;
        own->close = false;
        now().candidate = now().envelope.recipients[i];
        const auto text = now().candidate.mailbox.to_string();
        if (observer_) observer_({stage_, *own, text, {}, refused_thing::recipient, i});
    }
    last.close = false;
    now().last_answer = std::move(last);
}

// As much at a time as any output.
void server_session::say_answers() {
    const auto& answers = now().answers;
    for (auto& next = now().answered; next < answers.size() && output_.size() < session_output_max; ++next) {
        if (answers[next])
            say(*answers[next]);
        else
            say(reply_id::recipient_queued, {now().envelope.recipients[next].mailbox.to_string()});
    }
    if (now().answered < answers.size() || output_.size() >= session_output_max) return;
    const auto last = std::move(*now().last_answer);
    say(last);
    reset_transaction();
    if (last.permanent()) count_error(); // one message, one error
}

// After the commit, or its failure: then nobody has the message.
void server_session::answer_each(const verdict_answer& kept) {
    if (kept.what == verdict_answer::kind::accept)
        return begin_answers(make_reply(reply_id::queued, {now().id}));
    for (auto& one : now().answers)
        if (!one) one = kept.with;
    begin_answers(kept.with);
}

} // namespace postern::protocol
