// A TCP socket that listens: opened here, or handed over by the service manager or by a running server. A
// listener's address has one socket a worker (SO_REUSEPORT). Every socket of such a group must be attended:
// connections wait in one of them, and go with it when it is closed for the last time.
#pragma once

#include "conf/config.hpp"
#include "storage/file_env.hpp"

#include <boost/system/result.hpp>
#include <string>
#include <vector>

namespace postern::server {

struct listening_socket {
    storage::file_handle handle; // non-blocking, close-on-exec, TCP_NODELAY
    conf::endpoint address;      // bound, with the real port
};

enum class sharing {
    alone,
    with_other_sockets,
    bound_only, // with others, and it doesn't listen yet: it gets none of their connections
};
boost::system::result<listening_socket> open_listening(const conf::endpoint& on, sharing how);

struct accepted {
    storage::file_handle connection; // non-blocking, close-on-exec
    conf::endpoint peer;
};
// The next connection that has arrived; would_block when there is none. It inherits TCP_NODELAY.
boost::system::result<accepted> accept_from(int listening);

// Those of them that are listening TCP sockets, each once; the rest is closed.
std::vector<listening_socket> recognised(std::vector<storage::file_handle> descriptors);

// Those on that address, out of `from`.
std::vector<listening_socket> take_those_on(const conf::endpoint& address,
                                            std::vector<listening_socket>& from);

// An address' sockets, at least one a worker: what was handed over, and as many more as are missing; beside
// handed-over ones these are bound_only, and listen() is the caller's. Where the system allows no more,
// workers share one.
struct listening_group {
    std::vector<listening_socket> sockets;
    std::string problem; // "" = none
};
listening_group listen_for(const conf::endpoint& wanted, std::size_t workers,
                           std::vector<listening_socket> handed_over);

} // namespace postern::server
