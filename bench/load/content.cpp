#include "bench/load/content.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

namespace postern::bench {
namespace {

constexpr std::size_t line_octets = 76;

// Octets before the CRLF, so that nothing shorter than a CRLF is left.
std::uint64_t text_of_line(std::uint64_t left) {
    if (left <= line_octets + 2) return std::max<std::uint64_t>(left, 2) - 2;
    return left == line_octets + 3 ? line_octets - 1 : line_octets;
}

// Nothing in it repeats from line to line, so that no compression on the way would make it small.
std::string lines(std::uint64_t octets) {
    static constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string made;
    made.reserve(octets + line_octets);
    std::uint64_t state = 88172645463325252U;
    while (made.size() < octets) {
        const std::uint64_t left = octets - made.size();
        const std::uint64_t wanted = text_of_line(left);
        for (std::uint64_t i = 0; i < wanted; ++i) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            made += alphabet[state >> 58];
        }
        made += "\r\n";
    }
    return made;
}

} // namespace

content::content(std::uint64_t size, const std::string& from) {
    const auto now = std::chrono::system_clock::now();
    const auto ticks = static_cast<std::uint64_t>(now.time_since_epoch().count());
    run_ = fmt::format("{:x}.{:x}", ticks, ::getpid());
    before_id_ = fmt::format("From: <{}>\r\nTo: undisclosed-recipients:;\r\nSubject: load\r\n"
                             "Date: {:%a, %d %b %Y %H:%M:%S} +0000\r\nMessage-ID: ",
                             from, fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
    after_id_ = "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n";
    const std::uint64_t header = before_id_.size() + message_id(0).size() + after_id_.size();
    const std::uint64_t rest = size > header ? size - header : 0;
    if (rest > 0) body_ = lines(rest);
    body_size_ = body_.size();
    size_ = header + body_size_;
    body_ += ".\r\n";
}

std::string content::message_id(std::uint64_t number) const {
    return fmt::format("<{}.{:012}@load.test>", run_, number);
}

void content::append_header(std::string& out, std::uint64_t number) const {
    out += before_id_;
    out += message_id(number);
    out += after_id_;
}

} // namespace postern::bench
