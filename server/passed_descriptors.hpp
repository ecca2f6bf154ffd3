// Datagrams with descriptors in them over a unix socket (SCM_RIGHTS, unix(7)): one server's listening sockets
// for the next one, messages for a scanner.
#pragma once

#include "protocol/result.hpp"
#include "storage/file_handle.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace postern::server {

inline constexpr std::size_t passed_descriptors_max = 64; // of a datagram

// Without waiting; would_block when there is no room.
boost::system::error_code send_passing(int socket, std::string_view octets, std::span<const int> descriptors);

// The next one, without waiting; would_block when none has come. 0 octets: the other end has closed. One with
// more octets than `room` or more descriptors than `most` is message_size, and what came with it is closed.
struct passed_datagram {
    std::size_t octets = 0;
    std::vector<storage::file_handle> descriptors; // closed on exec
};
result<passed_datagram> receive_passed(int socket, std::span<char> room, std::size_t most);

} // namespace postern::server
