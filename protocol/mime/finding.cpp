// The findings by name, in the order of the enum; a test sees to it that none is without.
#include "protocol/mime/visitor.hpp"

#include <array>

namespace postern::protocol::mime {

std::string_view name_of(finding what) {
    // In the order of the enum.
    static constexpr std::array<std::string_view, finding_count> names{
        "bare_line_end",
        "nul",
        "header_without_colon",
        "blank_header_line",
        "overlong_header",
        "unfinished_header",
        "conflicting_fields",
        "conflicting_values",
        "malformed_parameter",
        "malformed_type",
        "missing_boundary",
        "overlong_boundary",
        "boundary_ambiguity",
        "part_after_end",
        "unfinished_multipart",
        "bad_base64",
        "bad_quoted_printable",
        "unknown_encoding",
        "encoded_composite",
        "several_readings",
        "uuencoded",
        "yenc",
        "partial_message",
        "external_body",
        "tnef",
        "bad_tnef",
        "too_deep",
        "too_many_parts",
        "too_many_readings",
        "too_many_names",
        "overlong_name",
        "too_much_work",
    };
    return names[static_cast<unsigned>(what)];
}

} // namespace postern::protocol::mime
