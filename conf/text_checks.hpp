// What a text must be beyond a text: paths, names, domains, templates. Each returns what is stored, or what
// is wrong with the cure. Pure: whether a path exists is not asked here.
#pragma once

#include "conf/setting.hpp"

namespace postern::conf {

// A value as it may stand in a message: in quotes, controls made visible, cut at 60 octets.
std::string quoted(std::string_view text);

checked<std::string> absolute_path(std::string_view text);
checked<std::string> absolute_path_or_empty(std::string_view text);
checked<std::string> file_extension(std::string_view text);  // ".exe"; made lower case
checked<std::string> log_destination(std::string_view text); // "-" or an absolute path
checked<std::string> socket_path(std::string_view text);     // absolute and short enough for sun_path
checked<std::string> system_user(std::string_view text);     // or empty
checked<std::string> syslog_name(std::string_view text);
checked<std::string> short_name(std::string_view text);             // [a-z0-9_-]{1,32}: listeners and tiers
checked<std::string> domain_name(std::string_view text);            // canonical; no address
checked<std::string> domain_or_empty(std::string_view text);        // likewise
checked<std::string> address_or_empty(std::string_view text);       // with a port
checked<std::string> mailbox_or_empty(std::string_view text);       // local@domain
checked<std::string> maildir_template(std::string_view text);       // absolute, with {domain} and {local}
checked<std::string> mail_folder(std::string_view text);            // of a Maildir
checked<std::string> local_transport(std::string_view text);        // maildir, or an LMTP server
checked<std::string> relay_server(std::string_view text);           // address or host with a port, or "mx"
checked<std::string> smarthost_or_empty(std::string_view text);     // address or host with a port
checked<std::string> user_or_empty(std::string_view text);          // for a login elsewhere
checked<std::string> sender_pattern(std::string_view text);         // its shape; policy reads it
checked<std::string> capital_word(std::string_view text);           // A-Z, 0-9 and "_": names of signs
checked<std::string> spam_phrase(std::string_view text);            // neither empty nor too long
checked<std::string> http_server(std::string_view text);            // "http://127.0.0.1:11333"
checked<std::string> auth_source(std::string_view text);            // "accounts", or Dovecot's socket
checked<std::string> local_word(std::string_view text);             // neither empty nor too long, UTF-8
checked<std::string> web_page_or_empty(std::string_view text);      // https, or http, with a host
checked<std::string> host_template_or_empty(std::string_view text); // with {domain} or {domain--}
checked<std::string> mail_server_or_empty(std::string_view text);   // such a host with a port
checked<std::string> host_or_empty(std::string_view text);
checked<std::string> shown_name(std::string_view text); // at most 100 octets of UTF-8

} // namespace postern::conf
