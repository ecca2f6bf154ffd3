// A policy check: a name, the stages at which it speaks, and what it says. One file each in checks/, one row
// in registry.cpp.
#pragma once

#include "policy/context.hpp"
#include "policy/verdict.hpp"

#include <initializer_list>

namespace postern::policy {

class stage_set {
  public:
    constexpr stage_set(std::initializer_list<stage> stages) {
        for (const auto s : stages) bits_ = static_cast<std::uint8_t>(bits_ | bit(s));
    }
    constexpr bool has(stage s) const { return (bits_ & bit(s)) != 0; }

  private:
    static constexpr std::uint8_t bit(stage s) {
        return static_cast<std::uint8_t>(1U << static_cast<unsigned>(s));
    }
    std::uint8_t bits_ = 0;
};

// Whose mail a check is about: that of other servers, or that of people who authenticated.
enum class audience : std::uint8_t { everybody, servers, people };

enum class for_the_allowed { runs, is_skipped }; // PRODUCT: allow skips tests 1, 2, 4, 5 and 8

struct check {
    std::string_view name;
    stage_set stages;
    // `about` outlives the await. Every await inside has a deadline.
    boost::asio::awaitable<verdict> (*run)(stage at, context& about);
    for_the_allowed when_allowed = for_the_allowed::runs;
    const conf::test_settings& (*settings)(const conf::config&) = nullptr; // null: always enforced
    // Look-ups that can be begun before the stages above. Called at each of `begins` unless the mode is off;
    // must not wait and must not refer to `about` afterwards.
    stage_set begins = {};
    void (*begin)(stage at, context& about) = nullptr;
    audience whom = audience::everybody;
};
bool is_for(const check& row, const context& about);

// All checks in the order of their verdicts (docs/adding.md).
std::span<const check> registry();

// checks/*.cpp
boost::asio::awaitable<verdict> check_rules(stage at, context& about);
void begin_rules(stage at, context& about);
boost::asio::awaitable<verdict> check_dnsbl(stage at, context& about);
void begin_dnsbl(stage at, context& about);
boost::asio::awaitable<verdict> check_sender_domain(stage at, context& about);
void begin_sender_domain(stage at, context& about);
boost::asio::awaitable<verdict> check_recipient(stage at, context& about);
boost::asio::awaitable<verdict> check_room(stage at, context& about);
boost::asio::awaitable<verdict> check_greylist(stage at, context& about);
boost::asio::awaitable<verdict> check_spf(stage at, context& about);
void begin_spf(stage at, context& about);
boost::asio::awaitable<verdict> check_loop(stage at, context& about);
boost::asio::awaitable<verdict> check_attachments(stage at, context& about);
boost::asio::awaitable<verdict> check_virus(stage at, context& about);
boost::asio::awaitable<verdict> check_spam(stage at, context& about);
// Of people who authenticated: at mail the envelope's sender, at content the authors and Sender in the
// header. Has modes of its own ([sender_ownership]): a row for it has no settings.
boost::asio::awaitable<verdict> check_ownership(stage at, context& about);
// Likewise: at mail whether the account is suspended; at rcpt and content how much it may send, the last of
// all checks.
boost::asio::awaitable<verdict> check_suspension(stage at, context& about);
boost::asio::awaitable<verdict> check_sending_limits(stage at, context& about);

} // namespace postern::policy
