// What was learned from messages: for each word, as a number, in how many messages of junk (spam) and in how
// many that were wanted (ham) it stood. Kept for the server as a whole and for each mailbox that teaches. A
// small interface with an LMDB implementation; each backend passes the same contract test.
//
// Nobody fills the disk by teaching: each owner's words are bounded, and what was not learned again for
// longest goes first. Counts age: when an owner has learned many messages of one sort, all its counts count
// half.
#pragma once

#include "protocol/result.hpp"
#include "storage/errc.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::storage {

enum class lesson : std::uint8_t { spam, ham };

struct token_counts {
    std::uint64_t spam = 0, ham = 0;
    bool operator==(const token_counts&) const = default;
};

struct tokens_found {
    token_counts messages;            // that the owner learned; zeros: none
    std::vector<token_counts> counts; // one for each token that was asked for, in that order
};

enum class lesson_answer {
    learned,
    known, // the message was learned as this before: nothing changed
    moved, // it was learned as the other sort: now it counts here instead
};

inline constexpr std::size_t tokens_at_once = 2048;

// The owner is a mailbox, folded, or "" = the server. At most tokens_at_once tokens a call, and no token
// twice, else `invalid`. Days are since 1970. Thread-safe.
class tokens {
  public:
    virtual ~tokens() = default;

    // In one read transaction.
    virtual result<tokens_found> find(std::string_view owner,
                                      std::span<const std::uint64_t> hashes) const = 0;
    // `digest` tells messages apart; the newest limits.lessons of an owner are remembered. Kept when it
    // returns.
    virtual result<lesson_answer> learn(std::string_view owner, lesson as, std::string_view digest,
                                        std::span<const std::uint64_t> hashes, std::int64_t day) = 0;
    // Everything an owner learned. false = it learned nothing.
    virtual result<bool> forget(std::string_view owner) = 0;
};

// Octets, 1 to 64.
inline constexpr std::size_t digest_max = 64;

struct tokens_limits {
    std::uint64_t octets = std::uint64_t{512} << 20; // of the file, 1 MiB or more
    std::uint64_t words_of_server = 1'000'000;
    std::uint64_t words_of_mailbox = 100'000;
    std::uint64_t lessons = 20'000;   // messages that an owner remembers
    std::uint64_t halve_at = 100'000; // messages of one sort
};

// <state_dir>/tokens, an environment of its own. Several processes may use it at once.
result<std::unique_ptr<tokens>> open_lmdb_tokens(const std::string& state_dir,
                                                 const tokens_limits& limits = {});

} // namespace postern::storage
