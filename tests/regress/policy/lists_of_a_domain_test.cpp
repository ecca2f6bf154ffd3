// Blocklists were asked about each client of a listener whose tier doesn't want them.
#include "tests/support/policy_world.hpp"

using namespace postern;

TEST_CASE("a listener without blocklists asks them for the domains whose own tier wants them") {
    testing::policy_world w("tier = \"a\"\n[[dnsbl.zone]]\nname = \"bl.test\"\n");
    w.dns.listed("192.0.2.1", "bl.test", "127.0.0.2");
    REQUIRE(w.accounts.put_domain({"strict.test", "d", ""}));
    w.add("u@strict.test");
    CHECK(w.session().passed());
    for (const auto& one : w.dns.asked) CHECK(one.find("bl.test") == std::string::npos);
    CHECK(w.session("u@strict.test").with.code == 553);
}
