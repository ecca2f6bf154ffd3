// What the queue is compared with: the simplest thing that is durable. Records are appended to one file;
// whatever has gathered is one write and one fdatasync, and only then those who wait are woken. It keeps
// nothing findable and removes nothing: the least that group commit can cost on this disk.
#pragma once

#include "server/awaiting.hpp"
#include "storage/file_env.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace postern::bench {

class journal {
  public:
    explicit journal(storage::file_handle file);
    ~journal(); // writes what waits, then joins

    boost::asio::awaitable<boost::system::error_code> append(std::string record);
    std::uint64_t commits() const { return commits_; }

  private:
    struct waiting {
        std::string record;
        server::resumer then;
    };
    void write_batches();
    boost::system::error_code write(const std::vector<waiting>& batch);

    storage::file_handle file_;
    std::atomic<std::uint64_t> commits_{0};
    std::mutex mutex_;
    std::condition_variable ready_;
    std::vector<waiting> gathered_;
    bool stopping_ = false;
    std::string together_;
    std::thread writer_; // last: it uses the rest
};

} // namespace postern::bench
