// What another process hands over is looked at before it is used: its type, its state, and where it is bound.
#include "server/listening_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <set>
#include <sys/socket.h>
#include <sys/stat.h>

namespace postern::server {
using boost::system::error_code;

namespace {

error_code last_error() { return {errno, boost::system::system_category()}; }

// A socket address of either family.
struct bound_address {
    sockaddr_storage octets{};
    socklen_t length = sizeof octets;
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&octets); }
};

bound_address to_system(const conf::endpoint& from) {
    bound_address made;
    const auto bytes = from.address.bytes();
    if (from.address.is_v4()) {
        auto& v4 = reinterpret_cast<sockaddr_in&>(made.octets);
        v4.sin_family = AF_INET;
        v4.sin_port = htons(from.port);
        std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::uint8_t*>(&v4.sin_addr));
        made.length = sizeof v4;
        return made;
    }
    auto& v6 = reinterpret_cast<sockaddr_in6&>(made.octets);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(from.port);
    std::copy(bytes.begin(), bytes.end(), v6.sin6_addr.s6_addr);
    made.length = sizeof v6;
    return made;
}

std::optional<conf::endpoint> from_system(const bound_address& found) {
    if (found.octets.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(found.octets);
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(&v4.sin_addr);
        return conf::endpoint{protocol::ip_address::v4(std::span<const std::uint8_t, 4>(bytes, 4)),
                              ntohs(v4.sin_port)};
    }
    if (found.octets.ss_family != AF_INET6) return std::nullopt;
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(found.octets);
    return conf::endpoint{protocol::ip_address::v6(v6.sin6_addr.s6_addr), ntohs(v6.sin6_port)};
}

std::optional<conf::endpoint> address_of(int fd) {
    bound_address found;
    if (::getsockname(fd, found.get(), &found.length) != 0) return std::nullopt;
    return from_system(found);
}

bool set_option(int fd, int level, int name) {
    const int on = 1;
    return ::setsockopt(fd, level, name, &on, sizeof on) == 0;
}

int option_of(int fd, int name) {
    int value = -1;
    socklen_t length = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

std::string trouble_of(const conf::endpoint& on, const error_code& ec) {
    std::string text = "cannot listen on " + on.to_string() + ": " + ec.message();
    if (ec == boost::system::errc::address_in_use)
        text += "; stop what listens there, or choose another port in listener.address";
    if (ec == boost::system::errc::permission_denied)
        text += "; ports below 1024 need root at start, or CAP_NET_BIND_SERVICE";
    return text;
}

boost::system::result<listening_socket> another_handle(const listening_socket& of) {
    storage::file_handle made(::fcntl(of.handle.get(), F_DUPFD_CLOEXEC, 0));
    if (!made.is_open()) return last_error();
    return listening_socket{std::move(made), of.address};
}

std::optional<listening_socket> recognise(storage::file_handle handle) {
    const int fd = handle.get();
    if (option_of(fd, SO_TYPE) != SOCK_STREAM || option_of(fd, SO_PROTOCOL) != IPPROTO_TCP ||
        option_of(fd, SO_ACCEPTCONN) != 1)
        return std::nullopt;
    const auto address = address_of(fd);
    if (!address || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || ::fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
        !set_option(fd, IPPROTO_TCP, TCP_NODELAY))
        return std::nullopt;
    return listening_socket{std::move(handle), *address};
}

} // namespace

boost::system::result<listening_socket> open_listening(const conf::endpoint& on, sharing how) {
    auto address = to_system(on);
    const bool is_v4 = on.address.is_v4();
    storage::file_handle made(
        ::socket(address.octets.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int fd = made.get();
    const bool listens = made.is_open() && set_option(fd, SOL_SOCKET, SO_REUSEADDR) &&
                         (how == sharing::alone || set_option(fd, SOL_SOCKET, SO_REUSEPORT)) &&
                         set_option(fd, IPPROTO_TCP, TCP_NODELAY) &&
                         (is_v4 || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY)) &&
                         ::bind(fd, address.get(), address.length) == 0 &&
                         (how == sharing::bound_only || ::listen(fd, SOMAXCONN) == 0);
    if (!listens) return last_error();
    const auto bound = address_of(fd);
    if (!bound) return last_error();
    return listening_socket{std::move(made), *bound};
}

boost::system::result<accepted> accept_from(int listening) {
    bound_address peer;
    storage::file_handle made(::accept4(listening, peer.get(), &peer.length, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!made.is_open()) return last_error();
    auto address = from_system(peer);
    if (!address) return error_code(ECONNABORTED, boost::system::system_category());
    return accepted{std::move(made), std::move(*address)};
}

std::vector<listening_socket> recognised(std::vector<storage::file_handle> descriptors) {
    std::vector<listening_socket> made;
    std::set<ino_t> known; // a socket may have come twice, by two descriptors
    for (auto& each : descriptors) {
        auto socket = recognise(std::move(each));
        struct stat facts{};
        if (!socket || ::fstat(socket->handle.get(), &facts) != 0) continue;
        if (known.insert(facts.st_ino).second) made.push_back(std::move(*socket));
    }
    return made;
}

std::vector<listening_socket> take_those_on(const conf::endpoint& address,
                                            std::vector<listening_socket>& from) {
    const auto theirs = std::partition(from.begin(), from.end(),
                                       [&](const listening_socket& each) { return each.address != address; });
    std::vector<listening_socket> taken(std::make_move_iterator(theirs), std::make_move_iterator(from.end()));
    from.erase(theirs, from.end());
    return taken;
}

listening_group listen_for(const conf::endpoint& wanted, std::size_t workers,
                           std::vector<listening_socket> handed_over) {
    listening_group made{std::move(handed_over), {}};
    auto& all = made.sockets;
    const std::size_t had = all.size();
    auto on = wanted;
    if (had == 0) {
        // Alone first: with SO_REUSEPORT at once a second server of the same user would silently take half of
        // the connections. It also finds the port that 0 stands for.
        const auto alone = open_listening(wanted, sharing::alone);
        if (!alone) return {{}, trouble_of(wanted, alone.error())};
        on = alone->address;
    }
    while (all.size() < workers) {
        auto another = open_listening(on, had > 0 ? sharing::bound_only : sharing::with_other_sockets);
        if (!another && had > 0) another = another_handle(all[all.size() % had]);
        if (!another) return {{}, trouble_of(on, another.error())};
        all.push_back(std::move(*another));
    }
    return made;
}

} // namespace postern::server
