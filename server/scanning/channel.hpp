// Datagrams with a descriptor over a socket pair: how server and scanner talk (docs/scanner.md). Used by both
// programs.
#pragma once

#include "protocol/result.hpp"
#include "storage/file_handle.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace postern::server::scanning {

struct pair {
    storage::file_handle ours, theirs;
};
// Sequenced datagrams, both ends closed on exec.
result<pair> make_pair();

// To a socket in the file system that takes such connections. Whoever listens there may be busy, or stopped:
// then would_block after that time.
result<storage::file_handle> connect_to(const std::string& path, std::chrono::milliseconds within);

struct datagram {
    std::string octets;
    storage::file_handle with; // the first that came; others are closed
};

// Blocking. `descriptor` < 0: none goes along. An error: the other end is gone, or (timed_out) takes nothing
// until `by`.
boost::system::error_code send(int channel, std::string_view octets, int descriptor,
                               std::chrono::steady_clock::time_point by);
// The next datagram of at most `most` octets. Errors: not_connected, the other end is gone; timed_out;
// message_size, it was longer.
result<datagram> receive(int channel, std::size_t most, std::chrono::steady_clock::time_point by);
// Without waiting; would_block when none has come.
result<datagram> receive_now(int channel, std::size_t most);

// What keeper and server say to each other: one word, and a number or a text. The keeper: "ready", "failed",
// "worker" (with its channel), "ended", "alive". The server: "begin" (first; scanner/options.hpp), "end"
// (kill that worker), "retire" (replace no more), "ping".
inline constexpr std::size_t control_max = 8192;
struct control {
    std::string word;
    std::string rest;
    unsigned long number() const; // 0 when the rest is none
};
std::string to_text(const control& what);
control read_control(std::string_view text);

} // namespace postern::server::scanning
