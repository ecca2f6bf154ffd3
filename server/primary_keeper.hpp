// Keeps an eye on the primaries of relay.route: asks those that are away whether they are back, and says when
// one is. Lives on the main thread.
#pragma once

#include "server/delivery/hop_watch.hpp"
#include "server/delivery/next_hop_delivery.hpp"
#include "server/log.hpp"
#include "server/snapshot.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>

namespace postern::server {

class primary_keeper final : public std::enable_shared_from_this<primary_keeper> {
  public:
    // `config`, `journal` and `names` (hop_client.hpp) outlive it; `back` is called when mail for a hop can
    // be tried at once, and may outlive its owner no more than stop() allows.
    primary_keeper(boost::asio::any_io_executor main, live_snapshot& config, log& journal,
                   policy::resolver* names, std::function<void(conf::relay_hop)> back);

    void start();
    void stop();
    // This server ends: after a while conversations whose message has not gone yet are broken off.
    void drain();

    hop_client& client() { return client_; } // for deliveries: what they keep open is used for all
    bool watches(const conf::relay_hop& hop);
    std::string why_away(const conf::relay_hop& hop) const { return watch_.why_away(hop); }
    void tried(const conf::relay_hop& hop, const std::string& away);

  private:
    void look();
    std::shared_ptr<const snapshot> followed_; // the configuration that `watch_` knows
    void break_off();
    void begin_probe(const conf::relay_hop& hop);
    boost::asio::awaitable<void> probe(std::shared_ptr<primary_keeper> self, conf::relay_hop hop);

    boost::asio::any_io_executor main_;
    boost::asio::steady_timer timer_;
    live_snapshot& config_;
    log& journal_;
    std::function<void(conf::relay_hop)> back_;
    hop_watch watch_;
    hop_client client_;
    bool stopped_ = false;
};

} // namespace postern::server
