// Three parts: words for people, fields for programs, and what is returned of the message. Subjects are
// Postfix's, which filters of every kind know.
#include "protocol/mail/dsn.hpp"

#include "protocol/mail/text_notice.hpp"
#include "protocol/mail/trace_header.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <cassert>
#include <fmt/format.h>
#include <iterator>

namespace postern::protocol {
namespace {

constexpr std::size_t address_max = 512;                    // octets shown of an address
constexpr std::string_view longest_id = "0000000000000000"; // of a queue
constexpr std::size_t reply_max = 800; // of a reply: with its field's name within RFC 5322 §2.1.1's 998

struct action_words {
    std::string_view name;    // RFC 3464 §2.3.3
    std::string_view unclear; // the status where none is known
};

action_words words_for(dsn_action action) {
    switch (action) {
    case dsn_action::failed: return {"failed", "5.0.0"};
    case dsn_action::delayed: return {"delayed", "4.0.0"};
    case dsn_action::delivered: return {"delivered", "2.0.0"};
    case dsn_action::relayed: return {"relayed", "2.0.0"};
    case dsn_action::expanded: return {"expanded", "2.0.0"};
    }
    return {"failed", "5.0.0"};
}

struct opening {
    std::string_view subject;
    std::string_view text;
};

// A notice about several recipients is named after the worst that happened to one.
opening opening_for(std::span<const dsn_recipient> recipients) {
    const auto has = [&](dsn_action action) {
        return std::any_of(recipients.begin(), recipients.end(),
                           [action](const dsn_recipient& to) { return to.action == action; });
    };
    if (has(dsn_action::failed))
        return {"Undelivered Mail Returned to Sender",
                "Your message could not be delivered to one or more of its recipients.\r\n"
                "It will not be tried again. What went wrong stands below."};
    if (has(dsn_action::delayed))
        return {"Delayed Mail (still being retried)",
                "THIS IS A WARNING ONLY. YOU DO NOT NEED TO SEND YOUR MESSAGE AGAIN.\r\n\r\n"
                "Your message could not yet be delivered to one or more of its recipients."};
    return {"Successful Mail Delivery Report", "Your message was delivered as described below."};
}

// RFC 3463 §2: class "." subject "." detail.
bool is_status(std::string_view text) {
    if (text.size() < 5 || (text[0] != '2' && text[0] != '4' && text[0] != '5') || text[1] != '.')
        return false;
    const auto dot = text.find('.', 2);
    if (dot == std::string_view::npos) return false;
    const auto is_number = [](std::string_view digits) {
        return !digits.empty() && digits.size() <= 3 && std::all_of(digits.begin(), digits.end(), is_digit);
    };
    return is_number(text.substr(2, dot - 2)) && is_number(text.substr(dot + 1));
}

std::string_view status_of(const dsn_recipient& to) {
    return is_status(to.status) ? to.status : words_for(to.action).unclear;
}

template <class... Values>
void add(std::string& out, fmt::format_string<Values...> form, Values&&... values) {
    fmt::format_to(std::back_inserter(out), form, std::forward<Values>(values)...);
}

// The characters of the fields: all, in a notice that needs SMTPUTF8.
enum class charset : bool { ascii, utf8 };

// Printable, and in ASCII with others written as RFC 6533 §3 writes those of an address: \x{FC}.
std::string field_text(std::string_view text, std::size_t longest, charset of) {
    auto shown = printable(text, longest);
    if (of == charset::utf8 || is_ascii(shown)) return shown;
    std::string out;
    for (std::size_t at = 0; at < shown.size();) {
        const auto first = static_cast<unsigned char>(shown[at]);
        const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        std::uint32_t code = length == 1 ? first : first & (0xffU >> (length + 1));
        for (std::size_t i = 1; i < length; ++i)
            code = code << 6 | (static_cast<unsigned char>(shown[at + i]) & 0x3fU);
        const auto piece = length == 1 ? std::string(1, shown[at]) : fmt::format("\\x{{{:02X}}}", code);
        if (out.size() + piece.size() > longest) break;
        out += piece;
        at += length;
    }
    return out;
}

// RFC 3464 §2.3.2, RFC 6533 §3: the type says how to read the address.
void add_address(std::string& out, std::string_view field, std::string_view address) {
    add(out, "{}: {}; {}\r\n", field, is_ascii(address) ? "rfc822" : "utf-8",
        printable(address, address_max));
}

// ORCPT brings its own type.
void add_original(std::string& out, std::string_view original, charset of) {
    const auto semicolon = original.find(';');
    if (semicolon == std::string_view::npos) return;
    add(out, "Original-Recipient: {}; {}\r\n", field_text(original.substr(0, semicolon), 64, of),
        field_text(original.substr(semicolon + 1), address_max, of));
}

void add_field_group(std::string& out, const dsn_recipient& to, std::string_view about, charset of) {
    out += "\r\n";
    if (!to.original.empty()) add_original(out, to.original, of);
    add_address(out, "Final-Recipient", to.address);
    add(out, "Action: {}\r\nStatus: {}\r\n", words_for(to.action).name, status_of(to));
    if (!to.remote_host.empty()) add(out, "Remote-MTA: dns; {}\r\n", field_text(to.remote_host, 255, of));
    if (!to.reply.empty())
        add(out, "Diagnostic-Code: {}; {}\r\n", to.remote_host.empty() ? "x-postern" : "smtp",
            field_text(to.reply, reply_max, of));
    if (to.last_attempt != 0) add(out, "Last-Attempt-Date: {}\r\n", mail_date(to.last_attempt));
    if (!about.empty()) add(out, "Final-Log-ID: {}\r\n", about);
    if (to.action == dsn_action::delayed && to.retry_until != 0)
        add(out, "Will-Retry-Until: {}\r\n", mail_date(to.retry_until));
}

void add_words_about(std::string& out, const dsn_recipient& to) {
    add(out, "\r\n<{}>: {} ({})\r\n", printable(to.address, address_max), words_for(to.action).name,
        status_of(to));
    if (!to.remote_host.empty()) add(out, "    {} said:\r\n", printable(to.remote_host, 255));
    if (!to.reply.empty()) add(out, "    {}\r\n", printable(to.reply, reply_max));
    if (to.action == dsn_action::delayed && to.retry_until != 0)
        add(out, "    It will be tried until {}.\r\n", mail_date(to.retry_until));
}

// What is said of as many recipients as fit into both parts.
struct told {
    std::string words, fields;
    std::size_t recipients = 0;
};

// As many fit in ASCII as do in UTF-8, or fewer. The first always does.
told tell_of(std::span<const dsn_recipient> recipients, std::string_view about, charset of) {
    told made;
    std::size_t words_octets = 0; // encoded
    for (const auto& to : recipients) {
        std::string words, fields;
        add_words_about(words, to);
        add_field_group(fields, to, about, of);
        words_octets += quoted_printable(words).size();
        const bool fits =
            words_octets <= dsn_words_max && made.fields.size() + fields.size() <= dsn_fields_max;
        if (!fits && made.recipients != 0) break;
        made.words += words;
        made.fields += fields;
        ++made.recipients;
    }
    return made;
}

std::string words_part(const dsn_facts& facts, const told& all) {
    std::string out;
    add(out, "This is the mail system at {}.\r\n\r\n{}\r\n{}", facts.hostname,
        opening_for(facts.recipients).text, all.words);
    if (all.recipients < facts.recipients.size())
        add(out, "\r\nAnd {} more recipients.\r\n", facts.recipients.size() - all.recipients);
    if (facts.what == returned_part::nothing)
        out += "\r\nNothing of your message is returned with this notice.\r\n";
    add(out, "\r\nFor help, write to the postmaster of {} and send this notice along.\r\n", facts.hostname);
    return out;
}

std::string fields_part(const dsn_facts& facts, const told& all, charset of) {
    std::string out;
    if (!facts.envelope_id.empty())
        add(out, "Original-Envelope-Id: {}\r\n", field_text(facts.envelope_id, 128, of));
    add(out, "Reporting-MTA: dns; {}\r\nArrival-Date: {}\r\n{}", facts.hostname, mail_date(facts.arrived),
        all.fields);
    return out;
}

// The octets decide what a part declares.
void add_part(std::string& out, std::string_view boundary, std::string_view description,
              std::string_view type, std::string_view octets) {
    add(out, "--{}\r\nContent-Description: {}\r\nContent-Type: {}\r\n", boundary, description, type);
    if (!is_ascii(octets)) out += "Content-Transfer-Encoding: 8bit\r\n";
    out += "\r\n";
    out += octets;
    out += octets.ends_with("\r\n") ? "\r\n" : "\r\n\r\n";
}

// RFC 6533 §4 and §5 where the header holds UTF-8. An 8-bit body is RFC 6152's, and a message of the old
// kind.
void add_returned(std::string& out, std::string_view boundary, const dsn_facts& facts) {
    const auto octets = facts.returned.substr(0, dsn_returned_max);
    const bool global = !is_ascii(header_to_return(octets));
    switch (facts.what) {
    case returned_part::nothing: return;
    case returned_part::message:
        return add_part(out, boundary, "Undelivered Message", global ? "message/global" : "message/rfc822",
                        octets);
    case returned_part::header:
        return add_part(out, boundary, "Message Headers",
                        global ? "message/global-headers" : "text/rfc822-headers", octets);
    }
}

std::string parts_of(const dsn_facts& facts, std::string_view boundary) {
    const auto of = dsn_needs_smtputf8(facts) ? charset::utf8 : charset::ascii;
    const auto all = tell_of(facts.recipients, facts.about, of);
    const auto words = words_part(facts, all), fields = fields_part(facts, all, of);
    std::string out;
    // No server on the way needs 8BITMIME for it.
    if (is_ascii(words))
        add_part(out, boundary, "Notification", "text/plain; charset=us-ascii", words);
    else
        add_part(out, boundary, "Notification",
                 "text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable",
                 quoted_printable(words));
    add_part(out, boundary, "Delivery report",
             is_ascii(fields) ? "message/delivery-status" : "message/global-delivery-status", fields);
    add_returned(out, boundary, facts);
    return out;
}

} // namespace

bool dsn_needs_smtputf8(const dsn_facts& facts) {
    return !is_ascii(facts.to) || std::any_of(facts.recipients.begin(), facts.recipients.end(),
                                              [](const dsn_recipient& to) { return !is_ascii(to.address); });
}

std::size_t dsn_recipients_named(std::span<const dsn_recipient> recipients) {
    return tell_of(recipients, longest_id, charset::ascii).recipients;
}

std::string make_dsn(const dsn_facts& facts) {
    assert(!facts.to.empty() && facts.chance.size() >= dsn_chance_min);
    const auto boundary = fmt::format("{}/{}", facts.id, facts.chance);
    const auto parts = parts_of(facts, boundary);
    std::string out;
    add(out, "Received: by {} (Postern)\r\n\tid {}; {}\r\n", facts.hostname, facts.id, mail_date(facts.now));
    add(out, "From: Mail Delivery System <MAILER-DAEMON@{}>\r\nTo: <{}>\r\nDate: {}\r\n", facts.hostname,
        printable(facts.to, address_max), mail_date(facts.now));
    add(out, "Subject: {}\r\nMessage-ID: <{}@{}>\r\n", opening_for(facts.recipients).subject, facts.id,
        facts.hostname);
    // RFC 3834 §5.2: nothing may answer this by itself.
    add(out,
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; "
        "report-type=delivery-status;\r\n\tboundary=\"{}\"\r\n",
        boundary);
    if (!is_ascii(parts)) out += "Content-Transfer-Encoding: 8bit\r\n";
    add(out, "\r\nThis is a MIME-encapsulated message.\r\n\r\n{}--{}--\r\n", parts, boundary);
    return out;
}

std::string_view header_to_return(std::string_view message) {
    if (message.starts_with("\r\n")) return {};
    const auto end = message.find("\r\n\r\n");
    auto header = message.substr(0, end == std::string_view::npos ? message.size() : end + 2);
    if (header.size() <= dsn_returned_max) return header;
    header = header.substr(0, dsn_returned_max);
    const auto last = header.rfind("\r\n");
    return header.substr(0, last == std::string_view::npos ? 0 : last + 2);
}

} // namespace postern::protocol
