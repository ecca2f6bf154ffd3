#include "policy/rules.hpp"

#include <catch2/catch.hpp>

using namespace postern::policy;
using postern::protocol::ip_address;

namespace {

constexpr auto allow = rule_action::allow;
constexpr auto deny = rule_action::deny;

rule_query query_of(std::string_view sender, std::string_view client = "198.51.100.1",
                    std::string_view host_name = "", host_name_proof proof = host_name_proof::resolves_back) {
    return {sender, *ip_address::parse(client), host_name, proof};
}

rule_set set_of(const std::vector<written_rule>& rules) {
    rule_set made(rules);
    REQUIRE(made.left_out().empty());
    return made;
}

bool denies(const std::string& rule, const rule_query& query) {
    return set_of({{deny, rule}}).find(deny, query) != nullptr;
}

} // namespace

TEST_CASE("a sender's rule matches that sender and no other", "[rules]") {
    const struct {
        const char* rule;
        const char* sender;
        bool expected;
    } rows[] = {
        {"user@example.com", "user@example.com", true},
        {"user@example.com", "user@mail.example.com", false},
        {"user@example.com", "a.user@example.com", false},
        {"*@example.com", "a@example.com", true},
        {"@example.com", "a@example.com", true},
        {"@example.com", "a@mail.example.com", false},
        {"@example.com", "a@badexample.com", false},
        {"@example.com", "", false},
        {"@*.example.com", "a@mail.example.com", true},
        {"@*.example.com", "a@b.c.example.com", true},
        {"@*.example.com", "a@example.com", false},
        {"@*.example.com", "a@badexample.com", false},
        {"@*.cz", "a@firma.cz", true},
        {"@*.cz", "a@cz", false},
        {"*@*", "a@example.com", true},
        {"*@*", "", false},
        {"news*@example.com", "newsletter@example.com", true},
        {"news*@example.com", "anews@example.com", false},
        {"news*@example.com", "news@a.example.com", false},
        {"a?c@example.com", "abc@example.com", true},
        {"a?c@example.com", "ac@example.com", false},
        {"boss@*", "boss@any.test", true},
        {"boss@*", "notboss@any.test", false},
        {"boss@*.example.com", "boss@a.example.com", true},
        {"boss@*.example.com", "boss@example.com", false},
        {"@mx?.example.com", "a@mx1.example.com", true},
        {"@mx?.example.com", "a@mx.example.com", false},
        {"@*example.com", "a@badexample.com", true},
        {"@*example.com", "a@example.com", true},
        {"@exam*", "a@example.com", true},
        {"*exam*@*", "example@b.test", true},
        {"*exam*@*", "a@example.com", false},    // a star does not cross the @
        {"a*b@c.test", "\"a@b\"@c.test", false}, // the local part is quoted there
        {"*a*b*@c.test", "\"a@b\"@c.test", true},
        {"@[192.0.2.1]", "a@[192.0.2.1]", true},
        {"@[IPv6:2001:DB8::1]", "a@[ipv6:2001:db8::1]", true}, // as address::folded() has it
        {"a*@[IPv6:2001:db8::1]", "ab@[ipv6:2001:db8::1]", true},
    };
    for (const auto& row : rows) {
        INFO(row.rule << " and " << row.sender);
        CHECK(denies(row.rule, query_of(row.sender, "198.51.100.1", "example.com")) == row.expected);
    }
}

TEST_CASE("an address's rule matches the network it names", "[rules]") {
    const struct {
        const char* rule;
        const char* client;
        bool expected;
    } rows[] = {
        {"12.12.12.12", "12.12.12.12", true},
        {"12.12.12.12", "12.12.12.13", false},
        {"12.12.*.*", "12.12.255.0", true},
        {"12.12.*.*", "12.13.0.0", false},
        {"12.*.3.4", "12.200.3.4", true},
        {"12.*.3.4", "12.200.3.5", false},
        {"12.*.3.4", "112.2.3.4", false},
        {"1?.2.3.4", "10.2.3.4", true},
        {"1?.2.3.4", "1.2.3.4", false},
        {"1*", "10.0.0.1", true},
        {"1*", "20.0.0.1", false},
        {"2001:db8::/32", "2001:db8:ffff::1", true},
        {"2001:db8::/32", "2001:db9::1", false},
        {"2001:db8::1", "2001:db8::1", true},
        {"2001:db8::1", "2001:db8::2", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"0.0.0.0/0", "203.0.113.1", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "203.0.113.1", false},
        {"2001:db8::/33", "2001:db8:7fff::", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"2.0.*", "32.1.13.184", false},
    };
    for (const auto& row : rows) {
        INFO(row.rule << " and " << row.client);
        CHECK(denies(row.rule, query_of("a@b.test", row.client)) == row.expected);
    }
}

TEST_CASE("a host name's rule never looks at the sender", "[rules]") {
    const struct {
        const char* rule;
        const char* host_name;
        bool expected;
    } rows[] = {
        {"example.com", "example.com", true},
        {"example.com", "a.example.com", false},
        {"example.com", "", false},
        {"*.example.com", "a.b.example.com", true},
        {"*.example.com", "example.com", false},
        {"*dyn*.example.com", "1-2-dyn-3.example.com", true},
        {"*dyn*.example.com", "static.example.com", false},
        {"*dyn*", "dyn.any.test", true},
        {"*", "any.test", true},
        {"*", "", false},
        {"mx?.*.test", "mx1.a.test", true},
    };
    for (const auto& row : rows) {
        INFO(row.rule << " and " << row.host_name);
        CHECK(denies(row.rule, query_of("example@example.com", "198.51.100.1", row.host_name)) ==
              row.expected);
    }
}

