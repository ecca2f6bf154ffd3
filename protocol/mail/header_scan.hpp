// Looks at the header section of a message as it comes in: counts what loop detection needs and where the
// header ends. Keeps a bounded part of one line; linear in its input; splits anywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::protocol {

class header_scan {
  public:
    static constexpr std::size_t line_max = 1024;        // octets of a line that are looked at
    static constexpr std::size_t delivered_to_max = 200; // fields that are kept

    void feed(std::string_view octets); // decoded content, CRLF lines; ignored after the header's end
    bool finished() const { return finished_; }

    std::uint64_t size() const { return size_; } // octets of the header section so far
    unsigned received() const { return received_; }
    const std::vector<std::string>& delivered_to() const {
        return delivered_to_;
    } // trimmed values, as written
    const std::string& message_id() const { return message_id_; } // first one, trimmed

  private:
    void end_of_line();

    bool finished_ = false;
    std::uint64_t size_ = 0;
    unsigned received_ = 0;
    std::vector<std::string> delivered_to_;
    std::string message_id_;
    std::string line_;
};

} // namespace postern::protocol
