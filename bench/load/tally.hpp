// What was counted: messages, refusals by stage and code with the first text of each, times, and how many
// ended in each tenth of a second. No reply that was not expected is left out.
#pragma once

#include "bench/load/histogram.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::bench {

using steady = std::chrono::steady_clock;

// Where a session stands; also the name under which an unexpected reply is counted.
enum class stage { connect, greeting, ehlo, starttls, handshake, mail, rcpt, data, content, quit, idle };
std::string_view name_of(stage where);

struct trouble {
    std::uint64_t count = 0;
    std::string first; // the text of the first one
};

struct tally {
    static constexpr std::chrono::milliseconds slot{100};

    // Things done: accepted messages, or in the other modes sessions that went as they should.
    std::uint64_t done = 0;
    std::uint64_t failed = 0; // messages or sessions that did not
    std::uint64_t octets = 0; // of accepted messages
    std::uint64_t connections = 0, handshakes = 0;
    std::uint64_t offered = 0, resumed = 0;                 // TLS sessions of an earlier handshake
    std::map<std::pair<stage, unsigned>, trouble> troubles; // code 0: no reply was the trouble
    histogram to_greeting;                                  // nanoseconds from connect() to 220
    histogram to_final;     // from the final dot (or the last octet) to its reply
    histogram to_handshake; // a TLS handshake
    histogram whole; // a message from MAIL to its final reply; a session from connect to its last reply
    std::vector<std::uint32_t> done_in_slot;

    steady::time_point started{}, ended{}; // of the load: until the last thing was done
    steady::time_point all_open{};         // idle: when the last session was up
    double client_cpu = 0;                 // seconds of this process

    void count_done(steady::time_point now);
    void count_trouble(stage where, unsigned code, std::string_view text);
    double seconds() const;
    void add(const tally& other); // of a thread that ran beside this one
};

} // namespace postern::bench
