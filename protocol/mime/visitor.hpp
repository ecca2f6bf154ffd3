// What the MIME walker tells: the parts that any mail client might show or decode, their names, their decoded
// octets, and what is odd about the message. A part may be told of more than once, once for each way to read
// it; whoever judges takes the worst.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postern::protocol::mime {

// What bounds the work and the memory. Reaching one is a finding, and what lies beyond it isn't looked at:
// the message must then not be taken for clean.
struct limits {
    unsigned depth = 20;                    // multiparts and messages inside each other
    unsigned parts = 1000;                  // parts told of, every reading counted
    unsigned readings = 8;                  // further readings open at the same time
    std::size_t header_octets = 64 * 1024;  // kept of a part's header
    unsigned names = 128;                   // of a part, in all readings
    std::size_t name_octets = 1024;         // of a name or another parameter, before it is decoded
    std::size_t boundary_octets = 1024;     // RFC 2046 §5.1.1 says 70; clients take more
    std::uint64_t work_for_each_octet = 64; // octets looked at, at all levels, for each one of the message
    std::uint64_t work_at_least = 16 * 1024 * 1024; // but always as many
};

enum class finding : unsigned char {
    bare_line_end,        // a CR or an LF alone
    nul,                  // a NUL octet
    header_without_colon, // a header line that is no field: is it skipped, or does the body begin?
    blank_header_line,    // a line of blanks: folded, or the end of the header?
    overlong_header,      // more than limits.header_octets
    unfinished_header,    // no empty line behind it
    conflicting_fields,   // Content-Type, -Disposition or -Transfer-Encoding twice
    conflicting_values,   // the same parameter with several values
    malformed_parameter,  // quotes or blanks where none belong
    malformed_type,       // a Content-Type that is not type/subtype
    missing_boundary,     // a multipart without one; the first line that starts with "--" is taken for it
    overlong_boundary,    // more than limits.boundary_octets
    boundary_ambiguity,   // a line that is a delimiter for some readers only
    part_after_end,       // a delimiter behind the last one
    unfinished_multipart, // no last delimiter
    bad_base64,           // other octets, or padding that is missing or in the middle
    bad_quoted_printable, // "=" and no two hexadecimal digits
    unknown_encoding,     // a Content-Transfer-Encoding that RFC 2045 does not name
    encoded_composite,    // base64 or quoted-printable around parts (RFC 2045 §6.4 forbids it)
    several_readings,     // the part is told of in more than one way
    uuencoded,            // "begin 644 name" in text
    yenc,                 // "=ybegin" in text
    partial_message,      // message/partial: a piece of what another message completes (RFC 2046 §5.2.2)
    external_body,        // message/external-body: the content is elsewhere (RFC 2046 §5.2.3)
    tnef,                 // an Outlook container, by type, name or first octets; its files are parts of it
    bad_tnef,             // it can't be read, or not to its end, or its readers may see different things
    too_deep,             // limits.depth
    too_many_parts,       // limits.parts: the walk ends here
    too_many_readings,    // limits.readings
    too_many_names,       // limits.names
    overlong_name,        // limits.name_octets
    too_much_work,        // limits.work_for_each_octet: the walk ends here
};
inline constexpr unsigned finding_count = static_cast<unsigned>(finding::too_much_work) + 1;

// "bare_line_end" and so on, for logs and headers. Static storage.
std::string_view name_of(finding what);

enum class part_kind : unsigned char {
    leaf,      // something to show or to save: its octets follow
    multipart, // its parts follow, it has no octets of its own
    message,   // likewise; RFC 2046 §5.2.1
    preamble,  // text before the first delimiter; its leading line ends are not told
    epilogue,  // text behind the last one, likewise
    embedded,  // a file within its parent's octets: uuencoded, in yEnc, or of a TNEF, as `encoding` says
};

// 1, 2, ... in the order in which the parts begin; 0 is the message as a whole.
using part_id = std::uint32_t;

struct part {
    part_id id = 0;
    part_id parent = 0;         // the multipart, message or text around it
    part_id alternative_of = 0; // another reading of that part, which has the names; else 0
    part_kind kind = part_kind::leaf;
    unsigned depth = 0;        // multiparts and messages around it
    std::string_view type;     // "text/plain": the first one that is named, in lower case; may be empty
    std::string_view charset;  // of the type, in lower case; may be empty
    std::string_view encoding; // how its octets were decoded: "identity", "base64", "uuencode", ...
};

enum class name_source : unsigned char {
    disposition,
    type,
    field, // Content-Name or X-Sun-Data-Name: Mozilla reads them
    description,
    location,
    uuencode,
    yenc,
    tnef
};

struct name {
    name_source source = name_source::disposition;
    std::string_view raw;        // decoded from its parameter, any octets
    std::string_view normalised; // what a lenient client would make of it (names.hpp); may be empty
};

// Views live until the call returns. Calls come in order: begin, then names and octets in any order and
// number, then end; parts nest and alternatives overlap. `found` comes at most a few times for each part and
// kind.
class visitor {
  public:
    virtual ~visitor() = default;
    virtual void begin_part(const part& begun) = 0;
    // Each normalised name once for a part; those within text as often as they stand there, of at most
    // limits.names and limits.parts together of them in a part.
    virtual void name_of_part(part_id id, const name& candidate) = 0;
    virtual void octets(part_id id, std::string_view decoded) = 0;
    virtual void end_part(part_id id) = 0;
    virtual void found(part_id id, finding what) = 0; // may come before the part begins or after its end
};

} // namespace postern::protocol::mime
