#include "server/descriptors.hpp"

#include <catch2/catch.hpp>

using namespace postern::server;

TEST_CASE("sockets of DNS are not sessions'") {
    descriptor_needs others{100, 8, 0};
    const auto before = sessions_that_fit(10'000, others);
    others.dns_sockets = 1000;
    CHECK(sessions_that_fit(10'000, others) ==
          before - 1000 * sessions_of_large_body / (sessions_of_large_body + 1));
    CHECK(sessions_that_fit(1000, others) == 0);
    CHECK_THAT(too_few_descriptors(100, 1000, others),
               Catch::Contains("needs " + std::to_string(100 + 25 + 100 + reserved_descriptors +
                                                         8 * descriptors_of_delivery + 1000)));
}
