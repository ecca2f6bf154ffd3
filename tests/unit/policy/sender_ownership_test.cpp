// Whose address it is: the product of aliases and alias domains, identities, modes, and every spelling of
// From.
#include "policy/submission/ownership.hpp"
#include "tests/support/policy_world.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace postern;
using policy::foreign_fate;
using policy::stage;
using storage::identity_state;

namespace {

constexpr std::string_view novak = "jan.novak@firma.cz";

struct noted final : policy::foreign_senders {
    std::vector<std::string> seen;
    void note(std::string account, std::string address, foreign_fate what) override {
        const char* fates[] = {"reported", "learned", "refused"};
        seen.push_back(account + " " + address + " " + fates[static_cast<int>(what)]);
    }
};

struct world : testing::policy_world {
    testing::temporary_folder folder;
    std::unique_ptr<storage::identities> identities =
        storage::open_lmdb_identities(storage::open_accounts(folder.path()).value()).value();
    noted foreign;

    explicit world(const std::string& toml = {}) : policy_world(toml) {
        services.identities = identities.get();
        services.foreign = &foreign;
        account = novak;
        domain("firma.cz");
        domain("firma.eu", "firma.cz");
        add("jan.novak@firma.cz");
        add("eva@firma.cz");
        alias("jan@firma.cz", {"jan.novak@firma.cz"});
    }
    void domain(const std::string& name, const std::string& alias_of = {}) {
        REQUIRE(accounts.put_domain({name, "", alias_of}));
    }
    void alias(const std::string& address, const std::vector<std::string>& targets) {
        REQUIRE(accounts.add_alias(address, targets));
    }
    void identity(std::string_view who, const std::string& address, identity_state state) {
        REQUIRE(identities->put({std::string(who), address, state, now, 0}));
    }
    bool may_use(const std::string& address, std::string_view who = novak) const {
        const policy::ownership owned(accounts, identities.get());
        return owned.may_use(who, protocol::parse_address(address).value()).value();
    }
    std::vector<std::string> addresses(std::string_view who = novak, std::size_t limit = 20) const {
        return policy::ownership(accounts, identities.get()).addresses_of(who, limit).value();
    }

    policy::verdict ask(stage at) {
        const policy::check row{"sender_ownership", {stage::mail, stage::content}, policy::check_ownership};
        return judge(at, {}, std::span(&row, 1));
    }
    policy::verdict mail_from(const std::string& sender) {
        from(sender);
        return ask(stage::mail);
    }
    policy::verdict with_header(const std::string& fields) {
        header = {};
        header.feed(fields + "\r\n");
        header.end();
        from(account);
        return ask(stage::content);
    }
    std::string verdict_on(const std::string& value) {
        const auto said = with_header("From: " + value + "\r\nSubject: x\r\n");
        return said.passed() ? "passes" : reply_line(said.with).substr(0, 9);
    }
};

using strings = std::vector<std::string>;

} // namespace

TEST_CASE("a mailbox, its alias and an alias domain are exactly four addresses") {
    world w;
    const strings own{"jan.novak@firma.cz", "jan.novak@firma.eu", "jan@firma.cz", "jan@firma.eu"};
    CHECK(w.addresses() == own);
    for (const auto& address : own) {
        CHECK(w.may_use(address));
        CHECK(w.mail_from(address).passed());
    }
    CHECK(w.may_use("Jan.Novak@FIRMA.cz"));
    for (const auto* address :
         {"eva@firma.cz", "novak@firma.cz", "jan@firma.test", "jan.novak@firma.com", "jan+x@firma.cz",
          "jan@sub.firma.cz", "postmaster@firma.cz", "jan@[192.0.2.1]"})
        CHECK_FALSE(w.may_use(address));
}

TEST_CASE("aliases count when they name the mailbox themselves") {
    world w;
    w.domain("jina.cz");
    w.domain("jina.eu", "jina.cz");
    w.alias("info@firma.cz", {"eva@firma.cz", "x@out.test", "jan.novak@firma.eu"});
    w.alias("shop@jina.cz", {"Jan.Novak@firma.cz"});
    w.alias("over@firma.cz", {"jan@firma.cz"}); // through another alias
    w.alias("list@firma.cz", {"jan.novak@out.test", "jan.novak@gone.test"});
    CHECK(w.may_use("info@firma.cz"));
    CHECK(w.may_use("info@firma.eu"));
    CHECK(w.may_use("shop@jina.cz"));
    CHECK(w.may_use("shop@jina.eu"));
    CHECK_FALSE(w.may_use("shop@firma.cz"));
    CHECK_FALSE(w.may_use("over@firma.cz"));
    CHECK_FALSE(w.may_use("list@firma.cz"));
    CHECK(w.may_use("info@firma.cz", "eva@firma.cz"));
    CHECK_FALSE(w.may_use("shop@jina.cz", "eva@firma.cz"));
    CHECK(w.addresses() == strings{"jan.novak@firma.cz", "jan.novak@firma.eu", "jan@firma.cz", "jan@firma.eu",
                                   "shop@jina.cz", "shop@jina.eu", "info@firma.cz", "info@firma.eu"});
}

