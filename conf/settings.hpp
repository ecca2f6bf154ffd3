// What can be set, seen from outside: the generated reference, what a reload can't change, and the units that
// keys use. The table itself stands in settings.cpp; setting.hpp describes a row.
#pragma once

#include "conf/config.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::conf {

// docs/reference.md, generated; the same bytes for the same table.
std::string reference_markdown();

// A running server can't take every change over: what needs a restart stays in `fresh` as it is in `running`,
// and each such change is told in a sentence: "server.threads: the change takes effect at the next start". A
// listener is known by its name; one that was taken away goes on until the restart.
std::vector<std::string> keep_what_needs_restart(const config& running, config& fresh);

// "lmtp:unix:/run/dovecot/lmtp" or "lmtp:127.0.0.1:24"; nullopt for anything else ("maildir" too).
std::optional<next_hop> parse_lmtp(std::string_view transport);

// "dovecot:unix:/run/dovecot/auth-client" or "dovecot:127.0.0.1:12345"; nullopt for anything else ("accounts"
// too).
std::optional<next_hop> parse_dovecot(std::string_view source);

// "192.0.2.7:25", "mx1.example.net:25" or "mx": then its name and port are for the caller to fill in.
std::optional<relay_hop> parse_relay_server(std::string_view text);

// "http://127.0.0.1:11333", a slash at its end or none; nullopt for names, https and whatever has a path.
std::optional<endpoint> parse_http_server(std::string_view text);

// "imap.example.net:993"; the host may have the placeholders {domain} and {domain--}.
struct mail_server {
    std::string host;
    std::uint16_t port = 0;
};
std::optional<mail_server> parse_mail_server(std::string_view text);

// Readers of the units that keys use; nullopt when the text is not of the form.
// "90s", "5m", "24h", "5d", and "0s"; nullopt beyond 100 years.
std::optional<seconds> parse_duration(std::string_view text);
// "500", "64KiB", "30MB", "1GB", "1GiB": decimal and binary units; nullopt on overflow.
std::optional<std::uint64_t> parse_size(std::string_view text);
// "0.0.0.0:25", "[::1]:25"; nullopt also for names and for a port beyond 65535.
std::optional<endpoint> parse_endpoint(std::string_view text);
// In the largest unit that is exact: what the readers above take back to the same value.
std::string format_duration(seconds value);
std::string format_size(std::uint64_t octets);
// As the configuration writes it.
std::string_view name_of(listener_role role);
std::string_view name_of(test_mode mode);
std::string_view name_of(ownership_mode mode);

} // namespace postern::conf
