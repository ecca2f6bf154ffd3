// What the resolver makes of answers, true ones and others. Against a stub for what no real server does;
// resolver_unbound_test.cpp has the real one.
#include "tests/unit/server/dns_stub.hpp"
#include "tests/unit/server/resolver_bench.hpp"

#include <algorithm>
#include <set>

using namespace postern;
using namespace postern::testing;
using policy::dns_try_later;
using protocol::dns_type;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const dns_stub::behaviour silence = [](dns_stub&, const dns_query&) {};

dns_stub::behaviour always(std::uint8_t last, std::uint32_t ttl = 300) {
    return [=](dns_stub& self, const dns_query& query) { self.reply(query, address_of(query, last, ttl)); };
}
dns_stub::behaviour always_rcode(std::uint16_t rcode) {
    return [=](dns_stub& self, const dns_query& query) {
        dns_content content;
        content.rcode = rcode;
        self.reply(query, content);
    };
}

dns_stub::behaviour authenticated = [](dns_stub& self, const dns_query& query) {
    auto content = address_of(query, 1);
    content.authenticated = true;
    self.reply(query, content);
};

bool is_authenticated(const policy::dns_result& result) {
    return std::get<protocol::dns_found>(result).authenticated;
}

} // namespace

TEST_CASE("a question asks for AD and takes 1232 octets by UDP") {
    resolver_bench bench;
    dns_stub stub(bench.context, always(7));
    bench.settings.servers = {stub.at()};
    CHECK(address_in(bench.look_up("a.test")) == 7);
    REQUIRE(stub.seen.size() == 1);
    CHECK(stub.seen[0].name == "a.test");
    CHECK(stub.seen[0].asks_ad);
    CHECK(stub.seen[0].has_opt);
    const auto& octets = stub.seen[0].octets;
    CHECK((octets[octets.size() - 8] << 8 | octets[octets.size() - 7]) == 1232);
}

TEST_CASE("the AD bit counts only where its server is believed") {
    for (const auto [trust, is_believed] :
         {std::pair(conf::ad_trust::loopback, true), std::pair(conf::ad_trust::never, false)}) {
        resolver_bench bench;
        dns_stub stub(bench.context, authenticated);
        bench.settings.servers = {stub.at()};
        bench.settings.trust_ad = trust;
        CHECK(is_authenticated(bench.look_up("a.test")) == is_believed);
        CHECK(is_authenticated(bench.look_up("a.test")) == is_believed); // from memory
    }
}

TEST_CASE("what isn't the answer doesn't end the wait for it") {
    const auto lie = [](dns_octets octets, auto change) {
        change(octets);
        return octets;
    };
    resolver_bench bench;
    dns_stub stub(bench.context, [&](dns_stub& self, const dns_query& query) {
        const auto forged = make_answer(query, address_of(query, 66));
        self.reply(query,
                   lie(forged, [](dns_octets& all) { all[1] = static_cast<std::uint8_t>(all[1] + 1); }));
        self.reply(query, lie(forged, [](dns_octets& all) { all[13] = 'x'; }));  // another name
        self.reply(query, lie(forged, [](dns_octets& all) { all[20] = 28; }));   // another type
        self.reply(query, lie(forged, [](dns_octets& all) { all.resize(11); })); // less than a header
        self.reply(query, lie(forged, [](dns_octets& all) { all.resize(16); })); // ends in the question
        self.reply(query, dns_octets{});
        self.reply(query, dns_octets(600, 0xff));
        self.reply_from_elsewhere(query, forged);
        self.reply(query, address_of(query, 7));
    });
    bench.settings.servers = {stub.at()};
    CHECK(address_in(bench.look_up("a.test")) == 7);
    CHECK(stub.seen.size() == 1);
}

TEST_CASE("an answer that can't be understood is a reason to try later") {
    resolver_bench bench;
    dns_stub stub(bench.context, [&](dns_stub& self, const dns_query& query) {
        auto octets = make_answer(query, address_of(query, 66));
        octets.pop_back();
        self.reply(query, octets);
    });
    bench.settings.servers = {stub.at()};
    CHECK(is_trouble(bench.look_up("a.test"), protocol::dns_trouble::malformed));
}

TEST_CASE("an echo of the question is no answer") {
    resolver_bench bench(milliseconds(300));
    dns_stub stub(bench.context,
                  [](dns_stub& self, const dns_query& query) { self.reply(query, query.octets); });
    bench.settings.servers = {stub.at()};
    CHECK(is_later(bench.look_up("a.test"), dns_try_later::cause::silent));
}

