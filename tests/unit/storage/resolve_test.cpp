#include "storage/resolve.hpp"

#include "tests/support/memory_directory.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace postern;
using namespace postern::storage;
using postern::testing::memory_directory;
using strings = std::vector<std::string>;
using kind = resolution_kind;

namespace {

struct host {
    memory_directory accounts;
    resolve_settings settings;

    host() {
        settings.hostname = "mx.test";
        settings.postmaster = "postmaster@mx.test";
        domain("d.test");
    }
    void domain(const std::string& name, const std::string& alias_of = "", const std::string& tier = "") {
        REQUIRE(accounts.put_domain({name, tier, alias_of}));
    }
    void mailbox(const std::string& address, std::uint64_t quota = 0) {
        REQUIRE(accounts.put_mailbox({address, quota, true, "", 0}));
    }
    void alias(const std::string& address, const strings& targets) {
        REQUIRE(accounts.add_alias(address, targets));
    }

    resolution ask(const std::string& text) const {
        const auto answer = resolve(accounts, address_of(text), settings);
        REQUIRE(answer.has_value());
        return *answer;
    }
    // "u@d.test" for a mailbox, ">x@far.test" for an outside address; the kind when nobody was found.
    strings recipients(const std::string& text) const {
        const auto answer = ask(text);
        strings found;
        for (const auto& recipient : answer.recipients)
            found.push_back((recipient.local ? "" : ">") + recipient.address);
        CHECK((answer.kind == kind::found) == !found.empty());
        return found;
    }

    static protocol::address address_of(const std::string& text) {
        if (text == "postmaster" || text == "Postmaster") return {text, ""};
        const auto parsed = protocol::parse_address(text);
        REQUIRE(parsed.has_value());
        return *parsed;
    }
};

} // namespace

TEST_CASE("not ours is told before unknown, and unknown only of a hosted domain", "[resolve]") {
    host at;
    at.mailbox("u@d.test");
    at.mailbox("u@far.test"); // without its domain
    const struct {
        const char* address;
        kind expected;
    } rows[] = {
        {"u@d.test", kind::found},
        {"U@D.Test", kind::found},
        {"nobody@d.test", kind::unknown},
        {"u@far.test", kind::not_ours},
        {"u@sub.d.test", kind::not_ours},
        {"u@[192.0.2.1]", kind::not_ours},
        {"u@mx.test", kind::not_ours},
        {"\"v@far.test\"@d.test", kind::unknown},
        {"v%far.test@d.test", kind::unknown},
        {"far.test!v@d.test", kind::unknown},
        {"postmaster@[192.0.2.1]", kind::not_ours},
        {"\"u\"@d.test", kind::found},
    };
    for (const auto& row : rows) {
        INFO(row.address);
        CHECK(at.ask(row.address).kind == row.expected);
    }
}

TEST_CASE("a mailbox comes with its folded address, its quota and the tier of its domain", "[resolve]") {
    host at;
    at.domain("e.test", "", "b");
    at.mailbox("u@e.test", 77);
    const auto answer = at.ask("U@e.test");
    REQUIRE(answer.recipients.size() == 1);
    CHECK(answer.recipients[0].address == "u@e.test");
    CHECK(answer.recipients[0].local);
    CHECK(answer.recipients[0].quota == 77);
    CHECK(answer.tier == "b");
    CHECK(at.ask("nobody@e.test").tier == "b");
}

TEST_CASE("an alias goes before a mailbox, to mailboxes and outside", "[resolve]") {
    host at;
    at.mailbox("a@d.test");
    at.mailbox("b@d.test");
    at.alias("b@d.test", {"A@D.test", "Some.One@Far.test", "a@d.test", "some.one@far.test"});
    CHECK(at.recipients("b@d.test") == strings{">Some.One@far.test", "a@d.test"}); // each once
}

TEST_CASE("an alias that names itself keeps its mailbox", "[resolve]") {
    host at;
    at.domain("alias.test", "d.test");
    at.mailbox("u@d.test", 5);
    at.alias("u@d.test", {"u@d.test", "u@alias.test", "copy@far.test"});
    CHECK(at.recipients("u@d.test") == strings{">copy@far.test", "u@d.test"});
    CHECK(at.ask("u@d.test").recipients[1].quota == 5);
    at.alias("ghost@d.test", {"ghost@d.test", "copy@far.test"});
    CHECK(at.recipients("ghost@d.test") == strings{">copy@far.test"});
}

