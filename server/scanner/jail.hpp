// The walls around hostile content. Two steps: the whole program leaves the file system and the network
// behind, and each worker, before it sees its first octet, loses every system call that scanning doesn't
// need.
#pragma once

#include "server/scanner/options.hpp"

namespace postern::server::scanner {

// Where things are behind the walls.
struct rooms {
    int statm = -1; // tells measure() what is mapped
    std::uint64_t mapped = 0;
    std::string signatures; // "" = none
    std::string scratch;    // writable; a worker's own
    std::string loading;    // writable, for what the loading of signatures needs
};

// The program: single-threaded, before anything is loaded. The error is a sentence with its cure.
result<rooms, std::string> leave_the_world(const options& what);

// The program, once everything is loaded: what is mapped now is not counted against a worker's memory. Where
// nothing can be learned, workers have no such limit.
void measure(rooms& of);

// A worker, right after fork: its own temporary files, its limits, its system calls. `memory` is what it may
// map beyond what is mapped already.
result<void, std::string> shut_the_door(const options& what, const rooms& where);

} // namespace postern::server::scanner
