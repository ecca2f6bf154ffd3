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
    for (std::size_t i = 0; i < now().answers.size(); ++i) refuse_one(i, *now().answers[i]);
    say(later ? reply_id::put_off_by_all : reply_id::refused_by_all);
    reset_transaction();
    if (!later) count_error(); // one message, one error
}

// Observed as a refusal of its own. No farewell: others are still to be answered.
void server_session::refuse_one(std::size_t recipient, reply with) {
    with.close = false;
    now().candidate = now().envelope.recipients[recipient];
    const auto text = now().candidate.mailbox.to_string();
    if (observer_) observer_({stage_, with, text, {}, refused_thing::recipient, recipient});
    say(with);
}

// After the commit, or its failure: then nobody has the message.
void server_session::say_for_each(const verdict_answer& kept) {
    const bool taken = kept.what == verdict_answer::kind::accept;
    for (std::size_t i = 0; i < now().answers.size(); ++i) {
        if (const auto& own = now().answers[i])
            refuse_one(i, *own);
        else if (taken)
            say(reply_id::recipient_queued, {now().envelope.recipients[i].mailbox.to_string()});
        else
            refuse_one(i, kept.with);
    }
    if (taken)
        say(reply_id::queued, {now().id});
    else
        say(kept.with);
}

} // namespace postern::protocol
