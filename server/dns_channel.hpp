// Questions to one DNS server: c-ares sends them, asks again by TCP what came truncated, and drops what isn't
// an answer to one of them (another id, question or sender); Asio watches its sockets. What an answer says,
// whom to ask next and whether EDNS is spoken are for others. For one thread.
#pragma once

#include "conf/config.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <vector>

namespace postern::server {

struct dns_reply {
    enum class kind {
        answered,    // `message` is an answer to the question, whatever its RCODE
        silent,      // not within the time
        unreachable, // nobody listens there, or there is no way
        stopped,     // the channel went away
    };
    kind what = kind::silent;
    std::vector<std::uint8_t> message;
};

// Whether questions carry an OPT record (RFC 6891). All those of a channel do, or none.
enum class dns_extensions { edns, plain };

class dns_channel {
  public:
    // `timeout`: of one question by UDP, and once more where it goes on by TCP; late by a tenth of it at
    // most.
    dns_channel(boost::asio::any_io_executor on, const conf::endpoint& server,
                std::chrono::milliseconds timeout, dns_extensions how);
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
