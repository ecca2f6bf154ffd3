// How the queue's records are written: numbers little-endian and of fixed width, texts with a 32-bit length
// before them. Reading trusts nothing: every length is checked against what remains before anything is
// reserved. Internal to storage/.
#pragma once

#include "storage/queue.hpp"

namespace postern::storage {

class record_writer {
  public:
    template <class Number> void number(Number value) {
        auto rest = static_cast<std::uint64_t>(value);
        for (std::size_t i = 0; i < sizeof(Number); ++i, rest >>= 8) {
            octets_.push_back(static_cast<char>(rest & 0xff));
        }
    }
    void text(std::string_view value) {
        number(static_cast<std::uint32_t>(value.size()));
        octets_.append(value);
    }
    std::string take() { return std::move(octets_); }

  private:
    std::string octets_;
};

// Once something did not fit, everything after reads as 0 or empty and complete() is false.
class record_reader {
  public:
    explicit record_reader(std::string_view octets) : rest_(octets) {}

    template <class Number> Number number() {
        const std::string_view octets = take(sizeof(Number));
        std::uint64_t value = 0;
        for (std::size_t i = octets.size(); i > 0; --i) {
            value = value << 8 | static_cast<unsigned char>(octets[i - 1]);
        }
        return static_cast<Number>(value);
    }
    std::uint8_t number_up_to(std::uint8_t last) {
        const auto value = number<std::uint8_t>();
        if (value > last) failed_ = true;
        return value;
    }
    std::string text(std::size_t longest = record_text_max) {
        const auto length = number<std::uint32_t>();
        if (length > longest) failed_ = true;
        return std::string(take(length));
    }
    // How many items of at least `smallest` octets follow.
    std::size_t count(std::size_t smallest) {
        const auto value = number<std::uint32_t>();
        if (value > recipients_max || value > rest_.size() / smallest) failed_ = true;
        return failed_ ? 0 : value;
    }
    bool failed() const { return failed_; }
    bool complete() const { return !failed_ && rest_.empty(); }

  private:
    std::string_view take(std::size_t length) {
        if (failed_ || length > rest_.size()) {
            failed_ = true;
            return {};
        }
        const std::string_view taken = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return taken;
    }

    std::string_view rest_;
    bool failed_ = false;
};

} // namespace postern::storage
