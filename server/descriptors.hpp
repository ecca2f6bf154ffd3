// File descriptors: as many as the system gives, shared out before they run short. Whoever finds none left
// can do nothing right, so the sessions are as many as fit and the rest hear 421.
#pragma once

#include <cstddef>
#include <string>

namespace postern::server {

// What is neither a listener, a session, a delivery nor a question to DNS: tables, the log, certificates
// while they are read, the control socket and the status pages with their clients, callers who are being told
// 421, DNS servers that are being examined.
inline constexpr std::size_t reserved_descriptors = 256;
// Of so many sessions at most one is thought to receive a large message, whose body is a file, at the same
// moment. One that finds no descriptor left is told 451.
inline constexpr std::size_t sessions_of_large_body = 4;
inline constexpr std::size_t descriptors_of_delivery = 8; // the Maildir's folders, the file, the body

// The soft limit becomes the hard one, which no privilege is needed for.
void raise_descriptor_limit();
std::size_t descriptor_limit(); // in force
std::size_t open_descriptors();

struct descriptor_needs {
    std::size_t opened = 0;      // by the listeners and their threads
    std::size_t deliveries = 0;  // at the same time
    std::size_t dns_sockets = 0; // of all threads
};
std::size_t sessions_that_fit(std::size_t limit, const descriptor_needs& others);
// "limits.sessions = 20000 needs 40333 file descriptors, ..." with the cure.
std::string too_few_descriptors(std::size_t sessions, std::size_t limit, const descriptor_needs& others);

} // namespace postern::server
