// Where anybody's mail for a domain goes (RFC 5321 §5.1, RFC 7505; LP-03, DN-03, DN-04).
#include "server/delivery/domain_finder.hpp"
#include "tests/support/dns_world.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <set>

using namespace postern;
using protocol::dns_type;
using protocol::enhanced_code;

namespace {

struct finder {
    testing::dns_world names;
    server::ourselves us{{"mx2.s.test"}, {*protocol::ip_address::parse("8.8.2.2")}};

    server::found_hop find(const std::string& domain) {
        boost::asio::io_context loop{1};
        server::found_hop found;
        conf::relay_hop hop{conf::relay_hop::kind::domain, {{}, 25}, domain};
        auto task = server::find_domain(names, hop, us, std::chrono::seconds(1));
        boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown, server::found_hop made) {
            if (thrown) std::rethrow_exception(thrown);
            found = std::move(made);
        });
        loop.run();
        return found;
    }
    // The addresses, or what is wrong.
    std::string told(const std::string& domain) {
        const auto found = find(domain);
        std::string text;
        for (const auto& one : found.addresses) text += (text.empty() ? "" : " ") + one.to_string();
        if (!text.empty()) return text;
        if (!found.fails) return "later: " + found.trouble;
        const auto& code = *found.fails;
        return std::to_string(code.category) + "." + std::to_string(code.subject) + "." +
               std::to_string(code.detail) + " " + found.trouble;
    }
};

} // namespace

TEST_CASE("the preferred MX host comes first, with both kinds of address") {
    finder at;
    at.names.mx("d.test", 20, "b.d.test");
    at.names.mx("d.test", 10, "a.d.test");
    at.names.a("a.d.test", "8.8.0.1");
    at.names.aaaa("a.d.test", "2606::1");
    at.names.a("b.d.test", "8.8.0.2");
    CHECK(at.told("d.test") == "a.d.test[8.8.0.1]:25 a.d.test[2606::1]:25 b.d.test[8.8.0.2]:25");
    CHECK(at.find("d.test").domain == "d.test");
}

TEST_CASE("MX hosts of equal preference take turns") {
    finder at;
    for (const auto* host : {"a", "b", "c"}) {
        at.names.mx("d.test", 10, std::string(host) + ".d.test");
        at.names.a(std::string(host) + ".d.test", "8.8.0.1");
    }
    at.names.mx("d.test", 20, "z.d.test");
    at.names.a("z.d.test", "8.8.0.9");
    std::set<std::string> first;
    for (int i = 0; i < 200; ++i) {
        const auto found = at.find("d.test");
        REQUIRE(found.addresses.size() == 4);
        CHECK(found.addresses.back().host == "z.d.test");
        first.insert(found.addresses.front().host);
    }
    CHECK(first.size() == 3); // chance misses one in 10^35
}

TEST_CASE("a domain without MX records takes its mail itself") {
    finder at;
    at.names.a("d.test", "8.8.0.1");
    CHECK(at.told("d.test") == "d.test[8.8.0.1]:25");
    at.names.txt("bare.test", "no mail here");
    CHECK(at.told("bare.test") == "5.1.2 bare.test has neither MX records nor an address");
    at.names.no_such_name("gone.test");
    CHECK(at.told("gone.test") == "5.1.2 there is no domain gone.test");
}

TEST_CASE("a null MX refuses mail, beside others it is nothing", "[DN-04]") {
    finder at;
    at.names.mx("no.test", 0, ".");
    at.names.a("no.test", "8.8.0.1");
    CHECK(at.told("no.test") == "5.1.10 no.test takes no mail (null MX: 556)");
    at.names.mx("some.test", 0, ".");
    at.names.mx("some.test", 10, "mx.some.test");
    at.names.a("mx.some.test", "8.8.0.1");
    CHECK(at.told("some.test") == "mx.some.test[8.8.0.1]:25");
}

