// The local control socket: one request line, one JSON document back, close. Who may connect is decided by
// the socket's mode (0660). A request is at most request_max octets; garbage gets an error document and the
// server goes on.
#pragma once

#include "protocol/net/cidr.hpp"
#include "protocol/result.hpp"
#include "server/admin/status.hpp"
#include "server/destination_status.hpp"
#include "server/identity/desk.hpp"
#include "server/queue_steering.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <memory>
#include <optional>

namespace postern::server {

inline constexpr std::size_t control_request_max = 16384;
inline constexpr std::size_t control_clients_max = 16;

class control_listener;

// What a request can reach; `app` provides it. Called on the main thread.
class control_target {
  public:
    virtual ~control_target() = default;
    virtual server_status status() = 0;
    struct reload_outcome {
        bool ok = false;
        std::vector<std::string> messages; // findings, or what needs a restart
    };
    virtual reload_outcome reload() = 0;
    // Mails the owner of the address; identity_desk says more.
    virtual desk_answer ask_owner(std::string_view account, std::string_view address) = 0;
    virtual void wake_queue() = 0; // look for due messages now
    // The busiest, at most destination_counts::shown_max, and "other" last.
    virtual std::vector<destination_status> destinations() = 0;
    // Networks from which passwords were guessed; nullopt: all. How many were blocked.
    virtual result<std::size_t> unblock(const std::optional<protocol::cidr>& network) = 0;
    // The outcome for each id, in their order, within steering_time_max.
    virtual boost::asio::awaitable<std::vector<storage::wish_outcome>>
    steer_queue(storage::queue_wish wish, std::vector<storage::queue_id> ids) = 0;
};

// One row per request; adding one is a row and its handler. Answers a JSON document. The line outlives the
// await.
boost::asio::awaitable<std::string> answer_control_request(std::string_view request_line,
                                                           control_target& target);

// Serves the socket until cancelled; its path is removed at the end.
boost::asio::awaitable<void> serve_control(std::unique_ptr<control_listener> on, control_target& target);

boost::json::object destination_object(const destination_status& of); // destination_command.cpp

// The client side, blocking, for the sub-commands: the document, or empty when nobody listens. Waits 30 s at
// the most.
std::string ask_control(const std::string& path, std::string_view request);

} // namespace postern::server
