// What DNS asks of the connection to a mail server (TL-09 to TL-11).
#include "server/delivery/dane_finder.hpp"
#include "tests/support/dns_world.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

using namespace postern;
using tls::demand_level;

namespace {

const protocol::tlsa_record usable{3, 1, 1, std::vector<std::uint8_t>(32, 7)};
const protocol::tlsa_record useless{1, 1, 1, std::vector<std::uint8_t>(32, 7)};

struct finder {
    testing::dns_world names;

    void publish(const std::string& host, const protocol::tlsa_record& record) {
        names.tlsa("_25._tcp." + host, record);
        names.secure("_25._tcp." + host);
    }
    server::dane_finding find(server::dane_host host) {
        names.asked.clear();
        boost::asio::io_context loop{1};
        server::dane_finding found;
        auto task = server::find_dane(names, std::move(host), std::chrono::seconds(1));
        boost::asio::co_spawn(loop, std::move(task),
                              [&](std::exception_ptr thrown, server::dane_finding made) {
                                  if (thrown) std::rethrow_exception(thrown);
                                  found = std::move(made);
                              });
        loop.run();
        return found;
    }
};

server::dane_host secure(const std::string& name, const std::string& canonical = "",
                         const std::string& domain = "") {
    return {name, canonical, 25, true, domain};
}

} // namespace

TEST_CASE("validated TLSA records bind the connection to them", "[TL-11]") {
    finder at;
    at.publish("mx.d.test", usable);
    const auto found = at.find(secure("MX.d.test", "", "D.test"));
    CHECK(found.trouble.empty());
    CHECK(found.demand == tls::demand{demand_level::dane, "mx.d.test", {"d.test"}, {usable}});
    CHECK(at.names.asked == std::vector<std::string>{"_25._tcp.mx.d.test 52"});
    // MX records that weren't validated prove no domain; the host is proved all the same.
    CHECK(at.find(secure("mx.d.test")).demand == tls::demand{demand_level::dane, "mx.d.test", {}, {usable}});
}

TEST_CASE("another port has other TLSA records") {
    finder at;
    at.publish("mx.d.test", usable);
    CHECK(at.find({"mx.d.test", "", 2525, true, ""}).demand.level == demand_level::opportunistic);
    CHECK(at.names.asked == std::vector<std::string>{"_2525._tcp.mx.d.test 52"});
}

TEST_CASE("where the addresses weren't validated no TLSA record is asked for", "[TL-11]") {
    finder at;
    at.publish("mx.d.test", usable);
    const auto found = at.find({"mx.d.test", "", 25, false, "d.test"});
    CHECK(found.demand == tls::demand{demand_level::opportunistic, "mx.d.test"});
    CHECK(at.names.asked.empty());
    CHECK(at.find({"", "", 25, true, ""}).demand == tls::demand{demand_level::opportunistic, ""});
    CHECK(at.names.asked.empty());
}

TEST_CASE("no TLSA records, or some that weren't validated, ask for nothing", "[TL-11]") {
    finder at;
    at.names.tlsa("_25._tcp.mx.d.test", usable);
    for (const auto* const host : {"mx.d.test", "mx2.d.test"}) {
        const auto found = at.find(secure(host));
        CHECK(found.demand == tls::demand{demand_level::opportunistic, host});
        CHECK(found.trouble.empty());
    }
    at.names.no_such_name("_25._tcp.mx3.d.test");
    CHECK(at.find(secure("mx3.d.test")).demand.level == demand_level::opportunistic);
}

TEST_CASE("records of which none can be used make TLS a must", "[TL-09]") {
    finder at;
    at.publish("mx.d.test", useless);
    CHECK(at.find(secure("mx.d.test")).demand == tls::demand{demand_level::encrypted, "mx.d.test"});
    at.publish("mx.d.test", usable);
    CHECK(at.find(secure("mx.d.test")).demand.records == std::vector{usable});
}

TEST_CASE("TLSA records that can't be looked up make the host of no use now", "[TL-10]") {
    finder at;
    at.names.fails("_25._tcp.mx.d.test", protocol::dns_type::tlsa);
    CHECK(at.find(secure("mx.d.test")).trouble ==
          "the TLSA records of _25._tcp.mx.d.test cannot be looked up now: no answer in time");
}

TEST_CASE("behind aliases the records of the last name come first, those of the first name second",
          "[TL-11]") {
    finder at;
    at.publish("mx.d.test", usable);
    const auto host = secure("mx.d.test", "real.e.test", "d.test");
    CHECK(at.find(host).demand == tls::demand{demand_level::dane, "mx.d.test", {"d.test"}, {usable}});
    CHECK(at.names.asked == std::vector<std::string>{"_25._tcp.real.e.test 52", "_25._tcp.mx.d.test 52"});
    at.publish("real.e.test", usable);
    CHECK(at.find(host).demand ==
          tls::demand{demand_level::dane, "real.e.test", {"mx.d.test", "d.test"}, {usable}});
    CHECK(at.names.asked.size() == 1);
    // Trouble with the first of them is trouble.
    at.names.fails("_25._tcp.real.e.test", protocol::dns_type::tlsa);
    CHECK_FALSE(at.find(host).trouble.empty());
}

TEST_CASE("a name that is too long to have TLSA records has none") {
    finder at;
    const std::string label(60, 'a');
    const auto name = label + "." + label + "." + label + "." + label + ".test";
    CHECK(at.find(secure(name)).trouble.empty());
    CHECK(at.names.asked.empty());
}
