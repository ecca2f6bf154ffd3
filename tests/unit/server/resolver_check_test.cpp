// Is a DNS server local, does it answer, does it validate: asked of stubs that do or don't.
#include "server/resolver_check.hpp"

#include "tests/unit/server/dns_stub.hpp"
#include "tests/unit/server/resolver_bench.hpp"

using namespace postern;
using namespace postern::testing;
using server::server_standing;
using server::standing_text;

namespace {

dns_stub::behaviour root_absent(bool authenticated) {
    return [=](dns_stub& self, const dns_query& query) {
        auto content = absence(".", 0, 86400);
        content.authenticated = authenticated;
        self.reply(query, content);
    };
}

boost::asio::awaitable<void> examine_into(resolver_bench& bench, std::size_t index,
                                          std::optional<server_standing>& into) {
    auto asking = server::examine(bench.context.get_executor(), bench.settings, index, bench.counts);
    into = co_await std::move(asking);
}

server_standing standing_of(resolver_bench& bench, std::size_t index = 0) {
    std::optional<server_standing> made;
    auto task = examine_into(bench, index, made);
    boost::asio::co_spawn(bench.context, std::move(task), [](std::exception_ptr failed) {
        if (failed) std::rethrow_exception(failed);
    });
    bench.run_until([&] { return made.has_value(); });
    return *made;
}

} // namespace

TEST_CASE("a server that says of the root that it was validated validates, where it is believed") {
    resolver_bench bench;
    dns_stub stub(bench.context, root_absent(true));
    bench.settings.servers = {stub.at()};
    CHECK(standing_of(bench) == server_standing::validates);
    REQUIRE(stub.seen.size() == 1);
    CHECK(stub.seen[0].name == ".");
    CHECK(stub.seen[0].asks_ad);
    bench.settings.trust_ad = conf::ad_trust::never;
    CHECK(standing_of(bench) == server_standing::unbelieved);
    CHECK(stub.seen.size() == 2); // never from memory
}

TEST_CASE("a server that does not say that the root was validated does not validate") {
    resolver_bench bench;
    dns_stub stub(bench.context, root_absent(false));
    bench.settings.servers = {stub.at()};
    for (const auto trust : {conf::ad_trust::loopback, conf::ad_trust::always}) {
        bench.settings.trust_ad = trust;
        CHECK(standing_of(bench) == server_standing::unvalidated);
    }
}

TEST_CASE("a server that finds an address at the root is asked for AD too") {
    for (const bool authenticated : {true, false}) {
        resolver_bench bench;
        dns_stub stub(bench.context, [=](dns_stub& self, const dns_query& query) {
            auto content = address_of(query, 1);
            content.authenticated = authenticated;
            self.reply(query, content);
        });
        bench.settings.servers = {stub.at()};
        CHECK((standing_of(bench) == server_standing::validates) == authenticated);
    }
}

TEST_CASE("each server is examined by itself: none answers for another") {
    resolver_bench bench(std::chrono::milliseconds(300));
    dns_stub failing(bench.context, [](dns_stub& self, const dns_query& query) {
        dns_content content;
        content.rcode = 2;
        content.authenticated = true;
        self.reply(query, content);
    });
    dns_stub silent(bench.context, [](dns_stub&, const dns_query&) {});
    dns_stub good(bench.context, root_absent(true));
    bench.settings.servers = {failing.at(), silent.at(), good.at()};
    CHECK(standing_of(bench, 0) == server_standing::useless);
    CHECK(standing_of(bench, 1) == server_standing::useless);
    CHECK(good.seen.empty());
    CHECK(standing_of(bench, 2) == server_standing::validates);
}

TEST_CASE("an examination that its loop leaves behind leaves nothing behind") {
    resolver_bench bench;
    dns_stub silent(bench.context, [](dns_stub&, const dns_query&) {});
    bench.settings.servers = {silent.at()};
    std::optional<server_standing> made;
    auto task = examine_into(bench, 0, made);
    boost::asio::co_spawn(bench.context, std::move(task), [](std::exception_ptr) {});
    bench.run_until([&] { return silent.seen.size() == 1; });
    CHECK_FALSE(made);
}

TEST_CASE("what servers are good for is one line, with the cure where something is amiss") {
    server::resolver_settings settings;
    settings.servers = {{*protocol::ip_address::parse("127.0.0.1"), 53},
                        {*protocol::ip_address::parse("2001:db8::1"), 53}};
    using all = std::vector<server_standing>;
    CHECK(standing_text(settings, all{server_standing::validates, server_standing::useless}) ==
          "127.0.0.1:53 validates answers (DNSSEC); [2001:db8::1]:53 does not answer");
    CHECK(standing_text(settings, {}) == "127.0.0.1:53 was asked and has not answered yet; "
                                         "[2001:db8::1]:53 was asked and has not answered yet");
    const auto cure =
        Catch::EndsWith(": for DANE run a validating resolver on this machine, such as unbound");
    CHECK_THAT(standing_text(settings, all{server_standing::unvalidated, server_standing::validates}), cure);
    CHECK_THAT(standing_text(settings, all{server_standing::validates, server_standing::unbelieved}), cure);
    CHECK_THAT(
        standing_text(settings, all{server_standing::validates, server_standing::unbelieved}),
        Catch::Contains("[2001:db8::1]:53 answers; that an answer was validated (DNSSEC) is not believed"));
}
