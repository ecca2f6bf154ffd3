// Numbers and short texts as octets, for the two messages between server and scanner: both run on one machine
// and come from one build, so the order of octets is that of x86 and ARM, least first.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace postern::protocol::scan {

template <std::unsigned_integral T> void put(std::string& to, T number) {
    for (std::size_t i = 0; i < sizeof number; ++i)
        to += static_cast<char>(static_cast<std::uint8_t>(static_cast<std::uint64_t>(number) >> (8 * i)));
}

// At most `most` octets of it; its length is two octets.
inline void put_text(std::string& to, std::string_view text, std::size_t most) {
    text = text.substr(0, std::min<std::size_t>(most, 0xffff));
    put(to, static_cast<std::uint16_t>(text.size()));
    to += text;
}

// Reads what was put. After the first thing that isn't there, or is too long, everything is empty and bad()
// holds.
class octet_reader {
  public:
    explicit octet_reader(std::string_view octets) : left_(octets) {}

    template <std::unsigned_integral T> T number() {
        std::uint64_t made = 0;
        const auto octets = take(sizeof(T));
        for (std::size_t i = 0; i < octets.size(); ++i)
            made |= std::uint64_t{static_cast<unsigned char>(octets[i])} << (8 * i);
        return static_cast<T>(made);
    }
    std::string_view text(std::size_t most) {
        const std::size_t size = number<std::uint16_t>();
        if (size > most) fail();
        return bad_ ? std::string_view() : take(size);
    }
    bool at_end() const { return left_.empty(); }
    bool bad() const { return bad_; }
    void fail() {
        bad_ = true;
        left_ = {};
    }

  private:
    std::string_view take(std::size_t count) {
        if (count > left_.size()) fail();
        if (bad_) return {};
        const auto taken = left_.substr(0, count);
        left_.remove_prefix(count);
        return taken;
    }

    std::string_view left_;
    bool bad_ = false;
};

} // namespace postern::protocol::scan
