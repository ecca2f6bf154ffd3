// The order of the registry is the order of the verdicts.
#include "policy/engine.hpp"

#include "protocol/smtp/grammar.hpp"
#include "storage/resolve.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace postern::policy {
namespace {

using conf::test_mode;

test_mode mode_of(const check& row, const context& about) {
    return row.settings == nullptr ? test_mode::enforce : mode_on(row.settings(*about.config), about.today);
}

void begin_look_ups(stage at, context& about) {
    for (const auto& row : registry())
        if (row.begins.has(at) && mode_of(row, about) != test_mode::off) row.begin(at, about);
}

// Postmaster of any of our domains can always be written to (RFC 5321 §4.5.1), also by who is on a list.
bool is_postmaster(const protocol::address& candidate) {
    return protocol::equals_ignoring_case(candidate.local, "postmaster");
}

void look_at_candidate(context& about) {
    const auto& asked = about.candidate->mailbox;
    about.leads_to = storage::resolve(about.ask.accounts, asked, about.resolving);
    const bool own_tier = about.leads_to->has_value() && !(*about.leads_to)->tier.empty();
    about.tier = conf::find_tier(*about.config, own_tier ? (*about.leads_to)->tier : about.listener.tier);
    if (is_postmaster(asked)) about.allowed_by = "postmaster";
}

void add_candidate(context& about) {
    if (about.learned.recipients.empty() && about.tier != nullptr) about.learned.tier = about.tier->name;
    about.learned.recipients.push_back({std::move((*about.leads_to)->recipients)});
}

// Why a check is not asked; "" = it is.
std::string reason_to_skip(const check& row, test_mode mode, const context& about) {
    if (mode == test_mode::off) return "mode off";
    if (row.when_allowed == for_the_allowed::is_skipped && !about.allowed_by.empty())
        return "allowed: " + about.allowed_by;
    return {};
}

// Once for all recipients, and without their names: each of them will read it.
void report(const verdict& said, std::vector<std::string>& among) {
    auto line =
        fmt::format("{} would have said {} {}.{}.{}", said.check, said.with.code, said.with.enhanced.category,
                    said.with.enhanced.subject, said.with.enhanced.detail);
    if (std::ranges::find(among, line) == among.end()) among.push_back(std::move(line));
}

} // namespace

test_mode mode_on(const conf::test_settings& test, conf::day today) {
    return test.mode == test_mode::enforce && today < test.enforce_from ? test_mode::report : test.mode;
}

bool has_checks(stage at) {
    for (const auto& row : registry())
        if (row.stages.has(at) || row.begins.has(at)) return true;
    return false;
}

boost::asio::awaitable<verdict> judge(stage at, context& about) {
    begin_look_ups(at, about);
    if (at == stage::rcpt) look_at_candidate(about);
    const auto rows = registry();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const check& row = rows[i];
        if (!row.stages.has(at)) continue;
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
        verdict said = co_await row.run(at, about);
        said.check = row.name;
        made.took = std::chrono::duration_cast<std::chrono::microseconds>(about.ask.beside.now() - began);
        made.said = said;
        if (said.passed()) continue;
        if (mode != test_mode::report) co_return said;
        made.as = judgement::use::reported;
        report(said, about.learned.reports);
    }
    if (at == stage::rcpt) add_candidate(about);
    co_return verdict::pass();
}

} // namespace postern::policy
