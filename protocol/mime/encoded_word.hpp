// Encoded words (RFC 2047) wherever a lenient client would decode them: in quoted strings, within words, in
// whole header values. Any octets in; linear; never longer than three times the input.
#pragma once

#include <string>
#include <string_view>

namespace postern::protocol::mime {

// True when there may be an encoded word in it.
bool has_encoded_word(std::string_view text);
// The text with its encoded words decoded, blanks between adjacent ones dropped (§6.2), characters that two
// words share joined. What is no encoded word stays. Unknown encodings stay too.
// `convert`: what makes UTF-8 of the octets of a charset.
using charset_reader = std::string (*)(std::string_view charset, std::string_view octets);
// Base64 that ends within a quantum: some go on with it in the next word (Roundcube, GMime).
enum class quanta : unsigned char { of_each_word, across_words };
std::string decode_encoded_words(std::string_view text, charset_reader convert,
                                 quanta how = quanta::of_each_word);
std::string decode_encoded_words(std::string_view text); // by to_utf8() (charset.hpp)
std::string decode_encoded_words(std::string_view text, quanta how);

} // namespace postern::protocol::mime
