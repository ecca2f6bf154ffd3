// The parameters of Content-Type and Content-Disposition, in every way that a client might read them: RFC
// 2045 §5.1, RFC 2231, RFC 2047 where it should not be, and the ways of those who forget quotes and
// semicolons.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postern::protocol::mime {

inline constexpr unsigned parameter_places_max = 32; // of one attribute in one value: more are not looked at

struct parameter_values {
    std::vector<std::string> values; // each once, in the order of their likeliness
    bool malformed = false;          // quotes, blanks or octets where none belong
    bool conflicting = false;        // it stands there twice with different values
    bool overlong = false;           // a value was cut at `longest` octets, or there were too many places
};

// How a header value may be read, each once: unfolded with and without the blank, comments kept and removed,
// encoded words kept and decoded. In `value` a fold is an LF before its blanks.
std::vector<std::string> value_readings(std::string_view value);

// Sections (RFC 2231 §3) joined only, or also each alone, as those show them who don't know them.
enum class sections { joined, joined_and_alone };

// All values of the parameter `attribute` (lower case) in one reading of a header value: with and without
// sections and charset. Time: linear in the text, and parameter_places_max times `longest`.
void find_parameter(std::string_view text, std::string_view attribute, std::size_t longest, sections how,
                    parameter_values& found);

// RFC 5322 §3.2.2: without comments, nested or never ended, outside quoted strings.
std::string without_comments(std::string_view text);

} // namespace postern::protocol::mime
