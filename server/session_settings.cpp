#include "server/session_settings.hpp"

#include "conf/settings.hpp"
#include "storage/queue.hpp"

namespace postern::server {
namespace {

// A Maildir takes everything. An LMTP server is asked at delivery only, and Dovecot takes neither.
bool takes_all(const conf::config& config) { return !conf::parse_lmtp(config.local.transport); }

// What a primary may not take would come back as a notice; a client that isn't offered it sends another form.
// (SMTPUTF8 has no other form, and the primary is asked about it.)
bool takes_binary(const conf::config& config, const conf::listener_settings& listener) {
    const bool holds = listener.role == conf::listener_role::secondary && !config.relay.routes.empty();
    return takes_all(config) && !holds;
}

} // namespace

protocol::session_settings settings_for(const conf::config& config, const conf::listener_settings& listener) {
    protocol::session_settings made;
    made.hostname = listener.hostname;
    made.max_message_size = listener.max_message_size;
    made.is_submission = listener.role == conf::listener_role::submission;
    made.max_recipients =
        made.is_submission ? config.submission.max_recipients : config.limits.max_recipients;
    made.offer_auth = made.is_submission || listener.auth;
    made.auth_keys = !conf::parse_dovecot(config.auth.source); // Dovecot shows nobody its keys
    made.hide_client = config.submission.hide_client;
    made.max_errors = config.limits.errors;
    made.soft_errors = config.limits.soft_errors;
    made.max_junk = config.limits.junk_commands;
    made.max_received = config.limits.max_received;
    made.max_header_size = config.limits.max_header_size;
    made.max_text_line = config.limits.max_text_line;
    made.body_block = storage::inline_body_max;
    made.takes_mail = listener.role != conf::listener_role::tempfail;
    made.offer_tls = listener.tls == conf::tls_mode::automatic || listener.tls == conf::tls_mode::starttls;
    made.takes_utf8 = takes_all(config);
    made.takes_binary = takes_binary(config, listener);
    made.offer_prdr = made.takes_mail;
    made.drop_spam_marks = made.takes_mail;
    return made;
}

} // namespace postern::server
