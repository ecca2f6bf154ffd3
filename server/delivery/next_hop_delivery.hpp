// One attempt at one message over SMTP or LMTP: its recipients that are due and that other servers take, one
// transaction a server. On the main thread.
#pragma once

#include "server/delivery/hop_client.hpp"
#include "server/delivery/outcome.hpp"
#include "server/offload_pool.hpp"

#include <memory>

namespace postern::server {

// What is learned of a hop on the way.
struct hop_result {
    std::string away;     // why no mail can be sent there now; "" = it can
    bool is_busy = false; // it is there, and broke off (421)
};
class hop_observer {
  public:
    virtual ~hop_observer() = default;
    virtual void tried(const conf::relay_hop& hop, const hop_result& how) = 0;
};

// What a delivery over the network needs; whoever awaits one keeps all of it alive. The message is touched by
// the parts of one attempt only, each of its own recipients.
struct network_delivery {
    const delivery_services& with;
    offload_pool& pool;
    std::shared_ptr<const conf::config> config;
    std::shared_ptr<storage::queued_message> message;
};

// A recipient of the message is for another server now. `now` is unix seconds, here and below.
bool has_next_hop_due(const conf::config& config, const storage::queued_message& message, std::int64_t now);

// Those of the LMTP server; nothing where there are none.
boost::asio::awaitable<void> deliver_by_lmtp(network_delivery what, mail_client& client, std::int64_t now);

// What one hop gets of a message.
struct hop_part {
    conf::relay_hop hop;
    std::vector<std::size_t> recipients;
};
std::vector<hop_part> hop_parts(const conf::config& config, const storage::queued_message& message,
                                std::int64_t now);
boost::asio::awaitable<void> deliver_to_hop(network_delivery what, hop_client& client, hop_observer& hops,
                                            hop_part part);
// Its recipients are deferred without a try: the hop is away, or has enough to do.
void put_off(const network_delivery& what, const hop_part& part, std::string_view code, std::string why);
std::string away_text(const std::string& why); // for put_off()

} // namespace postern::server
