// Allow and deny rules through the command line: what is refused and why, what is kept, and what is said of
// it.
#include "command_steps.hpp"

#include "storage/tables/rules.hpp"

#include <fmt/format.h>

using namespace postern;
using namespace postern::server;

namespace {

std::unique_ptr<storage::rules> rules_of(const command_fixture& at) {
    return *storage::open_lmdb_rules(*storage::open_accounts(at.state_dir()));
}

std::vector<std::string> patterns_of(const command_fixture& at, std::vector<std::string> words) {
    words.insert(words.begin(), {"rule", "list", "--json"});
    std::vector<std::string> patterns;
    for (const auto& rule : list_of(at.run(words), "rules"))
        patterns.emplace_back(rule.as_object().at("pattern").as_string());
    return patterns;
}

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("a rule is kept in its one spelling, and said in words", "[commands]") {
    const command_fixture at;
    const auto denied = at.run({"rule", "add", "deny", "@Example.COM"});
    CHECK(denied.code == 0);
    CHECK(denied.out == "deny *@example.com: every sender at example.com, not below it\n");
    CHECK(denied.err.empty());
    const auto unicode = at.run({"rule", "add", "deny", "@*.Bücher.example"});
    CHECK(unicode.out == "deny *@*.xn--bcher-kva.example: every sender at any name below "
                         "xn--bcher-kva.example, not at itself\n");
    const auto network = at.run({"rule", "add", "allow", "2001:DB8::/32"});
    CHECK(network.out == "allow 2001:db8::/32: clients in 2001:db8::/32\n");
    CHECK(patterns_of(at, {}) == texts{"*@*.xn--bcher-kva.example", "*@example.com", "2001:db8::/32"});
}

TEST_CASE("a rule that its author may not have meant is kept with a warning", "[commands]") {
    const command_fixture at;
    const auto bare = at.run({"rule", "add", "allow", "example.com"});
    CHECK(bare.code == 0);
    CHECK(bare.out == "allow example.com: clients with the host name example.com, not names below it\n");
    CHECK(bare.err == "postern: warning: rule: example.com has no @: this is a host name, not a sender; for "
                      "senders write @example.com; it counts only where the name resolves back to the "
                      "client\n");
    const auto name = at.run({"rule", "add", "deny", "example.net"});
    CHECK(name.err.find("resolves back") == std::string::npos); // of allow rules only
    run_steps(at, {{{"rule", "add", "deny", "*@*"}, 0, "warning: rule: *@* matches every sender"}});
    CHECK(patterns_of(at, {}) == texts{"*@*", "example.com", "example.net"});
}

TEST_CASE("a pattern that is no rule changes nothing", "[commands]") {
    const command_fixture at;
    run_steps(at, {
                      {{"rule", "add", "deny", ""}, 65, "postern: rule: a rule needs a sender"},
                      {{"rule", "add", "deny", "spam@"}, 65, "write spam@*"},
                      {{"rule", "add", "deny", "a b@c.test"}, 65, "no blank"},
                      {{"rule", "add", "deny", "a\x1b[2J@c.test"}, 65, "a?[2J@c.test"},
                      {{"rule", "add", "deny", "192.0.2.1/24"}, 65, "bits behind the prefix"},
                      {{"rule", "add", "deny", "192.0.2.256"}, 65, "is no address"},
                      {{"rule", "add", "deny", "2001:db8:*"}, 65, "takes no wildcard"},
                      {{"rule", "add", "deny", "@b*cher.bücher.example"}, 0, ""},
                      {{"rule", "remove", "@b*cher.bücher.example"}, 0, ""},
                      {{"rule", "add", "deny", "@*bücher.example"}, 65, "takes no wildcard"},
                      {{"rule", "add", "deny", "@" + std::string(255, 'x')}, 65, "255 octets at most"},
                      {{"rule", "add", "maybe", "@c.test"}, 64, "usage: "},
                      {{"rule", "add", "@c.test"}, 64, "usage: "},
                      {{"rule", "remove", "spam@"}, 65, "write spam@*"},
                  });
    CHECK(patterns_of(at, {}).empty());
}

TEST_CASE("a rule of a mailbox is that mailbox's alone", "[commands]") {
    const command_fixture at;
    run_steps(at, {
                      {{"domain", "add", "a.test"}, 0, ""},
                      {{"mailbox", "add", "u@a.test"}, 0, ""},
                      {{"mailbox", "add", "v@a.test"}, 0, ""},
                      {{"rule", "add", "deny", "@c.test", "--mailbox", "x@a.test"},
                       67,
                       "postern: x@a.test: there is no such mailbox"},
                      {{"rule", "add", "deny", "@c.test", "--mailbox", "x"}, 65, "x: "},
                      {{"rule", "add", "deny", "@c.test"}, 0, ""},
                      {{"rule", "add", "allow", "@c.test", "--mailbox", "U@A.test"}, 0, ""},
                      {{"rule", "list", "--mailbox", "x@a.test"}, 67, "no such mailbox"},
                      {{"rule", "remove", "@c.test", "--mailbox", "v@a.test"},
                       67,
                       "*@c.test: v@a.test has no such rule"},
                  });
    CHECK(at.run({"rule", "list"}).out ==
          "SCOPE     ACTION  PATTERN   MATCHES\n"
          "server    deny    *@c.test  every sender at c.test, not below it\n"
          "u@a.test  allow   *@c.test  every sender at c.test, not below it\n");
    CHECK(at.run({"rule", "list", "--mailbox", "v@a.test"}).out == "SCOPE  ACTION  PATTERN  MATCHES\n");
    const auto own = list_of(at.run({"rule", "list", "--mailbox", "u@a.test", "--json"}), "rules");
    REQUIRE(own.size() == 1);
    const auto& rule = own[0].as_object();
    CHECK(rule.at("mailbox") == "u@a.test");
    CHECK(rule.at("action") == "allow");
    CHECK(rule.at("pattern") == "*@c.test");
    CHECK(rule.at("matches") == "every sender at c.test, not below it");
    CHECK(rule.at("created").as_int64() > 1'700'000'000);
    run_steps(at, {
                      {{"rule", "remove", "@c.test"}, 0, ""},
                      {{"rule", "remove", "@c.test"}, 67, "*@c.test: the server has no such rule"},
                  });
    CHECK(patterns_of(at, {"--mailbox", "u@a.test"}) == texts{"*@c.test"});
}

TEST_CASE("the same rule with the other action takes the first one's place", "[commands]") {
    const command_fixture at;
    run_steps(
        at, {{{"rule", "add", "deny", "192.0.2.7"}, 0, ""}, {{"rule", "add", "allow", "192.0.2.7"}, 0, ""}});
    const auto rules = list_of(at.run({"rule", "list", "--json"}), "rules");
    REQUIRE(rules.size() == 1);
    CHECK(rules[0].as_object().at("action") == "allow");
    CHECK(rules[0].as_object().at("mailbox") == "");
}

TEST_CASE("a mailbox that is removed takes its rules with it: nobody inherits them", "[commands]") {
    const command_fixture at;
    run_steps(at, {
                      {{"domain", "add", "a.test"}, 0, ""},
                      {{"mailbox", "add", "u@a.test"}, 0, ""},
                      {{"rule", "add", "deny", "@c.test", "--mailbox", "u@a.test"}, 0, ""},
                      {{"rule", "add", "deny", "@d.test"}, 0, ""},
                      {{"mailbox", "remove", "u@a.test"}, 0, ""},
                      {{"rule", "list", "--mailbox", "u@a.test"}, 67, "no such mailbox"},
                      {{"mailbox", "add", "u@a.test"}, 0, ""},
                  });
    CHECK(patterns_of(at, {"--mailbox", "u@a.test"}).empty());
    CHECK(patterns_of(at, {}) == texts{"*@d.test"});
}

TEST_CASE("rules of a mailbox that was never there can be seen and removed", "[commands]") {
    const command_fixture at;
    run_steps(at, {{{"domain", "add", "a.test"}, 0, ""}});
    const storage::rule_record orphan[] = {{"gone@a.test", storage::kept_action::deny, "*@c.test", 1}};
    REQUIRE(rules_of(at)->put(orphan).has_value());
    run_steps(at, {
                      {{"rule", "list", "--mailbox", "gone@a.test"}, 0, ""},
                      {{"rule", "remove", "@c.test", "--mailbox", "gone@a.test"}, 0, ""},
                      {{"rule", "list", "--mailbox", "gone@a.test"}, 67, "no such mailbox"},
                  });
}

TEST_CASE("a kept text that is no rule here is shown as such, and can be removed", "[commands]") {
    const command_fixture at;
    REQUIRE(at.run({"rule", "add", "deny", "@c.test"}).code == 0);
    const storage::rule_record foreign[] = {{"", storage::kept_action::deny, "no rule@", 1},
                                            {"", storage::kept_action::deny, "@C.test", 1}};
    REQUIRE(rules_of(at)->put(foreign).has_value());
    const auto list = list_of(at.run({"rule", "list", "--json"}), "rules");
    REQUIRE(list.size() == 3);
    CHECK(list[2].as_object().at("pattern") == "no rule@");
    CHECK(std::string(list[2].as_object().at("matches").as_string()).starts_with("nothing: no rule@"));
    run_steps(at,
              {{{"rule", "remove", "no rule@"}, 0, ""}, {{"rule", "remove", "no rule@"}, 65, "no blank"}});
    run_steps(at, {{{"rule", "remove", "@C.test"}, 0, ""}}); // the one that is written just so
    CHECK(patterns_of(at, {}) == texts{"*@c.test"});
}

TEST_CASE("a mailbox has a thousand rules and no more", "[commands]") {
    const command_fixture at;
    run_steps(at, {{{"domain", "add", "a.test"}, 0, ""}, {{"mailbox", "add", "u@a.test"}, 0, ""}});
    std::vector<storage::rule_record> records;
    for (std::size_t i = 0; i < storage::mailbox_rules_max; ++i)
        records.push_back({"u@a.test", storage::kept_action::deny, fmt::format("*@{:04}.test", i), 1});
    REQUIRE(rules_of(at)->put(records).has_value());
    run_steps(at, {
                      {{"rule", "add", "deny", "@more.test", "--mailbox", "u@a.test"},
                       65,
                       "postern: u@a.test: has 1000 rules already"},
                      {{"rule", "add", "allow", "@0007.test", "--mailbox", "u@a.test"}, 0, ""}, // no more
                      {{"rule", "add", "deny", "@more.test"}, 0, ""},
                  });
    const auto full = patterns_of(at, {"--mailbox", "u@a.test"});
    CHECK(full.size() == 1000);
    CHECK(std::count(full.begin(), full.end(), "*@more.test") == 0);
    run_steps(at, {
                      {{"rule", "remove", "@0007.test", "--mailbox", "u@a.test"}, 0, ""},
                      {{"rule", "add", "deny", "@more.test", "--mailbox", "u@a.test"}, 0, ""},
                  });
}
