#include "server/identity/desk.hpp"

#include "policy/submission/identity_token.hpp"
#include "policy/submission/ownership.hpp"
#include "server/clock.hpp"
#include "server/sending/own_mail.hpp"

#include <ctime>
#include <fmt/format.h>

namespace postern::server {

namespace {

using storage::answering;
using storage::asking;
using storage::identity_state;
using storage::token_purpose;

constexpr std::int64_t manage_time = std::int64_t{24} * 3600; // seconds that such a link works
constexpr std::size_t addresses_named = 50;

// Folded; "" when it is none, or too long for the tables.
std::string folded_address(std::string_view text) {
    const auto parsed = protocol::parse_address(text);
    if (!parsed || parsed->domain.empty() || parsed->is_literal()) return {};
    auto folded = parsed->folded();
    return folded.size() <= storage::identity_key_max ? folded : std::string();
}

std::string day_text(std::int64_t seconds) {
    const std::time_t when = seconds;
    std::tm local{};
    localtime_r(&when, &local);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}", local.tm_year + 1900, local.tm_mon + 1, local.tm_mday,
                       local.tm_hour, local.tm_min);
}

// " from 2026-03-01 on", or nothing.
std::string enforced_from(const conf::config& config) {
    const auto day = config.sender_ownership.enforce_from;
    if (day == conf::day{}) return {};
    const std::chrono::year_month_day date{std::chrono::sys_days{day}};
    const auto text = fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    return config.identity.language == conf::mail_language::cs ? " (od " + text + ")"
                                                               : " (from " + text + " on)";
}

// The link, where there is a page, and the code.
std::string how_text(const conf::identity_settings& settings, const std::string& token) {
    const bool czech = settings.language == conf::mail_language::cs;
    std::string text;
    if (!settings.url.empty()) text = fmt::format("    {}?t={}\n\n", settings.url, token);
    if (czech) return text + (settings.url.empty() ? "Kód pro správce pošty: " : "Kód: ") + token;
    return text + (settings.url.empty() ? "The code, to be given to your postmaster: " : "The code: ") +
           token;
}

storage::identity_mail_limits limits_of(const conf::identity_settings& settings) {
    return {settings.mails_per_address, settings.mails_per_account};
}

} // namespace

std::string_view text_of(desk_answer answer) {
    switch (answer) {
    case desk_answer::done: return "done";
    case desk_answer::known: return "it is confirmed already";
    case desk_answer::own: return "it is an address of that account already";
    case desk_answer::no_account: return "there is no such mailbox";
    case desk_answer::bad_address: return "not an address of the form local@domain";
    case desk_answer::limited: return "enough mails about it went out; try again later";
    case desk_answer::unknown_token: return "the code is not known, or was used already";
    case desk_answer::expired_token: return "the code has expired";
    case desk_answer::trouble: break;
    }
    return "not possible now; try again later";
}

void identity_desk::open(mail_sink sink) {
    const std::lock_guard lock(mutex_);
    sink_ = std::move(sink);
}

void identity_desk::close() { open(nullptr); }

desk_answer identity_desk::trouble(std::string_view what, const boost::system::error_code& ec) const {
    with_.journal.fault(fmt::format("identities: {}: {}", what, ec.message()));
    return desk_answer::trouble;
}

bool identity_desk::send(const conf::config& config, const std::string& to, std::string_view letter,
                         std::initializer_list<conf::template_value> values) {
    {
        const std::lock_guard lock(mutex_);
        if (!sink_) return false;
    }
    auto mail = compose_own_mail(with_.accounts, with_.ids, config, to, letter, values);
    if (!mail) return false;
    with_.journal.note(fmt::format("{}: {} to <{}>", mail->message.id.to_string(), letter, to));
    const std::lock_guard lock(mutex_);
    return sink_ && sink_(std::move(*mail));
}

desk_answer identity_desk::ask(const conf::config& config, storage::token_record what,
                               std::string_view letter) {
    const auto now = now_seconds();
    const auto token = policy::new_identity_token();
    const auto digest = policy::digest_of_token(token);
    if (!digest) return desk_answer::trouble;
    const auto how = how_text(config.identity, token);
    const auto until = day_text(what.expires);
    const auto& to = what.purpose == token_purpose::ask ? what.account : what.address;
    const auto asked = with_.identities.ask(what, *digest, now, limits_of(config.identity), [&] {
        return send(config, to, letter,
                    {{"account", what.account},
                     {"address", what.address},
                     {"host", config.server.hostname},
                     {"how", how},
                     {"until", until}});
    });
    if (!asked) return trouble("a question", asked.error());
    switch (*asked) {
    case asking::granted: return desk_answer::done;
    case asking::known: return desk_answer::known;
    case asking::not_sent: return desk_answer::trouble;
    case asking::address_limited:
    case asking::account_limited: break;
    }
    return desk_answer::limited;
}

// Folded, of an account that there is; else why not.
result<identity_desk::pair, desk_answer> identity_desk::pair_of(std::string_view account,
                                                                std::string_view address) const {
    pair of{folded_address(account), folded_address(address)};
    if (of.account.empty() || of.address.empty()) return desk_answer::bad_address;
    const auto box = with_.accounts.find_mailbox(of.account);
    if (!box) return trouble(of.account, box.error());
    if (!*box) return desk_answer::no_account;
    return of;
}

