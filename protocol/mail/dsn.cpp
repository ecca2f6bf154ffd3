// Three parts: words for people, fields for programs, and what is returned of the message. Subjects are
// Postfix's, which filters of every kind know.
#include "protocol/mail/dsn.hpp"

#include "protocol/mail/trace_header.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <cassert>
#include <fmt/format.h>
#include <iterator>

namespace postern::protocol {
namespace {

constexpr std::size_t address_max = 512;               // octets shown of an address
constexpr std::size_t recipient_octets_max = 3 * 1024; // what one recipient takes in a part
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
        return !digits.empty() && digits.size() <= 3 &&
               std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
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

// RFC 3464 §2.3.2, RFC 6533 §3: the type says how to read the address.
void add_address(std::string& out, std::string_view field, std::string_view address) {
    add(out, "{}: {}; {}\r\n", field, is_ascii(address) ? "rfc822" : "utf-8",
        printable(address, address_max));
}

// ORCPT brings its own type.
void add_original(std::string& out, std::string_view original) {
    const auto semicolon = original.find(';');
    if (semicolon == std::string_view::npos) return;
    add(out, "Original-Recipient: {}; {}\r\n", printable(original.substr(0, semicolon), 64),
        printable(original.substr(semicolon + 1), address_max));
}

void add_field_group(std::string& out, const dsn_recipient& to) {
    out += "\r\n";
    if (!to.original.empty()) add_original(out, to.original);
    add_address(out, "Final-Recipient", to.address);
    add(out, "Action: {}\r\nStatus: {}\r\n", words_for(to.action).name, status_of(to));
    if (!to.remote_host.empty()) add(out, "Remote-MTA: dns; {}\r\n", printable(to.remote_host, 255));
    if (!to.reply.empty())
        add(out, "Diagnostic-Code: {}; {}\r\n", to.remote_host.empty() ? "x-postern" : "smtp",
            printable(to.reply, reply_max));
    if (to.last_attempt != 0) add(out, "Last-Attempt-Date: {}\r\n", mail_date(to.last_attempt));
    if (to.action == dsn_action::delayed && to.retry_until != 0)
        add(out, "Will-Retry-Until: {}\r\n", mail_date(to.retry_until));
}

void add_words(std::string& out, const dsn_facts& facts) {
    add(out, "This is the mail system at {}.\r\n\r\n{}\r\n", facts.hostname,
        opening_for(facts.recipients).text);
    const std::size_t start = out.size();
    std::size_t told = 0;
    for (const auto& to : facts.recipients) {
        if (out.size() - start > dsn_words_max - recipient_octets_max) break;
        ++told;
        add(out, "\r\n<{}>: {} ({})\r\n", printable(to.address, address_max), words_for(to.action).name,
            status_of(to));
        if (!to.remote_host.empty()) add(out, "    {} said:\r\n", printable(to.remote_host, 255));
        if (!to.reply.empty()) add(out, "    {}\r\n", printable(to.reply, reply_max));
        if (to.action == dsn_action::delayed && to.retry_until != 0)
            add(out, "    It will be tried until {}.\r\n", mail_date(to.retry_until));
    }
    if (told < facts.recipients.size())
        add(out, "\r\nAnd {} more recipients.\r\n", facts.recipients.size() - told);
    add(out, "\r\nFor help, write to the postmaster of {} and send this notice along.\r\n", facts.hostname);
}

void add_fields(std::string& out, const dsn_facts& facts) {
    if (!facts.envelope_id.empty())
        add(out, "Original-Envelope-Id: {}\r\n", printable(facts.envelope_id, 128));
    add(out, "Reporting-MTA: dns; {}\r\nArrival-Date: {}\r\n", facts.hostname, mail_date(facts.arrived));
    const std::size_t start = out.size();
    for (const auto& to : facts.recipients) {
        if (out.size() - start > dsn_fields_max - recipient_octets_max) break;
        add_field_group(out, to);
    }
}

std::string_view type_of_returned(returned_part what, bool eight_bit) {
    // RFC 6533 §4 and §5 for what may hold UTF-8; RFC 3462 and RFC 2046 otherwise.
    if (what == returned_part::message) return eight_bit ? "message/global" : "message/rfc822";
    return eight_bit ? "message/global-headers" : "text/rfc822-headers";
}

void add_part(std::string& out, std::string_view boundary, std::string_view description,
              std::string_view type, bool eight_bit) {
    add(out, "--{}\r\nContent-Description: {}\r\nContent-Type: {}\r\n", boundary, description, type);
    if (eight_bit) out += "Content-Transfer-Encoding: 8bit\r\n";
    out += "\r\n";
}

} // namespace

bool dsn_needs_smtputf8(const dsn_facts& facts) {
    return !is_ascii(facts.to) || std::any_of(facts.recipients.begin(), facts.recipients.end(),
                                              [](const dsn_recipient& to) { return !is_ascii(to.address); });
}

std::string make_dsn(const dsn_facts& facts) {
    assert(!facts.to.empty() && facts.chance.size() >= dsn_chance_min);
    const bool unicode = dsn_needs_smtputf8(facts);
    const bool eight_bit = !is_ascii(facts.returned);
    const auto boundary = fmt::format("{}/{}", facts.id, facts.chance);
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
    if (unicode || eight_bit) out += "Content-Transfer-Encoding: 8bit\r\n";
    out += "\r\nThis is a MIME-encapsulated message.\r\n\r\n";

    add_part(out, boundary, "Notification",
             unicode ? "text/plain; charset=utf-8" : "text/plain; charset=us-ascii", unicode);
    add_words(out, facts);
    out += "\r\n";
    add_part(out, boundary, "Delivery report",
             unicode ? "message/global-delivery-status" : "message/delivery-status", unicode);
    add_fields(out, facts);
    out += "\r\n";
    add_part(out, boundary, facts.what == returned_part::message ? "Undelivered Message" : "Message Headers",
             type_of_returned(facts.what, eight_bit), eight_bit);
    out += facts.returned.substr(0, dsn_returned_max);
    if (!facts.returned.ends_with("\r\n")) out += "\r\n";
    add(out, "\r\n--{}--\r\n", boundary);
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
