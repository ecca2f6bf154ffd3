// Delivery status notifications: a message that tells a sender what became of theirs (RFC 3464, RFC 3461 §6,
// RFC 3834 §5, RFC 6533 for addresses beyond ASCII). Pure: time and chance are passed in. What a peer said is
// made printable and bounded; nothing of it can end a part or begin a field.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace postern::protocol {

enum class dsn_action : std::uint8_t { failed, delayed, delivered, relayed, expanded }; // RFC 3464 §2.3.3

// What became of one recipient. Views are borrowed for the call.
struct dsn_recipient {
    std::string_view address{};  // "local@domain", as the sender gave it where it is known
    std::string_view original{}; // ORCPT: "type;address", decoded; "" = none
    dsn_action action = dsn_action::failed;
    std::string_view status{}; // RFC 3463 "5.1.1"; of another form: "5.0.0", "4.0.0" or "2.0.0" by the action
    std::string_view remote_host{}; // who said `reply`; "" = we did
    std::string_view reply{};       // a peer's SMTP reply, or our own words
    std::int64_t last_attempt = 0;  // unix seconds; 0 = never tried
    std::int64_t retry_until = 0;   // of delayed: when it will be given up
};

enum class returned_part : std::uint8_t { nothing, header, message };

struct dsn_facts {
    std::string_view hostname{}; // ours
    std::string_view id{};       // of this notice in our queue; becomes its Message-ID
    std::string_view about{};    // the id that the message it is about has in our log; "" = none
    std::string_view chance{};   // at least 16 letters and digits that nobody can guess: the boundary
    std::int64_t now = 0;        // unix seconds
    std::string_view to{};       // the sender of the message it is about; never "<>"
    std::string_view envelope_id{};
    std::int64_t arrived = 0; // of the message it is about, unix seconds
    std::span<const dsn_recipient> recipients{};
    // The header section, or the whole message: CRLF lines without any other CR, LF or NUL. A notice goes by
    // DATA, and a server may take "\n.\r\n" for its end.
    std::string_view returned{};
    returned_part what = returned_part::header;
};

// A notice is at most 64 KiB: of each part so many octets.
inline constexpr std::size_t dsn_words_max = 13 * 1024;
inline constexpr std::size_t dsn_fields_max = 28 * 1024;
inline constexpr std::size_t dsn_returned_max = 20 * 1024; // of a longer message only the header
inline constexpr std::size_t dsn_size_max = 64 * 1024;
inline constexpr std::size_t dsn_chance_min = 16;

// How many of the recipients, from the first on, one notice names: all that fit, and one at least. The others
// need a notice more.
std::size_t dsn_recipients_named(std::span<const dsn_recipient> recipients);

// The whole message, CRLF lines. Recipients beyond those that it names are counted. Octets above 127 are
// UTF-8 of addresses where the notice needs SMTPUTF8, or of what is returned: what a peer said is encoded.
std::string make_dsn(const dsn_facts& facts);

// An address of ours beyond ASCII is told: the notice itself needs SMTPUTF8.
bool dsn_needs_smtputf8(const dsn_facts& facts);

// The header section at the beginning of `message`, without the empty line; at most dsn_returned_max octets,
// cut at the end of a line.
std::string_view header_to_return(std::string_view message);

} // namespace postern::protocol
