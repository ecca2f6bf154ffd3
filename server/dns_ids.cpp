#include "server/dns_ids.hpp"

#include <cerrno>
#include <sys/random.h>
#include <system_error>

namespace postern::server {

std::uint16_t dns_ids::take() {
    std::uint16_t id = random();
    while (taken_.test(id)) id = random();
    taken_.set(id);
    return id;
}

std::uint16_t dns_ids::random() {
    if (left_ == 0) {
        while (::getrandom(random_.data(), sizeof random_, 0) != static_cast<ssize_t>(sizeof random_))
            if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
        left_ = random_.size();
    }
    return random_[--left_];
}

} // namespace postern::server
