// Until a list's first examination had come to an end, at the start and when a reload brought it, a dead one
// that lists everybody refused everybody.
#include "tests/support/policy_world.hpp"

using namespace postern;

namespace {

struct world : testing::policy_world {
    world() : policy_world("tier = \"d\"\n[[dnsbl.zone]]\nname = \"bl.test\"\n") {
        zones.forget_all_but({}); // as before the first examination
        dns.listed("192.0.2.1", "bl.test", "127.0.0.2");
        dns.listed("127.0.0.2", "bl.test", "127.0.0.2");
    }
};

} // namespace

TEST_CASE("a list that lists everybody is found out by the first that it lists") {
    world w;
    w.dns.listed("127.0.0.1", "bl.test", "127.0.0.2");
    CHECK(w.session().passed());
    CHECK(w.zones.is_set_aside("bl.test"));
}

TEST_CASE("a good list counts from the first client on, and is examined once") {
    world w;
    CHECK(w.session().with.code == 553);
    CHECK(w.zones.is_examined("bl.test"));
    const auto asked = w.dns.asked.size();
    CHECK(w.session().with.code == 553);
    const auto again = w.dns.asked.size() - asked;
    CHECK(again < asked);
}

TEST_CASE("a list whose test points can't be looked up is believed") {
    world w;
    w.dns.fails("1.0.0.127.bl.test", protocol::dns_type::a);
    CHECK(w.session().with.code == 553);
}
