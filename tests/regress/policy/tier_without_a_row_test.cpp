// A domain whose tier was taken out of the configuration was asked about by no blocklist.
#include "tests/support/policy_world.hpp"

using namespace postern;

TEST_CASE("a domain whose tier is gone has the listener's") {
    testing::policy_world w("tier = \"d\"\n[[dnsbl.zone]]\nname = \"bl.test\"\n");
    w.dns.listed("192.0.2.1", "bl.test", "127.0.0.2");
    REQUIRE(w.accounts.put_domain({"left.test", "gone", ""}));
    w.add("u@left.test");
    CHECK(w.session("u@left.test").with.code == 553);
}
