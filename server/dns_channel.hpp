// Questions to one DNS server, by one socket: c-ares sends them, and drops what isn't an answer to one of
// them (another id, question or sender); Asio watches its socket. What an answer says, whom to ask next,
// whether EDNS is spoken and when TCP is due are for others. For one thread.
#pragma once

#include "conf/config.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <vector>

namespace postern::server {

struct dns_reply {
    enum class kind {
        answered,    // `message` answers the question, whatever its RCODE; by UDP it may be cut short
        silent,      // not within the time
        unreachable, // nobody listens there, or there is no way
        stopped,     // the channel went away
    };
    kind what = kind::silent;
    std::vector<std::uint8_t> message;
};

// UDP and TCP don't share a channel: with c-ares a connection that breaks ends all questions of its channel,
// and a name that needs TCP is any stranger's to make.
enum class dns_way {
    udp_edns,  // all questions carry an OPT record (RFC 6891)
    udp_plain, // none does
    tcp,       // some may
};
inline constexpr std::size_t dns_ways = 3;

class dns_channel {
  public:
    // `timeout`: of one question; late by a tenth of it at most.
    dns_channel(boost::asio::any_io_executor on, const conf::endpoint& server,
                std::chrono::milliseconds timeout, dns_way way);
    ~dns_channel(); // questions in flight end as stopped
    dns_channel(const dns_channel&) = delete;
    dns_channel& operator=(const dns_channel&) = delete;

    // `question` is a whole message; its id is unlike all those in flight here. The channel may go away
    // meanwhile.
    boost::asio::awaitable<dns_reply> ask(std::vector<std::uint8_t> question);

    std::size_t in_flight() const;
    std::size_t asked() const; // since the beginning

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace postern::server
