// One pass over the field with a cursor. A mailbox begins with a word or "<"; "@" behind the first word makes
// it an address, "<" behind any words makes them a display name, ":" a group.
#include "protocol/mail/author_list.hpp"

#include "protocol/mime/encoded_word.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace postern::protocol {
namespace {

constexpr int comment_depth_max = 8;

using authors = result<std::vector<address>, author_fault>;
using maybe_fault = std::optional<author_fault>;

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_atom_octet(char c) { return is_atext(c) || static_cast<unsigned char>(c) >= 0x80; }

class author_parser {
  public:
    explicit author_parser(std::string_view text) : text_(text) {}
    authors parse();
    bool had_group() const { return had_group_; }

  private:
    enum class inside { list, group };

    bool at_end() const { return at_ == text_.size(); }
    bool is(char c) const { return !at_end() && text_[at_] == c; }
    maybe_fault skip_comment();
    maybe_fault skip_blanks(); // and comments
    maybe_fault quoted_string();
    maybe_fault word();
    maybe_fault list(inside what);
    maybe_fault mailbox(inside what);
    maybe_fault group();
    maybe_fault bare_address(std::size_t from);
    maybe_fault bracketed_address();
    maybe_fault add(std::string_view spec);

    std::string_view text_;
    std::size_t at_ = 0;
    bool had_group_ = false;
    std::vector<address> found_;
};

maybe_fault author_parser::skip_comment() {
    int depth = 0;
    for (; !at_end(); ++at_) {
        const char c = text_[at_];
        if (c == '\\' && at_ + 1 < text_.size())
            ++at_;
        else if (c == '(' && ++depth > comment_depth_max)
            return author_fault::unclosed;
        else if (c == ')' && --depth == 0) {
            ++at_;
            return std::nullopt;
        }
    }
    return author_fault::unclosed;
}

maybe_fault author_parser::skip_blanks() {
    while (!at_end() && (is_blank(text_[at_]) || text_[at_] == '(')) {
        if (is_blank(text_[at_]))
            ++at_;
        else if (auto fault = skip_comment())
            return fault;
    }
    return std::nullopt;
}

maybe_fault author_parser::quoted_string() {
    for (++at_; !at_end(); ++at_) {
        if (is('"')) {
            ++at_;
            return std::nullopt;
        }
        if (is('\\') && ++at_ == text_.size()) break;
    }
    return author_fault::unclosed;
}

// An atom, with the dots that RFC 5322 §4.1 has in names, or a quoted string.
maybe_fault author_parser::word() {
    if (is('"')) return quoted_string();
    const auto from = at_;
    while (!at_end() && (is_atom_octet(text_[at_]) || is('.'))) ++at_;
    return at_ == from ? maybe_fault(author_fault::leftover) : std::nullopt;
}

maybe_fault author_parser::add(std::string_view spec) {
    if (mime::has_encoded_word(spec)) return author_fault::bad_address; // RFC 2047 §5: never in an addr-spec
    auto made = parse_address(spec);
    if (!made) return author_fault::bad_address;
    if (found_.size() == authors_max) return author_fault::too_long;
    found_.push_back(std::move(*made));
    return std::nullopt;
}

// "local@domain" outside brackets, without blanks or comments in it.
maybe_fault author_parser::bare_address(std::size_t from) {
    ++at_; // "@"
    if (is('[')) {
        const auto closing = text_.find(']', at_);
        if (closing == std::string_view::npos) return author_fault::unclosed;
        at_ = closing + 1;
    } else {
        while (!at_end() && (is_atom_octet(text_[at_]) || is('.'))) ++at_;
    }
    return add(text_.substr(from, at_ - from));
}

maybe_fault author_parser::bracketed_address() {
    auto from = ++at_; // "<"
    for (; !at_end() && !is('>');) {
        if (is('<')) return author_fault::bad_address;
        if (!is('"'))
            ++at_;
        else if (auto fault = quoted_string())
            return fault;
    }
    if (at_end()) return author_fault::unclosed;
    auto until = at_++;
    while (from < until && is_blank(text_[from])) ++from;
    while (from < until && is_blank(text_[until - 1])) --until;
    return add(text_.substr(from, until - from));
}

maybe_fault author_parser::group() {
    had_group_ = true;
    ++at_; // ":"
    if (auto fault = list(inside::group)) return fault;
    if (!is(';')) return author_fault::unclosed;
    ++at_;
    return std::nullopt;
}

maybe_fault author_parser::mailbox(inside what) {
    if (is('<')) return bracketed_address();
    const auto from = at_;
    for (bool first = true;; first = false) {
        if (auto fault = word())
            return first && *fault == author_fault::leftover ? author_fault::no_author : *fault;
        if (first && is('@')) return bare_address(from);
        if (auto fault = skip_blanks()) return fault;
        if (is('<')) return bracketed_address();
        if (is(':')) return what == inside::list ? group() : author_fault::leftover;
        if (at_end() || is(',') || is(';')) return author_fault::no_address;
    }
}

// Up to the end of the field, or of the group.
maybe_fault author_parser::list(inside what) {
    for (;;) {
        if (auto fault = skip_blanks()) return fault;
        if (at_end() || is(',') || is(';')) return author_fault::no_author;
        if (auto fault = mailbox(what)) return fault;
        if (auto fault = skip_blanks()) return fault;
        if (at_end() || (what == inside::group && is(';'))) return std::nullopt;
        if (!is(',')) return author_fault::leftover;
        ++at_;
    }
}

authors author_parser::parse() {
    if (auto fault = list(inside::list)) return *fault;
    return std::move(found_);
}

// CRLF before a blank goes (RFC 5322 §2.2.3).
std::string unfolded(std::string_view value) {
    std::string text(value);
    for (auto at = text.find("\r\n"); at != std::string::npos; at = text.find("\r\n", at)) {
        if (at + 2 >= text.size() || !is_blank(text[at + 2])) break;
        text.erase(at, 2);
    }
    return text;
}

// Tabs are blanks here.
bool is_readable(std::string text) {
    std::replace(text.begin(), text.end(), '\t', ' ');
    return is_printable(text);
}

// A NUL or a line end behind an encoded word has cut the address off in more than one mail program.
bool is_readable_decoded(const std::string& text) {
    if (!is_readable(text)) return false;
    if (!mime::has_encoded_word(text)) return true;
    const auto decoded = mime::decode_encoded_words(text);
    return std::none_of(decoded.begin(), decoded.end(), [](char c) { return is_control(c) && c != '\t'; });
}

struct field_authors {
    std::vector<address> who;
    bool group = false;
};

result<field_authors, author_fault> parse_value(std::string_view value) {
    const auto text = unfolded(value);
    if (!is_readable_decoded(text)) return author_fault::bad_octet;
    author_parser parser(text);
    auto who = parser.parse();
    if (!who) return who.error();
    return field_authors{std::move(*who), parser.had_group()};
}

result<field_authors, author_fault> parse_field(const kept_field& field) {
    const auto colon = field.text.find(':');
    if (colon == std::string::npos || colon == 0 || is_blank(field.text[colon - 1]))
        return author_fault::bad_name;
    if (field.cut) return author_fault::too_long;
    return parse_value(std::string_view(field.text).substr(colon + 1));
}

} // namespace

