#include "server/descriptors.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fmt/format.h>
#include <limits>
#include <sys/resource.h>

namespace postern::server {

namespace {

std::size_t needed_besides(const descriptor_needs& others) {
    return others.opened + reserved_descriptors + others.deliveries * descriptors_of_delivery +
           others.dns_sockets;
}

} // namespace

void raise_descriptor_limit() {
    rlimit now{};
    if (::getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur == now.rlim_max) return;
    now.rlim_cur = now.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &now); // where it fails, what is in force counts
}

std::size_t descriptor_limit() {
    rlimit now{};
    if (::getrlimit(RLIMIT_NOFILE, &now) != 0) return 0;
    constexpr rlim_t endless = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::size_t>(std::min(now.rlim_cur, endless));
}

std::size_t open_descriptors() {
    std::error_code failure;
    std::filesystem::directory_iterator each("/proc/self/fd", failure);
    std::size_t count = 0;
    while (!failure && each != std::filesystem::directory_iterator()) {
        ++count;
        each.increment(failure);
    }
    return count;
}

std::size_t sessions_that_fit(std::size_t limit, const descriptor_needs& others) {
    const auto taken = needed_besides(others);
    return limit > taken ? (limit - taken) * sessions_of_large_body / (sessions_of_large_body + 1) : 0;
}

std::string too_few_descriptors(std::size_t sessions, std::size_t limit, const descriptor_needs& others) {
    return fmt::format("limits.sessions = {} needs {} file descriptors, and the server may have {}: no more "
                       "than {} sessions at the same time, the others hear 421; raise the limit "
                       "(LimitNOFILE= in systemd, ulimit -n), or lower limits.sessions",
                       sessions, sessions + sessions / sessions_of_large_body + needed_besides(others), limit,
                       sessions_that_fit(limit, others));
}

} // namespace postern::server
