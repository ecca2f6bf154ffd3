#include "bench/load/ledger.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace postern::bench {

ledger::~ledger() {
    if (fd_ >= 0) ::close(fd_);
}

bool ledger::open(const std::string& path) {
    fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    return fd_ >= 0;
}

bool ledger::note(std::string_view message_id, std::string_view queue_id) {
    line_.assign(message_id);
    line_ += ' ';
    line_ += queue_id.empty() ? std::string_view("-") : queue_id;
    line_ += '\n';
    return ::write(fd_, line_.data(), line_.size()) == static_cast<ssize_t>(line_.size());
}

} // namespace postern::bench