TEST_CASE("what comes truncated is asked again by TCP") {
    resolver_bench bench;
    dns_stub stub(bench.context, [](dns_stub& self, const dns_query& query) {
        dns_content content;
        if (query.by_tcp)
            for (int i = 0; i < 500; ++i)
                content.answers.push_back({query.name, 1, 300, {192, 0, 2, static_cast<std::uint8_t>(i)}});
        else
            content.truncated = true;
        self.reply(query, content);
    });
    bench.settings.servers = {stub.at()};
    const auto result = bench.look_up("a.test");
    REQUIRE(std::holds_alternative<protocol::dns_found>(result));
    CHECK(std::get<protocol::dns_found>(result).records.addresses.size() == 500);
    REQUIRE(stub.seen.size() == 2);
    CHECK(stub.seen[1].by_tcp);
}

TEST_CASE("truncated by TCP too, or without TCP at all: later") {
    const auto truncated = [](dns_stub& self, const dns_query& query) {
        auto content = address_of(query, 66);
        content.truncated = true;
        self.reply(query, content);
    };
    for (const auto by_tcp : {dns_stub::tcp::served, dns_stub::tcp::refused}) {
        resolver_bench bench;
        dns_stub stub(bench.context, truncated, by_tcp);
        bench.settings.servers = {stub.at()};
        const auto result = bench.look_up("a.test");
        CHECK(std::holds_alternative<dns_try_later>(result));
    }
}

TEST_CASE("no such name and no such record are absences, kept by their SOA") {
    for (const auto rcode : std::initializer_list<std::uint16_t>{3, 0}) {
        resolver_bench bench;
        dns_stub stub(bench.context, [=](dns_stub& self, const dns_query& query) {
            self.reply(query, absence("test", rcode, 60));
        });
        bench.settings.servers = {stub.at()};
        for (int i = 0; i < 2; ++i) {
            const auto result = bench.look_up("a.test");
            REQUIRE(std::holds_alternative<protocol::dns_absent>(result));
            const auto& absent = std::get<protocol::dns_absent>(result);
            CHECK((absent.what == protocol::dns_absent::kind::no_name) == (rcode == 3));
            CHECK(absent.ttl <= 60);
        }
        CHECK(stub.seen.size() == 1);
    }
}

TEST_CASE("what may not be kept is asked for again") {
    resolver_bench bench;
    dns_stub stub(bench.context, always(7, 0));
    bench.settings.servers = {stub.at()};
    CHECK(address_in(bench.look_up("a.test")) == 7);
    CHECK(address_in(bench.look_up("a.test")) == 7);
    CHECK(stub.seen.size() == 2);
}

TEST_CASE("a failure is kept for seconds, so that a broken domain is not asked for at every message") {
    resolver_bench bench;
    dns_stub stub(bench.context, always_rcode(2));
    bench.settings.servers = {stub.at()};
    for (int i = 0; i < 3; ++i)
        CHECK(is_trouble(bench.look_up("a.test"), protocol::dns_trouble::server_failure));
    CHECK(stub.seen.size() == 1);
}

TEST_CASE("all who ask the same at the same time share one question") {
    resolver_bench bench;
    dns_query only;
    dns_stub stub(bench.context, [&](dns_stub&, const dns_query& query) { only = query; });
    bench.settings.servers = {stub.at()};
    std::vector<std::optional<policy::dns_result>> results(100);
    for (std::size_t i = 0; i < results.size(); ++i)
        bench.begin(i % 2 == 0 ? "a.test" : "A.tesT", results[i]);
    bench.run_until([&] { return !stub.seen.empty(); });
    CHECK(bench.resolver().in_flight() == 1);
    stub.reply(only, address_of(only, 7));
    bench.run_until(
        [&] { return std::ranges::all_of(results, [](const auto& one) { return one.has_value(); }); });
    for (const auto& one : results) CHECK(address_in(*one) == 7);
    CHECK(stub.seen.size() == 1);
    CHECK(bench.resolver().in_flight() == 0);
}

TEST_CASE("over the bound of questions in flight one is told to come later, at once") {
    resolver_bench bench;
    dns_stub stub(bench.context, silence);
    bench.settings.servers = {stub.at()};
    bench.settings.max_in_flight = 10;
    std::vector<std::optional<policy::dns_result>> waiting(10);
    for (std::size_t i = 0; i < waiting.size(); ++i)
        bench.begin("n" + std::to_string(i) + ".test", waiting[i]);
    bench.run_until([&] { return stub.seen.size() == 10; });
    CHECK(is_later(bench.look_up("one-more.test"), dns_try_later::cause::busy));
    CHECK(stub.seen.size() == 10);
    std::optional<policy::dns_result> joins;
    bench.begin("n3.test", joins);
    stub.reply(stub.seen[3], address_of(stub.seen[3], 7));
    bench.run_until([&] { return joins.has_value(); });
}

