// Sockets from elsewhere are looked at; every one of an address is attended, whatever the number of workers.
#include "server/listening_socket.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace postern;
using namespace postern::server;

namespace {

const conf::endpoint loopback{*protocol::ip_address::parse("127.0.0.1"), 0};
const conf::endpoint loopback6{*protocol::ip_address::parse("::1"), 0};

storage::file_handle copy_of(const listening_socket& of) {
    return storage::file_handle(::dup(of.handle.get()));
}

ino_t identity(const listening_socket& of) {
    struct stat facts{};
    REQUIRE(::fstat(of.handle.get(), &facts) == 0);
    return facts.st_ino;
}

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

std::vector<storage::file_handle> list(storage::file_handle one) {
    std::vector<storage::file_handle> made;
    made.push_back(std::move(one));
    return made;
}

} // namespace

TEST_CASE("only listening TCP sockets are taken, the rest is closed") {
    int pair[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    const int idle = ::socket(AF_INET, SOCK_STREAM, 0);
    const int datagrams = ::socket(AF_INET, SOCK_DGRAM, 0);
    const int file = ::open("/dev/null", O_RDONLY);
    std::vector<storage::file_handle> all;
    for (const int fd : {pair[0], pair[1], idle, datagrams, file}) all.emplace_back(fd);
    all.emplace_back(-1);
    CHECK(recognised(std::move(all)).empty());
    for (const int fd : {pair[0], pair[1], idle, datagrams, file}) CHECK_FALSE(is_open(fd));
}

TEST_CASE("a socket that came by two descriptors counts once, and is made non-blocking and close-on-exec") {
    for (const auto& where : {loopback, loopback6}) {
        const auto one = open_listening(where, sharing::alone);
        if (!one && where == loopback6) continue; // a machine without IPv6
        REQUIRE(one.has_value());
        std::vector<storage::file_handle> twice;
        for (int i = 0; i < 2; ++i) twice.push_back(copy_of(*one));
        ::fcntl(one->handle.get(), F_SETFL, 0);
        const auto known = recognised(std::move(twice));
        REQUIRE(known.size() == 1);
        CHECK(known[0].address == one->address);
        CHECK(known[0].address.port != 0);
        CHECK((::fcntl(known[0].handle.get(), F_GETFL) & O_NONBLOCK) != 0);
        CHECK((::fcntl(known[0].handle.get(), F_GETFD) & FD_CLOEXEC) != 0);
    }
}

TEST_CASE("the sockets of one address are taken out, the others stay") {
    auto first = listen_for(loopback, 2, {});
    auto second = listen_for(loopback, 3, {});
    const auto where = second.sockets.at(0).address;
    auto all = std::move(first.sockets);
    for (auto& each : second.sockets) all.push_back(std::move(each));
    CHECK(take_those_on(where, all).size() == 3);
    CHECK(all.size() == 2);
    CHECK(take_those_on(where, all).empty());
}

TEST_CASE("no socket that was handed over is dropped, and as many more are opened as workers lack") {
    for (const std::size_t workers : {1U, 3U, 5U}) {
        auto before = listen_for(loopback, 3, {});
        REQUIRE(before.problem.empty());
        const auto where = before.sockets[0].address;
        std::vector<ino_t> known;
        for (const auto& each : before.sockets) known.push_back(identity(each));
        const auto now = listen_for(where, workers, std::move(before.sockets));
        REQUIRE(now.problem.empty());
        CHECK(now.sockets.size() == std::max<std::size_t>(3, workers));
        for (std::size_t i = 0; i < known.size(); ++i) CHECK(identity(now.sockets[i]) == known[i]);
        for (std::size_t i = 3; i < now.sockets.size(); ++i) CHECK(identity(now.sockets[i]) != known[i - 3]);
    }
}

TEST_CASE("where no second socket can be opened the workers share the one") {
    auto alone = open_listening(loopback, sharing::alone); // no SO_REUSEPORT, as from a .socket unit
    REQUIRE(alone.has_value());
    const auto where = alone->address;
    const auto now = listen_for(where, 4, recognised(list(std::move(alone->handle))));
    REQUIRE(now.problem.empty());
    REQUIRE(now.sockets.size() == 4);
    for (const auto& each : now.sockets) CHECK(identity(each) == identity(now.sockets[0]));
}

TEST_CASE("a port that somebody else has is named with the cure") {
    const auto taken = open_listening(loopback, sharing::with_other_sockets);
    REQUIRE(taken.has_value());
    const auto now = listen_for(taken->address, 2, {});
    CHECK(now.problem.starts_with("cannot listen on " + taken->address.to_string()));
    CHECK(now.problem.find("choose another port") != std::string::npos);
}

TEST_CASE("a connection that is taken is non-blocking, close-on-exec and sends small writes at once") {
    auto listens = *open_listening(loopback, sharing::alone);
    if (GENERATE(false, true)) listens = std::move(recognised(list(std::move(listens.handle))).at(0));
    const auto none = accept_from(listens.handle.get());
    REQUIRE(none.has_error());
    CHECK(none.error() == boost::system::errc::operation_would_block);

    const storage::file_handle client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(listens.address.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    sockaddr_in from{};
    socklen_t size = sizeof from;
    REQUIRE(::getsockname(client.get(), reinterpret_cast<sockaddr*>(&from), &size) == 0);

    const auto taken = accept_from(listens.handle.get());
    REQUIRE(taken.has_value());
    CHECK(taken->peer == conf::endpoint{loopback.address, ntohs(from.sin_port)});
    const int fd = taken->connection.get();
    CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    int no_delay = 0;
    size = sizeof no_delay;
    REQUIRE(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size) == 0);
    CHECK(no_delay != 0);
}
