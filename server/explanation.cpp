#include "server/explanation.hpp"

#include "policy/engine.hpp"
#include "protocol/smtp/reply_catalogue.hpp"
#include "server/clock.hpp"
#include "server/own_addresses.hpp"
#include "server/snapshot.hpp"

#include <algorithm>

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
    if (row.settings == nullptr) return "always";
    switch (policy::mode_on(row.settings(config), today)) {
    case conf::test_mode::enforce: break;
    case conf::test_mode::report: return "report";
    case conf::test_mode::off: return "off";
    }
    return "enforce";
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

std::string why_not_reached(const policy::check& row, const policy::verdict& said) {
    if (!said.passed() && said.check.empty()) return "the listener takes no mail";
    if (!said.passed()) return "the recipient is refused before: " + std::string(said.check);
    return row.stages.has(policy::stage::content) ? "it looks at the message" : "";
}

// A row of the registry each, whether it was asked or not.
std::vector<explained_test> tests_of(const policy::trace& told, const policy::verdict& said,
                                     const conf::config& config, conf::day today) {
    std::vector<explained_test> tests;
    const auto rows = policy::registry();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        explained_test made{rows[i].name, mode_text(rows[i], config, today), "not reached", {}, {}, {}};
        const auto found = std::ranges::find(told, i, &policy::judgement::row);
        if (found == told.end()) {
            made.reason = why_not_reached(rows[i], said);
        } else {
            made.verdict = verdict_text(*found);
            made.reason = found->said.cause;
            made.took = found->took;
            if (!found->said.passed()) made.reply = reply_line(found->said.with);
        }
        tests.push_back(std::move(made));
    }
    return tests;
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
    explanation made;
    if (about.listener.role == conf::listener_role::tempfail)
        made.said = policy::verdict::refuse(protocol::make_reply(protocol::reply_id::come_back));
    for (const auto at : {policy::stage::connect, policy::stage::helo, policy::stage::mail})
        if (made.said.passed()) made.said = co_await policy::judge(at, seen);
    seen.candidate = &candidate;
    if (made.said.passed()) made.said = co_await policy::judge(policy::stage::rcpt, seen);
    if (seen.tier != nullptr) made.tier = seen.tier->name;
    made.tests = tests_of(told, made.said, *config, today);
    co_return made;
}

} // namespace postern::server
