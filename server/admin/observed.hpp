// What can be seen of a running server at one moment: the status, and what only /metrics and the status page
// show. The pages are pure functions of it.
#pragma once

#include "server/admin/status.hpp"
#include "server/destination_status.hpp"
#include "server/histogram.hpp"
#include "storage/queue.hpp"

#include <optional>
#include <string_view>

namespace postern::server {

inline constexpr std::size_t oldest_shown = 20;

struct handshake_row {
    std::string_view version; // "TLSv1.3"; of the table in counters.hpp
    std::uint64_t whole = 0, resumed = 0;
};

struct observed {
    server_status status;
    std::int64_t now = 0; // unix seconds

    std::uint64_t queue_octets = 0;
    std::uint64_t deliveries_under_way = 0;
    std::uint64_t messages_committed = 0;
    std::uint64_t notices = 0, notices_put_off = 0; // to senders
    histogram::values commit_times, reply_times;
    std::vector<handshake_row> handshakes;
    std::uint64_t handshakes_failed = 0;
    bool dane = false; // mail goes out under it, where domains ask for that
    std::uint64_t sent_plain = 0, sent_encrypted = 0, sent_verified = 0, sent_refused = 0;
    std::uint64_t logins = 0, logins_denied = 0, logins_put_off = 0;
    struct test_verdicts {
        std::string_view test;
        std::uint64_t passed = 0, rejected = 0, deferred = 0, reported = 0;
    };
    std::vector<test_verdicts> tests; // in the order of the verdicts
    std::uint64_t put_off = 0;        // requests that a tempfail MX answered
    std::uint64_t dns_looked_up = 0, dns_from_cache = 0, dns_sent = 0, dns_silent = 0, dns_later = 0;
    std::uint64_t dns_in_flight = 0;
    std::uint64_t scanners = 0, scanners_free = 0, signatures = 0, scanner_starts = 0;
    std::uint64_t scans_done = 0, scans_failed = 0;
    histogram::values scan_times;
    std::uint64_t ledger_dropped = 0;             // rows
    std::vector<destination_status> destinations; // "other" last

    std::optional<std::uint64_t> disk_free; // nullopt: the disk can't be asked
    bool disk_low = false;
    std::uint64_t descriptors_open = 0, descriptors_limit = 0;
    std::uint64_t resident_octets = 0;
    std::uint64_t processor_milliseconds = 0;

    // The page's alone: at most oldest_shown, in the order of arrival.
    std::vector<storage::queued_message> oldest;
};

} // namespace postern::server
