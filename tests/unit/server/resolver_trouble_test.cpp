// Servers that are silent, dead, of another opinion or of another age; and ends that come from our side.
#include "tests/unit/server/dns_stub.hpp"
#include "tests/unit/server/resolver_bench.hpp"

#include "server/descriptors.hpp"
#include "server/dns_asker.hpp"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <set>

using namespace postern;
using namespace postern::testing;
using policy::dns_try_later;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const dns_stub::behaviour silence = [](dns_stub&, const dns_query&) {};

dns_stub::behaviour always(std::uint8_t last) {
    return [=](dns_stub& self, const dns_query& query) { self.reply(query, address_of(query, last)); };
}
dns_stub::behaviour always_rcode(std::uint16_t rcode) {
    return [=](dns_stub& self, const dns_query& query) {
        dns_content content;
        content.rcode = rcode;
        self.reply(query, content);
    };
}

// Where nobody listens.
conf::endpoint nowhere(boost::asio::io_context& context) { return dns_stub(context, silence).at(); }

bool all_have_one(const std::vector<std::optional<policy::dns_result>>& results) {
    return std::ranges::all_of(results, [](const auto& one) { return one.has_value(); });
}

} // namespace

TEST_CASE("a lost question is sent again") {
    resolver_bench bench(milliseconds(600));
    dns_stub stub(bench.context, [](dns_stub& self, const dns_query& query) {
        if (self.seen.size() == 2) self.reply(query, address_of(query, 7));
    });
    bench.settings.servers = {stub.at()};
    CHECK(address_in(bench.look_up("a.test")) == 7);
    REQUIRE(stub.seen.size() == 2);
    CHECK(stub.seen[0].id != stub.seen[1].id);
}

TEST_CASE("an answer to an attempt that was given up is no answer to the next") {
    resolver_bench bench(milliseconds(600));
    dns_stub stub(bench.context, [](dns_stub& self, const dns_query& query) {
        if (self.seen.size() != 2) return;
        self.reply(self.seen[0], address_of(query, 66));
        self.reply(query, address_of(query, 7));
    });
    bench.settings.servers = {stub.at()};
    CHECK(address_in(bench.look_up("a.test")) == 7);
}

TEST_CASE("a thousand who wait for a silent server are told by their deadline, and nothing stays") {
    resolver_bench bench(milliseconds(300));
    dns_stub stub(bench.context, silence);
    bench.settings.servers = {stub.at()};
    std::vector<std::optional<policy::dns_result>> results(1000);
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < results.size(); ++i)
        bench.begin("n" + std::to_string(i) + ".test", results[i]);
    bench.run_until([&] { return all_have_one(results); });
    CHECK(std::chrono::steady_clock::now() - begin < seconds(5));
    for (const auto& one : results) CHECK(is_later(*one, dns_try_later::cause::silent));
    CHECK(bench.resolver().in_flight() == 0);
}

TEST_CASE("who waits less than the question takes is told in his time; the answer serves the next") {
    resolver_bench bench;
    dns_query asked;
    dns_stub stub(bench.context, [&](dns_stub&, const dns_query& query) { asked = query; });
    bench.settings.servers = {stub.at()};
    const auto begin = std::chrono::steady_clock::now();
    CHECK(is_later(bench.look_up("a.test", protocol::dns_type::a, milliseconds(50)),
                   dns_try_later::cause::silent));
    CHECK(std::chrono::steady_clock::now() - begin < seconds(5));
    CHECK(bench.resolver().in_flight() == 1);
    stub.reply(asked, address_of(asked, 7));
    bench.run_until([&] { return bench.resolver().in_flight() == 0; });
    CHECK(address_in(bench.look_up("a.test")) == 7);
    CHECK(stub.seen.size() == 1);
}

TEST_CASE("where nobody listens nobody waits") {
    resolver_bench bench;
    bench.settings.servers = {nowhere(bench.context)};
    CHECK(is_later(bench.look_up("a.test"), dns_try_later::cause::no_server));
    bench.settings.servers = {};
    bench.made.reset();
    CHECK(is_later(bench.look_up("a.test"), dns_try_later::cause::no_server));
}

TEST_CASE("a server that is of no help leaves the question to the next") {
    for (const auto rcode : std::initializer_list<std::uint16_t>{2, 5, 1, 4}) {
        resolver_bench bench;
        dns_stub helpless(bench.context, always_rcode(rcode));
        dns_stub good(bench.context, always(7));
        bench.settings.servers = {helpless.at(), good.at()};
        CHECK(address_in(bench.look_up("a.test")) == 7);
        CHECK(helpless.seen.size() >= 1);
    }
}

