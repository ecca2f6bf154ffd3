// All that the rules about sending accounts need, in one place: for the checks, for AUTH, for whoever
// delivers. One for the process. What is asked of it needs no disk but a table in memory, and may be asked on
// any thread.
#pragma once

#include "conf/config.hpp"
#include "policy/submission/guessing.hpp"
#include "policy/submission/limits.hpp"
#include "policy/submission/suspension.hpp"
#include "storage/tables/directory.hpp"

namespace postern::policy {

// rate_time() of now.
class rate_clock {
  public:
    virtual ~rate_clock() = default;
    virtual rate_seconds now() const = 0;
};

// Who is told what happened: the account's owner and the operator. Called on any thread; must not block.
class sending_news {
  public:
    virtual ~sending_news() = default;
    virtual void limit_reached(std::string_view account, const over_limit& which) = 0;
    enum class done { suspended, reported };
    virtual void suspicious(std::string_view account, std::string_view why, done what) = 0;
};

// All of it outlives the desk.
struct sending_desk {
    sending_desk(storage::rates& rows, const rate_clock& time, sending_news& whom)
        : clock(time), news(whom), book(rows), limits(book), suspended(rows, book), guesses(rows) {}

    const rate_clock& clock;
    sending_news& news;
    account_book book;
    sending_limits limits;
    suspensions suspended;
    guess_brake guesses;
};

// What the configuration says, in the parts' own words.
guess_terms guess_terms_of(const conf::auth_settings& settings);
suspension_terms suspension_terms_of(const conf::suspension_settings& settings);
// The account's own limit, else its domain's, else the server's.
result<sending_terms> sending_terms_for(std::string_view account, const storage::directory& accounts,
                                        const conf::submission_settings& settings);

// Looks at the signs of the account and suspends it or tells of it, as the mode says. True: it is suspended
// since now. `today` is of the local calendar.
result<bool> examine(sending_desk& desk, std::string_view account, const conf::config& config,
                     conf::day today);
// A message of the account was refused, or copies of it were settled for good: counted as signs, and looked
// at. Trouble is nobody's fault that could be told, and costs a sign.
void note_refused(sending_desk& desk, std::string_view account, std::string_view check,
                  const conf::config& config, conf::day today);
void note_settled(sending_desk& desk, std::string_view account, std::uint32_t delivered, std::uint32_t failed,
                  const conf::config& config, conf::day today);

// "14:05:12 +0200", by the local time zone.
std::string clock_text(std::int64_t unix_seconds);

} // namespace postern::policy
