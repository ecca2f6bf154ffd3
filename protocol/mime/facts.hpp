// What the header of a part says of its body, in every way that it might be understood.
#pragma once

#include "protocol/mime/decoder.hpp"
#include "protocol/mime/header_section.hpp"

namespace postern::protocol::mime {

struct named {
    name_source source = name_source::disposition;
    std::string raw, normalised;
};

struct facts {
    std::vector<std::string> types;      // "text/plain", lower case, as they come; none: nothing is said
    std::string charset;                 // lower case, as it is named first; may be empty
    std::vector<std::string> boundaries; // none empty, no blanks at their ends
    std::vector<encoding> encodings;     // one at least
    std::vector<named> names;            // each normalised name once
    findings found;
    unsigned names_tried = 0; // at most names_tried_for_each times limits.names
    std::uint64_t work = 0;   // octets looked at, weighed by what they cost
};
inline constexpr unsigned names_tried_for_each = 4;

// RFC 2045 §5 and §6, RFC 2183. Linear in the fields, within `bounds`.
facts read_facts(const std::vector<field>& fields, const limits& bounds);
// Adds what clients make of a name, to limits.names.
void add_name(name_source source, std::string_view raw, const limits& bounds, facts& to);

bool is_multipart(std::string_view type);
bool is_message(std::string_view type); // whose body is a message to walk: message/rfc822 and its kin
bool is_tnef(std::string_view type);

} // namespace postern::protocol::mime
