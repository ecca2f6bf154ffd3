// How much an account may send: copies in the hour that begins with its first message, and recipients a day
// that it never wrote to. Exact whatever the number of sessions: room is reserved before a message is
// stored, and given back when it isn't. Thread-safe.
#pragma once

#include "policy/submission/account_book.hpp"

#include <span>
#include <variant>

namespace postern::policy {

struct sending_terms {
    std::uint32_t copies = 300;              // in a window; 0 = any number
    rate_seconds window = rate_hour;         //
    std::uint32_t first_time = 200;          // recipients a day; 0 = any number
    rate_seconds remembered = 30 * rate_day; // who wasn't written to for so long is a first-time recipient
    bool operator==(const sending_terms&) const = default;
};

struct over_limit {
    enum class kind { copies, first_time, too_wide } which = kind::copies; // too_wide: it never fits
    std::uint32_t limit = 0;
    rate_seconds ends = 0;     // when the window does; of too_wide: now
    bool is_first_hit = false; // of this window: somebody should be told. Said once.
};

class sending_limits;

// Room for one message. Given back when this ends, unless kept() was called.
class reservation {
  public:
    reservation(reservation&& other) noexcept;
    reservation& operator=(reservation&& other) noexcept; // what this had goes with the other
    ~reservation();
    // The message is stored. Its recipients are known from now on.
    void kept();
    std::uint32_t copies() const { return copies_; }

  private:
    friend class sending_limits;
    reservation() = default;
    sending_limits* from_ = nullptr; // null: there is nothing to give back
    std::string account_;
    sending_terms terms_;
    rate_seconds when_ = 0;
    std::uint32_t copies_ = 0, first_time_ = 0;
    rate_seconds copies_begun_ = 0, first_time_begun_ = 0, hour_begun_ = 0;
    std::vector<std::uint64_t> remember_; // recipients to be written down
};

class sending_limits {
  public:
    explicit sending_limits(account_book& in) : book_(in) {} // outlives this

    // Is there room for another copy at all? For RCPT.
    result<std::optional<over_limit>> look(std::string_view account, const sending_terms& terms,
                                           rate_seconds now);
    // For a copy to each of `recipients`, folded: all of them or none. Notes the client's network too. The
    // reservation doesn't outlive this.
    result<std::variant<reservation, over_limit>> reserve(std::string_view account,
                                                          const protocol::ip_address& client,
                                                          std::span<const std::string> recipients,
                                                          const sending_terms& terms, rate_seconds now);

  private:
    friend class reservation;
    struct newcomers {
        std::uint32_t count = 0;
        std::vector<std::uint64_t> remember;
    };
    result<newcomers> newcomers_in(std::string_view account, std::span<const std::string> recipients,
                                   const sending_terms& terms, rate_seconds now) const;
    void give_back(const reservation& what);

    account_book& book_;
};

} // namespace postern::policy
