// What the server asks of a scanner about one message. It goes as one datagram, beside the message's
// descriptor, over a socket pair (docs/scanner.md).
#pragma once

#include "protocol/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::protocol::scan {

// Of what an operator may configure, so that an order fits into a datagram.
inline constexpr std::size_t extensions_max = 250;
inline constexpr std::size_t phrases_max = 500;
inline constexpr std::size_t text_max = 128; // octets of an extension or a phrase
inline constexpr std::size_t order_octets_max = 112 * 1024;

// Where a phrase is looked for.
enum class phrase_place : std::uint8_t { subject, body, anywhere };

struct phrase {
    std::string text; // UTF-8, as it is compared: folded, single blanks
    phrase_place where = phrase_place::anywhere;
};

struct order {
    std::uint64_t id = 0;   // the answer has it too
    std::uint64_t from = 0; // where in the descriptor the message begins
    std::uint64_t size = 0; // its octets
    // What is wanted.
    bool attachments = false; // test 6
    bool antivirus = false;   // test 7
    bool facts = false;       // what test 8 weighs
    bool everything = false;  // each part, name and archive entry, for a person to read
    // Of test 6; its limits on archives hold for test 7 too.
    std::vector<std::string> extensions; // lower case, with their dots
    std::uint32_t max_depth = 0;         // archives inside each other
    std::uint32_t max_entries = 0;       // of all archives of the message
    std::uint64_t max_unpacked = 0;      // octets, of all archives of the message
    std::uint32_t max_ratio = 0;         // unpacked octets for each packed one, of an archive; 0 = any
    std::uint32_t milliseconds = 0;      // that the scan may take
    // Of test 8.
    std::vector<phrase> phrases;
    std::int64_t now = 0; // unix seconds; 0 = not known
};

// Longer texts and lists than the limits above are cut.
std::string encode(const order& what);
// Any octets give an order or an error (invalid_argument); what is decoded obeys the limits.
result<order> decode_order(std::string_view octets);

} // namespace postern::protocol::scan
