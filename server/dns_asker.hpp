// One question at a time to several servers, until one says something: whom to ask next, how often, with EDNS
// or without, by which id. It keeps no answers and joins no questions. For one thread.
#pragma once

#include "server/counters.hpp"
#include "server/dns_channel.hpp"
#include "server/dns_ids.hpp"
#include "server/dns_server_order.hpp"
#include "server/resolver_settings.hpp"

#include <array>

namespace postern::server {

// A UDP channel's port is that of all its questions: after so many it is left for a new one (RFC 5452 §9.2),
// as long as not too many that were left still have questions in flight.
inline constexpr std::size_t dns_questions_of_a_channel = 256;
inline constexpr std::size_t dns_channels_left_max = 4; // of one server
// Each channel is one socket.
inline constexpr std::size_t dns_sockets_of_a_server = dns_ways + dns_channels_left_max;
inline constexpr std::chrono::minutes dns_plain_for{10}; // without EDNS, where a server doesn't know it

class dns_asker {
  public:
    // `counts` outlives it.
    dns_asker(boost::asio::any_io_executor on, const resolver_settings& settings, dns_counts& counts);

    // No attempt begins after the settings' timeout; the last may take longer where it goes on by TCP or
    // without EDNS. The caller keeps this alive until then.
    boost::asio::awaitable<dns_known> ask(protocol::dns_question question);

    // What is in flight ends as stopped; nothing is asked any more. Frees all that belongs to Asio.
    void stop();

    // The attempts that a silent network gets, and how long each waits.
    static unsigned rounds_of(std::size_t servers) { return servers == 1 ? 3 : 2; }
    static std::chrono::milliseconds attempt_time(const resolver_settings& settings);

  private:
    enum class extensions { edns, plain };
    struct server {
        conf::endpoint at;
        bool is_believed = false;                                    // its AD bit
        std::array<std::unique_ptr<dns_channel>, dns_ways> channels; // in use, by dns_way
        std::vector<std::unique_ptr<dns_channel>> left;              // with questions in flight
        std::chrono::steady_clock::time_point plain_until;
    };

    boost::asio::awaitable<dns_known> ask_server(std::size_t index, const protocol::dns_question& question);
    boost::asio::awaitable<dns_known> attempt(server& whom, const protocol::dns_question& question,
                                              extensions how);
    boost::asio::awaitable<dns_known> exchange(server& whom, const protocol::dns_question& question,
                                               extensions how, dns_way way);
    dns_channel& channel_of(server& whom, dns_way way);
    void note_health(std::size_t index, const dns_known& known);

    boost::asio::any_io_executor on_;
    std::chrono::milliseconds time_, attempt_time_;
    dns_counts& counts_;
    dns_ids ids_;
    dns_server_order order_;
    std::vector<server> servers_; // as many as at the beginning, or none after stop()
};

} // namespace postern::server
