// What postern-scanner is told by the first datagram of its control channel. The server sends it; nobody else
// starts the program, or connects to the socket at which a manager does.
#pragma once

#include "protocol/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::server::scanner {

inline constexpr int control_descriptor = 3; // of the channel to the server (scanning/channel.hpp)

enum class walls : std::uint8_t {
    namespaces, // no file system, no network, and only the system calls that scanning needs
    calls_only, // only those system calls: where the system lets nobody make namespaces
};

struct options {
    unsigned workers = 1;
    std::string signatures;    // folder; "" = none are needed
    std::uint64_t memory = 0;  // octets that a worker may have beside the signatures
    std::uint64_t scratch = 0; // octets of its temporary files
    walls around = walls::namespaces;
    std::string scratch_folder; // for calls_only: where temporary files lie
};

// From "begin", with lines NAME=VALUE as its rest. The error is a sentence.
result<options, std::string> read_options(std::string_view text);

} // namespace postern::server::scanner
