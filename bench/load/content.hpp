// The messages: one body for all, made once, and a header of constant length with a Message-ID of its own for
// each. Lines have 76 octets before their CRLF, as base64 has, and none begins with a dot.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::bench {

class content {
  public:
    // Messages of exactly `size` octets, or of the header and an empty body where that is longer.
    content(std::uint64_t size, const std::string& from);

    std::string message_id(std::uint64_t number) const; // "<...>"; always of the same length
    void append_header(std::string& out, std::uint64_t number) const;
    std::string_view body() const { return std::string_view(body_).substr(0, body_size_); }
    std::string_view body_and_dot() const { return body_; }
    std::uint64_t size() const { return size_; }

  private:
    std::string run_; // tells this run's messages from any other's
    std::string before_id_, after_id_;
    std::string body_; // with the line of a dot after it
    std::size_t body_size_ = 0;
    std::uint64_t size_ = 0;
};

} // namespace postern::bench
