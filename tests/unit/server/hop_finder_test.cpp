// Where a hop's servers are, and the loop guard of MX records (LP-03, DN-03, DN-04, F-12).
#include "server/delivery/hop_finder.hpp"
#include "tests/support/dns_world.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

using namespace postern;
using kind = conf::relay_hop::kind;

namespace {

struct finder {
    testing::dns_world names;
    server::ourselves us{{"mx2.s.test"}, {*protocol::ip_address::parse("8.8.2.2")}};

    server::found_hop find(conf::relay_hop hop, policy::resolver* with) {
        boost::asio::io_context loop{1};
        server::found_hop found;
        auto task = server::find_hop(with, std::move(hop), us, std::chrono::seconds(1));
        boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown, server::found_hop made) {
            if (thrown) std::rethrow_exception(thrown);
            found = std::move(made);
        });
        loop.run();
        return found;
    }
    // The addresses, or what is wrong.
    std::string find(kind what, const std::string& name) {
        conf::relay_hop hop{what, {{}, 25}, name};
        const auto found = find(hop, &names);
        std::string text;
        for (const auto& one : found.addresses) text += (text.empty() ? "" : " ") + one.to_string();
        return text.empty() ? found.trouble : text;
    }
};

} // namespace

TEST_CASE("an address is its own place, and a host is where its addresses are") {
    finder at;
    conf::relay_hop address;
    address.address = {*protocol::ip_address::parse("192.0.2.7"), 2525};
    REQUIRE(at.find(address, nullptr).addresses.size() == 1);
    CHECK(at.find(address, nullptr).addresses[0].to_string() == "192.0.2.7:2525");
    at.names.a("mx1.d.test", "192.168.0.1");
    at.names.a("mx1.d.test", "127.0.0.1");
    at.names.aaaa("mx1.d.test", "2001:db8::1");
    CHECK(at.find(kind::host, "mx1.d.test") ==
          "mx1.d.test[192.168.0.1]:25 mx1.d.test[127.0.0.1]:25 mx1.d.test[2001:db8::1]:25");
    CHECK(at.find(kind::host, "mx9.d.test") == "mx9.d.test has no address");
    at.names.fails("mx8.d.test", protocol::dns_type::a);
    CHECK(at.find(kind::host, "mx8.d.test") == "cannot be looked up now: mx8.d.test: no answer in time");
    at.names.aaaa("mx8.d.test", "2001:db8::8");
    CHECK(at.find(kind::host, "mx8.d.test") == "mx8.d.test[2001:db8::8]:25");
    conf::relay_hop host{kind::host, {{}, 25}, "mx1.d.test"};
    CHECK(at.find(host, nullptr).trouble == "no names can be looked up");
}

TEST_CASE("only MX hosts that stand before us get the mail", "[LP-03]") {
    finder at;
    at.names.mx("d.test", 20, "MX2.S.test");
    at.names.mx("d.test", 10, "mx1.d.test");
    at.names.mx("d.test", 20, "mx3.d.test");
    at.names.mx("d.test", 5, "mx0.d.test");
    at.names.mx("d.test", 30, "mx4.d.test");
    at.names.a("mx0.d.test", "8.8.0.1");
    at.names.a("mx1.d.test", "8.8.1.1");
    at.names.aaaa("mx1.d.test", "2606::1");
    at.names.a("mx3.d.test", "8.8.3.1");
    at.names.a("mx4.d.test", "8.8.4.1");
    CHECK(at.find(kind::mx, "d.test") ==
          "mx0.d.test[8.8.0.1]:25 mx1.d.test[8.8.1.1]:25 mx1.d.test[2606::1]:25");
}