TEST_CASE("alias domains lead on through eight others, and circles to nobody") {
    world w;
    w.domain("d1.test", "firma.cz");
    for (int i = 2; i <= 9; ++i)
        w.domain("d" + std::to_string(i) + ".test", "d" + std::to_string(i - 1) + ".test");
    CHECK(w.may_use("jan@d8.test"));
    CHECK_FALSE(w.may_use("jan@d9.test"));
    w.domain("r1.test", "r2.test");
    w.domain("r2.test", "r1.test");
    CHECK_FALSE(w.may_use("jan@r1.test"));
}

TEST_CASE("identities count for the account that has them, once they are confirmed or learned") {
    world w;
    CHECK_FALSE(w.may_use("jan@post.test"));
    w.identity(novak, "jan@post.test", identity_state::confirmed);
    w.identity("eva@firma.cz", "eva@post.test", identity_state::learned);
    CHECK(w.may_use("Jan@POST.test"));
    CHECK_FALSE(w.may_use("eva@post.test"));
    CHECK(w.may_use("eva@post.test", "eva@firma.cz"));
    CHECK(w.addresses().back() == "jan@post.test");
    CHECK(w.mail_from("jan@post.test").passed());
    CHECK(w.identities->revoke(novak, "jan@post.test", 1).value());
    CHECK_FALSE(w.mail_from("jan@post.test").passed());
}

TEST_CASE("the refusal says which addresses are allowed and how to add one") {
    world w("[identity]\nurl = \"https://mail.firma.cz/identity\"\n");
    const auto said = w.mail_from("v@bank.test");
    CHECK(said.what == policy::verdict::kind::reject);
    CHECK(reply_line(said.with) ==
          "553 5.7.1 <v@bank.test>: Sender address rejected: not owned by user jan.novak@firma.cz; to write "
          "from it, see https://mail.firma.cz/identity; allowed: jan.novak@firma.cz, jan.novak@firma.eu, "
          "jan@firma.cz, jan@firma.eu");
    CHECK(w.foreign.seen == strings{"jan.novak@firma.cz v@bank.test refused"});
    CHECK(w.mail_from("").passed()); // a disposition notification
    w.account.clear();
    CHECK(w.mail_from("v@bank.test").passed()); // nobody authenticated: not this check's business
}

TEST_CASE("a long list of addresses is cut between them") {
    CHECK(policy::list_of_addresses({"a@b.cz", "c@d.cz", "e@f.cz"}, 100) == "a@b.cz, c@d.cz, e@f.cz");
    CHECK(policy::list_of_addresses({"a@b.cz", "c@d.cz", "e@f.cz"}, 21) == "a@b.cz and more");
    CHECK(policy::list_of_addresses({"a@b.cz", "c@d.cz", "eeeeeeee@f.cz"}, 24) == "a@b.cz, c@d.cz and more");
    CHECK(policy::list_of_addresses({}, 5).empty());
}

TEST_CASE("a table that can't be read defers") {
    world w;
    w.accounts.failure = storage::storage_errc::io;
    CHECK(reply_line(w.mail_from("jan@firma.eu").with).starts_with("451 4.3.0 <jan@firma.eu>"));
    CHECK(w.mail_from("jan.novak@firma.cz").passed()); // nothing needs to be looked up
}

