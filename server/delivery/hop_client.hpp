// Mail and questions to the servers of a hop: their addresses one after the other; of a host the one that
// answered last before the others. Lives on one thread's executor.
#pragma once

#include "server/delivery/dane_finder.hpp"
#include "server/delivery/hop_finder.hpp"
#include "server/delivery/mail_client.hpp"
#include "server/snapshot.hpp"

#include <map>

namespace postern::server {

class hop_client {
  public:
    // `config` and `names` outlive it. `names` is of its thread; null: hops have addresses only.
    hop_client(live_snapshot& config, policy::resolver* names)
        : config_(config), names_(names), client_(tls::client_context::make()) {}

    struct report {
        mail_client::report of_server;
        std::string server; // that was spoken to last, for the log
    };
    // As mail_client's. It is away when none of its servers can be reached. Whoever awaits keeps this alive.
    boost::asio::awaitable<report> deliver(conf::relay_hop hop, protocol::outgoing_message message,
                                           mail_client::content_maker make_content, client_deadlines within);
    boost::asio::awaitable<std::string> reach(conf::relay_hop hop, client_deadlines within);

    mail_client& client() { return client_; }

  private:
    boost::asio::awaitable<found_hop> find(conf::relay_hop hop);
    struct candidate {
        hop_address one; // a copy: put_back() moves them
        std::optional<hop_address> other;
        dane_finding security;
    };
    using login = std::shared_ptr<const protocol::client_login>;
    boost::asio::awaitable<candidate> take_candidate(found_hop& found, std::size_t of, bool proves_name);
    boost::asio::awaitable<dane_finding> security_for(const found_hop& found, const hop_address& at,
                                                      bool proves_name);
    login login_at(const conf::relay_hop& hop) const;  // null: it wants none
    std::string why_no_login(const login& ours) const; // that it is not tried now; "" = it may be
    void note_login(const login& ours, bool refused, const std::string& why);
    void remember(const conf::relay_hop& hop, const conf::endpoint& server);

    live_snapshot& config_;
    policy::resolver* names_;
    mail_client client_;
    std::map<std::string, conf::endpoint> answered_; // by hop: the server that did so last
    struct {
        login ours; // null: none was refused
        std::string why;
        unsigned times = 0; // in a row
        std::chrono::steady_clock::time_point until{};
    } refused_login_;
};

} // namespace postern::server
