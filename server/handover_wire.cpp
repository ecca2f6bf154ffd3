// A record that holds more than it may, in octets or descriptors, is an error, and what came with it is
// closed.
#include "server/handover_wire.hpp"

#include "server/passed_descriptors.hpp"

#include <array>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

namespace postern::server::handover {
using boost::system::error_code;

namespace {

constexpr const char* file_name = "handover.sock";

} // namespace

address::address(const std::string& state_dir)
    : folder_(::open(state_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)),
      path_(fmt::format("{}/{}", state_dir, file_name)) {
    auto name = path_;
    if (name.size() >= sizeof name_.sun_path)
        name = fmt::format("/proc/self/fd/{}/{}", folder_.get(), file_name);
    name_.sun_family = AF_UNIX;
    std::memcpy(name_.sun_path, name.data(), name.size());
}

int address::bind(int fd) const {
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&name_), sizeof name_);
}

int address::connect(int fd) const {
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&name_), sizeof name_);
}

void address::remove() const { ::unlinkat(folder_.get(), file_name, 0); }

int open_socket() { return ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

error_code send(int fd, std::string_view text, std::span<const int> descriptors) {
    return send_passing(fd, text, descriptors);
}

boost::system::result<record> receive(int fd) {
    std::array<char, record_max> text;
    auto got = receive_passed(fd, text, descriptors_of_record);
    if (!got) return got.error();
    return record{{text.data(), got->octets}, std::move(got->descriptors)};
}

std::optional<std::size_t> number_after(std::string_view word, std::string_view text) {
    if (!text.starts_with(word)) return std::nullopt;
    text.remove_prefix(word.size());
    std::size_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

} // namespace postern::server::handover
