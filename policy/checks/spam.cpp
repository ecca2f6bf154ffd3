// Test 8, of each recipient apart: a score for those who have antispam on, and the subjects that a mailbox
// refuses. Without a score nobody is refused for it, unless the operator says so.
#include "policy/check.hpp"
#include "policy/client_name.hpp"

#include "policy/content_scan.hpp"
#include "policy/spam/terms.hpp"
#include "protocol/smtp/reply_catalogue.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace postern::policy {
namespace {

using protocol::make_reply;
using protocol::reply_id;

constexpr std::string_view status_name = "X-Spam-Status: ";

// What the embedded scorer or another engine says; `mailbox` "" = for the server as a whole.
class scorer {
  public:
    scorer(const context& about, const protocol::scan::facts* facts, const engine_opinion* other)
        : facts_(facts), other_(other), terms_(spam::terms_of(about.config->spam)) {
        if (about.ask.taught != nullptr && facts != nullptr) words_.emplace(*about.ask.taught, facts->tokens);
    }

    result<spam::score> score_for(std::string_view mailbox) {
        if (other_ != nullptr) return spam::score_of_engine(other_->points, shown(*other_), terms_);
        auto around = around_;
        if (words_) {
            auto likelihood = words_->likelihood_for(mailbox);
            if (!likelihood) return likelihood.error();
            around.junk_likelihood = *likelihood;
        }
        return spam::weigh(*facts_, around, terms_);
    }
    spam::circumstances& around() { return around_; }

  private:
    static std::vector<spam::shown_sign> shown(const engine_opinion& of) {
        std::vector<spam::shown_sign> made;
        for (const auto& [name, weight] : of.signs) made.push_back({name, spam::sign_kind::body, weight});
        return made;
    }
    const protocol::scan::facts* facts_;
    const engine_opinion* other_;
    spam::score_terms terms_;
    std::optional<spam::learned_words> words_;
    spam::circumstances around_;
};

boost::asio::awaitable<spam::circumstances> circumstances_of(context& about) {
    spam::circumstances made;
    if (about.envelope.sender) made.sender_domain = about.envelope.sender->domain;
    if (about.peer.name.begun()) {
        const auto name = co_await about.peer.name.get();
        made.client_has_name = name.is_open || name.proof != host_name_proof::unproved;
    }
    if (const auto& spf = about.learned.spf_result)
        made.spf_softfail =
            spf->result == protocol::spf::outcome::softfail || spf->result == protocol::spf::outcome::fail;
    co_return made;
}

recipient_outcome outcome_of(const spam::score& said) {
    auto cause = spam::cause_text(said);
    switch (said.result) {
    case spam::judgement::clean: return {};
    case spam::judgement::junk: return recipient_outcome::junk(std::move(cause));
    case spam::judgement::reject: break;
    }
    return recipient_outcome::refuse(
        make_reply(reply_id::taken_for_spam, {fmt::format("{:.1f}", said.points)}), std::move(cause));
}

// A recipient that leads to several mailboxes gets what the mildest of them would give.
result<recipient_outcome> judge_for(const spam_readers::recipient& whom, scorer& by) {
    std::optional<recipient_outcome> mildest;
    for (const auto& box : whom.mailboxes) {
        const auto said = by.score_for(box);
        if (!said) return said.error();
        auto outcome = outcome_of(*said);
        // Who didn't ask for the score has no Junk folder for it: the message goes out, or it doesn't.
        if (box.empty() && outcome.what == recipient_outcome::kind::junk) outcome = {};
        if (!mildest || outcome.what < mildest->what) mildest = std::move(outcome);
    }
    return mildest ? std::move(*mildest) : recipient_outcome();
}

void refuse_subjects(context& about, const spam_readers& readers, const protocol::scan::facts& found) {
    for (std::size_t i = 0; i < std::min(readers.recipients.size(), about.learned.outcomes.size()); ++i)
        for (const auto index : readers.recipients[i].subject_phrases)
            if (std::ranges::find(found.phrases, index) != found.phrases.end())
                about.learned.outcomes[i].add(recipient_outcome::refuse(
                    make_reply(reply_id::subject_refused, {about.envelope.recipients[i].mailbox.to_string()}),
                    "a subject phrase of the mailbox"));
}

verdict no_score(const context& about, const std::string& why) {
    auto cause = "no score: " + why;
    if (about.config->spam.on_failure == conf::spam_failure::accept)
        return verdict::let_through(std::move(cause));
    return verdict::refuse(make_reply(reply_id::not_scanned), std::move(cause));
}

verdict judge_all(context& about, const spam_readers& readers, scorer& by) {
    const auto whole = by.score_for({});
    if (!whole) return no_score(about, whole.error().message());
    about.learned.result_fields.push_back(std::string(status_name) +
                                          spam::status_text(*whole, status_name.size()) + "\r\n");
    for (std::size_t i = 0; i < std::min(readers.recipients.size(), about.learned.outcomes.size()); ++i) {
        if (!readers.recipients[i].wants_score) continue;
        auto said = judge_for(readers.recipients[i], by);
        if (!said) return no_score(about, said.error().message());
        about.learned.outcomes[i].add(std::move(*said));
    }
    return verdict::pass(spam::cause_text(*whole));
}

} // namespace

boost::asio::awaitable<verdict> check_spam(stage, context& about) {
    const auto& readers = readers_of(about);
    if (!readers) co_return no_score(about, readers.error().message());
    if (!readers->wants_anything()) co_return verdict::pass("no recipient has antispam on");
    const scan_outcome* scan = nullptr;
    if (readers->wants_facts(*about.config)) scan = co_await scanned(about);
    if (scan != nullptr && !scan->found) co_return no_score(about, scan->trouble);
    const auto* facts = scan != nullptr ? &scan->found->about : nullptr;
    if (facts != nullptr) refuse_subjects(about, *readers, *facts);
    if (!readers->wants_score()) co_return verdict::pass("no recipient has antispam on");
    std::optional<engine_opinion> other;
    if (about.config->spam.engine == conf::spam_engine::rspamd) {
        begin_name(about);
        const auto name = co_await about.peer.name.get();
        const bool proved = name.proof == host_name_proof::resolves_back;
        if (about.content != nullptr)
            other = co_await about.content->ask_engine(proved ? name.name : std::string());
        if (!other || !other->trouble.empty())
            co_return no_score(about, other ? other->trouble : "there is no engine");
    }
    scorer by(about, facts, other ? &*other : nullptr);
    by.around() = co_await circumstances_of(about);
    co_return judge_all(about, *readers, by);
}

} // namespace postern::policy