TEST_CASE("every author in the header counts, in every spelling") {
    world w;
    const std::pair<const char*, const char*> rows[] = {
        {"jan@firma.cz", "passes"},
        {"<jan@firma.cz>", "passes"},
        {"Jan Novak <JAN@firma.EU>", "passes"},
        {"\"Novak, Jan\" <jan.novak@firma.eu>", "passes"},
        {"=?utf-8?q?Jan_Nov=C3=A1k?= <jan@firma.cz>", "passes"},
        {"\"v@bank.test\" <jan@firma.cz>", "passes"},
        {"jan@firma.cz (v@bank.test)", "passes"},
        {"\"jan\"@firma.cz", "passes"},
        {"Us: jan@firma.cz, jan@firma.eu;", "passes"},
        {"jan@firma.cz, jan.novak@firma.cz", "passes"},
        {"v@bank.test", "553 5.7.1"},
        {"Jan Novak <v@bank.test>", "553 5.7.1"},
        {"\"jan@firma.cz\" <v@bank.test>", "553 5.7.1"},
        {"(jan@firma.cz) v@bank.test", "553 5.7.1"},
        {"jan@firma.cz, v@bank.test", "553 5.7.1"},
        {"v@bank.test, jan@firma.cz", "553 5.7.1"},
        {"v@bank.test,<jan@firma.cz>", "553 5.7.1"},
        {"Us: jan@firma.cz, v@bank.test;", "553 5.7.1"},
        {"jan@firma.cz.bank.test", "553 5.7.1"},
        {"\"jan@firma.cz\"@bank.test", "553 5.7.1"},
        {"jan@firma.com", "553 5.7.1"},
        {"eva@firma.cz", "553 5.7.1"},
        {"jan@xn--frma-vpa.cz", "553 5.7.1"},
        {"<@firma.cz:v@bank.test>", "550 5.6.0"},
        {"<jan@firma.cz,@x:v@bank.test>", "550 5.6.0"},
        {"<v@bank.test>\\,<jan@firma.cz>", "550 5.6.0"},
        {"<jan@firma.cz>v@bank.test", "550 5.6.0"},
        {"v@bank.test <jan@firma.cz>", "550 5.6.0"},
        {"jan@firma.cz <v@bank.test>", "550 5.6.0"},
        {"=?utf-8?b?dkBiYW5rLnRlc3Q=?=", "550 5.6.0"},
        {"=?utf-8?q?v=40bank.test?=@firma.cz", "550 5.6.0"},
        {"=?utf-8?q?v=40bank.test=00?= <jan@firma.cz>", "550 5.6.0"},
        {"undisclosed:;", "550 5.6.0"},
        {";", "550 5.6.0"},
        {"", "550 5.6.0"},
        {"Jan", "550 5.6.0"},
        {"jan @firma.cz", "550 5.6.0"},
        {"\"Jan <jan@firma.cz>", "550 5.6.0"},
        {"jan@firma.cz\r\nFrom: v@bank.test", "550 5.6.0"},
        {"jan@firma.cz\r\nFrom : v@bank.test", "550 5.6.0"},
        {"jan@firma.cz\r\nFrom\r\n : v@bank.test", "550 5.6.0"},
        {"jan@firma.cz\r\nSender: jan.novak@firma.cz", "passes"},
        {"jan@firma.cz\r\nSender: v@bank.test", "553 5.7.1"},
        {"jan@firma.cz\r\nSender: jan@firma.cz\r\nSender: v@bank.test", "550 5.6.0"},
    };
    for (const auto& [value, verdict] : rows) {
        INFO(value);
        CHECK(w.verdict_on(value) == verdict);
    }
    CHECK(w.with_header("Subject: x\r\n").with.code == 550);
}

TEST_CASE("modes: report says what it would refuse, learn takes note, off doesn't look") {
    SECTION("report") {
        world w("[sender_ownership]\nmode = \"report\"\n");
        CHECK(w.mail_from("v@bank.test").passed());
        const auto said = w.of("sender_ownership")->said;
        CHECK(said.is_news);
        CHECK(said.cause == "mode report: v@bank.test is no address of jan.novak@firma.cz");
        CHECK(w.foreign.seen == strings{"jan.novak@firma.cz v@bank.test reported"});
        CHECK(w.with_header("From: undisclosed:;\r\n").passed());
    }
    SECTION("learn") {
        world w("[sender_ownership]\nmode = \"learn\"\n");
        CHECK(w.with_header("From: v@bank.test, x@y.test, jan@firma.cz\r\n").passed());
        CHECK(w.foreign.seen ==
              strings{"jan.novak@firma.cz v@bank.test learned", "jan.novak@firma.cz x@y.test learned"});
    }
    SECTION("off") {
        world w("[sender_ownership]\nmode = \"off\"\n");
        CHECK(w.mail_from("v@bank.test").passed());
        CHECK(w.foreign.seen.empty());
    }
    SECTION("the header alone may be left out") {
        world w("[sender_ownership]\ncheck_header_from = false\n");
        CHECK(w.with_header("From: v@bank.test\r\n").passed());
        CHECK_FALSE(w.mail_from("v@bank.test").passed());
    }
}

TEST_CASE("the day from which ownership is enforced") {
    for (const std::string mode : {"enforce", "learn"}) {
        world w("[sender_ownership]\nmode = \"" + mode + "\"\nenforce_from = 2026-03-01\n");
        w.today = conf::day{std::chrono::sys_days{std::chrono::year(2026) / 2 / 28}};
        CHECK(w.mail_from("v@bank.test").passed());
        CHECK(w.foreign.seen.back() ==
              "jan.novak@firma.cz v@bank.test " + std::string(mode == "learn" ? "learned" : "reported"));
        w.today = conf::day{std::chrono::sys_days{std::chrono::year(2026) / 3 / 1}};
        CHECK(w.mail_from("v@bank.test").with.code == 553);
        CHECK(w.foreign.seen.back() == "jan.novak@firma.cz v@bank.test refused");
        w.identity(novak, "v@bank.test", identity_state::learned);
        CHECK(w.mail_from("v@bank.test").passed());
    }
}
