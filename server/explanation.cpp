#include "server/explanation.hpp"

#include "conf/settings.hpp"
#include "policy/content_scan.hpp"
#include "policy/engine.hpp"
#include "policy/trace_fields.hpp"
#include "protocol/smtp/reply_catalogue.hpp"
#include "server/clock.hpp"
#include "server/message_trial.hpp"
#include "server/own_addresses.hpp"
#include "server/session_settings.hpp"
#include "server/snapshot.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace postern::server {
namespace {

// A greylist in whose memory nothing changes.
class looking final : public storage::greylist {
  public:
    explicit looking(const storage::greylist& at) : at_(at) {}
    result<storage::greylist_answer> attempt(const storage::greylist_key& key, std::int64_t now,
                                             const storage::greylist_terms& terms) override {
        return at_.look(key, now, terms);
    }
    result<storage::greylist_answer> look(const storage::greylist_key& key, std::int64_t now,
                                          const storage::greylist_terms& terms) const override {
        return at_.look(key, now, terms);
    }
    result<void> allow(const storage::greylist_key&, std::int64_t) override { return never; }
    result<bool> remove(const storage::greylist_key&) override { return never; }
    result<void> flush() override { return never; }
    result<storage::greylist_swept> sweep(std::int64_t, const storage::greylist_terms&,
                                          std::size_t) override {
        return never;
    }
    result<std::vector<storage::greylist_row>> list(std::string_view position,
                                                    std::size_t limit) const override {
        return at_.list(position, limit);
    }

  private:
    static constexpr auto never = storage::storage_errc::read_only;
    const storage::greylist& at_;
};

std::string_view mode_text(const policy::check& row, const conf::config& config, conf::day today) {
    if (row.name == "sender_ownership") return conf::name_of(config.sender_ownership.mode);
    return row.settings == nullptr ? "always" : conf::name_of(policy::mode_on(row.settings(config), today));
}

// The one recipient's copy goes into Junk, and this test says so.
bool is_junk(const policy::judgement& one, const policy::recipient_outcomes& outcomes) {
    return !outcomes.empty() && outcomes.front().what == policy::recipient_outcome::kind::junk &&
           outcomes.front().check == one.said.check;
}

std::string_view verdict_text(const policy::judgement& one) {
    switch (one.as) {
    case policy::judgement::use::counted: break;
    case policy::judgement::use::reported: return "reported";
    case policy::judgement::use::skipped: return "skipped";
    }
    switch (one.said.what) {
    case policy::verdict::kind::pass: break;
    case policy::verdict::kind::reject: return "refuse";
    case policy::verdict::kind::defer: return "defer";
    }
    return "pass";
}

// What the session itself wants of a message: its size, its lines, its header.
constexpr std::string_view by_the_session = "message";

std::string why_not_reached(const policy::check& row, const explanation& made) {
    const auto& said = made.said;
    if (!said.passed() && said.check.empty()) return "the listener takes no mail";
    if (!said.passed())
        return fmt::format("the {} is refused before: {}", made.recipient_taken ? "message" : "recipient",
                           said.check);
    return row.stages.has(policy::stage::content) ? "it looks at the message" : "";
}

explained_test of_session(const explanation& made, const policy::verdict& said) {
    explained_test row{by_the_session, "always", "pass", {}, {}, {}};
    if (!made.recipient_taken) {
        row.verdict = "not reached";
        row.reason = "the recipient is refused before: " + std::string(made.said.check);
    } else if (!said.passed()) {
        row.verdict = said.what == policy::verdict::kind::defer ? "defer" : "refuse";
        row.reply = reply_line(said.with);
    } else {
        row.reason = fmt::format("{} octets", made.message->size);
    }
    return row;
}

// A row of the registry each, whether it was asked or not.
std::vector<explained_test> tests_of(const policy::trace& told, const policy::recipient_outcomes& outcomes,
                                     const explanation& whole, const policy::context& seen) {
    std::vector<explained_test> tests;
    const auto rows = policy::registry();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (!policy::is_for(rows[i], seen)) continue;
        explained_test made{
            rows[i].name, mode_text(rows[i], *seen.config, seen.today), "not reached", {}, {}, {}};
        // The last word counts, of a check that speaks at MAIL and of the message.
        const auto found = std::find_if(told.rbegin(), told.rend(),
                                        [i](const policy::judgement& one) { return one.row == i; });
        if (found == told.rend()) {
            made.reason = why_not_reached(rows[i], whole);
        } else {
            made.verdict = verdict_text(*found);
            made.reason = found->said.cause;
            made.took = found->took;
            if (!found->said.passed()) made.reply = reply_line(found->said.with);
            if (is_junk(*found, outcomes)) {
                made.verdict = "junk";
                made.reason = outcomes.front().cause;
            }
        }
        tests.push_back(std::move(made));
    }
    return tests;
}

