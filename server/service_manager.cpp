// The only file that knows libsystemd.
#include "server/service_manager.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <systemd/sd-daemon.h>
#include <time.h>

namespace postern::server {

namespace {

constexpr std::size_t descriptors_of_message = 128; // the kernel takes 253
constexpr std::size_t name_max = 255;

// FDNAME= takes no colon and no control character.
std::string name_for_manager(std::string_view name) {
    std::string made(name.substr(0, name_max));
    std::replace(made.begin(), made.end(), ':', '_');
    return made;
}

// The clock that the manager compares with, whatever the steady clock of this library is.
std::uint64_t monotonic_microseconds() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

std::uint64_t microseconds_of(std::chrono::seconds time) {
    return static_cast<std::uint64_t>(std::chrono::microseconds(time).count());
}

} // namespace

service_manager::service_manager() : is_there_(std::getenv("NOTIFY_SOCKET") != nullptr) {
    std::uint64_t interval = 0;
    if (::sd_watchdog_enabled(1, &interval) > 0)
        watchdog_ = std::chrono::microseconds(static_cast<std::int64_t>(interval));
    const int count = ::sd_listen_fds(1);
    for (int i = 0; i < count; ++i) sockets_.emplace_back(SD_LISTEN_FDS_START + i);
}

std::vector<storage::file_handle> service_manager::take_sockets() { return std::move(sockets_); }

void service_manager::send(const std::string& message, std::span<const int> descriptors) {
    if (!is_there_) return;
    const int sent = ::sd_pid_notify_with_fds(0, 0, message.c_str(), descriptors.data(),
                                              static_cast<unsigned>(descriptors.size()));
    if (sent > 0 || failed_ || !tell_) return;
    failed_ = true;
    tell_(fmt::format("the service manager can't be told anything: {}", std::strerror(-sent)));
}

void service_manager::ready() { send("READY=1"); }

void service_manager::status(std::string_view text) { send(fmt::format("STATUS={}", text)); }

void service_manager::reloading() {
    send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_microseconds()));
}

void service_manager::stopping(std::chrono::seconds at_most) {
    send(fmt::format("STOPPING=1\nSTATUS=Sessions and deliveries are ending\nEXTEND_TIMEOUT_USEC={}",
                     microseconds_of(at_most)));
}

void service_manager::alive() { send("WATCHDOG=1"); }

void service_manager::keep(std::string_view name, std::span<const int> descriptors) {
    const auto message = fmt::format("FDSTORE=1\nFDPOLL=0\nFDNAME={}", name_for_manager(name));
    while (!descriptors.empty()) {
        const auto some = descriptors.first(std::min(descriptors.size(), descriptors_of_message));
        send(message, some);
        descriptors = descriptors.subspan(some.size());
    }
}

void service_manager::forget(std::string_view name) {
    send(fmt::format("FDSTOREREMOVE=1\nFDNAME={}", name_for_manager(name)));
}

} // namespace postern::server
