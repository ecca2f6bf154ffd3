// Who may write as whom beside his own addresses: confirmed by the address's owner or learned, the questions
// that wait for an answer, their tokens, how many mails went out about it, and which foreign senders were
// seen. A small interface with an LMDB implementation; each backend passes the same contract test.
//
// Tokens never come here: only their digests do, so that a copy of the tables confirms nothing. Accounts and
// addresses are folded (protocol::address::folded()), 1 to identity_key_max octets without NUL, else
// `invalid` to a writer and absent to a reader. Times are seconds since 1970.
#pragma once

#include "protocol/result.hpp"
#include "storage/errc.hpp"
#include "storage/tables/accounts.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::storage {

inline constexpr std::size_t identity_key_max = 254;
// Of one account: identities, and foreign senders that are counted. More identities are too_large.
inline constexpr std::size_t identities_max = 1000;

enum class identity_state : std::uint8_t {
    pending = 1,   // its owner was asked
    confirmed = 2, // its owner said yes, or the operator
    learned = 3,   // used before ownership was enforced
    declined = 4,  // its owner said no, or it was taken back: kept, so that it isn't learned again
};

// Does it allow to write from the address?
constexpr bool allows(identity_state state) {
    return state == identity_state::confirmed || state == identity_state::learned;
}

using token_digest = std::array<char, 32>; // SHA-256 of a token

struct identity_record {
    std::string account, address;
    identity_state state = identity_state::pending;
    std::int64_t created = 0;
    std::int64_t expires = 0; // of a pending one; 0 = never
};

// What whoever has a token may do.
enum class token_purpose : std::uint8_t {
    ask = 1,     // have the owner of `address` asked for `account`; once
    confirm = 2, // answer for the owner of `address`; once
    manage = 3,  // see and revoke who may use `address`, `account` is ""; until it expires
};

struct token_record {
    token_purpose purpose = token_purpose::confirm;
    std::string account, address;
    std::int64_t expires = 0;
};

// How many mails may go out: to one address at most one an hour and so many in 24 hours, and so many in 24
// hours for one account. Each purpose of a token counts for itself.
struct identity_mail_limits {
    std::uint32_t to_address = 3; // both at most 1000
    std::uint32_t for_account = 20;
};

enum class asking {
    granted,         // the mail went out
    known,           // nothing to ask: it is confirmed
    address_limited, // too many mails, or one too lately, went to that address
    account_limited,
    not_sent, // the mail could not go out: nothing has changed
};

enum class answering {
    done,
    unknown, // no such token, used already, or of another purpose
    expired,
};

struct answered {
    answering what = answering::unknown;
    token_record about; // of done and expired
};

// A foreign sender that an account used.
struct foreign_use {
    std::string account, address;
    bool learn = false; // make it a learned identity
    std::uint64_t times = 1;
    std::int64_t last = 0;
};

class identities {
  public:
    virtual ~identities() = default;
    using visitor = std::function<bool(const identity_record&)>; // false stops; must not block or call back

    // Is it confirmed or learned? The question of every message: one look-up.
    virtual result<bool> may_use(std::string_view account, std::string_view address) const = 0;
    virtual result<std::optional<identity_record>> find(std::string_view account,
                                                        std::string_view address) const = 0;
    // In key order; "" = of all.
    virtual result<void> each_of_account(std::string_view account, const visitor& visit) const = 0;
    virtual result<void> each_of_address(std::string_view address, const visitor& visit) const = 0;

    // Confirmed or learned, whatever it was before; a confirmed one stays confirmed. A question that waits is
    // settled by it.
    virtual result<void> put(const identity_record& record) = 0;
    // It becomes declined, and a question that waits dies. false = there is nothing to take back.
    virtual result<bool> revoke(std::string_view account, std::string_view address, std::int64_t now) = 0;

    // One transaction: are the limits kept, then the mail is counted, the token is stored, and for `confirm`
    // the identity is pending, in place of an earlier question whose token dies; one that is learned or
    // declined stays so until the answer. The mail goes to the account for `ask`, else to the address. `send`
    // sends it, and must neither block nor write here; when it says false, nothing is changed.
    using mail_sender = std::function<bool()>;
    virtual result<asking> ask(const token_record& what, const token_digest& digest, std::int64_t now,
                               const identity_mail_limits& limits, const mail_sender& send) = 0;
    // A token that no mail is sent for: for whoever has just shown another one.
    virtual result<void> put_token(const token_record& what, const token_digest& digest) = 0;
    // What it is for; changes nothing.
    virtual result<answered> look(const token_digest& digest, std::int64_t now) const = 0;
    // Uses up a token of `ask` or `confirm`. With `confirm` the identity becomes confirmed, or declined when
    // the answer is no.
    virtual result<answered> answer(const token_digest& digest, token_purpose purpose, bool yes,
                                    std::int64_t now) = 0;

    // Counts uses, and learns what isn't declined. Returns one use of each account that has something learned
    // and was never told of it.
    virtual result<std::vector<foreign_use>> note_foreign(std::span<const foreign_use> uses) = 0;
    virtual result<void> mark_told(std::string_view account, std::int64_t now) = 0;
    virtual result<void> each_foreign(const std::function<bool(const foreign_use&)>& visit) const = 0;

    // All that is kept of an account, in every state, and the codes that stand for it or its address: whoever
    // gets its name next shall not find them.
    virtual result<void> forget(std::string_view account) = 0;

    // What has expired by `now`, and foreign uses from before `uses_before`. Returns how much went.
    virtual result<std::size_t> sweep(std::int64_t now, std::int64_t uses_before) = 0;
};

// In the accounts' environment. Writes are durable when they return. Several processes may use it at once.
result<std::unique_ptr<identities>> open_lmdb_identities(accounts_environment accounts);

} // namespace postern::storage
