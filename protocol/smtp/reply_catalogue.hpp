// Every reply that this server can say, a row each. No other file holds wire text: a new reply is a new row.
#pragma once

#include "protocol/smtp/reply.hpp"

#include <initializer_list>

namespace postern::protocol {

enum class reply_id : std::uint8_t {
    // 2xx and 3xx
    greeting,
    helo_ok,
    ehlo_ok,
    mail_ok,
    rcpt_ok,
    reset_ok,
    noop_ok,
    vrfy_cannot,
    help_text,
    start_data,
    chunk_ok,
    queued,
    answers_follow,
    recipient_queued,
    bye,
    tls_ready,
    // the session
    too_many_errors,
    too_many_junk,
    too_many_sessions,
    too_many_from_client,
    idle_timeout,
    data_too_slow,
    session_too_long,
    shutting_down,
    internal_trouble,
    early_talker,
    foreign_protocol,
    come_back,
    pipelined_after_ehlo,
    pipelined_data,
    input_before_tls,
    // commands
    unknown_command,
    not_implemented,
    line_too_long,
    endless_line,
    bare_line_end_in_command,
    no_argument_allowed,
    bad_helo,
    need_helo,
    need_mail,
    need_recipient,
    nested_mail,
    tls_already,
    tls_not_offered,
    tls_in_transaction,
    auth_not_offered,
    data_between_chunks,
    bdat_syntax,
    bdat_out_of_place,
    data_needs_chunking,
    refused_session,
    // MAIL and RCPT
    mail_syntax,
    rcpt_syntax,
    bad_sender_address,
    bad_recipient_address,
    sender_needs_utf8,
    recipient_needs_utf8,
    unknown_parameter,
    bad_parameter,
    size_over_limit,
    too_many_recipients,
    queue_full,
    disk_full,
    // content
    message_too_big,
    bare_line_end,
    nul_in_message,
    text_line_too_long,
    header_too_big,
    mail_loop,
    too_many_chunks,
    not_kept,
    refused_by_all,
    put_off_by_all,
    storage_full,
    // recipients
    user_unknown,
    not_our_domain,
    mailbox_full,
    alias_loop,
    alias_too_wide,
    lookup_trouble,
    primary_away,
    primary_lacks_utf8,
    // tests
    denied_by_rule,
    client_listed,
    sender_domain_takes_none,
    sender_domain_null_mx,
    sender_domain_unknown_now,
    other_tier,
    greylisted,
    spf_fail,
    spf_temperror,
    spf_permerror,
    // tests of content
    file_refused,
    archive_encrypted,
    archive_unreadable,
    content_limit,
    message_malformed,
    virus_found,
    not_scannable,
    not_scanned,
    taken_for_spam,
    subject_refused,
    // people who authenticated
    foreign_sender,
    foreign_author,
    author_malformed,
    ownership_unknown_now,
    last_ = ownership_unknown_now,
};

// The reply with its "{}" filled in order; values are made printable and cut to 256 octets each. `close`
// comes from the row.
reply make_reply(reply_id what, std::initializer_list<std::string_view> values = {});

} // namespace postern::protocol
