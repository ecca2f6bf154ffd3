// What postern-scanner is told on its command line. The server writes it; nobody else calls the program.
#pragma once

#include "protocol/result.hpp"

#include <cstdint>
#include <string>

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
    std::string scratch_folder;   // for calls_only: where temporary files lie
    unsigned user = 0, group = 0; // whom to become when started as root; 0 = stay
};

// From NAME=VALUE words. The error is a sentence.
result<options, std::string> read_options(int count, char** words);

} // namespace postern::server::scanner
