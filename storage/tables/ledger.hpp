// The refusal ledger: every recipient that was refused or deferred, and every MAIL that was before it named
// one, with the test and the reason and never the body, so that "where is my mail?" has an answer by address.
// A small interface with an LMDB implementation; each backend passes the same contract test. Nothing here is
// worth a message: a row that can't be kept is dropped and counted.
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

enum class ledger_mode : std::uint8_t {
    refused,  // by a reply of 4yz or 5yz
    reported, // a test would have refused it, and was in mode "report"
};

struct ledger_row {
    std::int64_t time = 0; // unix seconds
    ledger_mode mode = ledger_mode::refused;
    protocol::ip_address client;
    std::optional<protocol::address> sender;    // none: <>
    std::optional<protocol::address> recipient; // none: MAIL was refused
    std::string helo, listener;
    std::string test;  // the policy check that said it; "" = none, the protocol or the disk did
    std::string reply; // the line that was said, or would have been
    std::string cause; // for us alone; "" = none
    bool operator==(const ledger_row&) const = default;
};

inline constexpr std::size_t ledger_name_max = 255;    // octets of helo, listener and test
inline constexpr std::size_t ledger_text_max = 512;    // octets of reply and cause
inline constexpr std::size_t ledger_address_max = 320; // octets, folded; SMTP's longest path is 256

// The row as every backend keeps it: texts printable and cut to those lengths. `invalid`: an address that is
// too long or holds a NUL.
result<ledger_row> kept_form(ledger_row row);

struct ledger_found {
    ledger_row row;
    std::string position; // where a search goes on after this row
};

struct ledger_swept {
    std::size_t removed = 0;
    bool more = false; // the step was not enough: there is more to do now
};

// Thread-safe.
class ledger {
  public:
    virtual ~ledger() = default;

    // Never waits for a disk. false: it was dropped and counted, because too much waits for the next flush,
    // or because it can't be kept.
    virtual bool add(ledger_row row) = 0;
    virtual std::uint64_t dropped() const = 0; // since it was opened

    // Keeps what was added since the last call; to be called every second. May block. After an error the
    // next call tries again.
    virtual result<void> flush() = 0;
    // Removes rows that are `keep` seconds old or older, at most `limit` of them. Only what was flushed is
    // swept. A row from a clock that was ahead stays until its time has come, or the room is needed.
    virtual result<ledger_swept> sweep(std::int64_t now, std::int64_t keep, std::size_t limit) = 0;

    // What was flushed of an address (none: of <>) as sender or as recipient, whatever its case, from `since`
    // on, newest first, at most `limit` rows after `position` ("" = from the newest).
    virtual result<std::vector<ledger_found>> find(const std::optional<protocol::address>& whom,
                                                   std::int64_t since, std::string_view position,
                                                   std::size_t limit) const = 0;
};

struct ledger_limits {
    // The file's size at most, 1 MiB or more. Two fifths of it are filled, some five million rows in 4 GiB;
    // the rest is what LMDB's trees need to be rewritten. When that is full, the oldest rows go.
    std::uint64_t octets = std::uint64_t{256} << 20;
    // Octets of rows that may wait in memory for the next flush.
    std::size_t unwritten = std::size_t{8} << 20;
};

// <state_dir>/ledger, an environment of its own, so that a flood of refusals fills nothing else. Durable as
// the greylist is: a crash or a kill loses what came since the last flush, never more. Several processes may
// open it to search; one adds.
result<std::unique_ptr<ledger>> open_lmdb_ledger(const std::string& state_dir,
                                                 const ledger_limits& limits = {});

} // namespace postern::storage