// The rows of a message stand behind those of its recipient.
void add_message_rows(const explanation& whole, const policy::verdict& by_session,
                      const policy::context& seen, std::vector<explained_test>& tests) {
    std::ptrdiff_t before = 0;
    for (const auto& row : policy::registry()) {
        if (!policy::is_for(row, seen)) continue;
        if (row.stages.has(policy::stage::content) && !row.stages.has(policy::stage::mail)) break;
        ++before;
    }
    tests.insert(tests.begin() + before, of_session(whole, by_session));
}

std::vector<std::string> fields_in(std::string_view text) {
    std::vector<std::string> fields;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = end_of_field(text, at);
        fields.emplace_back(text.substr(at, end - at));
        at = end;
    }
    return fields;
}

trial_subject trial_of(const explain_subject& about, const policy::context& seen) {
    trial_subject made;
    made.settings = settings_for(*seen.config, about.listener);
    made.settings.is_submission = false; // who authenticated is known already
    made.settings.results_of = host_names_of(*seen.config);
    made.client = about.client;
    made.helo = about.helo;
    made.sender = about.sender;
    made.recipient = about.recipient;
    made.fields = policy::trace_fields(seen.learned, about.listener.hostname);
    seen.learned.reports_written = seen.learned.reports.size();
    made.now = seen.now;
    return made;
}

// What the session says by itself; where it says nothing, the tests come.
boost::asio::awaitable<policy::verdict> judge_message(const explain_subject& about, policy::context& seen,
                                                      explanation& made) {
    auto subject = trial_of(about, seen);
    made.message.emplace();
    made.message->size = about.message->size();
    made.message->removed = forged_in(*about.message, subject.settings);
    message_trial trial(std::move(subject));
    if (!trial.take(*about.message)) {
        auto refused = policy::verdict::refuse(trial.refusal());
        refused.check = by_the_session;
        made.said = refused;
        co_return refused;
    }
    seen.candidate = nullptr;
    seen.header = &trial.header();
    seen.size = trial.size();
    seen.content = about.scanner;
    made.said = co_await policy::judge(policy::stage::content, seen);
    if (made.said.passed())
        made.message->added = fields_in(policy::result_fields(seen.learned) + trial.added());
    seen.header = nullptr;
    // Whoever asks wants to see it, also where no test does.
    if (!seen.learned.scanned && about.scanner != nullptr)
        seen.learned.scanned = co_await about.scanner->scan(policy::order_for(seen));
    made.scan = std::move(seen.learned.scanned);
    co_return policy::verdict::pass();
}

} // namespace

boost::asio::awaitable<explanation> explain(explain_subject about, std::shared_ptr<const conf::config> config,
                                            policy::services ask, std::int64_t now) {
    std::optional<looking> greylist;
    if (ask.greylist != nullptr) ask.greylist = &greylist.emplace(*ask.greylist);
    const auto resolving = resolve_settings_of(*config);
    std::vector<std::string> problems;
    const auto own = std::make_shared<const std::vector<protocol::ip_address>>(own_addresses());
    const auto exempt_senders = exempt_senders_of(*config, problems);
    protocol::envelope envelope;
    envelope.sender = about.sender;
    protocol::recipient candidate;
    candidate.mailbox = about.recipient;
    policy::about_client peer;
    policy::transaction learned;
    policy::trace told;
    const auto today = local_day(now);
    policy::context seen{config,       about.listener, resolving, *exempt_senders, own,     ask,
                         about.client, about.helo,     envelope,  nullptr,         nullptr, 0,
                         now,          today,          peer,      learned,         told};
    seen.account = about.account;
    explanation made;
    if (about.listener.role == conf::listener_role::tempfail)
        made.said = policy::verdict::refuse(protocol::make_reply(protocol::reply_id::come_back));
    for (const auto at : {policy::stage::connect, policy::stage::helo, policy::stage::mail})
        if (made.said.passed()) made.said = co_await policy::judge(at, seen);
    seen.candidate = &candidate;
    if (about.message) seen.size = about.message->size();
    if (made.said.passed()) made.said = co_await policy::judge(policy::stage::rcpt, seen);
    made.recipient_taken = made.said.passed();
    if (seen.tier != nullptr) made.tier = seen.tier->name;
    auto by_session = policy::verdict::pass();
    if (made.recipient_taken) envelope.recipients.push_back(candidate);
    if (made.recipient_taken) envelope.recipients.push_back(candidate);
    if (about.message && made.recipient_taken) by_session = co_await judge_message(about, seen, made);
    made.tests = tests_of(told, learned.outcomes, made, seen);
    if (about.message) add_message_rows(made, by_session, seen, made.tests);
    co_return made;
}

} // namespace postern::server
