#include "server/last_resort.hpp"

#include <string_view>
#include <unistd.h>

namespace postern::server {

namespace {

constexpr std::string_view words =
    "postern: something hangs and keeps the server from ending in time: it ends now. What was accepted is in "
    "the queue; a message whose delivery hangs may be delivered twice\n";

} // namespace

last_resort::last_resort(std::chrono::steady_clock::time_point at, int code)
    : thread_([this, at, code] { wait(at, code); }) {}

last_resort::~last_resort() {
    {
        const std::lock_guard lock(mutex_);
        is_over_ = true;
    }
    gone_.notify_one();
    thread_.join();
}

void last_resort::wait(std::chrono::steady_clock::time_point at, int code) {
    std::unique_lock lock(mutex_);
    if (gone_.wait_until(lock, at, [this] { return is_over_; })) return;
    [[maybe_unused]] const auto told = ::write(STDERR_FILENO, words.data(), words.size());
    ::_exit(code);
}

} // namespace postern::server
