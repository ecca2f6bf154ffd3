// Our evaluator beside libspf2, on thousands of well-formed records made at random. Each world is small, so
// that terms, includes and clients meet; what libspf2 does otherwise on purpose or by its age is named here
// and nowhere hidden: it knows no limit of void look-ups.
#include "tests/unit/protocol/spf/world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <random>

extern "C" {
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <spf2/spf.h>
#include <spf2/spf_dns_zone.h>
}

using namespace postern;
using namespace postern::tests;

namespace {

constexpr int worlds = 1500, domains = 5, hosts = 6;

class chance {
  public:
    explicit chance(unsigned seed) : engine_(seed) {}
    int below(int limit) { return static_cast<int>(engine_() % static_cast<unsigned>(limit)); }
    bool one_in(int many) { return below(many) == 0; }
    template <std::size_t N> const char* of(const char* const (&words)[N]) { return words[below(N)]; }

  private:
    std::mt19937 engine_;
};

// Few enough addresses that records and clients often have the same.
std::string address_v4(chance& random) {
    return fmt::format("192.0.{}.{}", random.below(3), random.below(4));
}
std::string address_v6(chance& random) {
    return fmt::format("2001:db8::{}:{}", random.below(3), random.below(4));
}
std::string host(chance& random) { return fmt::format("h{}.test", random.below(hosts)); }
std::string domain(int number) { return fmt::format("d{}.test", number); }

std::string with_prefix(std::string term, chance& random) {
    if (random.one_in(3)) term += fmt::format("/{}", 22 + random.below(11));
    if (random.one_in(4)) term += fmt::format("//{}", 100 + random.below(29));
    return term;
}

// Includes lead to higher numbers only: a loop is a permerror for both, and soon the only result.
std::string term_of(int number, chance& random) {
    const std::string later = domain(std::min(domains, number + 1 + random.below(2)));
    switch (random.below(9)) {
    case 0:
        return random.one_in(2) ? "ip4:" + address_v4(random)
                                : fmt::format("ip4:192.0.{}.0/24", random.below(4));
    case 1:
        return random.one_in(2) ? "ip6:" + address_v6(random)
                                : fmt::format("ip6:2001:db8::{}:0/112", random.below(4));
    case 2: return with_prefix("a", random);
    case 3: return with_prefix("a:" + host(random), random);
    case 4: return with_prefix("mx", random);
    case 5: return with_prefix("mx:" + domain(random.below(domains)), random);
    case 6: return "include:" + later;
    case 7: return random.one_in(2) ? "exists:%{l}.e.test" : "exists:%{i}.%{d}.e.test";
    default: return "exists:%{ir}.%{v}.e.test";
    }
}

std::string record_of(int number, chance& random) {
    static constexpr const char* signs[] = {"", "", "+", "-", "~", "?"};
    std::string made = "v=spf1";
    for (int terms = random.below(4); terms >= 0; --terms)
        made += std::string(" ") + random.of(signs) + term_of(number, random);
    if (random.one_in(5)) return made + " redirect=" + domain(std::min(domains, number + 1));
    return random.one_in(4) ? made : made + random.of({" -all", " ~all", " ?all", " all"});
}

class spf2_world {
  public:
    spf2_world() : zone_(SPF_dns_zone_new(nullptr, "zone", 0)), server_(SPF_server_new_dns(zone_, 0)) {
        REQUIRE(server_ != nullptr);
        SPF_server_set_max_dns_mx(server_, 10);
    }
    ~spf2_world() {
        SPF_server_free(server_);
        SPF_dns_free(zone_); // the server only uses it
    }
    spf2_world(const spf2_world&) = delete;
    spf2_world& operator=(const spf2_world&) = delete;

