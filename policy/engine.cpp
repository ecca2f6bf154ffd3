// The order of the registry is the order of the verdicts.
#include "policy/engine.hpp"

#include "policy/primary.hpp"
#include "policy/returned_notice.hpp"
#include "protocol/smtp/grammar.hpp"
#include "protocol/smtp/reply_catalogue.hpp"
#include "storage/resolve.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace postern::policy {
namespace {

using conf::test_mode;

test_mode mode_of(const check& row, const context& about) {
    return row.settings == nullptr ? test_mode::enforce : mode_on(row.settings(*about.config), about.today);
}

void begin_look_ups(stage at, context& about, std::span<const check> rows) {
    for (const auto& row : rows)
        if (row.begins.has(at) && is_for(row, about) && mode_of(row, about) != test_mode::off)
            row.begin(at, about);
}

// Those of a transaction at MAIL; where the last that were begun so were in vain, at RCPT. So a peer that
// says MAIL, RSET, MAIL and so on has those of one transaction under way.
void begin_what_is_due(stage at, context& about, std::span<const check> rows) {
    auto& peer = about.peer;
    if (at == stage::rcpt) peer.in_vain = false;
    const bool of_transaction = at == stage::mail || at == stage::rcpt;
    if (!of_transaction) return begin_look_ups(at, about, rows);
    if (about.learned.begun || peer.in_vain) return;
    about.learned.begun = true;
    peer.in_vain = at == stage::mail;
    begin_look_ups(stage::mail, about, rows);
}

// Postmaster of any of our domains can always be written to (RFC 5321 §4.5.1), also by who is on a list.
bool is_postmaster(const protocol::address& candidate) {
    return protocol::equals_ignoring_case(candidate.local, "postmaster");
}

// The domain's own before the listener's; of people who authenticated the listener's, for they write to
// several domains at once. One that the configuration has no more is as none.
const conf::tier_settings* tier_of(const context& about) {
    const bool has_own = about.account.empty() && *about.leads_to;
    const auto* own = has_own ? conf::find_tier(*about.config, (*about.leads_to)->tier) : nullptr;
    return own != nullptr ? own : conf::find_tier(*about.config, about.listener.tier);
}

// Whoever authenticated may write to anybody.
void open_the_world(const protocol::address& asked, context& about) {
    auto& found = *about.leads_to;
    if (!found || found->kind != storage::resolution_kind::not_ours || asked.domain.empty()) return;
    storage::final_recipient outside;
    outside.address = asked.to_string();
    outside.local = false;
    found->kind = storage::resolution_kind::found;
    found->recipients.push_back(std::move(outside));
}

void look_at_candidate(context& about) {
    const auto& asked = about.candidate->mailbox;
    about.leads_to = storage::resolve(about.ask.accounts, asked, about.resolving);
    look_behind_forwarded(about);
    if (!about.account.empty()) {
        open_the_world(asked, about);
    } else if (*about.leads_to) {
        auto held = hold_for_primary(*about.config, about.listener, asked, std::move(**about.leads_to));
        about.leads_to = std::move(held.leads_to);
        about.primary = held.ask;
    }
    about.tier = tier_of(about);
    if (about.account.empty() && is_postmaster(asked)) about.allowed_by = "postmaster";
}

void add_candidate(context& about) {
    if (about.learned.recipients.empty() && about.tier != nullptr) about.learned.tier = about.tier->name;
    about.learned.recipients.push_back(
        {std::move((*about.leads_to)->recipients), about.allowed_by, about.may_be_allowed});
}

// A check that allow rules skip is not asked where they hold for all recipients.
void look_at_content(context& about) {
    const auto& all = about.learned.recipients;
    about.learned.outcomes.assign(about.envelope.recipients.size(), {});
    const bool allowed = std::ranges::none_of(all, [](const auto& one) { return one.allowed_by.empty(); });
    about.allowed_by = allowed && !all.empty() ? all.front().allowed_by : std::string();
    about.may_be_allowed = false; // that is each recipient's own
}

// Why a check is not asked; "" = it is.
std::string reason_to_skip(const check& row, test_mode mode, const context& about) {
    if (mode == test_mode::off) return "mode off";
    if (row.when_allowed == for_the_allowed::is_skipped && !about.allowed_by.empty())
        return "allowed: " + about.allowed_by;
    return {};
}

std::string instead_of(const protocol::reply& refusal) {
    return "the client's name can't be looked up, and a rule may allow it; else " + reply_line(refusal);
}

protocol::reply put_off(const protocol::address& recipient) {
    return protocol::make_reply(protocol::reply_id::lookup_trouble, {recipient.to_string()});
}

// Trouble with DNS is no refusal (the name of the client decides about an allow rule).
void defer_if_it_may_be_allowed(const check& row, const context& about, verdict& said) {
    if (said.what != verdict::kind::reject || !about.may_be_allowed) return;
    if (row.when_allowed != for_the_allowed::is_skipped) return;
    said = verdict::refuse(put_off(about.candidate->mailbox), instead_of(said.with));
}

std::string report_of(const verdict& said) {
    return fmt::format("{} would have said {} {}.{}.{}", said.check, said.with.code,
                       said.with.enhanced.category, said.with.enhanced.subject, said.with.enhanced.detail);
}

// Once for all recipients, and without their names: each of them will read it.
void add_reports(std::vector<std::string>&& made, std::vector<std::string>& to) {
    for (auto& line : made)
        if (std::ranges::find(to, line) == to.end()) to.push_back(std::move(line));
}

// What a check has said of recipient `i`, with what an allow rule changes.
void look_at_outcome(const check& row, const recipient_outcome& before, std::size_t i, context& about) {
    auto& said = about.learned.outcomes[i];
    static const accepted_recipient nobody;
    const auto& all = about.learned.recipients;
    const auto& to = i < all.size() ? all[i] : nobody;
    const bool skips = row.when_allowed == for_the_allowed::is_skipped;
    if (said.what == before.what || (skips && !to.allowed_by.empty())) {
        said = before;
        return;
    }
    said.check = row.name;
    const bool for_good = said.what == recipient_outcome::kind::refuse && said.with.permanent();
    if (!skips || !to.may_be_allowed || !for_good) return;
    said.cause = instead_of(said.with);
    said.with = put_off(about.envelope.recipients[i].mailbox);
}

// In mode "report" what a check says of recipients changes nothing: it is told, and taken back.
void report_outcomes(recipient_outcomes&& before, context& about, judgement& made,
                     std::vector<std::string>& reports) {
    using kind = recipient_outcome::kind;
    const auto would = std::exchange(about.learned.outcomes, std::move(before));
    const recipient_outcome* worst = nullptr;
    for (std::size_t i = 0; i < would.size(); ++i) {
        if (would[i].what == about.learned.outcomes[i].what) continue;
        if (worst == nullptr || would[i].what > worst->what) {
            worst = &would[i];
            made.about.clear();
        }
        if (would[i].what == worst->what) made.about.push_back(i);
    }
    if (worst == nullptr) return;
    made.as = judgement::use::reported;
    made.said = worst->what == kind::refuse ? verdict::refuse(worst->with, worst->cause)
                                            : verdict::pass("into Junk; " + worst->cause);
    made.said.check = worst->check;
    reports.push_back(worst->what == kind::refuse
                          ? report_of(made.said)
                          : fmt::format("{} would have put it into Junk", worst->check));
}

// What a check that passed the message has said of single recipients.
void take_outcomes(const check& row, test_mode mode, recipient_outcomes&& before, context& about,
                   judgement& made, std::vector<std::string>& reports) {
    about.learned.outcomes.resize(before.size());
    for (std::size_t i = 0; i < before.size(); ++i) look_at_outcome(row, before[i], i, about);
    if (mode == test_mode::report) report_outcomes(std::move(before), about, made, reports);
}

verdict settle_content(context& about) {
    const bool each = about.envelope.prdr && about.envelope.recipients.size() > 1;
    auto said = settle(about.learned.outcomes, each ? hears::each_recipients : hears::one_answer);
    const auto by =
        std::ranges::find_if(about.told, [&](const judgement& one) { return one.said.check == said.check; });
    if (!said.passed() && by != about.told.end()) by->said = said;
    return said;
}

} // namespace

