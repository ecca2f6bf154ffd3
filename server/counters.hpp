// What is counted, for `postern status` and /metrics. Relaxed: each is a number on its own.
#pragma once

#include "server/histogram.hpp"

#include <array>
#include <atomic>

#include <cstdint>
#include <string_view>

namespace postern::server {

// TLS handshakes that were completed, by what they came to.
struct handshake_counts {
    static constexpr std::array<std::string_view, 4> versions{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
    struct of_version {
        std::atomic<std::uint64_t> whole{0}, resumed{0};
    };
    std::array<of_version, versions.size()> by_version;

    void add(std::string_view version, bool was_resumed) {
        const auto at = std::find(versions.begin(), versions.end(), version);
        if (at == versions.end()) return;
        auto& row = by_version[static_cast<std::size_t>(at - versions.begin())];
        (was_resumed ? row.resumed : row.whole).fetch_add(1, std::memory_order_relaxed);
    }
};

// Tries to hand a message to a server of others, by how the connection was secured (link_security).
struct sent_counts {
    std::atomic<std::uint64_t> plain{0}, encrypted{0}, verified{0}; // it has taken it, for somebody
    std::atomic<std::uint64_t> refused{0}; // nothing was sent, for TLS was a must and not to be had
};

// What became of questions to DNS.
struct dns_counts {
    std::atomic<std::uint64_t> looked_up{0};  // names that somebody wanted to know
    std::atomic<std::uint64_t> from_cache{0}; // questions answered from memory
    std::atomic<std::uint64_t> sent{0};       // questions sent to a server, each attempt
    std::atomic<std::uint64_t> silent{0};     // of these without an answer in time
    std::atomic<std::uint64_t> later{0};      // look-ups that ended with "try later"
    std::atomic<std::uint64_t> in_flight{0};  // questions without an answer yet, of all threads
};

// What became of questions to primaries, each asker's; `cached` are none of the others.
struct call_out_counts {
    std::atomic<std::uint64_t> known{0}, unknown{0}, unavailable{0}, cached{0};
};

// Verdicts of one test, of RCPTs and messages.
struct test_counts {
    std::atomic<std::uint64_t> passed{0}, rejected{0}, deferred{0};
    std::atomic<std::uint64_t> reported{0}; // would have been refused, but for its mode
};

struct counters {
    std::atomic<std::uint64_t> messages_accepted{0}, messages_refused{0}, recipients_refused{0};
    std::atomic<std::uint64_t> delivered{0}, deferred{0}, failed{0}, set_aside{0};
    std::atomic<std::uint64_t> notices{0}, notices_put_off{0}; // to senders
    histogram reply_times;                                     // from a message's end of data to its reply
    handshake_counts handshakes;
    dns_counts dns;
    sent_counts sent;
    call_out_counts call_outs;
    std::atomic<std::uint64_t> put_off{0}; // requests that a tempfail listener answered
    static constexpr std::size_t tests_max = 16;
    std::array<test_counts, tests_max> tests; // by the place in policy::registry()
    std::atomic<std::uint64_t> handshakes_failed{0};
    std::atomic<std::uint64_t> logins{0}, logins_denied{0}, logins_put_off{0};
    std::atomic<bool> disk_low{false}; // MAIL is answered 452 while it is set
    // The queue's file has room within, the disk has not: a body that needs a file of its own is answered
    // 452.
    std::atomic<bool> no_new_bodies{false};
};

} // namespace postern::server