desk_answer identity_desk::ask_owner(const conf::config& config, std::string_view account,
                                     std::string_view address) {
    const auto of = pair_of(account, address);
    if (!of) return of.error();
    const auto own = policy::ownership(with_.accounts, nullptr)
                         .may_use(of->account, protocol::parse_address(of->address).value());
    if (!own) return trouble(of->address, own.error());
    if (*own) return desk_answer::own;
    return ask(
        config,
        {token_purpose::confirm, of->account, of->address, now_seconds() + config.identity.expire.count()},
        "identity_question");
}

desk_answer identity_desk::ask_account(const conf::config& config, std::string_view account,
                                       std::string_view address) {
    const auto of = pair_of(account, address);
    if (!of) return of.error();
    return ask(config,
               {token_purpose::ask, of->account, of->address, now_seconds() + config.identity.expire.count()},
               "identity_request");
}

desk_answer identity_desk::send_manage_link(const conf::config& config, std::string_view address) {
    const auto what = folded_address(address);
    if (what.empty()) return desk_answer::bad_address;
    const auto users = users_of(what);
    if (!users) return trouble(what, users.error());
    if (users->empty()) return desk_answer::done;
    const auto sent =
        ask(config, {token_purpose::manage, "", what, now_seconds() + manage_time}, "identity_manage");
    return sent == desk_answer::limited ? desk_answer::done : sent;
}

desk_answer identity_desk::tell_learned(const conf::config& config, const std::string& account) {
    std::string list;
    std::size_t count = 0;
    const auto walked = with_.identities.each_of_account(account, [&](const auto& one) {
        if (one.state == identity_state::learned) list += "    " + one.address + "\n";
        return ++count < addresses_named;
    });
    if (!walked) return trouble(account, walked.error());
    if (!list.empty()) list.pop_back();
    const auto day = enforced_from(config);
    if (!send(config, account, "identity_learned",
              {{"account", account}, {"host", config.server.hostname}, {"addresses", list}, {"day", day}}))
        return desk_answer::trouble;
    if (auto marked = with_.identities.mark_told(account, now_seconds()); !marked)
        return trouble(account, marked.error());
    return desk_answer::done;
}

identity_desk::seen_token identity_desk::look(std::string_view token) const {
    const auto digest = policy::digest_of_token(token);
    if (!digest) return {};
    auto found = with_.identities.look(*digest, now_seconds());
    if (!found) return {trouble("a code", found.error()), {}};
    switch (found->what) {
    case answering::done: return {desk_answer::done, std::move(found->about)};
    case answering::expired: return {desk_answer::expired_token, std::move(found->about)};
    case answering::unknown: break;
    }
    return {};
}

identity_desk::seen_token identity_desk::answer(const conf::config& config, std::string_view token,
                                                bool yes) {
    auto seen = look(token); // guesses cost no write
    if (seen.what != desk_answer::done) return seen;
    if (seen.about.purpose == token_purpose::manage) return {};
    const bool wish = seen.about.purpose == token_purpose::ask;
    if (yes && wish) {
        // First: while the owner can't be asked, the code can be used again.
        seen.what = ask_owner(config, seen.about.account, seen.about.address);
        const bool settled = seen.what == desk_answer::done || seen.what == desk_answer::known ||
                             seen.what == desk_answer::own;
        if (!settled) return seen;
    }
    const auto digest = policy::digest_of_token(token);
    const auto answered = with_.identities.answer(*digest, seen.about.purpose, yes, now_seconds());
    if (!answered) return {trouble("an answer", answered.error()), {}};
    if (answered->what != answering::done) return {};
    with_.journal.note(fmt::format("identities: {} for {} as {}: {}",
                                   wish ? "the user's wish" : "the owner's answer", seen.about.account,
                                   seen.about.address, yes ? "yes" : "no"));
    return seen;
}

desk_answer identity_desk::revoke(std::string_view token, std::string_view account) {
    const auto seen = look(token);
    if (seen.what != desk_answer::done) return seen.what;
    if (seen.about.purpose != token_purpose::manage) return desk_answer::unknown_token;
    const auto gone = with_.identities.revoke(account, seen.about.address, now_seconds());
    if (!gone) return trouble(account, gone.error());
    if (*gone)
        with_.journal.note(
            fmt::format("identities: the owner of {} takes it from {}", seen.about.address, account));
    return desk_answer::done;
}

std::string identity_desk::new_manage_token(const std::string& address) {
    auto token = policy::new_identity_token();
    const auto digest = policy::digest_of_token(token);
    if (!digest) return {};
    const auto put = with_.identities.put_token(
        {token_purpose::manage, "", address, now_seconds() + manage_time}, *digest);
    return put ? token : std::string();
}

result<std::vector<storage::identity_record>> identity_desk::users_of(std::string_view address) const {
    std::vector<storage::identity_record> users;
    const auto walked = with_.identities.each_of_address(address, [&](const storage::identity_record& one) {
        if (one.state != identity_state::declined) users.push_back(one);
        return users.size() < storage::identities_max;
    });
    if (!walked) return walked.error();
    return users;
}

} // namespace postern::server
