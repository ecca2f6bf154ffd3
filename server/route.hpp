// Where a recipient's mail goes, by the configuration in force.
#pragma once

#include "server/delivery/mail_client.hpp"
#include "storage/queue.hpp"

#include <optional>

namespace postern::server {

// The LMTP server of a recipient that is local; nullopt: it isn't, or has a Maildir.
std::optional<mail_peer> lmtp_for(const conf::config& config, const storage::queued_recipient& to);

// The hop of relay.route for a recipient that is outside; nullptr: it isn't, or there is none for its domain.
const conf::relay_hop* primary_for(const conf::config& config, const storage::queued_recipient& to);

// Of a recipient that is outside: relay.route's server, the smarthost, or its domain; nullopt: it is local,
// or has no address that can be read.
std::optional<conf::relay_hop> hop_for(const conf::config& config, const storage::queued_recipient& to);

// An LMTP server or a hop.
bool has_next_hop(const conf::config& config, const storage::queued_recipient& to);

} // namespace postern::server
