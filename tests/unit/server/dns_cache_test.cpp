#include "server/dns_cache.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;
using namespace postern::server;
using postern::policy::dns_try_later;
using std::chrono::seconds;

namespace {

const dns_cache::time start{std::chrono::hours(1000)};

dns_question about(const std::string& name, dns_type type = dns_type::txt) {
    return {*dns_name::parse(name), type};
}

dns_found texts(std::uint32_t ttl, std::string text = "v=spf1 -all") {
    dns_found made;
    made.records.texts = {std::move(text)};
    made.ttl = ttl;
    made.authenticated = true;
    return made;
}

dns_absent nothing(std::uint32_t ttl) {
    dns_absent made;
    made.ttl = ttl;
    return made;
}

dns_try_later trouble(dns_try_later::cause why) {
    dns_try_later made;
    made.why = why;
    return made;
}

} // namespace

TEST_CASE("an answer is kept until its time is over, and says what is left") {
    dns_cache cache({});
    cache.keep(about("a.test"), texts(10), start);
    const auto later = cache.find(about("A.TEST"), start + seconds(4));
    REQUIRE(later);
    CHECK(std::get<dns_found>(*later).ttl == 6);
    CHECK(std::get<dns_found>(*later).authenticated);
    CHECK(std::get<dns_found>(*later).records.texts == std::vector<std::string>{"v=spf1 -all"});
    CHECK(cache.find(about("a.test"), start + seconds(10) - std::chrono::milliseconds(1)));
    CHECK_FALSE(cache.find(about("a.test"), start + seconds(10)));
    CHECK(cache.entries() == 0);
    CHECK(cache.octets() == 0);
}

TEST_CASE("another type, and a name that only looks the same, are other questions") {
    dns_cache cache({});
    cache.keep(about("a.b.test"), texts(10), start);
    CHECK_FALSE(cache.find(about("a.b.test", dns_type::mx), start));
    CHECK_FALSE(cache.find(about("a\\.b.test"), start));
    CHECK_FALSE(cache.find(about("b.test"), start));
}

TEST_CASE("what must not be kept isn't, and drives out what was known before") {
    dns_cache cache({});
    const dns_known never[] = {texts(0),
                               nothing(0),
                               dns_alias{},
                               trouble(dns_try_later::cause::busy),
                               trouble(dns_try_later::cause::no_server),
                               trouble(dns_try_later::cause::stopped)};
    for (const auto& one : never) {
        cache.keep(about("a.test"), texts(10), start);
        cache.keep(about("a.test"), one, start);
        CHECK_FALSE(cache.find(about("a.test"), start));
    }
    CHECK(cache.octets() == 0);
}

TEST_CASE("no answer outlives the bounds of its kind") {
    dns_cache_limits limits;
    limits.ttl = 100;
    limits.negative_ttl = 20;
    limits.failures = seconds(5);
    dns_cache cache(limits);
    dns_alias alias;
    alias.ttl = 86400;
    struct row {
        dns_known known;
        int lasts;
    };
    const row rows[] = {{texts(86400), 100},
                        {alias, 100},
                        {nothing(3600), 20},
                        {nothing(7), 7},
                        {trouble(dns_try_later::cause::silent), 5},
                        {trouble(dns_try_later::cause::answer), 5}};
    for (const auto& one : rows) {
        cache.keep(about("a.test"), one.known, start);
        CHECK(cache.find(about("a.test"), start + seconds(one.lasts) - std::chrono::milliseconds(1)));
        CHECK_FALSE(cache.find(about("a.test"), start + seconds(one.lasts)));
    }
}

TEST_CASE("over its number of entries the cache drops what was used longest ago") {
    dns_cache_limits limits;
    limits.entries = 3;
    dns_cache cache(limits);
    for (const auto* name : {"a.test", "b.test", "c.test"}) cache.keep(about(name), texts(10), start);
    CHECK(cache.find(about("a.test"), start)); // used
    cache.keep(about("d.test"), texts(10), start);
    CHECK(cache.entries() == 3);
    CHECK(cache.find(about("a.test"), start));
    CHECK_FALSE(cache.find(about("b.test"), start));
    CHECK(cache.find(about("c.test"), start));
    CHECK(cache.find(about("d.test"), start));
}

TEST_CASE("a stranger's long answers don't make the cache grow beyond its octets") {
    dns_cache_limits limits;
    limits.octets = 100'000;
    dns_cache cache(limits);
    for (int i = 0; i < 1000; ++i) {
        cache.keep(about("n" + std::to_string(i) + ".test"), texts(10, std::string(5000, 'x')), start);
        CHECK(cache.octets() <= limits.octets);
    }
    CHECK(cache.entries() >= 15); // and what it counts for one is about what it takes
    CHECK(cache.entries() < 20);
    const auto kept = cache.entries();
    cache.keep(about("huge.test"), texts(10, std::string(200'000, 'x')), start);
    CHECK(cache.entries() == kept); // one that never fits drives nobody out
    CHECK_FALSE(cache.find(about("huge.test"), start));
}

TEST_CASE("every part of an answer is counted") {
    const std::string key = key_of(about("a.test"));
    const auto bare = octets_of(key, dns_found{});
    const auto longer = *dns_name::parse("a-name-of-thirty-octets.test");
    dns_found made;
    made.records.addresses.resize(100);
    CHECK(octets_of(key, made) >= bare + 100 * 16);
    made = {};
    made.records.pointers.assign(100, longer);
    CHECK(octets_of(key, made) >= bare + 100 * 30);
    made = {};
    made.records.exchangers.assign(100, {10, longer});
    CHECK(octets_of(key, made) >= bare + 100 * 30);
    made = {};
    made.records.services.assign(100, {0, 0, 0, longer});
    CHECK(octets_of(key, made) >= bare + 100 * 30);
    made = {};
    made.records.tlsa.resize(1);
    made.records.tlsa[0].data.resize(1000);
    CHECK(octets_of(key, made) >= bare + 1000);
    made = {};
    made.name = longer;
    CHECK(octets_of(key, made) > bare);
}

TEST_CASE("narrower limits hold at once") {
    dns_cache cache({});
    for (int i = 0; i < 10; ++i) cache.keep(about("n" + std::to_string(i) + ".test"), texts(10), start);
    dns_cache_limits limits;
    limits.entries = 2;
    cache.set_limits(limits);
    CHECK(cache.entries() == 2);
    CHECK(cache.find(about("n9.test"), start));
    limits.entries = 0;
    cache.set_limits(limits);
    CHECK(cache.octets() == 0);
    cache.keep(about("a.test"), texts(10), start);
    CHECK(cache.entries() == 0);
}