TEST_CASE("aliases are followed through aliases, the nearest first", "[resolve]") {
    host at;
    for (const char* name : {"a", "b", "c"}) at.mailbox(std::string(name) + "@d.test");
    at.alias("all@d.test", {"left@d.test", "b@d.test"});
    at.alias("left@d.test", {"c@d.test", "right@d.test"});
    at.alias("right@d.test", {"a@d.test", "b@d.test", "all@d.test"});
    CHECK(at.recipients("all@d.test") == strings{"b@d.test", "c@d.test", "a@d.test"});
}

TEST_CASE("aliases that only lead to each other are a loop, beside a real one they are ignored",
          "[resolve]") {
    host at;
    at.alias("self@d.test", {"self@d.test"});
    at.alias("a@d.test", {"b@d.test"});
    at.alias("b@d.test", {"c@d.test"});
    at.alias("c@d.test", {"a@d.test"});
    at.alias("out@d.test", {"a@d.test", "x@far.test"});
    CHECK(at.ask("self@d.test").kind == kind::loop);
    CHECK(at.ask("a@d.test").kind == kind::loop);
    CHECK(at.recipients("out@d.test") == strings{">x@far.test"});
}

TEST_CASE("targets that are gone are skipped; with none left nobody is there", "[resolve]") {
    host at;
    at.mailbox("u@d.test");
    at.alias("some@d.test", {"gone@d.test", "u@d.test"});
    at.alias("none@d.test", {"gone@d.test", "away@d.test"});
    at.alias("twice@d.test", {"some2@d.test", "none@d.test"});
    at.alias("some2@d.test", {"gone@d.test"}); // reached by two ways, and yet no loop
    CHECK(at.recipients("some@d.test") == strings{"u@d.test"});
    CHECK(at.ask("none@d.test").kind == kind::unknown);
    CHECK(at.ask("twice@d.test").kind == kind::unknown);
}

TEST_CASE("an alias domain stands for its domain, a few levels deep", "[resolve]") {
    host at;
    at.mailbox("u@d.test");
    at.alias("t@d.test", {"u@a1.test"});
    at.domain("a1.test", "d.test");
    for (int level = 2; level <= 9; ++level)
        at.domain("a" + std::to_string(level) + ".test", "a" + std::to_string(level - 1) + ".test");
    CHECK(at.recipients("U@a1.test") == strings{"u@d.test"});
    CHECK(at.recipients("t@a8.test") == strings{"u@d.test"});
    CHECK(at.ask("u@a9.test").kind == kind::loop);
    CHECK(at.ask("nobody@a1.test").kind == kind::unknown);
}

TEST_CASE("alias domains that lead to each other or nowhere end", "[resolve]") {
    host at;
    at.domain("x.test", "y.test");
    at.domain("y.test", "x.test");
    at.domain("z.test", "z.test");
    at.domain("dangling.test", "absent.test");
    at.mailbox("u@absent.test");
    at.alias("t@d.test", {"u@x.test"});
    CHECK(at.ask("u@x.test").kind == kind::loop);
    CHECK(at.ask("u@z.test").kind == kind::loop);
    CHECK(at.ask("t@d.test").kind == kind::loop);
    CHECK(at.ask("u@dangling.test").kind == kind::unknown);
}

TEST_CASE("an alias domain's own tier goes before its domain's", "[resolve]") {
    host at;
    at.domain("e.test", "", "b");
    at.domain("a.test", "e.test");
    at.domain("c.test", "e.test", "d");
    at.mailbox("u@e.test");
    CHECK(at.ask("u@a.test").tier == "b");
    CHECK(at.ask("u@c.test").tier == "d");
}