    void add(const std::string& name, ns_type type, const std::string& value) {
        REQUIRE(SPF_dns_zone_add_str(zone_, name.c_str(), type, NETDB_SUCCESS, value.c_str()) ==
                SPF_E_SUCCESS);
    }
    std::string ask(const std::string& client, const std::string& sender, const std::string& helo) const {
        SPF_request_t* request = SPF_request_new(server_);
        const bool v6 = client.find(':') != std::string::npos;
        REQUIRE((v6 ? SPF_request_set_ipv6_str(request, client.c_str())
                    : SPF_request_set_ipv4_str(request, client.c_str())) == SPF_E_SUCCESS);
        REQUIRE(SPF_request_set_helo_dom(request, helo.c_str()) == SPF_E_SUCCESS);
        SPF_request_set_env_from(request, sender.c_str());
        SPF_response_t* response = nullptr;
        (void)SPF_request_query_mailfrom(request, &response);
        const std::string said = SPF_strresult(SPF_response_result(response));
        SPF_response_free(response);
        SPF_request_free(request);
        return said;
    }

  private:
    SPF_dns_server_t* zone_;
    SPF_server_t* server_;
};

struct both_worlds {
    spf_world ours;
    spf2_world theirs;
    std::string text; // for whoever has to look into a difference

    void add(const std::string& name, const std::string& type, const std::string& value) {
        static const std::map<std::string, ns_type> types{
            {"A", ns_t_a}, {"AAAA", ns_t_aaaa}, {"MX", ns_t_mx}, {"TXT", ns_t_txt}};
        ours.add(name + " " + type + " " + value);
        theirs.add(name, types.at(type), value);
        text += name + " " + type + " " + value + "\n";
    }
};

void fill(both_worlds& into, chance& random) {
    for (int i = 0; i < hosts; ++i) {
        into.add(fmt::format("h{}.test", i), "A", address_v4(random));
        into.add(fmt::format("h{}.test", i), "AAAA", address_v6(random));
    }
    for (int i = 0; i <= domains; ++i) {
        if (i < domains || random.one_in(2)) into.add(domain(i), "TXT", record_of(i, random));
        into.add(domain(i), "A", address_v4(random));
        into.add(domain(i), "AAAA", address_v6(random));
        for (int many = random.below(3); many >= 0; --many) into.add(domain(i), "MX", host(random));
    }
    for (const char* there :
         {"a.e.test", "192.0.1.1.d0.test.e.test", "1.1.0.192.in-addr.e.test", "2.0.0.192.in-addr.e.test"})
        if (random.one_in(2)) into.add(there, "A", "127.0.0.2");
}

bool beyond_limits(const protocol::spf::conclusion& end) {
    return end.void_terms > protocol::spf::void_terms_max ||
           end.lookup_terms > protocol::spf::lookup_terms_max;
}

} // namespace

TEST_CASE("libspf2 comes to the same result on well-formed records", "[spf]") {
    std::map<std::string, int> results;
    int beyond_a_limit = 0;
    for (int number = 0; number < worlds; ++number) {
        chance random(static_cast<unsigned>(number));
        both_worlds worlds_of_both;
        fill(worlds_of_both, random);
        for (int i = 0; i < 8; ++i) {
            const std::string client = random.one_in(3) ? address_v6(random) : address_v4(random);
            const std::string sender =
                std::string(random.of({"a", "b"})) + "@" + domain(random.below(domains));
            const auto ours =
                run_spf(worlds_of_both.ours, spf_query(client, sender, "c.test"), drive::early_together).end;
            if (beyond_limits(ours)) {
                ++beyond_a_limit;
                continue;
            }
            INFO(worlds_of_both.text << client << " " << sender << ": " << ours.explanation << " "
                                     << ours.problem);
            CHECK(std::string(to_string(ours.result)) == worlds_of_both.theirs.ask(client, sender, "c.test"));
            ++results[std::string(to_string(ours.result))];
        }
    }
    for (const auto& [result, count] : results) WARN(result << ": " << count);
    WARN("not compared, beyond a limit: " << beyond_a_limit);
    for (const char* result : {"pass", "fail", "softfail", "neutral", "permerror"})
        CHECK(results[result] > 100);
    CHECK(beyond_a_limit < worlds);
}
