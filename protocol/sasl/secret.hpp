// Octets that are gone from memory when their owner is: passwords, and messages that carry them.
#pragma once

#include <string>
#include <string_view>

namespace postern::protocol::sasl {

void wipe(std::string& text); // overwrites it and makes it empty

// Wiped wherever it was moved from; reserve() before what is appended, for a string that grows leaves its old
// octets behind.
class secret {
  public:
    secret() = default;
    explicit secret(std::string_view text) : text_(text) {}
    ~secret() { wipe(text_); }
    secret(const secret& other) = default;
    secret(secret&& other) noexcept;
    secret& operator=(const secret& other);
    secret& operator=(secret&& other) noexcept;

    void reserve(std::size_t octets) { text_.reserve(octets); }
    void push_back(char c) { text_.push_back(c); } // only what was reserved
    std::string_view view() const { return text_; }
    const char* c_str() const { return text_.c_str(); }
    std::size_t size() const { return text_.size(); }
    bool empty() const { return text_.empty(); }

  private:
    std::string text_;
};

} // namespace postern::protocol::sasl
