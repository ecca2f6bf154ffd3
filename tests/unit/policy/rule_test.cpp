#include "policy/rule.hpp"

#include <catch2/catch.hpp>

using namespace postern::policy;

namespace {

rule_pattern parse(std::string_view text) {
    const auto rule = parse_rule(text);
    INFO(text);
    REQUIRE(rule.has_value());
    return *rule;
}

std::string match_of(std::string_view text) { return explain_match(parse(text)); }

} // namespace

TEST_CASE("a rule's subject and shape follow from its text", "[rules]") {
    const struct {
        const char* written;
        rule_subject subject;
        rule_shape shape;
        const char* text; // its one spelling
        const char* key;
    } rows[] = {
        {"user@example.com", rule_subject::sender, rule_shape::exact, "user@example.com", "user@example.com"},
        {"User@EXAMPLE.com", rule_subject::sender, rule_shape::exact, "user@example.com", "user@example.com"},
        {"*@example.com", rule_subject::sender, rule_shape::domain, "*@example.com", "example.com"},
        {"@example.com", rule_subject::sender, rule_shape::domain, "*@example.com", "example.com"},
        {"**@Example.com", rule_subject::sender, rule_shape::domain, "*@example.com", "example.com"},
        {"@*.example.com", rule_subject::sender, rule_shape::below, "*@*.example.com", "example.com"},
        {"@příklad.cz", rule_subject::sender, rule_shape::domain, "*@xn--pklad-zsa96e.cz",
         "xn--pklad-zsa96e.cz"},
        {"@*.příklad.cz", rule_subject::sender, rule_shape::below, "*@*.xn--pklad-zsa96e.cz",
         "xn--pklad-zsa96e.cz"},
        {"@[192.0.2.1]", rule_subject::sender, rule_shape::domain, "*@[192.0.2.1]", "[192.0.2.1]"},
        {"news*@example.com", rule_subject::sender, rule_shape::general, "news*@example.com", "example.com"},
        {"a@*.example.com", rule_subject::sender, rule_shape::general, "a@*.example.com", "example.com"},
        {"@mx?.example.com", rule_subject::sender, rule_shape::general, "*@mx?.example.com", "example.com"},
        {"@a*.b?c.d.e", rule_subject::sender, rule_shape::general, "*@a*.b?c.d.e", "d.e"},
        {"Postmaster@*", rule_subject::sender, rule_shape::general, "postmaster@*", "postmaster@"},
        {"*@*", rule_subject::sender, rule_shape::general, "*@*", ""},
        {"\"a@b\"@c.test", rule_subject::sender, rule_shape::exact, "\"a@b\"@c.test", "\"a@b\"@c.test"},
        {"a@b*@c.test", rule_subject::sender, rule_shape::general, "\"a@b*\"@c.test", "c.test"},
        {"\"*\\*\"@c.test", rule_subject::sender, rule_shape::domain, "*@c.test", "c.test"},
        {"12.12.12.12", rule_subject::client, rule_shape::network, "12.12.12.12", ""},
        {"::ffff:12.12.12.12", rule_subject::client, rule_shape::network, "12.12.12.12", ""},
        {"12.12.*.*", rule_subject::client, rule_shape::network, "12.12.*.*", ""},
        {"12.12.*", rule_subject::client, rule_shape::network, "12.12.*", ""},
        {"2001:DB8:0::/32", rule_subject::client, rule_shape::network, "2001:db8::/32", ""},
        {"2001:db8::0:1", rule_subject::client, rule_shape::network, "2001:db8::1", ""},
        {"12.*.3.4", rule_subject::client, rule_shape::general, "12.*.3.4", "12."},
        {"1?.2.3.4", rule_subject::client, rule_shape::general, "1?.2.3.4", ""},
        {"1*", rule_subject::client, rule_shape::general, "1*", ""},
        {"example.com", rule_subject::host_name, rule_shape::exact, "example.com", "example.com"},
        {"Example.COM.", rule_subject::host_name, rule_shape::exact, "example.com", "example.com"},
        {"*.example.com", rule_subject::host_name, rule_shape::below, "*.example.com", "example.com"},
        {"*.cz", rule_subject::host_name, rule_shape::below, "*.cz", "cz"},
        {"*dyn*.example.com", rule_subject::host_name, rule_shape::general, "*dyn*.example.com",
         "example.com"},
        {"a_b.example.com", rule_subject::host_name, rule_shape::exact, "a_b.example.com", "a_b.example.com"},
        {"*", rule_subject::host_name, rule_shape::general, "*", ""},
        {"příklad.cz", rule_subject::host_name, rule_shape::exact, "xn--pklad-zsa96e.cz",
         "xn--pklad-zsa96e.cz"},
    };
    for (const auto& row : rows) {
        INFO(row.written);
        const auto rule = parse(row.written);
        CHECK(rule.subject == row.subject);
        CHECK(rule.shape == row.shape);
        CHECK(rule.text == row.text);
        CHECK(rule.key == row.key);
        CHECK(parse(rule.text).text == rule.text);
        CHECK(rule.network.has_value() == (rule.shape == rule_shape::network));
        CHECK(rule.rest.has_value() == (rule.shape == rule_shape::general));
    }
}

