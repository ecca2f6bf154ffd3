// Answers that don't fit into a packet: any stranger can make a name have one, so they may cost nobody but
// who asks for it.
#include "tests/unit/server/dns_stub.hpp"
#include "tests/unit/server/resolver_bench.hpp"

using namespace postern;
using namespace postern::testing;
using policy::dns_try_later;
using protocol::dns_trouble;
using std::chrono::milliseconds;

namespace {

dns_content truncated() {
    dns_content content;
    content.truncated = true;
    return content;
}

// An answer of some 16 octets for each address and the question.
dns_content addresses(const dns_query& query, int count) {
    dns_content content;
    for (int i = 0; i < count; ++i)
        content.answers.push_back({query.name, 1, 300, {192, 0, 2, static_cast<std::uint8_t>(i)}});
    return content;
}

std::size_t count_in(const policy::dns_result& result) {
    const auto* found = std::get_if<protocol::dns_found>(&result);
    return found == nullptr ? 0 : found->records.addresses.size();
}

bool is_big(const dns_query& query) { return query.name.starts_with("big"); }

} // namespace

TEST_CASE("a name that needs TCP where there is none costs other names nothing") {
    resolver_bench bench;
    dns_stub stub(
        bench.context,
        [](dns_stub& self, const dns_query& query) {
            if (is_big(query)) self.reply(query, truncated());
        },
        dns_stub::tcp::refused);
    bench.settings.servers = {stub.at()};
    std::optional<policy::dns_result> other;
    bench.begin("a.test", other);
    bench.run_until([&] { return stub.seen.size() == 1; });
    for (int i = 0; i < 10; ++i)
        CHECK(is_trouble(bench.look_up("big" + std::to_string(i) + ".test"), dns_trouble::truncated));
    CHECK_FALSE(other);
    stub.reply(stub.seen[0], address_of(stub.seen[0], 7));
    bench.run_until([&] { return other.has_value(); });
    CHECK(address_in(*other) == 7);
}

TEST_CASE("names that need TCP where there is none don't make their server the last to be asked") {
    resolver_bench bench;
    const auto big_ones = [](dns_stub& self, const dns_query& query) {
        self.reply(query, is_big(query) ? truncated() : address_of(query, 1));
    };
    dns_stub first(bench.context, big_ones, dns_stub::tcp::refused);
    dns_stub second(bench.context,
                    [](dns_stub& self, const dns_query& query) { self.reply(query, address_of(query, 2)); });
    bench.settings.servers = {first.at(), second.at()};
    for (int i = 0; i < 10; ++i) CHECK(address_in(bench.look_up("big" + std::to_string(i) + ".test")) == 2);
    CHECK(address_in(bench.look_up("a.test")) == 1);
}

TEST_CASE("a connection that was closed there is made again, and what came by UDP isn't lost with it") {
    resolver_bench bench;
    dns_stub stub(bench.context, [](dns_stub& self, const dns_query& query) {
        if (query.by_tcp && query.name == "big0.test" && self.seen.size() == 3)
            self.cut_connections();
        else if (query.by_tcp)
            self.reply(query, addresses(query, 300));
        else if (is_big(query))
            self.reply(query, truncated());
    });
    bench.settings.servers = {stub.at()};
    std::optional<policy::dns_result> other;
    bench.begin("a.test", other);
    bench.run_until([&] { return stub.seen.size() == 1; });
    CHECK(count_in(bench.look_up("big0.test")) == 300);
    CHECK(count_in(bench.look_up("big1.test")) == 300);
    stub.reply(stub.seen[0], address_of(stub.seen[0], 7));
    bench.run_until([&] { return other.has_value(); });
    CHECK(address_in(*other) == 7);
}

TEST_CASE("an answer by TCP that dribbles ends with the time of one attempt, as trouble") {
    for (const std::size_t octets : {1U, 2U, 3U, 1000U}) {
        resolver_bench bench(milliseconds(600));
        dns_stub stub(bench.context, [=](dns_stub& self, const dns_query& query) {
            if (query.by_tcp)
                self.reply_in_part(query, make_answer(query, addresses(query, 300)), octets);
            else
                self.reply(query, truncated());
        });
        bench.settings.servers = {stub.at()};
        CHECK(is_trouble(bench.look_up("big.test"), dns_trouble::truncated));
        CHECK(stub.seen.size() == 2);
    }
}

TEST_CASE("what TCP says that isn't the answer doesn't end the wait for it") {
    resolver_bench bench;
    dns_stub stub(bench.context, [](dns_stub& self, const dns_query& query) {
        if (!query.by_tcp) return self.reply(query, truncated());
        auto forged = make_answer(query, address_of(query, 66));
        forged[1] ^= 1U; // another id
        self.reply(query, forged);
        forged = make_answer(query, address_of(query, 66));
        forged[13] = 'x'; // another name
        self.reply(query, forged);
        self.reply(query, dns_octets(11));
        self.reply(query, addresses(query, 300));
    });
    bench.settings.servers = {stub.at()};
    CHECK(count_in(bench.look_up("big.test")) == 300);
}

TEST_CASE("a message of no octets by TCP is trouble") {
    resolver_bench bench;
    dns_stub stub(bench.context, [](dns_stub& self, const dns_query& query) {
        self.reply(query, query.by_tcp ? dns_octets{} : make_answer(query, truncated()));
    });
    bench.settings.servers = {stub.at()};
    CHECK(is_trouble(bench.look_up("big.test"), dns_trouble::truncated));
}

TEST_CASE("the largest answer there is comes whole, and one of too many records is trouble") {
    resolver_bench bench;
    int count = 1024;
    dns_stub stub(bench.context, [&](dns_stub& self, const dns_query& query) {
        self.reply(query, query.by_tcp ? addresses(query, count) : truncated());
    });
    bench.settings.servers = {stub.at()};
    CHECK(count_in(bench.look_up("big.test")) == 1024);
    count = 2500; // some 60,000 octets
    CHECK(is_trouble(bench.look_up("big2.test"), dns_trouble::too_many_records));
}

TEST_CASE("a server that sends more by UDP than was asked for is heard out") {
    resolver_bench bench;
    dns_stub stub(bench.context, [](dns_stub& self, const dns_query& query) {
        self.reply(query, addresses(query, query.name == "a.test" ? 100 : 1000));
    });
    bench.settings.servers = {stub.at()};
    CHECK(count_in(bench.look_up("a.test")) == 100);
    CHECK(stub.seen.size() == 1);
    CHECK(count_in(bench.look_up("big.test")) == 1000); // by TCP
}

TEST_CASE("answers of more than 512 octets come from a server that refused EDNS to one name too") {
    resolver_bench bench;
    dns_stub stub(bench.context, [](dns_stub& self, const dns_query& query) {
        dns_content refusal;
        refusal.rcode = 1;
        self.reply(query, query.name == "odd.test" ? refusal : addresses(query, 60));
    });
    bench.settings.servers = {stub.at()};
    CHECK(is_trouble(bench.look_up("odd.test"), dns_trouble::other_rcode));
    CHECK(count_in(bench.look_up("a.test")) == 60);
}