TEST_CASE("a catch-all works where it was granted and shadows nobody", "[resolve]") {
    host at;
    at.domain("alias.test", "d.test");
    at.mailbox("u@d.test");
    at.mailbox("box@d.test");
    at.alias("list@d.test", {"x@far.test"});
    at.alias("dead@d.test", {"gone2@d.test"});
    at.alias("@d.test", {"box@d.test"});
    CHECK(at.ask("nobody@d.test").kind == kind::unknown);
    at.settings.catch_all_domains = {"alias.test"}; // a grant is for the real domain
    CHECK(at.ask("nobody@alias.test").kind == kind::unknown);
    at.settings.catch_all_domains = {"d.test"};
    CHECK(at.recipients("nobody@d.test") == strings{"box@d.test"});
    CHECK(at.recipients("nobody@alias.test") == strings{"box@d.test"});
    CHECK(at.recipients("u@d.test") == strings{"u@d.test"});
    CHECK(at.recipients("list@d.test") == strings{">x@far.test"});
    CHECK(at.recipients("postmaster@d.test") == strings{"postmaster@mx.test"});
    CHECK(at.ask("nobody@far.test").kind == kind::not_ours);
}

TEST_CASE("a catch-all that catches its own target is a loop", "[resolve]") {
    host at;
    at.settings.catch_all_domains = {"d.test"};
    at.alias("@d.test", {"ghost@d.test"});
    CHECK(at.ask("nobody@d.test").kind == kind::loop);
    CHECK(at.ask("ghost@d.test").kind == kind::loop);
}

TEST_CASE("postmaster of this host and of every hosted domain is always somebody", "[resolve]") {
    host at;
    at.domain("alias.test", "d.test");
    at.domain("x.test", "x.test"); // a loop
    for (const char* address : {"postmaster", "Postmaster", "postmaster@mx.test", "PostMaster@MX.test",
                                "postmaster@d.test", "POSTMASTER@alias.test", "postmaster@x.test"}) {
        INFO(address);
        CHECK(at.recipients(address) == strings{"postmaster@mx.test"});
    }
    CHECK(at.ask("postmaster@far.test").kind == kind::not_ours);
    CHECK(at.ask("postmaster1@mx.test").kind == kind::not_ours);
}

TEST_CASE("postmaster's mail goes to the alias or mailbox of that name, else where the settings say",
          "[resolve]") {
    host at;
    at.domain("e.test");
    at.domain("f.test");
    at.domain("g.test");
    at.mailbox("postmaster@e.test");
    at.mailbox("admin@d.test", 9);
    at.alias("postmaster@f.test", {"x@far.test"});
    at.alias("postmaster@g.test", {"gone@g.test", "postmaster@g.test"});
    const struct {
        const char* configured;
        strings
            expected; // for d.test, where there is no such name, and g.test, where its alias leads nowhere
    } rows[] = {
        {"admin@d.test", {"admin@d.test"}},     {"ops@far.test", {">ops@far.test"}},
        {"postmaster@f.test", {">x@far.test"}}, {"nobody@d.test", {"nobody@d.test"}}, // a Maildir of its own
        {"root@mx.test", {"root@mx.test"}},     {"postmaster@d.test", {"postmaster@d.test"}},
    };
    for (const auto& row : rows) {
        INFO(row.configured);
        at.settings.postmaster = row.configured;
        CHECK(at.recipients("postmaster@d.test") == row.expected);
        CHECK(at.recipients("postmaster@g.test") == row.expected);
        CHECK(at.recipients("postmaster") == row.expected);
        CHECK(at.recipients("postmaster@e.test") == strings{"postmaster@e.test"});
        CHECK(at.recipients("postmaster@f.test") == strings{">x@far.test"});
    }
}

TEST_CASE("postmaster in the settings may lead in a circle and is found all the same", "[resolve]") {
    host at;
    at.settings.postmaster = "admin@d.test";
    at.alias("admin@d.test", {"postmaster@d.test"});
    CHECK(at.recipients("postmaster@d.test") == strings{"admin@d.test"});
    CHECK(at.recipients("postmaster") == strings{"admin@d.test"});
}

TEST_CASE("the host's name as an alias domain leads postmaster to a Maildir too", "[resolve]") {
    host at;
    at.domain("mx.test", "d.test");
    CHECK(at.recipients("postmaster@mx.test") == strings{"postmaster@d.test"});
    CHECK(at.recipients("postmaster") == strings{"postmaster@d.test"});
}

