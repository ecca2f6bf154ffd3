// The service manager that started this process (systemd), as far as there is one: what the server tells it,
// and the sockets that it keeps for the next start. A message that can't be sent is told once and costs
// nothing else. Without a manager all of it does nothing.
// NOTIFY_SOCKET stays in the environment, where each message looks it up; what else the manager put there
// goes at once. Whoever starts a program must leave NOTIFY_SOCKET out of its environment.
#pragma once

#include "storage/file_env.hpp"

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::server {

class service_manager {
  public:
    service_manager(); // before there is a second thread: it changes the environment

    bool is_there() const { return is_there_; }
    // Half of it is the time between two signs of life; 0 = none are wanted.
    std::chrono::microseconds watchdog_interval() const { return watchdog_; }
    std::vector<storage::file_handle> take_sockets(); // LISTEN_FDS; the caller's from now on
    void on_trouble(std::function<void(std::string_view)> tell) { tell_ = std::move(tell); }

    void ready();
    void status(std::string_view text);
    void reloading(); // until ready()
    void stopping(std::chrono::seconds at_most);
    void alive();
    // Sockets for the next start, under a name of its own for each address. Those that it has already count
    // once.
    void keep(std::string_view name, std::span<const int> descriptors);
    void forget(std::string_view name);

  private:
    void send(const std::string& message, std::span<const int> descriptors = {});

    bool is_there_ = false;
    bool failed_ = false;
    std::chrono::microseconds watchdog_{};
    std::vector<storage::file_handle> sockets_;
    std::function<void(std::string_view)> tell_;
};

} // namespace postern::server
