// Words as numbers, for what is learned from messages. The numbers are stored for years: what makes them must
// not change, or everything that was learned is forgotten.
#pragma once

#include "protocol/scan/report.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace postern::policy::content {

// FNV-1a, 64 bits, then mixed so that near words lie far apart.
std::uint64_t hash_token(std::string_view token);

// A word has 3 to 40 characters; longer ones are cut into none. `kind` says where a word was: '\0' = in the
// text, 's' subject, 'f' author, 'u' link, 'm' mailer.
class token_set {
  public:
    // Words, and pairs of neighbouring ones, of a text as fold() makes it.
    void add_text(char kind, std::string_view folded);
    void add_word(char kind, std::string_view word);
    bool full() const { return tokens_.size() >= protocol::scan::tokens_max; }
    std::vector<std::uint64_t> take(); // in the order in which they came

  private:
    void add(std::uint64_t hash);
    bool is_new(std::uint64_t hash); // and is known from now on

    std::vector<std::uint64_t> known_; // by their hash, at most half full; 0 = free
    std::vector<std::uint64_t> tokens_;
};

} // namespace postern::policy::content
