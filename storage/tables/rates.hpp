// What the rules of submission count: rows of octets that survive a restart and may lose their last second.
// A small interface with an LMDB implementation. A row's key begins with the letter of its sort; what its
// value means is its owner's (policy/submission/).
#pragma once

#include "protocol/result.hpp"
#include "storage/errc.hpp"
#include "storage/sip_hash.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::storage {

inline constexpr std::size_t rates_key_max = 400;
inline constexpr std::size_t rates_value_max = 16 * 1024;

struct rates_row {
    std::string key;
    std::string value;
    std::int64_t expires = 0; // seconds; from then on it may be forgotten
};

// Thread-safe. Each call is one step for its key; whoever reads a row and writes what follows from it holds a
// lock of its own. `invalid`: a key that is empty or too long, or a value that is too long.
class rates {
  public:
    virtual ~rates() = default;

    // The last that was put, expired or not; nullopt = there is none.
    virtual result<std::optional<std::string>> get(std::string_view key) const = 0;
    // Remembered at once, on disk with the next flush(). `busy`: what waits for the disk fills its memory.
    virtual result<void> put(std::string_view key, std::string_view value, std::int64_t expires) = 0;
    virtual result<void> remove(std::string_view key) = 0;
    // On disk when they return. May block.
    virtual result<void> put_now(std::string_view key, std::string_view value, std::int64_t expires) = 0;
    virtual result<bool> remove_now(std::string_view key) = 0; // false = it was not there

    // Writes what has gathered; to be called every second. May block.
    virtual result<void> flush() = 0;
    // Forgets rows that have expired, looking at `limit` rows a call and going round. True: the round is not
    // over.
    virtual result<bool> sweep(std::int64_t now, std::size_t limit) = 0;
    // What is on disk, by key: at most `limit` rows of keys that begin with `sort` and stand above
    // `position` ("" = from the start).
    virtual result<std::vector<rates_row>> list(std::string_view sort, std::string_view position,
                                                std::size_t limit) const = 0;

    // Made with the table and kept with it: for digests that are stored in it.
    virtual const sip_key& secret() const = 0;
};

// Of each sort at most so many rows. One more pushes out the soonest to expire of eight that follow a random
// place, so that a flood of one sort's keys pushes out mostly itself, and no other sort's.
struct rates_cap {
    char sort = 0;
    std::uint64_t rows = 0;
};

struct rates_limits {
    std::uint64_t octets = std::uint64_t{1} << 30; // of the file at most, 1 MiB or more
    std::vector<rates_cap> caps = {};              // a sort that isn't named has no cap
    std::size_t unwritten = 65536;                 // rows that may wait in memory for the next flush
};

// <state_dir>/rates, an environment of its own. Several processes may open it: a command's put_now() is seen
// by the server with its next get(), unless a put() of the same key waits there for its flush.
result<std::unique_ptr<rates>> open_lmdb_rates(const std::string& state_dir, const rates_limits& limits = {});

} // namespace postern::storage
