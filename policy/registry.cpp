// The checks, a row each, in the order in which their verdicts count.
#include "policy/check.hpp"

#include <array>

namespace postern::policy {
namespace {

const conf::test_settings& dnsbl(const conf::config& all) { return all.dnsbl.test; }
const conf::test_settings& sender_domain(const conf::config& all) { return all.sender_domain.test; }
const conf::test_settings& recipient(const conf::config& all) { return all.recipient.test; }
const conf::test_settings& greylist(const conf::config& all) { return all.greylist.test; }
const conf::test_settings& spf(const conf::config& all) { return all.spf.test; }
const conf::test_settings& attachments(const conf::config& all) { return all.attachments.test; }
const conf::test_settings& spam(const conf::config& all) { return all.spam.test; }
const conf::test_settings& antivirus(const conf::config& all) { return all.antivirus.test; }

constexpr auto skipped = for_the_allowed::is_skipped;
constexpr auto runs = for_the_allowed::runs;
constexpr auto servers = audience::servers;
constexpr auto people = audience::people;
constexpr auto all = audience::everybody;

} // namespace

std::span<const check> registry() {
    using enum stage;
    static constexpr std::array rows{
        check{"rule", {rcpt}, check_rules, runs, nullptr, {connect}, begin_rules, servers},
        check{"dnsbl", {rcpt}, check_dnsbl, skipped, dnsbl, {connect}, begin_dnsbl, servers},
        check{"sender_domain",
              {rcpt},
              check_sender_domain,
              skipped,
              sender_domain,
              {mail},
              begin_sender_domain,
              servers},
        check{"suspension", {mail}, check_suspension, runs, nullptr, {}, nullptr, people},
        check{"sender_ownership", {mail, content}, check_ownership, runs, nullptr, {}, nullptr, people},
        check{"recipient", {rcpt}, check_recipient, runs, nullptr, {}, nullptr, all},
        check{"recipient", {rcpt}, check_room, runs, recipient, {}, nullptr, all},
        check{"greylist", {rcpt}, check_greylist, skipped, greylist, {}, nullptr, servers},
        check{"spf", {rcpt}, check_spf, skipped, spf, {mail}, begin_spf, servers},
        check{"loop", {content}, check_loop, runs, nullptr, {}, nullptr, all},
        check{"attachments", {content}, check_attachments, runs, attachments, {}, nullptr, all},
        check{"antivirus", {content}, check_virus, runs, antivirus, {}, nullptr, all},
        check{"spam", {content}, check_spam, skipped, spam, {}, nullptr, all},
        check{"sending_limits", {rcpt, content}, check_sending_limits, runs, nullptr, {}, nullptr, people},
    };
    return rows;
}

bool is_for(const check& row, const context& about) {
    if (row.whom == audience::everybody) return true;
    return (row.whom == audience::people) == !about.account.empty();
}

} // namespace postern::policy