TEST_CASE("of hosts of which we are one only those before us are tried", "[LP-03]") {
    finder at;
    at.names.mx("d.test", 10, "a.d.test");
    at.names.mx("d.test", 20, "MX2.s.test");
    at.names.mx("d.test", 30, "c.d.test");
    at.names.a("a.d.test", "8.8.0.1");
    at.names.a("c.d.test", "8.8.0.3");
    CHECK(at.told("d.test") == "a.d.test[8.8.0.1]:25");
    // By our address under another name; equals go with us, in whatever order they came.
    at.names.mx("e.test", 10, "a.d.test");
    at.names.mx("e.test", 20, "alias.e.test");
    at.names.mx("e.test", 20, "c.d.test");
    at.names.a("alias.e.test", "8.8.2.2");
    for (int i = 0; i < 20; ++i) CHECK(at.told("e.test") == "a.d.test[8.8.0.1]:25");
    const std::string loop = "5.4.6 mail loop: this server is the best MX host of ";
    at.names.mx("f.test", 10, "mx2.s.test");
    at.names.mx("f.test", 20, "a.d.test");
    CHECK(at.told("f.test") == loop + "f.test, and f.test is no domain of its own");
    at.names.a("g.test", "8.8.2.2");
    CHECK(at.told("g.test") == loop + "g.test, and g.test is no domain of its own");
}

TEST_CASE("our own networks get no mail that DNS sends there", "[DN-03]") {
    finder at;
    for (const auto* address : {"127.0.0.1", "0.0.0.0", "10.1.2.3", "169.254.1.1", "192.168.1.1"}) {
        finder alone;
        alone.names.mx("d.test", 10, "mx.d.test");
        alone.names.a("mx.d.test", address);
        INFO(address);
        CHECK(alone.told("d.test") == "5.4.4 the MX hosts of d.test have private or loopback addresses only");
    }
    for (const auto* address : {"::1", "fc00::1", "fe80::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"}) {
        finder alone;
        alone.names.mx("d.test", 10, "mx.d.test");
        alone.names.aaaa("mx.d.test", address);
        INFO(address);
        CHECK(alone.told("d.test") == "5.4.4 the MX hosts of d.test have private or loopback addresses only");
    }
    at.names.mx("d.test", 10, "mx.d.test");
    at.names.a("mx.d.test", "127.0.0.1");
    at.names.mx("d.test", 20, "b.d.test");
    at.names.a("b.d.test", "8.8.0.1");
    CHECK(at.told("d.test") == "b.d.test[8.8.0.1]:25");
}

TEST_CASE("trouble with DNS lets mail wait", "[DN-04][F-12]") {
    finder at;
    at.names.fails("d.test", dns_type::mx);
    CHECK(at.told("d.test") == "later: its MX records cannot be looked up now: no answer in time");
    at.names.mx("e.test", 10, "a.e.test");
    at.names.fails("a.e.test", dns_type::a);
    CHECK(at.told("e.test") == "later: its hosts cannot be looked up now: a.e.test: no answer in time");
    at.names.mx("e.test", 20, "b.e.test");
    at.names.a("b.e.test", "8.8.0.2");
    CHECK(at.told("e.test") == "b.e.test[8.8.0.2]:25");
    at.names.mx("f.test", 10, "nowhere.f.test");
    CHECK(at.told("f.test") == "later: no MX host of f.test has an address");
    at.names.fails("g.test", dns_type::aaaa);
    CHECK(at.told("g.test") == "later: its hosts cannot be looked up now: g.test: no answer in time");
}

TEST_CASE("a thousand MX records and a hundred addresses cost no more than a few", "[DN-04]") {
    finder at;
    for (int i = 0; i < 1000; ++i)
        at.names.mx("d.test", static_cast<std::uint16_t>(i), "h" + std::to_string(i) + ".d.test");
    CHECK(at.told("d.test") == "later: no MX host of d.test has an address");
    CHECK(at.names.asked.size() == 1 + 2 * server::hop_exchangers_max);
    for (int i = 1; i <= 100; ++i) at.names.a("e.test", "8.8.1." + std::to_string(i));
    CHECK(at.find("e.test").addresses.size() == server::hop_addresses_max);
}
