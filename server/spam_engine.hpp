// The spam engine that the configuration names, asked for one thread's sessions: what is known of servers
// that fail lasts until the configuration names others.
#pragma once

#include "conf/config.hpp"
#include "policy/scanner.hpp"
#include "server/rspamd_client.hpp"

#include <memory>

namespace postern::server {

class spam_engine {
  public:
    explicit spam_engine(boost::asio::any_io_executor on) : on_(std::move(on)) {}

    // `settings` is borrowed for the call alone.
    boost::asio::awaitable<policy::engine_opinion> ask(const conf::spam_settings& settings,
                                                       rspamd_question what);

  private:
    boost::asio::any_io_executor on_;
    std::vector<std::string> of_; // the servers of `client_`
    conf::seconds timeout_{};
    std::shared_ptr<rspamd_client> client_;
};

} // namespace postern::server
