// Greylisting's memory: who tried to send when, and who came back as a mail server does. A small interface
// with an LMDB implementation; each backend passes the same contract test. What a pair's times mean is the
// pure function judge(); every backend asks it and no other.
//
// The key is the envelope sender, folded, and the client: an IPv4 address, or the /64 of an IPv6 one
// (RFC 6647 §4.2). Folded means: domain canonical, local part in lower case too. RFC 5321 §2.4 lets a local
// part's case count, but a sender that writes itself now so and now so would otherwise wait twice.
#pragma once

#include "protocol/net/ip_address.hpp"
#include "protocol/result.hpp"
#include "protocol/smtp/address.hpp"
#include "storage/errc.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::storage {

// Whole seconds. All times below are seconds since 1970 by the wall clock, because they must survive a
// restart.
struct greylist_terms {
    std::int64_t delay = 5 * 60;        // from the first attempt until mail passes
    std::int64_t window = 24 * 60 * 60; // how long it passes from then on, and again from each pass on
};

struct greylist_entry {
    std::int64_t first = 0;                // the first attempt
    std::optional<std::int64_t> last_pass; // none: it has not passed yet
    bool operator==(const greylist_entry&) const = default;
};

enum class greylist_answer {
    first,      // refuse: not known, or known too long ago
    early,      // refuse: came back before `delay`; the delay goes on as it was
    pass,       //
    pass_crowd, // let through because nothing can be remembered: known-good pairs fill the table
};

struct greylist_judgement {
    greylist_answer answer = greylist_answer::first;
    greylist_entry entry; // what is to be remembered from now on
};

// The whole of greylisting. Passes from first + delay until just before first + delay + window, and after a
// pass until just before last_pass + window. A time that lies ahead of `now` was written before the clock was
// set back; it counts as `now`. So after any jump nobody waits longer than `delay` again, and what passes
// ahead of its time passes no longer than `window`.
greylist_judgement judge(const std::optional<greylist_entry>& known, std::int64_t now,
                         const greylist_terms& terms);
// The first second at which judge() no longer knows the entry.
std::int64_t expiry_of(const greylist_entry& entry, const greylist_terms& terms);

struct greylist_key {
    std::string sender; // address::folded(); "" = the empty sender <>
    protocol::ip_address client;
    bool operator==(const greylist_key&) const = default;
};
greylist_key greylist_key_of(const std::optional<protocol::address>& sender,
                             const protocol::ip_address& client);

inline constexpr std::size_t greylist_sender_max = 320; // octets; SMTP's longest path is 256

struct greylist_row {
    greylist_key key;
    greylist_entry entry;
    std::string position; // where a listing goes on after this row
};

struct greylist_swept {
    std::size_t removed = 0;
    bool more = false; // the step was not enough: there is more to do now
};

// Thread-safe. Nothing here is worth a message: an error is a deferral, and a lost entry costs its sender one
// more deferral.
class greylist {
  public:
    virtual ~greylist() = default;

    // Judges the attempt and remembers it, as one step for this key. `invalid`: a sender that is too long or
    // holds a NUL.
    virtual result<greylist_answer> attempt(const greylist_key& key, std::int64_t now,
                                            const greylist_terms& terms) = 0;
    // What attempt() would answer now; nothing is remembered.
    virtual result<greylist_answer> look(const greylist_key& key, std::int64_t now,
                                         const greylist_terms& terms) const = 0;
    // As if the pair had just passed. Kept when it returns.
    virtual result<void> allow(const greylist_key& key, std::int64_t now) = 0;
    // Kept when it returns. false = absent.
    virtual result<bool> remove(const greylist_key& key) = 0;

    // Keeps what attempts have left since the last call; to be called every second. May block.
    virtual result<void> flush() = 0;
    // Forgets pairs that have expired, and mends times that lie ahead of `now` (a pass that was noted there
    // at the latest one window later): at most `limit` rows a call,
    // so that a long list never holds anybody up. Only what was flushed is swept.
    virtual result<greylist_swept> sweep(std::int64_t now, const greylist_terms& terms,
                                         std::size_t limit) = 0;
    // What was flushed, by client and sender, at most `limit` rows after `position` ("" = from the start).
    virtual result<std::vector<greylist_row>> list(std::string_view position, std::size_t limit) const = 0;
};

struct greylist_limits {
    // The file's size at most, 1 MiB or more. Two fifths of it are filled; the rest is what LMDB's trees need
    // to be rewritten. 4 GiB hold some twelve million pairs.
    std::uint64_t octets = std::uint64_t{4} << 30;
    // Attempts that may wait in memory for the next flush. When it is full, a new sender is refused without
    // being remembered, and a known one passes without its window growing.
    std::size_t unwritten = 65536;
};

// <state_dir>/greylist, an environment of its own, so that a flood of keys fills nothing else.
//
// Durability: attempts gather in memory and flush() writes them in whole, flushed transactions. A crash or a
// kill loses what came since the last flush, never more, and never the file's integrity. LMDB's own lazy
// modes promise less: MDB_NOSYNC keeps the file whole only where the file system keeps the order of writes,
// which ext4 and XFS don't, and MDB_NOMETASYNC still waits for the disk at each commit.
//
// When it is full, the pairs that have not passed yet go first, the oldest of them first; a flood so pushes
// out itself, and newcomers that come back later than it takes to fill the table wait until the flood ends.
// Pairs that passed never go before they expire. When they alone take seven eighths, newcomers are let
// through unremembered (pass_crowd).
//
// Several processes may open it. A running server sees another's allow() with its next flush and remove()
// with its next attempt, unless an attempt of the same pair in the same second puts it back.
result<std::unique_ptr<greylist>> open_lmdb_greylist(const std::string& state_dir,
                                                     const greylist_limits& limits = {});

} // namespace postern::storage