test_mode mode_on(const conf::test_settings& test, conf::day today) {
    return test.mode == test_mode::enforce && today < test.enforce_from ? test_mode::report : test.mode;
}

bool is_the_day_asked(const conf::config& config) {
    return config.sender_ownership.enforce_from != conf::day{} ||
           config.suspension.test.enforce_from != conf::day{} ||
           std::ranges::any_of(registry(), [&](const check& row) {
               return row.settings != nullptr && row.settings(config).enforce_from != conf::day{};
           });
}

bool has_checks(stage at, audience of) {
    for (const auto& row : registry())
        if ((row.stages.has(at) || row.begins.has(at)) && (row.whom == audience::everybody || row.whom == of))
            return true;
    return false;
}

boost::asio::awaitable<verdict> judge(stage at, context& about, std::span<const check> rows) {
    begin_what_is_due(at, about, rows);
    if (at == stage::rcpt) look_at_candidate(about);
    if (at == stage::content) look_at_content(about);
    std::vector<std::string> reports; // of a recipient that is refused in the end nothing is told
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const check& row = rows[i];
        if (!row.stages.has(at) || !is_for(row, about)) continue;
        judgement& made = about.told.emplace_back();
        made.row = i;
        made.said.check = row.name;
        const auto mode = mode_of(row, about);
        if (auto why = reason_to_skip(row, mode, about); !why.empty()) {
            made.as = judgement::use::skipped;
            made.said.cause = std::move(why);
            continue;
        }
        const auto began = about.ask.beside.now();
        auto outcomes = about.learned.outcomes; // before it
        verdict said = co_await row.run(at, about);
        defer_if_it_may_be_allowed(row, about, said);
        said.check = row.name;
        made.took = std::chrono::duration_cast<std::chrono::microseconds>(about.ask.beside.now() - began);
        made.said = said;
        if (said.passed()) {
            if (at == stage::content) take_outcomes(row, mode, std::move(outcomes), about, made, reports);
            continue;
        }
        if (mode != test_mode::report) co_return said;
        made.as = judgement::use::reported;
        reports.push_back(report_of(said));
    }
    add_reports(std::move(reports), about.learned.reports);
    if (at == stage::rcpt) add_candidate(about);
    co_return at == stage::content ? settle_content(about) : verdict::pass();
}

} // namespace postern::policy