TEST_CASE("an allow rule about a host name needs the name to resolve back", "[rules]") {
    const auto rules = set_of({{allow, "*.example.com"}, {deny, "*.example.com"}});
    const auto unproved = query_of("a@b.test", "198.51.100.1", "a.example.com", host_name_proof::unproved);
    CHECK(rules.find(allow, unproved) == nullptr);
    CHECK(rules.find(deny, unproved) != nullptr);
    const auto proved = query_of("a@b.test", "198.51.100.1", "a.example.com");
    CHECK(rules.find(allow, proved) != nullptr);
}

TEST_CASE("allow beats deny, whosever rule it is", "[rules]") {
    const struct {
        std::vector<written_rule> server, mailbox;
        std::optional<rule_action> action;
        rule_scope scope;
        const char* text;
    } rows[] = {
        {{}, {}, std::nullopt, rule_scope::server, ""},
        {{{deny, "@b.test"}}, {}, deny, rule_scope::server, "*@b.test"},
        {{}, {{deny, "@b.test"}}, deny, rule_scope::mailbox, "*@b.test"},
        {{{deny, "a@b.test"}}, {{allow, "@b.test"}}, allow, rule_scope::mailbox, "*@b.test"},
        {{{allow, "198.51.100.*"}}, {{deny, "a@b.test"}}, allow, rule_scope::server, "198.51.100.*"},
        {{{deny, "a@b.test"}, {allow, "@b.test"}}, {}, allow, rule_scope::server, "*@b.test"},
        {{{allow, "@other.test"}}, {{deny, "*"}}, std::nullopt, rule_scope::server, ""},
    };
    for (const auto& row : rows) {
        INFO(row.text);
        const auto ruling = rule_on(set_of(row.server), set_of(row.mailbox), query_of("a@b.test"));
        REQUIRE(ruling.has_value() == row.action.has_value());
        if (!ruling) continue;
        CHECK(ruling->action == row.action);
        CHECK(ruling->scope == row.scope);
        CHECK(ruling->text == row.text);
    }
}

TEST_CASE("what is no rule is left out with its reason, and the rest holds", "[rules]") {
    const std::vector<written_rule> rules{{deny, "no rule"}, {deny, "@b.test"}, {deny, "1.2.3"}};
    const rule_set made(rules);
    REQUIRE(made.left_out().size() == 2);
    CHECK(made.left_out().front().text == "no rule");
    CHECK_THAT(made.left_out().back().why, Catch::Contains("192.0.*.*"));
    CHECK(made.size() == 1);
    CHECK(made.find(deny, query_of("a@b.test")) != nullptr);
}

TEST_CASE("patterns that must be tried one by one have a limit", "[rules]") {
    std::vector<written_rule> rules;
    for (std::size_t i = 0; i <= rule_bucket_max; ++i)
        rules.push_back({deny, "a" + std::to_string(i) + "*@example.com"});
    rules.push_back({deny, "a*@other.test"}); // with a key of its own
    const rule_set made(rules);
    REQUIRE(made.left_out().size() == 1);
    CHECK(made.left_out().front().text == rules[rule_bucket_max].text);
    CHECK(made.find(deny, query_of("a255x@example.com")) != nullptr);
    CHECK(made.find(deny, query_of("abc@other.test")) != nullptr);
}

TEST_CASE("each of many rules is found, and only where it belongs", "[rules]") {
    std::vector<written_rule> rules;
    for (int i = 0; i < 2000; ++i) {
        const std::string n = std::to_string(i);
        rules.push_back({i % 2 == 0 ? deny : allow, "user" + n + "@exact.test"});
        rules.push_back({deny, "@domain" + n + ".test"});
        rules.push_back({deny, "@*.below" + n + ".test"});
        rules.push_back({deny, "host" + n + ".test"});
        rules.push_back({deny, "10." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ".*"});
        rules.push_back({deny, "a*@general" + n + ".test"});
    }
    const rule_set made = set_of(rules);
    const auto found = [&](rule_action action, const rule_query& query) {
        const auto* text = made.find(action, query);
        return text == nullptr ? std::string() : *text;
    };
    CHECK(found(deny, query_of("user1998@exact.test")) == "user1998@exact.test");
    CHECK(found(deny, query_of("user1999@exact.test")).empty());
    CHECK(found(allow, query_of("user1999@exact.test")) == "user1999@exact.test");
    CHECK(found(deny, query_of("x@domain7.test")) == "*@domain7.test");
    CHECK(found(deny, query_of("x@a.b.below7.test")) == "*@*.below7.test");
    CHECK(found(deny, query_of("x@below7.test")).empty());
    CHECK(found(deny, query_of("x@y.test", "203.0.113.1", "host1234.test")) == "host1234.test");
    CHECK(found(deny, query_of("x@y.test", "10.7.207.9")) == "10.7.207.*");
    CHECK(found(deny, query_of("x@y.test", "10.7.208.9")).empty());
    CHECK(found(deny, query_of("abc@general42.test")) == "a*@general42.test");
    CHECK(found(deny, query_of("bc@general42.test")).empty());
}

TEST_CASE("a copied or moved set of rules answers as the first did", "[rules]") {
    rule_set first = set_of({{deny, "@b.test"}});
    const rule_set copy = first;
    const rule_set moved = std::move(first);
    first = rule_set();
    CHECK(*copy.find(deny, query_of("a@b.test")) == "*@b.test");
    CHECK(*moved.find(deny, query_of("a@b.test")) == "*@b.test");
}
