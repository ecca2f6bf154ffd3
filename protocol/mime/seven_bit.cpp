// The header of each part is held until its end: what it says of the encoding has to fit what follows.
#include "protocol/mime/seven_bit.hpp"

#include "protocol/mime/parameters.hpp"
#include "protocol/sasl/base64.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <utility>

namespace postern::protocol::mime {
namespace {

constexpr std::size_t boundary_max = 200;      // RFC 2046 §5.1.1 has 70
constexpr std::size_t base64_line_octets = 57; // 76 characters
constexpr std::string_view header_holds_some = "its header holds octets above 127";

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto from = text.find_first_not_of(blanks);
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

bool is_field(std::string_view line, std::string_view name) {
    const auto colon = line.find(':');
    return colon != std::string_view::npos && equals_ignoring_case(trimmed(line.substr(0, colon)), name);
}

// RFC 2045 §6.7: one line, without the CRLF that may follow. A line that begins here and not where one of the
// message does must look like no boundary.
enum class line_begins : unsigned char { with_a_line, within_one };

void append_quoted(std::string_view line, line_begins where, std::string& out) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::size_t line_max = 75; // and "="
    bool is_ours = where == line_begins::within_one;
    std::size_t length = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const auto octet = static_cast<unsigned char>(line[i]);
        const bool blank = octet == ' ' || octet == '\t';
        bool plain = (octet > ' ' && octet < 127 && octet != '=') || (blank && i + 1 < line.size());
        if (length + (plain ? 1 : 3) > line_max) {
            out += "=\r\n";
            length = 0;
            is_ours = true;
        }
        if (octet == '-' && length == 0 && is_ours) plain = false;
        if (plain)
            out += line[i];
        else
            out += {'=', digits[octet / 16], digits[octet % 16]};
        length += plain ? 1 : 3;
    }
}

} // namespace

struct seven_bit_writer::content_header {
    std::string type = "text/plain"; // lower case
    std::string encoding = "7bit";
    std::string boundary;
    unsigned types = 0, encodings = 0; // fields
    bool has_version = false;

    bool is_multipart() const { return type.starts_with("multipart/"); }
    bool is_text() const { return type.starts_with("text/"); }
    bool is_open() const { return encoding == "8bit" || encoding == "binary"; }
    bool is_encodable() const {
        if (is_multipart() || type.starts_with("message/")) return false; // RFC 2045 §6.4
        return is_open() || (encoding == "7bit" && is_text());
    }
    void take(std::string_view field);
};

void seven_bit_writer::content_header::take(std::string_view field) {
    const auto value = field.substr(std::min(field.find(':') + 1, field.size()));
    if (is_field(field, "MIME-Version")) has_version = true;
    if (is_field(field, "Content-Transfer-Encoding")) {
        ++encodings;
        encoding = to_lower(trimmed(without_comments(value)));
    }
    if (!is_field(field, "Content-Type")) return;
    ++types;
    const auto plain = without_comments(value);
    type = to_lower(trimmed(std::string_view(plain).substr(0, plain.find(';'))));
    parameter_values found;
    find_parameter(plain, "boundary", boundary_max, sections::joined, found);
    const bool clear = found.values.size() == 1 && !found.malformed && !found.conflicting && !found.overlong;
    if (clear) boundary = found.values.front();
}

// --- lines

bool seven_bit_writer::feed(std::string_view octets, std::string& out) {
    while (!octets.empty() && refusal_.empty()) {
        const auto end = octets.find('\n');
        auto part = octets.substr(0, end);
        const auto room = (in_header_ ? header_octets_max : held_max) - held_.size();
        const bool fits = part.size() <= room;
        part = part.substr(0, room);
        held_.append(part);
        octets.remove_prefix(part.size());
        if (!fits) {
            if (in_header_)
                refuse("its header is too long");
            else
                take_held(out);
        } else if (end != std::string_view::npos) {
            octets.remove_prefix(1);
            if (held_.ends_with('\r')) held_.pop_back();
            take_line(held_, true, out);
            held_.clear();
            at_line_start_ = true;
        }
    }
    return refusal_.empty();
}

// As much of a long line as is there; a CR may belong to its end.
void seven_bit_writer::take_held(std::string& out) {
    const bool ends = held_.back() == '\r';
    if (ends) held_.pop_back();
    take_line(held_, false, out);
    held_ = ends ? "\r" : "";
    at_line_start_ = false;
}

bool seven_bit_writer::finish(std::string& out) {
    if (refusal_.empty() && !held_.empty()) take_line(held_, false, out);
    held_.clear();
    if (refusal_.empty() && in_header_) end_header(header_end::cut_off, out);
    if (refusal_.empty()) end_part(out);
    return refusal_.empty();
}

void seven_bit_writer::take_line(std::string_view line, bool whole, std::string& out) {
    if (at_line_start_ && take_boundary(line, out)) return;
    if (in_header_) return take_header_line(line, out);
    take_body(line, whole, out);
}

