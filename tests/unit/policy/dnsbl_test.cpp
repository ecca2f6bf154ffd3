// Test 1: blocklists that list, don't, are dead, lie or are silent.
#include "tests/support/policy_world.hpp"

using namespace postern;
using testing::policy_world;

namespace {

constexpr const char* quiet = "[sender_domain]\nmode = \"off\"\n[spf]\nmode = \"off\"\n";

// Of ::ffff:7f00:x, behind x.
const std::string mapped = ".0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.";

std::string zone(const std::string& name, const std::string& codes = {}) {
    return "[[dnsbl.zone]]\nname = \"" + name + "\"\n" +
           (codes.empty() ? "" : "return_codes = [" + codes + "]\n");
}

struct world : policy_world {
    explicit world(const std::string& zones) : policy_world("tier = \"d\"\n" + zones + quiet) {}
};

std::string trouble_of(testing::dns_world& dns) {
    boost::asio::io_context loop(1);
    server::side_tasks beside(loop.get_executor());
    std::string said;
    boost::asio::co_spawn(
        loop, policy::trouble_of_zone(dns, beside, dns.deadline(std::chrono::seconds(1)), "bl.test"),
        [&](const std::exception_ptr&, std::string what) { said = std::move(what); });
    loop.run();
    return said;
}

} // namespace

TEST_CASE("a listed client is refused with the list's name and text") {
    world w(zone("bl.test"));
    w.dns.listed("192.0.2.1", "bl.test", "127.0.0.4");
    w.dns.txt("1.2.0.192.bl.test", "see https://bl.test/192.0.2.1");
    const auto said = w.session();
    CHECK(reply_line(said.with) ==
          "553 5.7.1 <u@d.test>: Service unavailable; Client host [192.0.2.1] blocked using "
          "bl.test; see https://bl.test/192.0.2.1");
    w.client = *protocol::ip_address::parse("192.0.2.2");
    CHECK(w.session().passed());
}

TEST_CASE("an IPv6 client is looked up by its nibbles") {
    world w(zone("bl.test"));
    w.client = *protocol::ip_address::parse("2001:db8::1");
    w.dns.listed("2001:db8::1", "bl.test", "127.0.0.2");
    CHECK(w.session().with.code == 553);
    CHECK(w.dns.asked.front().starts_with(
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test"));
}

TEST_CASE("only the return codes that are wanted count, and never an error's") {
    const auto [code, wanted, listed] = GENERATE(table<std::string, std::string, bool>({
        {"127.0.0.2", "", true},
        {"127.9.9.9", "", true},
        {"127.0.0.2", "\"127.0.0.2\"", true},
        {"127.0.0.10", "\"127.0.0.2\"", false},
        {"127.0.0.10", "\"127.0.0.0/28\"", true},
        {"127.255.255.254", "", false},
        {"127.255.255.1", "\"127.0.0.0/8\"", false},
        {"192.0.2.99", "", false},
        {"10.0.0.1", "", false},
    }));
    INFO(code << " of " << wanted);
    world w(zone("bl.test", wanted));
    w.dns.listed("192.0.2.1", "bl.test", code);
    CHECK(w.session().passed() != listed);
}

TEST_CASE("an answer that no list gives is told, and spoils all that came with it") {
    world w(zone("bl.test"));
    w.dns.listed("192.0.2.1", "bl.test", "127.0.0.2");
    w.dns.listed("192.0.2.1", "bl.test", "127.255.255.254");
    CHECK(w.session().passed());
    const auto seen = w.zones.look();
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].odd == "127.255.255.254");
    CHECK(w.zones.look()[0].odd.empty());
}

TEST_CASE("a list that is silent doesn't list, and the next one counts") {
    world w(zone("dead.test") + zone("bl.test") + zone("third.test"));
    w.dns.fails(testing::dns_world::reverse("192.0.2.1", "dead.test"), protocol::dns_type::a);
    CHECK(w.session().passed());
    w.dns.listed("192.0.2.1", "third.test", "127.0.0.2");
    w.dns.listed("192.0.2.1", "bl.test", "127.0.0.2");
    CHECK(w.session().with.text.find("blocked using bl.test") != std::string::npos);
}

TEST_CASE("exempt clients and a list that is set aside are not asked about") {
    world w(zone("bl.test"));
    w.dns.listed("192.0.2.1", "bl.test", "127.0.0.2");
    SECTION("set aside") { w.zones.note("bl.test", "it lists 127.0.0.1"); }
    SECTION("exempt") {
        w.config = testing::config_of("tier = \"d\"\n[dnsbl]\nexempt_clients = [\"192.0.2.0/24\"]\n" +
                                      zone("bl.test") + quiet);
    }
    SECTION("the tier doesn't ask") { w.listener.tier = "c"; }
    CHECK(w.session().passed());
}

TEST_CASE("a list must have its test point and must not have the other") {
    testing::dns_world dns;
    CHECK(trouble_of(dns).find("127.0.0.2") != std::string::npos);
    dns.listed("127.0.0.2", "bl.test", "127.0.0.2");
    CHECK(trouble_of(dns).empty());
    SECTION("a dead list that lists everybody") {
        dns.listed("127.0.0.1", "bl.test", "127.0.0.2");
        CHECK(trouble_of(dns).find("127.0.0.1") != std::string::npos);
    }
    SECTION("a dead list of IPv6 addresses") {
        dns.a("1" + mapped + "bl.test", "127.0.0.2");
        CHECK(trouble_of(dns).find("::ffff:7f00:1") != std::string::npos);
    }
    SECTION("silence is no trouble of the list's") {
        dns.fails("2.0.0.127.bl.test", protocol::dns_type::a);
        CHECK(trouble_of(dns).empty());
    }
}

TEST_CASE("a list of IPv6 addresses alone has the test point of its kind") {
    testing::dns_world dns;
    dns.a("2" + mapped + "bl.test", "127.0.0.2");
    CHECK(trouble_of(dns).empty());
    dns.a("1" + mapped + "bl.test", "127.0.0.2");
    CHECK_FALSE(trouble_of(dns).empty());
}

TEST_CASE("what is wrong with a list is told when it begins and when it ends") {
    policy::zone_health health;
    health.note("bl.test", "dead");
    CHECK(health.is_set_aside("bl.test"));
    CHECK(health.look().at(0).changed);
    CHECK_FALSE(health.look().at(0).changed);
    health.note("bl.test", "dead in another way");
    CHECK_FALSE(health.look().at(0).changed);
    health.note("bl.test", "");
    CHECK_FALSE(health.is_set_aside("bl.test"));
    CHECK(health.look().at(0).changed);
    health.forget_all_but({"other.test"});
    CHECK(health.look().empty());
}