std::string_view fault_text(author_fault fault) {
    switch (fault) {
    case author_fault::no_field: return "it has no From field";
    case author_fault::two_fields: return "it has more than one From or Sender field";
    case author_fault::bad_name: return "blanks stand before the colon of its From or Sender field";
    case author_fault::too_long: return "its From or Sender field is too long";
    case author_fault::no_author: return "its From field names no author, or has an empty element";
    case author_fault::no_address: return "its From field has a name without an address";
    case author_fault::bad_address: return "its From field has something that is no address";
    case author_fault::leftover: return "something in its From field is left over behind an address";
    case author_fault::unclosed:
        return "a quoted string, a comment, a group or a bracket in its From field is not closed";
    case author_fault::bad_octet: return "its From field has characters that are not UTF-8 or can't be shown";
    case author_fault::many_senders: return "its Sender field names more than one address";
    case author_fault::broken_header: return "its header has a line that is no field";
    }
    return "its From field is malformed";
}

void throw_exception_from_error(const author_fault&, const boost::source_location&) {
    throw std::logic_error("the authors of a failed parse were asked for");
}

authors parse_authors(std::string_view value) {
    auto parsed = parse_value(value);
    if (!parsed) return parsed.error();
    return std::move(parsed->who);
}

namespace {

void add(std::vector<address>&& more, std::vector<address>& to) {
    for (auto& one : more)
        if (std::find(to.begin(), to.end(), one) == to.end()) to.push_back(std::move(one));
}

} // namespace

authors authors_of(const header_scan& header) {
    if (header.ended_by_other_line() || header.has_mbox_line()) return author_fault::broken_header;
    if (header.from().empty()) return author_fault::no_field;
    if (header.from().size() > 1 || header.sender().size() > 1) return author_fault::two_fields;
    auto found = parse_field(header.from().front());
    if (!found) return found.error();
    auto who = std::move(found->who);
    for (const auto& field : header.sender()) {
        auto sender = parse_field(field);
        if (!sender) return sender.error();
        if (sender->group || sender->who.size() != 1) return author_fault::many_senders;
        add(std::move(sender->who), who);
    }
    // RFC 5322 §3.6.6: a block of its own each time somebody sends the message once more.
    if (header.resent().size() > header_scan::author_fields_max) return author_fault::two_fields;
    for (const auto& field : header.resent()) {
        auto again = parse_field(field);
        if (!again) return again.error();
        add(std::move(again->who), who);
    }
    return who;
}

} // namespace postern::protocol