TEST_CASE("aliases are followed over several answers, with the least TTL and trust of them all") {
    resolver_bench bench;
    dns_stub stub(bench.context, [](dns_stub& self, const dns_query& query) {
        dns_content content = query.name == "a.test"   ? alias_of(query, "b.test", 500)
                              : query.name == "b.test" ? alias_of(query, "c.test", 100)
                                                       : address_of(query, 7, 900);
        content.authenticated = query.name != "b.test";
        self.reply(query, content);
    });
    bench.settings.servers = {stub.at()};
    const auto result = bench.look_up("a.test");
    CHECK(address_in(result) == 7);
    const auto& found = std::get<protocol::dns_found>(result);
    CHECK(found.name == *protocol::dns_name::parse("c.test"));
    CHECK(found.ttl <= 100);
    CHECK(found.ttl >= 90);
    CHECK_FALSE(found.authenticated);
    CHECK(stub.seen.size() == 3);
}

TEST_CASE("a loop of aliases over several answers ends, as trouble") {
    resolver_bench bench;
    dns_stub stub(bench.context, [](dns_stub& self, const dns_query& query) {
        self.reply(query, alias_of(query, query.name == "a.test" ? "b.test" : "a.test", 0));
    });
    bench.settings.servers = {stub.at()};
    CHECK(is_trouble(bench.look_up("a.test"), protocol::dns_trouble::too_many_aliases));
    CHECK(stub.seen.size() == protocol::dns_aliases_max + 1);
}

TEST_CASE("what is remembered is what a look-up would answer without asking, aliases and absences too") {
    resolver_bench bench;
    dns_stub stub(bench.context, [](dns_stub& self, const dns_query& query) {
        if (query.name == "no.test") return self.reply(query, absence("test", 3, 60));
        if (query.name == "trouble.test") return always_rcode(2)(self, query);
        self.reply(query, query.name == "a.test" ? alias_of(query, "b.test", 500)
                                                 : address_of(query, 7, query.name == "once.test" ? 0 : 900));
    });
    bench.settings.servers = {stub.at()};
    const auto remembered = [&](const char* name, dns_type type = dns_type::a) {
        return bench.resolver().remembered({*protocol::dns_name::parse(name), type});
    };
    for (const char* name : {"a.test", "no.test", "trouble.test", "once.test"}) {
        CHECK_FALSE(remembered(name));
        bench.look_up(name);
    }
    const auto asked = stub.seen.size();
    const auto looked_up = bench.counts.looked_up.load();
    CHECK(address_in(remembered("a.test").value()) == 7);
    CHECK(std::get<protocol::dns_found>(*remembered("A.test")).ttl <= 500);
    CHECK(std::holds_alternative<protocol::dns_absent>(remembered("no.test").value()));
    CHECK(is_trouble(remembered("trouble.test").value(), protocol::dns_trouble::server_failure));
    CHECK(bench.counts.looked_up == looked_up + 4);
    CHECK_FALSE(remembered("once.test"));
    CHECK_FALSE(remembered("a.test", dns_type::aaaa));
    CHECK(bench.counts.looked_up == looked_up + 4);
    CHECK(stub.seen.size() == asked);
    bench.resolver().stop();
    CHECK_FALSE(remembered("a.test"));
}

TEST_CASE("an alias whose end is not remembered is not, nor is a loop") {
    resolver_bench bench;
    dns_stub stub(bench.context, [](dns_stub& self, const dns_query& query) {
        if (query.name == "end.test") return self.reply(query, address_of(query, 7, 0));
        const char* to = query.name == "a.test" ? "end.test" : query.name == "b.test" ? "c.test" : "b.test";
        self.reply(query, alias_of(query, to, 500));
    });
    bench.settings.servers = {stub.at()};
    CHECK(address_in(bench.look_up("a.test")) == 7);
    CHECK_FALSE(bench.resolver().remembered({*protocol::dns_name::parse("a.test"), dns_type::a}));
    CHECK(is_trouble(bench.look_up("b.test"), protocol::dns_trouble::too_many_aliases));
    const auto loop = bench.resolver().remembered({*protocol::dns_name::parse("b.test"), dns_type::a});
    REQUIRE(loop);
    CHECK(is_trouble(*loop, protocol::dns_trouble::too_many_aliases));
}
