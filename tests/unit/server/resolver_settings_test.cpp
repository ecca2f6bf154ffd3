#include "server/resolver_settings.hpp"

#include <catch2/catch.hpp>

using namespace postern;
using namespace postern::server;

namespace {

std::string listed(std::string_view resolv_conf) {
    std::string all;
    for (const auto& one : servers_in(resolv_conf)) all += one.to_string() + " ";
    return all;
}

} // namespace

TEST_CASE("servers of resolv.conf are those that other programs use") {
    CHECK(listed("nameserver 192.0.2.1\n") == "192.0.2.1:53 ");
    CHECK(listed("# nameserver 192.0.2.9\n; nameserver 192.0.2.8\nsearch a.test\n\n"
                 "  nameserver\t192.0.2.1 # ours\nnameserver 2001:db8::1\r\noptions edns0\n"
                 "nameserver 192.0.2.3\nnameserver 192.0.2.4\n") ==
          "192.0.2.1:53 [2001:db8::1]:53 192.0.2.3:53 ");
    CHECK(listed("nameserver fe80::1%eth0\nnameserver x\nnameserver\n") == "127.0.0.1:53 ");
    CHECK(listed("") == "127.0.0.1:53 ");
}

TEST_CASE("servers of the configuration go before those of the machine") {
    conf::dns_settings from;
    from.timeout = conf::seconds(7);
    CHECK(resolver_settings_of(from, "/nonexistent").servers ==
          std::vector<conf::endpoint>{{*protocol::ip_address::parse("127.0.0.1"), 53}});
    from.servers = {{*protocol::ip_address::parse("192.0.2.1"), 5353}};
    const auto made = resolver_settings_of(from, "/nonexistent");
    CHECK(made.servers == from.servers);
    CHECK(made.timeout == std::chrono::seconds(7));
}

TEST_CASE("AD is believed of this machine alone, unless one says otherwise") {
    const auto is_believed = [](conf::ad_trust trust, std::string_view server) {
        return is_ad_believed(trust, *protocol::ip_address::parse(server));
    };
    for (const auto* local : {"127.0.0.1", "127.0.0.53", "::1"})
        CHECK(is_believed(conf::ad_trust::loopback, local));
    for (const auto* other : {"192.0.2.1", "128.0.0.1", "::2", "2001:db8::1", "0.0.0.0"}) {
        CHECK_FALSE(is_believed(conf::ad_trust::loopback, other));
        CHECK(is_believed(conf::ad_trust::always, other));
    }
    CHECK_FALSE(is_believed(conf::ad_trust::never, "127.0.0.1"));
}
