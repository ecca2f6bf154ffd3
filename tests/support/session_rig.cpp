#include "tests/support/session_rig.hpp"

#include <algorithm>

namespace postern::testing {
using namespace protocol;

session_settings session_rig::default_settings() {
    session_settings made;
    made.hostname = "mx.d.test";
    made.max_message_size = 1'000'000;
    made.max_recipients = 100;
    made.max_errors = 20;
    made.soft_errors = 10;
    made.max_junk = 100;
    made.max_received = 100;
    made.max_header_size = 200'000;
    made.body_block = 64 * 1024;
    made.offer_tls = true;
    made.offer_prdr = true;
    made.drop_spam_marks = true;
    return made;
}

session_settings session_rig::submission_settings() {
    auto made = default_settings();
    made.is_submission = made.offer_auth = true;
    return made;
}

session_rig::session_rig(session_settings settings, std::string_view tls_facts, sasl::channel_binding binding)
    : session_(std::move(settings), *ip_address::parse("192.0.2.1"), tls_facts, std::move(binding)) {}

std::string session_rig::feed(std::string_view octets) {
    std::string received;
    bool given = octets.empty();
    while (!closed_) {
        const step what = session_.next();
        if (what == step::read) {
            if (given) break;
            given = true;
            session_.on_input(octets);
            continue;
        }
        carry_out(what, received);
    }
    return received;
}

std::string session_rig::end() {
    session_.on_end();
    return feed({});
}

std::string session_rig::time_out() {
    session_.close_with(make_reply(reply_id::idle_timeout, {"mx.d.test"}));
    return feed({});
}

void session_rig::carry_out(step what, std::string& received) {
    const bool failing = fails && fails(what, steps_);
    ++steps_;
    switch (what) {
    case step::read: break;
    case step::write:
        if (failing) return session_.on_end();
        largest_output_ = std::max(largest_output_, session_.output().size());
        received += session_.output();
        session_.on_written();
        break;
    case step::ask: {
        const verdict_answer broken{verdict_answer::kind::refuse,
                                    make_reply(reply_id::lookup_trouble, {"x"})};
        if (session_.question() == question_stage::auth) {
            auth_answer later;
            later.what = auth_answer::kind::refuse;
            later.with = make_reply(reply_id::auth_later);
            session_.on_auth(failing ? later : judge_auth());
            break;
        }
        session_.on_verdict(failing ? broken : judge());
        break;
    }
    case step::pause:
        ++pauses_;
        session_.on_paused();
        break;
    case step::start_tls:
        tls_started_ = !failing;
        session_.on_tls(!failing, "TLSv1.3 with cipher TEST");
        break;
    case step::open_message:
        session_.on_message_opened("ID" + std::to_string(++opened_), 1'700'000'000);
        break;
    case step::store: {
        auto body = session_.take_body();
        largest_body_ = std::max(largest_body_, body.size());
        stored_ += body;
        ++stores_;
        verdict_answer answer;
        if (failing) answer = {verdict_answer::kind::refuse, make_reply(reply_id::storage_full)};
        session_.on_stored(std::move(answer), std::move(body));
        break;
    }
    case step::commit: commit(failing); break;
    case step::abandon:
        ++abandoned_;
        stored_.clear();
        session_.on_abandoned();
        break;
    case step::close: closed_ = true; break;
    }
}

verdict_answer session_rig::judge() {
    if (rule) return rule(session_.question());
    if (session_.question() == question_stage::content && of_recipients && session_.answers_each())
        return {verdict_answer::kind::accept, {}, of_recipients(session_.transaction().recipients.size())};
    if (session_.question() != question_stage::rcpt) return {};
    const auto& asked = session_.candidate().mailbox;
    const auto text = asked.folded();
    const bool ours = asked.domain == "d.test" || asked.domain.empty();
    if (!ours)
        return {verdict_answer::kind::refuse, make_reply(reply_id::not_our_domain, {asked.to_string()})};
    static const std::vector<std::string> known{"u@d.test", "v@d.test", "postmaster@d.test", "postmaster",
                                                "\xc3\xbc@d.test"};
    if (std::find(known.begin(), known.end(), text) != known.end()) return {};
    return {verdict_answer::kind::refuse, make_reply(reply_id::user_unknown, {asked.to_string()})};
}

auth_answer session_rig::judge_auth() const {
    const auto& asked = session_.about_auth();
    if (authenticate) return authenticate(asked);
    auth_answer said;
    const bool known = asked.login == "u@d.test";
    const bool right = known && (asked.password == nullptr || asked.password->view() == "secret");
    if (right) said.what = auth_answer::kind::right;
    if (right) said.account = asked.login;
    return said;
}

void session_rig::commit(bool failing) {
    ++commits_;
    const auto& envelope = session_.transaction();
    kept_message made;
    made.sender = envelope.sender_text();
    for (std::size_t i = 0; i < envelope.recipients.size(); ++i)
        if (!session_.is_refused(i)) made.recipients.push_back(envelope.recipients[i].mailbox.to_string());
    auto body = session_.take_body();
    largest_body_ = std::max(largest_body_, body.size());
    stored_ += body;
    // Our Received field ends at the first line that does not begin with a blank.
    std::size_t end = stored_.find("\r\n");
    while (end != std::string::npos && end + 2 < stored_.size() && stored_[end + 2] == '\t')
        end = stored_.find("\r\n", end + 2);
    made.body = end == std::string::npos ? stored_ : stored_.substr(end + 2);
    stored_.clear();
    if (failing) return session_.on_commit({verdict_answer::kind::refuse, make_reply(reply_id::not_kept)});
    messages_.push_back(std::move(made));
    session_.on_commit({});
}

} // namespace postern::testing