TEST_CASE("an address pattern that ends in stars is the network it means", "[rules]") {
    CHECK(parse("12.12.*.*").network->to_string() == "12.12.0.0/16");
    CHECK(parse("12.12.*").network->to_string() == "12.12.0.0/16");
    CHECK(parse("12.*").network->to_string() == "12.0.0.0/8");
    CHECK(parse("12.12.12.*").network->to_string() == "12.12.12.0/24");
}

TEST_CASE("what is no rule is refused with what would be right", "[rules]") {
    const struct {
        std::string text;
        rule_errc error;
        const char* says;
    } rows[] = {
        {"", rule_errc::empty, "needs a sender"},
        {std::string(rule_pattern_max + 1, 'a'), rule_errc::too_long, "255 octets"},
        {"a b@example.com", rule_errc::control, "no blank"},
        {"a\n@example.com", rule_errc::control, "a?@example.com"}, // shown without the control character
        {"a\xff@example.com", rule_errc::control, "no blank"},
        {"a@", rule_errc::no_domain, "write a@*"},
        {"@", rule_errc::no_domain, "nothing after the @"},
        {"a..b@example.com", rule_errc::bad_sender, "is no address"},
        {"a@exa_mple.com", rule_errc::bad_domain, "label"},
        {"a@b..c", rule_errc::bad_domain, "label"},
        {"@*.příkl?d.cz", rule_errc::bad_domain, "no wildcard"},
        {"192.0.2.1/24", rule_errc::host_bits, "bits behind"},
        {"2001:db8::1/32", rule_errc::host_bits, "bits behind"},
        {"192.0.2.0/33", rule_errc::bad_network, "no network"},
        {"example.com/24", rule_errc::bad_network, "no network"},
        {"12.12.*.*/16", rule_errc::bad_network, "no network"},
        {"2001:db8:*", rule_errc::v6_wildcard, "2001:db8::/32"},
        {"2001:db8::g", rule_errc::bad_address, "no address"},
        {"1.2.3", rule_errc::bad_address, "no address"},
        {"300.*.*.*", rule_errc::bad_address, "no address"},
        {"1.2.3.4.*", rule_errc::bad_address, "no address"},
        {"1.?.2", rule_errc::bad_address, "no address"},
        {"*" + std::string(65, 'a') + "*@b.test", rule_errc::long_stretch, "64 characters"},
        {"*." + std::string(40, 'a') + "." + std::string(40, 'a') + ".*", rule_errc::long_stretch, "64"},
        {"user!example.com", rule_errc::not_host_name, "no sender without an @"},
        {"a..b", rule_errc::not_host_name, "no host name"},
        {".example.com", rule_errc::not_host_name, "no host name"},
    };
    for (const auto& row : rows) {
        INFO(row.text);
        const auto rule = parse_rule(row.text);
        REQUIRE(rule.has_error());
        CHECK(rule.error() == row.error);
        CHECK_THAT(explain_error(rule.error(), row.text), Catch::Contains(row.says));
    }
}

TEST_CASE("a rule says what it will match", "[rules]") {
    CHECK(match_of("User@example.com") == "the sender user@example.com");
    CHECK(match_of("@example.com") == "every sender at example.com, not below it");
    CHECK(match_of("@*.example.com") == "every sender at any name below example.com, not at itself");
    CHECK(match_of("news*@example.com") == "every sender that looks like news*@example.com");
    CHECK(match_of("12.12.*.*") == "clients in 12.12.0.0/16");
    CHECK(match_of("12.*.3.4") == "clients with an IPv4 address that looks like 12.*.3.4");
    CHECK(match_of("example.com") == "clients with the host name example.com, not names below it");
    CHECK(match_of("*.example.com") == "clients with a host name below example.com, not itself");
    CHECK(match_of("mx?.example.com") == "clients with a host name that looks like mx?.example.com");
}

TEST_CASE("a rule that may not be what was meant comes with a warning", "[rules]") {
    const auto warning = [](std::string_view text, rule_action action) {
        return rule_warning(parse(text), action);
    };
    CHECK(warning("example.com", rule_action::deny) ==
          "example.com has no @: this is a host name, not a sender; for senders write @example.com");
    CHECK_THAT(warning("example.com", rule_action::allow), Catch::Contains("resolves back"));
    CHECK(warning("*", rule_action::deny) == "* matches every client that has a host name, and no other");
    CHECK(warning("@*", rule_action::deny) == "*@* matches every sender but the empty one");
    CHECK(warning("0.0.0.0/0", rule_action::deny) == "0.0.0.0/0 matches every client of its family");
    CHECK(warning("@example.com", rule_action::allow).empty());
    CHECK(warning("12.12.*.*", rule_action::deny).empty());
}

TEST_CASE("a setting's sender pattern without an @ is about the domain", "[rules]") {
    CHECK(parse_sender_pattern("*.cz")->text == "*@*.cz");
    CHECK(parse_sender_pattern("example.com")->text == "*@example.com");
    CHECK(parse_sender_pattern("a@example.com")->text == "a@example.com");
    CHECK(parse_sender_pattern("12.12.12.12").has_error());
    CHECK(parse_sender_pattern("").error() == rule_errc::empty);
}