TEST_CASE("an alias may name postmaster of this host", "[resolve]") {
    host at;
    at.alias("abuse@d.test", {"postmaster@mx.test", "root@mx.test"});
    CHECK(at.recipients("abuse@d.test") == strings{">root@mx.test", "postmaster@mx.test"});
}

TEST_CASE("an alias of too many is refused whole, whatever its shape", "[resolve]") {
    host at;
    at.settings.max_targets = 10;
    at.settings.max_steps = 50;
    strings ten;
    for (int i = 0; i < 10; ++i) ten.push_back("x" + std::to_string(i) + "@far.test");
    at.alias("ten@d.test", ten);
    at.alias("eleven@d.test", ten);
    at.alias("eleven@d.test", {"y@far.test"});
    at.alias("nested@d.test", {"ten@d.test", "y@far.test"});
    for (int i = 0; i < 60; ++i)
        at.alias("c" + std::to_string(i) + "@d.test", {"c" + std::to_string(i + 1) + "@d.test"});
    at.alias("c60@d.test", {"x@far.test"});
    CHECK(at.recipients("ten@d.test").size() == 10);
    CHECK(at.ask("eleven@d.test").kind == kind::too_many);
    CHECK(at.ask("nested@d.test").kind == kind::too_many);
    CHECK(at.ask("c0@d.test").kind == kind::too_many);
    CHECK(at.recipients("c12@d.test") == strings{">x@far.test"});
    CHECK(at.ask("c11@d.test").kind == kind::too_many);
    CHECK(at.ask("ten@d.test").recipients.size() == 10);
}

TEST_CASE("an alias too long to be read whole is refused even where most of it is gone", "[resolve]") {
    host at;
    at.settings.max_targets = 10;
    for (int i = 0; i < 15; ++i) at.alias("list@d.test", {"gone" + std::to_string(i + 10) + "@d.test"});
    at.mailbox("gone10@d.test");
    at.mailbox("gone24@d.test"); // the last
    CHECK(at.ask("list@d.test").kind == kind::too_many);
}

TEST_CASE("aliases that all name each other cost no more than the limit of steps", "[resolve]") {
    host at;
    strings all;
    for (int i = 0; i < 200; ++i) all.push_back("m" + std::to_string(i) + "@d.test");
    for (const auto& name : all) at.alias(name, all);
    CHECK(at.ask("m0@d.test").kind == kind::too_many);
    CHECK(at.accounts.lookups < 1000);
}

TEST_CASE("trouble with any look-up is an error, never somebody unknown", "[resolve]") {
    host at;
    at.domain("alias.test", "d.test");
    at.settings.catch_all_domains = {"d.test"};
    at.mailbox("u@d.test");
    at.alias("list@d.test", {"u@alias.test", "x@far.test", "gone@d.test"});
    for (const char* address :
         {"u@d.test", "list@d.test", "nobody@d.test", "u@far.test", "postmaster", "postmaster@d.test"}) {
        at.accounts.failing_lookup.reset();
        at.accounts.lookups = 0;
        const auto expected = at.ask(address).kind;
        const std::size_t lookups = at.accounts.lookups;
        CHECK(lookups > 0);
        for (std::size_t nth = 0; nth < lookups; ++nth) {
            INFO(address << ", look-up " << nth);
            at.accounts.lookups = 0;
            at.accounts.failing_lookup = nth;
            const auto answer = resolve(at.accounts, host::address_of(address), at.settings);
            CHECK(answer.error() == storage_errc::io);
        }
        at.accounts.failing_lookup.reset();
        CHECK(at.ask(address).kind == expected);
    }
}

TEST_CASE("a target that is no address is damage, not an absent user", "[resolve]") {
    host at;
    at.alias("a@d.test", {"no address"});
    CHECK(resolve(at.accounts, host::address_of("a@d.test"), at.settings).error() == storage_errc::corrupt);
}

TEST_CASE("each domain is looked up once however many targets are in it", "[resolve]") {
    host at;
    strings targets;
    for (int i = 0; i < 100; ++i) targets.push_back("x" + std::to_string(i) + "@far.test");
    at.alias("list@d.test", targets);
    at.accounts.lookups = 0;
    CHECK(at.recipients("list@d.test").size() == 100);
    CHECK(at.accounts.lookups == 3); // d.test, far.test, the alias
}
