#include "server/dns_server_order.hpp"

#include <catch2/catch.hpp>

using postern::server::dns_server_order;
using order = std::vector<std::size_t>;

namespace {
const dns_server_order::time start{std::chrono::hours(1000)};
}

TEST_CASE("servers are asked in the order of the configuration") {
    dns_server_order servers(3);
    CHECK(servers.next(start) == order{0, 1, 2});
    servers.silent(0, start);
    servers.silent(0, start);
    CHECK(servers.next(start) == order{0, 1, 2}); // two lost packets are no illness
}

TEST_CASE("a silent server comes last, and still comes") {
    dns_server_order servers(3);
    for (unsigned i = 0; i < dns_server_order::ill_after; ++i) servers.silent(0, start);
    CHECK(servers.is_ill(0));
    CHECK(servers.next(start) == order{1, 2, 0});
    servers.answered(0);
    CHECK(servers.next(start) == order{0, 1, 2});
}

TEST_CASE("an ill server is tried again by one question, not by all") {
    dns_server_order servers(2);
    for (unsigned i = 0; i < dns_server_order::ill_after; ++i) servers.silent(0, start);
    const auto later = start + dns_server_order::ill_for;
    CHECK(servers.next(later) == order{0, 1});
    CHECK(servers.next(later) == order{1, 0});
    servers.silent(0, later); // one silence makes it ill again
    CHECK(servers.next(later + std::chrono::seconds(1)) == order{1, 0});
}

TEST_CASE("where all are ill all are asked") {
    dns_server_order servers(2);
    for (unsigned i = 0; i < 10; ++i) {
        servers.silent(0, start);
        servers.silent(1, start);
    }
    CHECK(servers.next(start) == order{0, 1});
}
