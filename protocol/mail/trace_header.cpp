// Builds trace fields. Never folds inside a token; every value that a peer chose passes printable().
#include "protocol/mail/trace_header.hpp"

#include "protocol/smtp/grammar.hpp"

#include <array>
#include <chrono>
#include <fmt/format.h>
#include <iterator>

namespace postern::protocol {
namespace {

// Text that may stand in a comment: no parentheses and no backslash of its own.
std::string comment_text(std::string_view text) {
    std::string out = printable(text, 255);
    for (char& c : out)
        if (c == '(' || c == ')' || c == '\\' || c == ' ') c = '?';
    return out;
}

} // namespace

std::string mail_date(std::int64_t unix_seconds) {
    static constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::chrono::sys_seconds moment{std::chrono::seconds{unix_seconds}};
    const auto midnight = std::chrono::floor<std::chrono::days>(moment);
    const std::chrono::year_month_day date{midnight};
    const std::chrono::hh_mm_ss clock{moment - midnight};
    return fmt::format("{}, {} {} {:04} {:02}:{:02}:{:02} +0000",
                       days[std::chrono::weekday{midnight}.c_encoding()], static_cast<unsigned>(date.day()),
                       months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

namespace {

// "from NAME (CLIENT)" and the TLS that it spoke.
void add_origin(const received_facts& facts, std::string& out) {
    auto to = std::back_inserter(out);
    const std::string literal = facts.client.to_literal();
    // RFC 5321 §4.4: From-domain is a Domain or a literal; a name that is neither must not stand there as
    // one.
    if (facts.helo_well_formed)
        fmt::format_to(to, "from {} (", facts.helo);
    else
        fmt::format_to(to, "from {} (helo={} ", literal, comment_text(facts.helo));
    if (!facts.client_name.empty()) fmt::format_to(to, "{} ", comment_text(facts.client_name));
    fmt::format_to(to, "{})\r\n\t", literal);
    if (!facts.tls.empty()) fmt::format_to(to, "(using {})\r\n\t", facts.tls);
}

} // namespace

std::string received_field(const received_facts& facts) {
    std::string out = "Received: ";
    // Departs from RFC 5321 §4.4, which wants "from": where people are is theirs to tell.
    if (!facts.hides_client) add_origin(facts, out);
    auto to = std::back_inserter(out);
    fmt::format_to(to, "by {} (Postern) with {} id {}", facts.by, facts.with, facts.id);
    if (!facts.only_recipient.empty())
        fmt::format_to(to, "\r\n\tfor <{}>", printable(facts.only_recipient, 512));
    fmt::format_to(to, ";\r\n\t{}\r\n", mail_date(facts.when));
    return out;
}

std::string date_field(std::int64_t unix_seconds) {
    return fmt::format("Date: {}\r\n", mail_date(unix_seconds));
}

std::string message_id_field(std::string_view queue_id, std::string_view host) {
    return fmt::format("Message-ID: <{}@{}>\r\n", queue_id, host);
}

std::string return_path_field(std::string_view sender) {
    return fmt::format("Return-Path: <{}>\r\n", printable(sender, 512));
}

std::string delivered_to_field(std::string_view recipient) {
    return fmt::format("Delivered-To: {}\r\n", printable(recipient, 512));
}

std::string_view with_protocol(greeting_kind greeting, bool tls, bool smtputf8, client_proof proof) {
    const bool proved = proof == client_proof::authenticated;
    if (smtputf8) return tls ? (proved ? "UTF8SMTPSA" : "UTF8SMTPS") : (proved ? "UTF8SMTPA" : "UTF8SMTP");
    if (greeting != greeting_kind::ehlo) return "SMTP";
    return tls ? (proved ? "ESMTPSA" : "ESMTPS") : (proved ? "ESMTPA" : "ESMTP");
}

} // namespace postern::protocol
