// Finds many phrases in a text in one pass (Aho and Corasick 1975). Case, look-alike forms and blanks don't
// count, and a phrase is found as words: "cialis" is not in "specialist".
#pragma once

#include "protocol/scan/order.hpp"

#include <array>
#include <span>
#include <unordered_map>
#include <vector>

namespace postern::policy::content {

class phrase_finder {
  public:
    // At most protocol::scan::phrases_max of them count, and of each protocol::scan::text_max octets.
    explicit phrase_finder(std::span<const protocol::scan::phrase> phrases);

    // `folded` as fold() makes it, all of one place; notes which phrases occur there. Linear in the text.
    void look(std::string_view folded, protocol::scan::phrase_place place);
    std::vector<std::uint16_t> found() const; // indices, rising

  private:
    struct node {
        std::uint32_t fails_to = 0;    // the longest other beginning that ends here
        std::uint32_t next_ending = 0; // the nearest of those at which a phrase ends; 0 = none
        std::vector<std::uint16_t> ends;
        std::uint16_t length = 0;
    };
    std::uint32_t child(std::uint32_t of, char octet) const;
    std::uint32_t step(std::uint32_t from, char octet) const;
    void add(std::uint16_t index, std::string_view folded);
    void link();
    void note(std::uint32_t at, std::string_view text, std::size_t end, protocol::scan::phrase_place place);

    std::vector<protocol::scan::phrase_place> places_;
    std::vector<bool> found_;
    std::vector<node> nodes_;
    std::array<std::uint32_t, 256> roots_{};                 // children of the first node
    std::unordered_map<std::uint64_t, std::uint32_t> edges_; // of the others: node and octet
};

} // namespace postern::policy::content
