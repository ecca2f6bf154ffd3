// Drops fields of one name from the header section of a message that comes in pieces of any size. Folded
// lines go with their field; the body, from the first empty line on, is never touched. What it holds is
// bounded; every octet of the input is either passed on or dropped. Used for Return-Path (RFC 5321 §4.4: the
// host of final delivery removes them, then writes its own) and for Authentication-Results that pretend to be
// ours (RFC 8601 §5).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace postern::protocol {

// The name and the blanks before the colon (RFC 5322 §4.5 allows them). With more blanks than fit it is
// dropped: nobody writes such a field, and a reader might take it for one.
inline constexpr std::size_t field_name_pending_max = 1000;
// Octets of a value in which the owner is looked for. A field whose owner hasn't been named by then is
// dropped.
inline constexpr std::size_t field_owner_pending_max = 4000;

class field_filter {
  public:
    using owners = std::shared_ptr<const std::vector<std::string>>;

    // `name` in lower case. With owners (host names in lower case; null = every field goes) only those fields
    // go whose value names one of them before the ";" that ends the authserv-id (RFC 8601 §2.2), in a comment
    // too: what a reader might take for theirs.
    explicit field_filter(std::string name, owners of = {})
        : name_(std::move(name)), owners_(std::move(of)) {}

    // Appends to `out` what stays.
    void feed(std::string_view octets, std::string& out);
    // No more octets come.
    void finish(std::string& out);
    bool in_body() const { return state_ == state::body; } // everything stays from here on

  private:
    enum class state {
        line_start,
        empty_line,
        name,
        blanks,
        owner,
        owner_line_start,
        keep_line,
        drop_line,
        body
    };

    std::string_view start_line(std::string_view rest, std::string& out);
    std::string_view end_header(std::string_view rest, std::string& out);
    std::string_view match_name(std::string_view rest, std::string& out);
    std::string_view match_colon(std::string_view rest, std::string& out);
    std::string_view look_for_owner(std::string_view rest, std::string& out);
    std::string_view start_owner_line(std::string_view rest, std::string& out);
    std::string_view rest_of_line(std::string_view rest, std::string& out);
    bool ends_owner(char c);
    bool names_owner() const;
    void decide(std::string& out);
    void drop();
    void keep(std::string& out);

    std::string name_;
    owners owners_;
    state state_ = state::line_start;
    bool dropping_ = false; // the field that the last line belongs to
    std::string pending_;   // octets whose fate is open
    // Within the owner: a ";" in a comment or a quoted string ends nothing (RFC 5322 §3.2.2, §3.2.4).
    unsigned comments_ = 0;
    bool quoted_ = false, escaped_ = false;
};

// Several of them, one behind the other.
class field_filters {
  public:
    explicit field_filters(std::vector<field_filter> all) : all_(std::move(all)) {}

    void feed(std::string_view octets, std::string& out); // as field_filter's
    void finish(std::string& out);
    bool in_body() const { return all_.back().in_body(); }

  private:
    std::vector<field_filter> all_; // never empty
};

// What a message from outside says in our name: results that pretend to be those of `of` and, where
// `with_spam_marks`, X-Spam-Flag and X-Spam-Status of anybody. From a mail client Bcc goes too (RFC 5322
// §3.6.3), and so does Resent-Bcc.
enum class blind_copies : bool { stay, go };
field_filters forged_fields(field_filter::owners of, bool with_spam_marks,
                            blind_copies bcc = blind_copies::stay);

} // namespace postern::protocol
