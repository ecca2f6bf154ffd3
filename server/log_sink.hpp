// Where log lines end: a descriptor that can be exchanged while lines are written. A reader that does not
// read (a full pipe) holds up this writer alone, never the callers. What can't be written is counted, never
// reported by an exception. Private to the log.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace postern::server {

class log_descriptor {
  public:
    explicit log_descriptor(int owned) : fd_(owned) {}
    ~log_descriptor();
    log_descriptor(const log_descriptor&) = delete;
    log_descriptor& operator=(const log_descriptor&) = delete;
    int get() const { return fd_; }

  private:
    int fd_;
};

// "-" is stdout. Null and `problem` filled when it can't be opened.
std::shared_ptr<log_descriptor> open_log_descriptor(const std::string& path, std::string& problem);

class log_sink {
  public:
    explicit log_sink(std::shared_ptr<log_descriptor> to) : to_(std::move(to)) {}

    // So many whole lines, each with its '\n'; one thread; waits while the reader is slow.
    void write_lines(std::string_view lines, std::size_t count);
    void exchange(std::shared_ptr<log_descriptor> to); // any thread, never waits for write_lines()
    void stop_waiting() { waits_.store(false); } // from now on a line that can't be written at once is lost
    std::uint64_t lost() const { return lost_.load(); }

  private:
    std::shared_ptr<log_descriptor> current() const;
    bool write_all(std::string_view bytes);
    bool wait_until_writable() const;

    mutable std::mutex guard_; // of to_
    std::shared_ptr<log_descriptor> to_;
    std::atomic<bool> waits_{true};
    std::atomic<std::uint64_t> lost_{0};
    bool torn_ = false; // the last line ended in the middle
};

} // namespace postern::server