// RFC 2046 §5.1.1: that of any multipart around ends all within it.
bool seven_bit_writer::take_boundary(std::string_view line, std::string& out) {
    if (!line.starts_with("--")) return false;
    for (std::size_t i = around_.size(); i-- > 0;) {
        const std::string& boundary = around_[i].boundary;
        if (!line.starts_with(boundary)) continue;
        const auto rest = trimmed(line.substr(boundary.size()));
        if (!rest.empty() && rest != "--") continue;
        if (in_header_) end_header(header_end::cut_off, out);
        owes_line_end_ = false; // it is the boundary's
        end_part(out);
        if (!refusal_.empty()) return true;
        around_.resize(rest.empty() ? i + 1 : i);
        in_header_ = rest.empty();
        out.append(line).append("\r\n");
        return true;
    }
    return false;
}

void seven_bit_writer::take_header_line(std::string_view line, std::string& out) {
    if (line.empty()) return end_header(header_end::empty_line, out);
    header_octets_ += line.size();
    if (!is_ascii(line)) return refuse(header_holds_some);
    if (header_octets_ > header_octets_max) return refuse("its header is too long");
    if ((line.front() == ' ' || line.front() == '\t') && !header_.empty())
        header_.back().append("\r\n").append(line);
    else
        header_.emplace_back(line);
}

void seven_bit_writer::take_body(std::string_view line, bool whole, std::string& out) {
    switch (manner_) {
    case manner::untouched:
        if (!is_ascii(line)) return refuse("a part of it that may not be changed holds octets above 127");
        out.append(line).append(whole ? "\r\n" : "");
        return;
    case manner::quoted_printable:
        append_quoted(line, at_line_start_ ? line_begins::with_a_line : line_begins::within_one, out);
        out += whole ? "\r\n" : "=\r\n"; // the line goes on, or ends here with the message
        return;
    case manner::base64: break;
    }
    if (std::exchange(owes_line_end_, false)) add_base64("\r\n", out);
    add_base64(line, out);
    owes_line_end_ = whole;
}

// --- parts

void seven_bit_writer::end_header(header_end how, std::string& out) {
    content_header header;
    if (!around_.empty() && around_.back().is_digest) header.type = "message/rfc822"; // RFC 2046 §5.1.5
    for (const auto& field : header_) header.take(field);
    if (header.types > 1 || header.encodings > 1) return refuse("it says twice how it is encoded");
    begin_body(header);
    if (!refusal_.empty()) return;
    write_header(header, out);
    // Where a boundary cut it off an empty line would make it another part's.
    if (how == header_end::empty_line) out += "\r\n";
    header_.clear();
    header_octets_ = 0;
    in_header_ = is_top_ = false;
}

void seven_bit_writer::begin_body(const content_header& header) {
    manner_ = manner::untouched;
    if (header.is_encodable()) manner_ = header.is_text() ? manner::quoted_printable : manner::base64;
    // RFC 1847 §2.1: not an octet of what is signed may change.
    const bool sealed = header.type == "multipart/signed" || header.type == "multipart/encrypted";
    if (!header.is_multipart() || sealed || header.boundary.empty()) return;
    if (around_.size() >= depth_max) return refuse("its parts are too deep within each other");
    around_.push_back({"--" + header.boundary, header.type == "multipart/digest"});
}

void seven_bit_writer::write_header(const content_header& header, std::string& out) {
    const bool relabelled = manner_ != manner::untouched || header.is_open();
    for (const auto& field : header_)
        if (!relabelled || !is_field(field, "Content-Transfer-Encoding")) out.append(field).append("\r\n");
    if (is_top_ && relabelled && !header.has_version) out += "MIME-Version: 1.0\r\n";
    // RFC 1428 §3: nobody said what they are.
    if (is_top_ && relabelled && header.types == 0)
        out += "Content-Type: text/plain; charset=unknown-8bit\r\n";
    if (relabelled) {
        out += "Content-Transfer-Encoding: ";
        out += manner_ == manner::quoted_printable ? "quoted-printable"
               : manner_ == manner::base64         ? "base64"
                                                   : "7bit";
        out += "\r\n";
    }
}

void seven_bit_writer::end_part(std::string& out) {
    if (manner_ == manner::base64) {
        if (std::exchange(owes_line_end_, false)) add_base64("\r\n", out);
        flush_base64(out);
    }
    manner_ = manner::untouched;
}

void seven_bit_writer::add_base64(std::string_view octets, std::string& out) {
    while (!octets.empty()) {
        const auto part = octets.substr(0, base64_line_octets - group_.size());
        group_.append(part);
        octets.remove_prefix(part.size());
        if (group_.size() == base64_line_octets) flush_base64(out);
    }
}

void seven_bit_writer::flush_base64(std::string& out) {
    if (group_.empty()) return;
    out.append(sasl::encode_base64(group_)).append("\r\n");
    group_.clear();
}

void seven_bit_writer::refuse(std::string_view why) { refusal_ = why; }

} // namespace postern::protocol::mime
