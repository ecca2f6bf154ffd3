// The walker follows every reading that it knows of, so an oddity alone hides nothing. What counts is whether
// a client may take what no reading here shows, and whether honest programs write it.
#include "policy/content/mime_findings.hpp"

namespace postern::policy::content {

using protocol::mime::finding;

consequence consequence_of(finding what) {
    switch (what) {
    // Binary parts (RFC 3030) and old programs; every client ends a line at them, or none of its lines is a
    // delimiter. Names are judged with and without what follows a NUL.
    case finding::bare_line_end:
    case finding::nul: return consequence::none;
    // "From " lines in bounces, folded lines of blanks: the body is read from both places.
    case finding::header_without_colon:
    case finding::blank_header_line: return consequence::none;
    // Bounces that have the header only; text that was cut.
    case finding::unfinished_header:
    case finding::unfinished_multipart: return consequence::none;
    // name=my file.pdf, "Content-Type: text": very common, and each way to read them is judged.
    case finding::malformed_parameter:
    case finding::malformed_type: return consequence::none;
    // "=" as it is, "8-bit", "utf-8": clients agree to leave them alone.
    case finding::bad_quoted_printable:
    case finding::unknown_encoding: return consequence::none;
    // Against RFC 2045 §6.4, and honest programs write it. Some clients decode it, others don't: both are
    // looked at.
    case finding::encoded_composite: return consequence::none;
    // Said of what is found for another reason, and decoded; a container is opened by its octets.
    case finding::several_readings:
    case finding::uuencoded:
    case finding::yenc:
    case finding::tnef: return consequence::none;
    // Clients differ in which one they take, and there are more clients than readings. An RFC 2231 name
    // beside an ASCII one is ordinary, and no conflict.
    case finding::conflicting_fields:
    case finding::conflicting_values:
    case finding::missing_boundary:
    case finding::overlong_boundary:
    case finding::boundary_ambiguity:
    case finding::part_after_end: return consequence::malformed;
    // Where to stop and what to skip is for each decoder to choose: they get different octets.
    case finding::bad_base64: return consequence::malformed;
    case finding::partial_message: // RFC 2046 §5.2.2
    case finding::external_body:   // RFC 2046 §5.2.3
        return consequence::malformed;
    case finding::bad_tnef: return consequence::unreadable;
    case finding::overlong_header:
    case finding::too_deep:
    case finding::too_many_parts:
    case finding::too_many_readings:
    case finding::too_many_names:
    case finding::overlong_name:
    case finding::too_much_work: return consequence::limit;
    }
    return consequence::limit;
}

} // namespace postern::policy::content
