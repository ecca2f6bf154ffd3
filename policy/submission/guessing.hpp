// Guessing passwords is slowed and then blocked, by the client's network. What counts is how many different
// wrong passwords came from there, never how often one came: an old phone with an old password is one. A user
// whose password is guessed from many networks makes logins slower, and is never locked out. What is known
// survives a restart. Thread-safe.
//
// A network is an IPv4 address or an IPv6 /64, and beside it the /24 or /48 around it, which takes more. One
// from which somebody logged in within `trusted` takes ten times as much, and whoever logged in from there
// goes on even while it is blocked, unless that very login is guessed.
#pragma once

#include "policy/submission/window.hpp"
#include "protocol/net/cidr.hpp"
#include "storage/tables/rates.hpp"

#include <chrono>
#include <mutex>
#include <unordered_map>

namespace postern::policy {

struct guess_terms {
    std::uint32_t failures = 10;          // different wrong passwords from a client until it is blocked
    rate_seconds window = rate_hour;      // within which they count
    rate_seconds block = rate_hour / 4;   // then twice as long each time, up to sixteen times
    rate_seconds trusted = 30 * rate_day; // how long a good login is remembered
    bool operator==(const guess_terms&) const = default;
};

class guess_brake;

// While it lives, the attempt counts as one that may fail.
class guess_attempt {
  public:
    guess_attempt() = default;
    guess_attempt(guess_attempt&& other) noexcept;
    guess_attempt& operator=(guess_attempt&& other) noexcept;
    ~guess_attempt();

  private:
    friend class guess_brake;
    guess_attempt(guess_brake& from, std::vector<std::string> names)
        : from_(&from), names_(std::move(names)) {}
    guess_brake* from_ = nullptr;
    std::vector<std::string> names_; // of what it counts for
};

struct admission {
    enum class kind {
        go,      // look at the password, and wait `wait` before the answer, whatever it is
        later,   // too many attempts from there are under way: ask again after `wait`
        blocked, // 421 4.7.0, without a look at the password
    } what = kind::go;
    std::chrono::milliseconds wait{0};
    rate_seconds until = 0; // of blocked
    guess_attempt attempt;  // of go: kept until after() was called
};

struct blocked_network {
    std::string network; // "192.0.2.1/32"
    rate_seconds until = 0;
    std::string position; // where a listing goes on
};

class guess_brake {
  public:
    explicit guess_brake(storage::rates& in) : rows_(in) {} // outlives this, and this every guess_attempt

    // `login` as the client wrote it; whether there is such a user makes no difference.
    result<admission> before(const protocol::ip_address& client, std::string_view login,
                             const guess_terms& terms, rate_seconds now);
    // What came of it. `password`: octets that are the same when the password is, and don't tell it (a keyed
    // digest); "" = not known (a wrong SCRAM proof tells nothing): then each failure slows that login from
    // that network, `failures` since its last good login block it there alone for `block` after each, and
    // they count as few guesses of the network. A mechanism that broke off is no outcome.
    enum class outcome { good, wrong };
    result<void> after(const protocol::ip_address& client, std::string_view login, std::string_view password,
                       outcome what, const guess_terms& terms, rate_seconds now);

    // Those that were blocked a second ago and still are.
    result<std::vector<blocked_network>> blocked(rate_seconds now, std::string_view position,
                                                 std::size_t limit) const;
    // Forgets what came from there. The network as blocked() says it; false = it was not blocked.
    result<bool> unblock(const protocol::cidr& network, const guess_terms& terms, rate_seconds now);
    // That one, or all (nullopt). How many were blocked.
    result<std::size_t> unblock_some(const std::optional<protocol::cidr>& network, const guess_terms& terms,
                                     rate_seconds now);

  private:
    friend class guess_attempt;
    struct place;
    static std::array<place, 2> places_of(const protocol::ip_address& client);
    std::uint64_t pair_digest(const place& from, std::string_view login) const;
    result<std::optional<rate_seconds>> blocked_until(const place& where, rate_seconds now) const;
    result<void> note_good(const protocol::ip_address& client, std::string_view login,
                           const guess_terms& terms, rate_seconds now);
    result<void> note_wrong(const protocol::ip_address& client, std::string_view login, std::uint64_t digest,
                            const guess_terms& terms, rate_seconds now);
    struct share { // of the attempts under way
        std::string name;
        std::uint32_t at_most = 1;
    };
    std::string proofs_of(std::string_view network) const; // what their keys begin with
    std::string proofs_key(const place& from, std::string_view login) const;
    result<void> judge(const std::array<place, 2>& places, std::string_view login, const guess_terms& terms,
                       rate_seconds now, admission& answer, std::vector<share>& shares) const;
    result<void> note_unknown(const protocol::ip_address& client, std::string_view login,
                              const guess_terms& terms, rate_seconds now);
    result<void> note_user(std::string_view login, std::uint64_t digest, const guess_terms& terms,
                           rate_seconds now);
    result<void> note_networks(const std::array<place, 2>& places, std::uint64_t digest,
                               const guess_terms& terms, rate_seconds now);
    result<void> forget_proofs(std::string_view network);
    std::optional<guess_attempt> begin(const std::vector<share>& shares); // nullopt: no room
    void end(const std::vector<std::string>& names);

    storage::rates& rows_;
    std::mutex counting_; // one change of the rows at a time
    std::mutex attempts_lock_;
    std::unordered_map<std::string, std::uint32_t>
        attempts_; // under way, by network, and by login and network
};

} // namespace postern::policy
