// Reads SMTP replies out of whatever pieces a server sends. Strict: a line that is no reply line, or one that
// is longer than line_max, is told as malformed, since a load generator must not count what it did not
// understand. The texts are views into the reader: they live until the next feed().
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postern::bench {

struct reply {
    unsigned code = 0;     // 0 = malformed
    std::string_view text; // all its lines as they came, without the last CRLF
    char category() const { return static_cast<char>('0' + code / 100); }
};

class reply_reader {
  public:
    static constexpr std::size_t reply_max = 64 * 1024;

    void feed(std::string_view octets);
    std::optional<reply> next(); // nullopt: more octets are needed
    bool has_rest() const { return at_ < buffer_.size(); }
    void clear();

  private:
    std::optional<reply> malformed();

    std::string buffer_;
    std::size_t at_ = 0; // where the next reply begins
};

// "4Q1K1033V4VF8" from "250 2.0.0 Ok: queued as 4Q1K1033V4VF8"; empty when there is none.
std::string_view queue_id_of(std::string_view reply_text);

} // namespace postern::bench
