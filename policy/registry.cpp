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

} // namespace

std::span<const check> registry() {
    static constexpr std::array rows{
        check{"rule", {stage::rcpt}, check_rules, runs, nullptr, {stage::connect}, begin_rules},
        check{"dnsbl", {stage::rcpt}, check_dnsbl, skipped, dnsbl, {stage::connect}, begin_dnsbl},
        check{"sender_domain",
              {stage::rcpt},
              check_sender_domain,
              skipped,
              sender_domain,
              {stage::mail},
              begin_sender_domain},
        check{"recipient", {stage::rcpt}, check_recipient, runs, nullptr, {}, nullptr},
        check{"recipient", {stage::rcpt}, check_room, runs, recipient, {}, nullptr},
        check{"greylist", {stage::rcpt}, check_greylist, skipped, greylist, {}, nullptr},
        check{"spf", {stage::rcpt}, check_spf, skipped, spf, {stage::mail}, begin_spf},
        check{"loop", {stage::content}, check_loop, runs, nullptr, {}, nullptr},
        check{"attachments", {stage::content}, check_attachments, runs, attachments, {}, nullptr},
        check{"antivirus", {stage::content}, check_virus, runs, antivirus, {}, nullptr},
        check{"spam", {stage::content}, check_spam, skipped, spam, {}, nullptr},
    };
    return rows;
}

} // namespace postern::policy
