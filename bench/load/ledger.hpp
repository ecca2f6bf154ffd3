// The client's own record of what it was promised: a line "Message-ID queue-id" for each 250, written before
// the next reply is read. A test that kills the server compares it with what is found afterwards.
#pragma once

#include <string>
#include <string_view>

namespace postern::bench {

class ledger {
  public:
    ledger() = default;
    ledger(const ledger&) = delete;
    ledger& operator=(const ledger&) = delete;
    ~ledger();

    bool open(const std::string& path); // appends
    bool is_open() const { return fd_ >= 0; }
    // False: it could not be written, and the run is worth nothing.
    bool note(std::string_view message_id, std::string_view queue_id);

  private:
    int fd_ = -1;
    std::string line_;
};

} // namespace postern::bench