TEST_CASE("absent is an answer: no other server is asked") {
    resolver_bench bench;
    dns_stub first(bench.context,
                   [](dns_stub& self, const dns_query& query) { self.reply(query, absence("test", 3, 60)); });
    dns_stub second(bench.context, always(66));
    bench.settings.servers = {first.at(), second.at()};
    CHECK(std::holds_alternative<protocol::dns_absent>(bench.look_up("a.test")));
    CHECK(second.seen.empty());
}

TEST_CASE("where all are of no help the trouble that says most is told, at once") {
    resolver_bench bench;
    dns_stub failing(bench.context, always_rcode(2));
    bench.settings.servers = {failing.at(), nowhere(bench.context)};
    CHECK(is_trouble(bench.look_up("a.test"), protocol::dns_trouble::server_failure));
}

TEST_CASE("a dead server costs its first questions only") {
    resolver_bench bench(milliseconds(400));
    dns_stub dead(bench.context, silence);
    dns_stub good(bench.context, always(7));
    bench.settings.servers = {dead.at(), good.at()};
    for (int i = 0; i < 20; ++i) CHECK(address_in(bench.look_up("n" + std::to_string(i) + ".test")) == 7);
    CHECK(dead.seen.size() == server::dns_server_order::ill_after);
    CHECK(good.seen.size() == 20);
}

TEST_CASE("a server that doesn't know EDNS is asked without, and from then on at once") {
    for (const auto rcode : std::initializer_list<std::uint16_t>{1, 4}) {
        resolver_bench bench;
        dns_stub old(bench.context, [=](dns_stub& self, const dns_query& query) {
            dns_content refusal;
            refusal.rcode = rcode;
            self.reply(query, query.has_opt ? refusal : address_of(query, 7));
        });
        bench.settings.servers = {old.at()};
        for (int i = 0; i < 10; ++i) CHECK(address_in(bench.look_up("n" + std::to_string(i) + ".test")) == 7);
        CHECK(std::ranges::count_if(old.seen, [](const auto& one) { return one.has_opt; }) <= 2);
        CHECK_FALSE(old.seen.back().has_opt);
        CHECK(old.seen.back().asks_ad);
    }
}

TEST_CASE("a server that refuses one question as malformed isn't without EDNS for the others") {
    resolver_bench bench;
    dns_stub stub(bench.context, [](dns_stub& self, const dns_query& query) {
        dns_content refusal;
        refusal.rcode = 4;
        self.reply(query, query.name == "odd.test" ? refusal : address_of(query, 7));
    });
    bench.settings.servers = {stub.at()};
    CHECK(is_trouble(bench.look_up("odd.test"), protocol::dns_trouble::other_rcode));
    CHECK(address_in(bench.look_up("a.test")) == 7);
    CHECK(stub.seen.back().has_opt);
}

TEST_CASE("neither ids nor ports can be guessed from those before") {
    resolver_bench bench;
    dns_stub stub(bench.context, silence);
    bench.settings.servers = {stub.at()};
    bench.settings.max_in_flight = 2000;
    std::vector<std::optional<policy::dns_result>> results(1024);
    for (std::size_t i = 0; i < results.size(); ++i) {
        bench.begin("n" + std::to_string(i) + ".test", results[i]);
        bench.run_until([&] { return stub.seen.size() == i + 1; });
    }
    std::set<std::uint16_t> ids, ports;
    std::size_t steps = 0;
    for (std::size_t i = 0; i < stub.seen.size(); ++i) {
        ids.insert(stub.seen[i].id);
        ports.insert(stub.seen[i].port);
        if (i > 0 && std::abs(stub.seen[i].id - stub.seen[i - 1].id) < 256) ++steps;
    }
    CHECK(ids.size() == 1024); // all in flight, so all different
    CHECK(ports.size() == 1024 / server::dns_questions_of_a_channel);
    CHECK(steps < 100); // 8 are likely
}

TEST_CASE("whoever waits is told when the server ends, and nothing is asked after") {
    resolver_bench bench;
    dns_stub stub(bench.context, silence);
    bench.settings.servers = {stub.at()};
    std::vector<std::optional<policy::dns_result>> results(10);
    for (std::size_t i = 0; i < results.size(); ++i)
        bench.begin("n" + std::to_string(i) + ".test", results[i]);
    bench.run_until([&] { return stub.seen.size() == 10; });
    bench.resolver().stop();
    bench.run_until([&] { return all_have_one(results); });
    for (const auto& one : results) CHECK(is_later(*one, dns_try_later::cause::stopped));
    CHECK(is_later(bench.look_up("late.test"), dns_try_later::cause::stopped));
    CHECK(stub.seen.size() == 10);
}