TEST_CASE("our own address under another name is ourselves", "[LP-03]") {
    finder at;
    at.names.mx("d.test", 10, "mx1.d.test");
    at.names.mx("d.test", 20, "alias.d.test");
    at.names.mx("d.test", 30, "mx2.s.test");
    at.names.mx("d.test", 15, "mx9.d.test");
    at.names.a("mx1.d.test", "8.8.1.1");
    at.names.a("mx9.d.test", "8.8.9.1");
    at.names.a("alias.d.test", "8.8.2.2");
    CHECK(at.find(kind::mx, "d.test") == "mx1.d.test[8.8.1.1]:25 mx9.d.test[8.8.9.1]:25");
    at.names.mx("d.test", 5, "first.d.test");
    at.names.a("first.d.test", "8.8.2.2");
    CHECK(at.find(kind::mx, "d.test") == "loop guard: this server is the best MX host of d.test");
}

TEST_CASE("where nobody says that the mail is to pass here, it waits", "[LP-03]") {
    finder at;
    at.names.mx("best.test", 10, "mx2.s.test");
    at.names.mx("best.test", 20, "mx1.d.test");
    CHECK(at.find(kind::mx, "best.test") == "loop guard: this server is the best MX host of best.test");
    at.names.mx("same.test", 10, "mx2.s.test");
    at.names.mx("same.test", 10, "mx1.d.test");
    at.names.a("mx1.d.test", "8.8.1.1");
    CHECK(at.find(kind::mx, "same.test") == "loop guard: this server is the best MX host of same.test");
    at.names.mx("none.test", 10, "mx1.d.test");
    CHECK(at.find(kind::mx, "none.test") == "loop guard: this server is none of the MX hosts of none.test");
    CHECK(at.find(kind::mx, "empty.test") == "loop guard: empty.test has no MX records");
    at.names.mx("null.test", 0, ".");
    CHECK(at.find(kind::mx, "null.test") == "null.test takes no mail (null MX)");
}

TEST_CASE("trouble with DNS is never an answer", "[F-12]") {
    finder at;
    at.names.fails("a.test", protocol::dns_type::mx);
    CHECK(at.find(kind::mx, "a.test") == "its MX records cannot be looked up now: no answer in time");
    at.names.mx("b.test", 10, "mx1.b.test");
    at.names.fails("mx1.b.test", protocol::dns_type::a); // it may be us
    CHECK(at.find(kind::mx, "b.test") ==
          "its MX hosts cannot be looked up now: mx1.b.test: no answer in time");
    at.names.mx("b.test", 20, "mx2.s.test");
    at.names.mx("b.test", 15, "mx0.b.test");
    at.names.a("mx0.b.test", "8.8.1.1");
    CHECK(at.find(kind::mx, "b.test") == "mx0.b.test[8.8.1.1]:25");
}

TEST_CASE("no MX record leads to this machine or into its networks", "[DN-03]") {
    finder at;
    at.names.mx("d.test", 20, "mx2.s.test");
    at.names.mx("d.test", 10, "mx1.d.test");
    for (const auto* address : {"127.0.0.1", "10.0.0.1", "169.254.1.1", "0.0.0.0", "192.168.1.1"})
        at.names.a("mx1.d.test", address);
    for (const auto* address : {"::1", "fc00::1", "fe80::1", "64:ff9b::7f00:1"})
        at.names.aaaa("mx1.d.test", address);
    CHECK(at.find(kind::mx, "d.test") == "the MX hosts before this server have no address to send to");
}

TEST_CASE("a thousand MX hosts and a hundred addresses cost no more than a few questions", "[DN-04]") {
    finder at;
    for (int i = 0; i < 1000; ++i) {
        at.names.mx("d.test", static_cast<std::uint16_t>(i), "mx" + std::to_string(i) + ".d.test");
        for (int k = 1; k < 5; ++k)
            at.names.a("mx" + std::to_string(i) + ".d.test", "8.8.1." + std::to_string(k));
    }
    at.names.mx("d.test", 2000, "mx2.s.test");
    conf::relay_hop hop{kind::mx, {{}, 25}, "d.test"};
    CHECK(at.find(hop, &at.names).addresses.size() == server::hop_addresses_max);
    CHECK(at.names.asked.size() <= 1 + 2 * server::hop_exchangers_max);
}
