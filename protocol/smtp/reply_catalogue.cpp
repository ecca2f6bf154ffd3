// The catalogue as one table. Codes by RFC 5321 §4.2 and RFC 3463; 220, EHLO and 3xx carry no enhanced code
// (RFC 2034 §4).
#include "protocol/smtp/reply_catalogue.hpp"

#include "protocol/smtp/grammar.hpp"

#include <array>
#include <cassert>

namespace postern::protocol {
namespace {

enum class then : bool { stay, close };

struct row {
    reply_id id;
    std::uint16_t code;
    enhanced_code enhanced;
    std::string_view text;
    then after = then::stay;
};

using id = reply_id;

constexpr std::array rows{
    row{id::greeting, 220, {}, "{} ESMTP Postern"},
    row{id::helo_ok, 250, {}, "{}"},
    row{id::ehlo_ok, 250, {}, "{}"},
    row{id::mail_ok, 250, {2, 1, 0}, "Ok"},
    row{id::rcpt_ok, 250, {2, 1, 5}, "Ok"},
    row{id::reset_ok, 250, {2, 0, 0}, "Ok"},
    row{id::noop_ok, 250, {2, 0, 0}, "Ok"},
    row{id::vrfy_cannot, 252, {2, 0, 0}, "Not verified here; send mail to the address to find out"},
    row{id::help_text,
        214,
        {2, 0, 0},
        "Commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY STARTTLS HELP QUIT"},
    row{id::start_data, 354, {}, "End data with <CR><LF>.<CR><LF>"},
    row{id::chunk_ok, 250, {2, 0, 0}, "Ok: {} octets received"},
    row{id::queued, 250, {2, 0, 0}, "Ok: queued as {}"},
    row{id::answers_follow, 353, {}, "content analysis has started"},
    row{id::recipient_queued, 250, {2, 1, 5}, "<{}>: Ok"},
    row{id::bye, 221, {2, 0, 0}, "Bye", then::close},
    row{id::tls_ready, 220, {2, 0, 0}, "Ready to start TLS"},

    row{id::too_many_errors, 421, {4, 7, 0}, "{} Too many errors; closing the connection", then::close},
    row{id::too_many_junk,
        421,
        {4, 7, 0},
        "{} Too many commands without a message; closing the connection",
        then::close},
    row{id::too_many_sessions, 421, {4, 3, 2}, "{} All sessions are taken; try again later", then::close},
    row{id::too_many_from_client,
        421,
        {4, 7, 0},
        "{} Too many connections from your address {}; try again later",
        then::close},
    row{id::idle_timeout,
        421,
        {4, 4, 2},
        "{} Timed out waiting for you; closing the connection",
        then::close},
    row{id::data_too_slow, 421, {4, 4, 2}, "{} Data comes too slowly; closing the connection", then::close},
    row{id::session_too_long,
        421,
        {4, 4, 2},
        "{} The connection has lasted too long; connect again",
        then::close},
    row{id::shutting_down, 421, {4, 3, 2}, "{} The server is stopping; try again soon", then::close},
    row{id::internal_trouble, 421, {4, 3, 0}, "{} Trouble on our side; try again later", then::close},
    row{id::early_talker, 554, {5, 5, 1}, "{} You spoke before the greeting; wait for 220", then::close},
    row{id::foreign_protocol, 421, {4, 7, 0}, "{} Only SMTP is spoken here", then::close},
    row{id::come_back, 450, {4, 3, 2}, "No mail is taken here; try again later, or another MX"},
    row{id::pipelined_after_ehlo,
        554,
        {5, 5, 0},
        "Commands sent before the reply to {} (RFC 2920 section 3.1)",
        then::close},
    row{id::pipelined_data,
        554,
        {5, 5, 0},
        "Data sent before the reply 354 (RFC 2920 section 3.1)",
        then::close},
    row{id::input_before_tls,
        554,
        {5, 5, 0},
        "Plain text sent behind STARTTLS (RFC 3207 section 4)",
        then::close},

    row{id::unknown_command, 500, {5, 5, 1}, "Command not recognised"},
    row{id::not_implemented, 502, {5, 5, 1}, "Command not implemented"},
    row{id::line_too_long, 500, {5, 5, 2}, "Line too long: {} octets at most"},
    row{id::endless_line, 500, {5, 5, 2}, "Line too long: {} octets at most", then::close},
    row{id::bare_line_end_in_command,
        500,
        {5, 5, 2},
        "Lines end with <CR><LF>; a bare CR or LF came",
        then::close},
    row{id::no_argument_allowed, 501, {5, 5, 4}, "{} takes no argument"},
    row{id::bad_helo, 501, {5, 5, 4}, "Syntax: {} hostname"},
    row{id::need_helo, 503, {5, 5, 1}, "Send EHLO or HELO first"},
    row{id::need_mail, 503, {5, 5, 1}, "Send MAIL first"},
    row{id::need_recipient, 503, {5, 5, 1}, "No valid recipients: send RCPT first"},
    row{id::nested_mail, 503, {5, 5, 1}, "MAIL was sent already; RSET starts again"},
    row{id::tls_already, 503, {5, 5, 1}, "TLS is active already"},
    row{id::tls_not_offered, 502, {5, 5, 1}, "STARTTLS is not offered here"},
    row{id::tls_in_transaction, 503, {5, 5, 1}, "STARTTLS is not possible within a mail transaction"},
    row{id::auth_not_offered, 503, {5, 5, 1}, "AUTH is not offered here"},
    // RFC 4954 §4 and §6
    row{id::auth_ok, 235, {2, 7, 0}, "Authentication succeeded"},
    row{id::auth_already, 503, {5, 5, 1}, "You have authenticated already"},
    row{id::auth_in_transaction, 503, {5, 5, 1}, "AUTH is not possible within a mail transaction"},
    row{id::auth_needs_tls, 538, {5, 7, 11}, "Encryption is needed first: send STARTTLS"},
    row{id::auth_syntax, 501, {5, 5, 4}, "Syntax: AUTH mechanism [initial response]"},
    row{id::auth_unknown_mechanism,
        504,
        {5, 5, 4},
        "There is no such mechanism here; EHLO's reply has those there are"},
    row{id::auth_malformed, 501, {5, 5, 2}, "That is no response of this mechanism in base64"},
    row{id::auth_line_too_long, 500, {5, 5, 6}, "Line too long: {} octets at most", then::close},
    row{id::auth_cancelled, 501, {5, 7, 0}, "Authentication cancelled"},
    row{id::auth_denied, 535, {5, 7, 8}, "The address or the password is not right"},
    row{id::auth_later, 454, {4, 7, 0}, "Passwords can't be checked now; try again later"},
    row{id::auth_blocked,
        421,
        {4, 7, 0},
        "{} Too many wrong passwords came from {}; try again {}",
        then::close},
    row{id::account_gone, 550, {5, 7, 0}, "{} is no mailbox here any more"},
    row{id::need_tls, 530, {5, 7, 0}, "Encryption is needed first: send STARTTLS"},
    row{id::need_auth, 530, {5, 7, 0}, "Authenticate first"},
    row{id::data_between_chunks, 503, {5, 5, 1}, "BDAT has begun: only BDAT, RSET, NOOP or QUIT now"},
    row{id::bdat_syntax,
        501,
        {5, 5, 4},
        "Syntax: BDAT size [LAST]; the size is unclear, so the connection ends",
        then::close},
    row{id::bdat_out_of_place, 503, {5, 5, 1}, "BDAT is not possible now; its octets were thrown away"},
    row{id::data_needs_chunking, 503, {5, 5, 1}, "BODY=BINARYMIME needs BDAT (RFC 3030 section 3)"},
    row{id::refused_session, 503, {5, 5, 1}, "No mail is accepted from you here; QUIT"},

    row{id::mail_syntax, 501, {5, 5, 4}, "Syntax: MAIL FROM:<address> [parameters]"},
    row{id::rcpt_syntax, 501, {5, 5, 4}, "Syntax: RCPT TO:<address> [parameters]"},
    row{id::bad_sender_address, 501, {5, 1, 7}, "The sender address is not valid: {}"},
    row{id::bad_recipient_address, 501, {5, 1, 3}, "The recipient address is not valid: {}"},
    row{id::sender_needs_utf8, 553, {5, 6, 7}, "The sender address needs SMTPUTF8 (RFC 6531)"},
    row{id::recipient_needs_utf8, 553, {5, 6, 7}, "The recipient address needs SMTPUTF8 in MAIL (RFC 6531)"},
    row{id::unknown_parameter, 555, {5, 5, 4}, "Parameter not recognised: {}"},
    row{id::bad_parameter, 501, {5, 5, 4}, "Parameter not valid: {}"},
    row{id::size_over_limit, 552, {5, 3, 4}, "The message is larger than {} octets"},
    row{id::too_many_recipients,
        452,
        {4, 5, 3},
        "Too many recipients: {} a message; send the rest in another"},
    row{id::queue_full, 452, {4, 3, 1}, "The queue is busy; try again later"},
    row{id::disk_full, 452, {4, 3, 1}, "No room for mail now; try again later"},

    row{id::message_too_big, 552, {5, 3, 4}, "The message is larger than {} octets"},
    row{id::bare_line_end,
        550,
        {5, 5, 2},
        "The message has a bare CR or LF; lines end with <CR><LF> (RFC 5321 section 2.3.8)"},
    row{id::nul_in_message, 550, {5, 6, 0}, "The message has a NUL octet (RFC 5322 section 2.2)"},
    row{id::text_line_too_long, 550, {5, 6, 0}, "The message has a line longer than {} octets"},
    row{id::header_too_big, 552, {5, 3, 4}, "The header of the message is larger than {} octets"},
    row{id::mail_loop, 554, {5, 4, 6}, "Mail loop: {}"},
    row{id::too_many_chunks, 552, {5, 3, 4}, "More than {} chunks", then::close},
    row{id::not_kept, 451, {4, 3, 0}, "The message could not be stored; try again later"},
    row{id::refused_by_all, 554, {5, 7, 1}, "Refused for all recipients"},
    row{id::put_off_by_all, 450, {4, 7, 1}, "Taken for none of the recipients now; try again later"},
    row{id::storage_full, 452, {4, 3, 1}, "No room to store the message; try again later"},

    row{id::user_unknown,
        550,
        {5, 1, 1},
        "<{}>: Recipient address rejected: User unknown, there is no such mailbox here"},
    row{id::not_our_domain,
        550,
        {5, 7, 1},
        "<{}>: Relay access denied, no mail is taken for that domain here"},
    row{id::mailbox_full, 552, {5, 2, 2}, "<{}>: the mailbox is full"},
    row{id::alias_loop, 554, {5, 4, 6}, "<{}>: its aliases lead only to each other"},
    row{id::alias_too_wide, 451, {4, 2, 4}, "<{}>: its alias has too many targets; tell the postmaster"},
    row{id::lookup_trouble, 451, {4, 3, 0}, "<{}>: cannot be looked up now; try again later"},
    row{id::primary_away,
        451,
        {4, 4, 1},
        "<{}>: its primary server cannot be asked now whether it exists; try again later"},
    row{id::primary_lacks_utf8,
        550,
        {5, 6, 7},
        "<{}>: its primary server takes no internationalised mail (RFC 6531)"},
    row{id::forwarded_sender_expired,
        550,
        {5, 1, 1},
        "<{}>: Recipient address rejected: it stood for the sender of forwarded mail, and is no longer "
        "valid"},
    row{id::forwarded_sender_forged,
        550,
        {5, 1, 1},
        "<{}>: Recipient address rejected: it looks like the sender of forwarded mail, and is not signed by "
        "this server"},
    row{id::forwarded_sender_for_notices,
        550,
        {5, 7, 1},
        "<{}>: Recipient address rejected: it takes notices about forwarded mail only, with MAIL FROM:<>"},

    row{id::denied_by_rule,
        550,
        {5, 7, 1},
        "<{}>: Recipient address rejected: no mail is taken from you for it"},
    row{id::client_listed, 553, {5, 7, 1}, "<{}>: Service unavailable; Client host [{}] blocked using {}{}"},
    row{id::sender_domain_takes_none,
        550,
        {5, 1, 8},
        "<{}>: Sender address rejected: its domain cannot receive mail: {}"},
    row{id::sender_domain_null_mx,
        550,
        {5, 7, 27},
        "<{}>: Sender address rejected: its domain says that it takes no mail (RFC 7505)"},
    row{id::sender_domain_unknown_now,
        451,
        {4, 4, 3},
        "<{}>: Sender address rejected: its domain cannot be looked up now; try again later"},
    row{id::other_tier,
        452,
        {4, 5, 3},
        "<{}>: its domain has other tests than the recipients before it; send it in another message"},
    row{id::greylisted, 451, {4, 7, 1}, "<{}>: Recipient address rejected: Greylisted, try again later"},
    row{id::spf_fail, 550, {5, 7, 23}, "<{}>: Sender address rejected: SPF fail: {}"},
    row{id::spf_temperror,
        451,
        {4, 7, 24},
        "<{}>: Sender address rejected: SPF cannot be checked now; try again later"},
    row{id::spf_permerror, 550, {5, 7, 24}, "<{}>: Sender address rejected: SPF permerror: {}"},

    row{id::file_refused, 554, {5, 7, 1}, "{}: files that end with {} are not taken here"},
    row{id::archive_encrypted, 554, {5, 7, 1}, "{}: archives with a password are not taken here"},
    row{id::archive_unreadable, 554, {5, 7, 1}, "{}: this archive cannot be read here: {}"},
    row{id::content_limit, 554, {5, 7, 1}, "{}: more than is looked into here: {}"},
    row{id::message_malformed,
        550,
        {5, 6, 0},
        "{}: mail programs would read the structure of this message differently: {}"},
    row{id::virus_found, 554, {5, 7, 1}, "{}: {} found"},
    row{id::not_scannable, 554, {5, 7, 1}, "{}: this cannot be scanned for viruses: {}"},
    row{id::not_scanned, 451, {4, 3, 0}, "The message cannot be scanned now; try again later"},
    row{id::taken_for_spam, 554, {5, 7, 1}, "The message looks like spam (score {}) and is not taken"},
    row{id::subject_refused, 554, {5, 7, 1}, "<{}>: no mail with this subject is taken for it"},

    row{id::foreign_sender,
        553,
        {5, 7, 1},
        "<{}>: Sender address rejected: not owned by user {}; {}; allowed: {}"},
    row{id::foreign_author,
        553,
        {5, 7, 1},
        "<{}> in From or Sender of the header: not owned by user {}; {}; allowed: {}"},
    row{id::author_malformed, 550, {5, 6, 0}, "Who the message is from is not clear: {}"},
    row{id::ownership_unknown_now,
        451,
        {4, 3, 0},
        "<{}>: whose address it is cannot be looked up now; try again later"},
    row{id::hourly_limit_reached,
        550,
        {5, 7, 28},
        "{} has sent {} copies, which is all for this hour; it may send again from {}, in {} seconds"},
    row{id::first_time_limit_reached,
        550,
        {5, 7, 28},
        "{} has written to {} new recipients, which is all for today; to others again from {}, in {} "
        "seconds"},
    row{id::wider_than_limit,
        550,
        {5, 7, 28},
        "This message has more recipients than {} may write to at once, which is {}; send it in parts"},
    row{id::account_suspended,
        550,
        {5, 7, 0},
        "{} may not send mail until it is released; ask your administrator"},
};

constexpr bool rows_in_order() {
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (static_cast<std::size_t>(rows[i].id) != i) return false;
    return rows.size() == static_cast<std::size_t>(id::last_) + 1;
}
static_assert(rows_in_order(), "the catalogue has one row for each reply_id, in its order");

} // namespace

reply make_reply(reply_id what, std::initializer_list<std::string_view> values) {
    const row& found = rows[static_cast<std::size_t>(what)];
    reply made{found.code, found.enhanced, {}, found.after == then::close};
    const auto* value = values.begin();
    std::string_view rest = found.text;
    for (auto hole = rest.find("{}"); hole != std::string_view::npos; hole = rest.find("{}")) {
        assert(value != values.end());
        made.text.append(rest.substr(0, hole));
        if (value != values.end()) made.text.append(printable(*value++, 256));
        rest.remove_prefix(hole + 2);
    }
    made.text.append(rest);
    return made;
}

} // namespace postern::protocol