TEST_CASE("a resolver may go away, and its loop, while questions are in flight") {
    for (const bool loop_goes_on : {true, false}) {
        std::vector<std::optional<policy::dns_result>> results(3);
        resolver_bench bench;
        dns_stub stub(bench.context, silence);
        bench.settings.servers = {stub.at()};
        for (std::size_t i = 0; i < results.size(); ++i)
            bench.begin("n" + std::to_string(i % 2) + ".test", results[i]);
        bench.run_until([&] { return stub.seen.size() == 2; });
        bench.made.reset();
        if (loop_goes_on) bench.run_until([&] { return all_have_one(results); });
        CHECK(all_have_one(results) == loop_goes_on);
    }
}

TEST_CASE("a look-up that is cancelled ends at once, and its question serves the next") {
    resolver_bench bench;
    dns_stub stub(bench.context, silence);
    bench.settings.servers = {stub.at()};
    boost::asio::cancellation_signal signal;
    bool has_ended = false;
    auto task = bench.resolver().look_up({*protocol::dns_name::parse("a.test")},
                                         bench.resolver().deadline(seconds(30)));
    boost::asio::co_spawn(
        bench.context, std::move(task),
        boost::asio::bind_cancellation_slot(
            signal.slot(), [&](std::exception_ptr, policy::dns_result) { has_ended = true; }));
    bench.run_until([&] { return stub.seen.size() == 1; });
    signal.emit(boost::asio::cancellation_type::terminal);
    bench.run_until([&] { return has_ended; });
    CHECK(bench.resolver().in_flight() == 1);
    std::optional<policy::dns_result> next;
    bench.begin("a.test", next);
    stub.reply(stub.seen[0], address_of(stub.seen[0], 7));
    bench.run_until([&] { return next.has_value(); });
    CHECK(address_in(*next) == 7);
}

TEST_CASE("other servers take over what is in flight, and what the former said is forgotten") {
    resolver_bench bench;
    dns_stub former(bench.context, [](dns_stub& self, const dns_query& query) {
        if (query.name != "slow.test") self.reply(query, address_of(query, 1));
    });
    dns_stub next(bench.context, always(2));
    bench.settings.servers = {former.at()};
    CHECK(address_in(bench.look_up("a.test")) == 1);
    std::optional<policy::dns_result> slow;
    bench.begin("slow.test", slow);
    bench.run_until([&] { return former.seen.size() == 2; });
    auto changed = bench.settings;
    changed.servers = {next.at()};
    bench.resolver().configure(changed);
    former.reply(former.seen[1], address_of(former.seen[1], 1)); // too late
    CHECK(address_in(bench.look_up("a.test")) == 2);
    bench.run_until([&] { return slow.has_value(); });
    CHECK(address_in(*slow) == 2);
    CHECK(address_in(bench.look_up("slow.test")) == 2);
    CHECK(next.seen.size() == 2);
}

TEST_CASE("settings that have nothing to do with servers leave what is in flight and what is known alone") {
    resolver_bench bench;
    dns_stub stub(bench.context, [](dns_stub& self, const dns_query& query) {
        if (query.name != "slow.test") self.reply(query, address_of(query, 1));
    });
    bench.settings.servers = {stub.at()};
    CHECK(address_in(bench.look_up("a.test")) == 1);
    std::optional<policy::dns_result> slow;
    bench.begin("slow.test", slow);
    bench.run_until([&] { return stub.seen.size() == 2; });
    auto changed = bench.settings;
    changed.cache.entries = 7;
    bench.resolver().configure(changed);
    CHECK(address_in(bench.look_up("a.test")) == 1);
    stub.reply(stub.seen[1], address_of(stub.seen[1], 3));
    bench.run_until([&] { return slow.has_value(); });
    CHECK(address_in(*slow) == 3);
    CHECK(stub.seen.size() == 2);
}

TEST_CASE("a server that leaves some questions of many without an answer doesn't cost ever more sockets") {
    resolver_bench bench;
    dns_stub stub(bench.context, [](dns_stub& self, const dns_query& query) {
        if (self.seen.size() % 200 != 0) self.reply(query, address_of(query, 7));
    });
    bench.settings.servers = {stub.at()};
    const std::size_t before = server::open_descriptors();
    std::vector<std::optional<policy::dns_result>> results(4000);
    for (std::size_t i = 0; i < results.size(); ++i) {
        bench.begin("n" + std::to_string(i) + ".test", results[i]);
        if (i % 50 == 49) bench.run_until([&] { return stub.seen.size() == i + 1; });
    }
    bench.run_until([&] { return bench.resolver().in_flight() == results.size() / 200; });
    CHECK(server::open_descriptors() - before <= server::dns_sockets_of_a_server);
}
