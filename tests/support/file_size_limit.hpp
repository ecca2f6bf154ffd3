// A disk that can't hold more of a file, as the file's writer sees it.
#pragma once

#include <csignal>
#include <sys/resource.h>

namespace postern::testing {

// The largest file that this process may write, for as long as the object lives.
class file_size_limit {
  public:
    explicit file_size_limit(rlim_t octets) : signal_before_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        rlimit now = before_;
        now.rlim_cur = octets;
        ::setrlimit(RLIMIT_FSIZE, &now);
    }
    file_size_limit(const file_size_limit&) = delete;
    file_size_limit& operator=(const file_size_limit&) = delete;
    ~file_size_limit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, signal_before_);
    }

  private:
    rlimit before_{};
    void (*signal_before_)(int);
};

} // namespace postern::testing
