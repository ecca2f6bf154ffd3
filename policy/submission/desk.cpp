#include "policy/submission/desk.hpp"

#include <algorithm>
#include <array>
#include <ctime>

namespace postern::policy {
namespace {

using boost::system::in_place_error;

// What of a message's refusals says that a stranger sends.
constexpr std::string_view unwanted_checks[] = {"antivirus", "spam"};

} // namespace

guess_terms guess_terms_of(const conf::auth_settings& settings) {
    return {settings.max_failures, settings.failure_window.count(), settings.block_time.count(),
            settings.trust_networks.count()};
}

suspension_terms suspension_terms_of(const conf::suspension_settings& settings) {
    return {settings.first_time_recipients, settings.networks, settings.failed_percent,
            settings.failed_copies, settings.unwanted_messages};
}

result<sending_terms> sending_terms_for(std::string_view account, const storage::directory& accounts,
                                        const conf::submission_settings& settings) {
    sending_terms terms{settings.hourly_limit, settings.window.count(), settings.first_time_recipients,
                        settings.remember_recipients.count()};
    const auto mailbox = accounts.find_mailbox(account);
    if (!mailbox) return {in_place_error, mailbox.error()};
    if (*mailbox && (*mailbox)->hourly_limit != 0) {
        terms.copies = (*mailbox)->hourly_limit;
        return terms;
    }
    const auto domain =
        accounts.find_domain(account.substr(std::min(account.size(), account.rfind('@') + 1)));
    if (!domain) return {in_place_error, domain.error()};
    if (*domain && (*domain)->hourly_limit != 0) terms.copies = (*domain)->hourly_limit;
    return terms;
}

result<bool> examine(sending_desk& desk, std::string_view account, const conf::config& config,
                     conf::day today) {
    const auto& test = config.suspension.test;
    if (test.mode == conf::test_mode::off) return false;
    const bool only_reports = test.mode == conf::test_mode::report || today < test.enforce_from;
    const auto how = only_reports ? suspensions::use::report : suspensions::use::suspend;
    const auto why =
        desk.suspended.examine(account, suspension_terms_of(config.suspension), how, desk.clock.now());
    if (!why) return {in_place_error, why.error()};
    if (!*why) return false;
    desk.news.suspicious(account, **why,
                         only_reports ? sending_news::done::reported : sending_news::done::suspended);
    return !only_reports;
}

void note_refused(sending_desk& desk, std::string_view account, std::string_view check,
                  const conf::config& config, conf::day today) {
    if (account.empty() || std::ranges::find(unwanted_checks, check) == std::end(unwanted_checks)) return;
    if (!desk.suspended.refused_as_unwanted(account, desk.clock.now())) return;
    [[maybe_unused]] const auto done = examine(desk, account, config, today);
}

void note_settled(sending_desk& desk, std::string_view account, std::uint32_t delivered, std::uint32_t failed,
                  const conf::config& config, conf::day today) {
    if (account.empty() || delivered + failed == 0) return;
    if (!desk.suspended.settled(account, delivered, failed, desk.clock.now())) return;
    [[maybe_unused]] const auto done = examine(desk, account, config, today);
}

std::string clock_text(std::int64_t unix_seconds) {
    const auto when = static_cast<std::time_t>(unix_seconds);
    std::tm local{};
    if (::localtime_r(&when, &local) == nullptr) return "?";
    std::array<char, 32> text{};
    const auto length = std::strftime(text.data(), text.size(), "%H:%M:%S %z", &local);
    return std::string(text.data(), length);
}

} // namespace postern::policy
