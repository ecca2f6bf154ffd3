// A datagram with one descriptor more than wanted was taken where the kernel's alignment leaves room for it.
#include "server/passed_descriptors.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <sys/socket.h>

using namespace postern;

TEST_CASE("more descriptors than wanted are none, for odd numbers too") {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
    const storage::file_handle from(ends[0]), to(ends[1]);
    std::array<char, 8> room{};
    for (std::size_t most = 0; most <= 4; ++most) {
        const std::vector<int> some(most, 0), more(most + 1, 0);
        REQUIRE_FALSE(server::send_passing(from.get(), "x", some));
        const auto got = server::receive_passed(to.get(), room, most);
        REQUIRE(got.has_value());
        CHECK(got->descriptors.size() == most);
        REQUIRE_FALSE(server::send_passing(from.get(), "x", more));
        CHECK(server::receive_passed(to.get(), room, most).has_error());
    }
}
