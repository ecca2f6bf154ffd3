// flock on <state_dir>/lock: the kernel lets it go when the process ends, however it ends. The file itself
// stays, and so does the number in it, which only serves the message to a second starter.
#include "storage/state_lock.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace postern::storage {
namespace {

using number_text = std::array<char, 20>;

// The digits that the holder wrote; whatever else the file holds is nobody's number.
std::string read_holder(const file_handle& file) {
    number_text text{};
    const auto count = ::pread(file.get(), text.data(), text.size(), 0);
    std::string digits;
    for (ssize_t i = 0; i < count && text[static_cast<std::size_t>(i)] >= '0'; ++i) {
        if (text[static_cast<std::size_t>(i)] > '9') break;
        digits.push_back(text[static_cast<std::size_t>(i)]);
    }
    return digits;
}

// For the message only, so on a full disk the lock holds without it.
void write_holder(const file_handle& file) {
    number_text text{};
    char* end = std::to_chars(text.data(), text.data() + text.size() - 1, ::getpid()).ptr;
    *end++ = '\n';
    const auto length = static_cast<std::size_t>(end - text.data());
    if (::ftruncate(file.get(), 0) != 0) return;
    if (::pwrite(file.get(), text.data(), length, 0) < 0) return;
}

// Root may be the one who empties it and gives it away: under a second name it could be any file.
bool is_ours_alone(const file_handle& file) {
    struct stat facts{};
    return ::fstat(file.get(), &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_nlink == 1;
}

} // namespace

result<state_lock> state_lock::take(const std::string& state_dir, std::string& about) {
    about = state_dir;
    // One folder only: were the parents made too, a missing mount would be filled in silently.
    if (::mkdir(state_dir.c_str(), 0700) != 0 && errno != EEXIST) return from_errno(errno);
    about = state_dir + "/lock";
    constexpr int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK; // a pipe must not hold us
    file_handle file(::open(about.c_str(), flags, 0600));
    if (!file.is_open()) return from_errno(errno);
    if (!is_ours_alone(file)) return storage_errc::invalid;
    int taken = ::flock(file.get(), LOCK_EX | LOCK_NB);
    while (taken != 0 && errno == EINTR) taken = ::flock(file.get(), LOCK_EX | LOCK_NB);
    if (taken == 0) {
        write_holder(file);
        return state_lock(std::move(file));
    }
    if (errno != EWOULDBLOCK) return from_errno(errno);
    about = read_holder(file);
    return storage_errc::locked;
}

result<void> state_lock::give_to(uid_t user, gid_t group) const {
    if (::fchown(file_.get(), user, group) != 0) return from_errno(errno);
    return {};
}

} // namespace postern::storage
