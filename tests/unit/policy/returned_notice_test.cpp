// RCPT to a forwarded sender of ours: who gets it, and who is refused with which reply.
#include "policy/sender_rewriter.hpp"
#include "tests/support/policy_world.hpp"

using namespace postern;
using policy::sender_rewriter;
using policy::stage;
using protocol::srs::standing;

namespace {

const std::string secret(32, 'k');
constexpr std::int64_t day_long = 86'400;

struct world : testing::policy_world {
    sender_rewriter srs{{secret}};
    explicit world(const std::string& more = {}, const std::string& listener = {})
        : policy_world(listener +
                       "[sender_domain]\nmode = \"off\"\n[spf]\nmode = \"off\"\n[greylist]\nmode = "
                       "\"off\"\n[relay]\n" +
                       more) {
        services.srs = &srs;
        from("");
        REQUIRE(accounts.put_domain({"alias.test", "", "d.test"}));
        REQUIRE(accounts.add_alias("team@d.test", std::vector<std::string>{"x@o.test"}));
    }
    std::string forwarded(const std::string& sender, const std::string& domain = "d.test",
                          std::int64_t days_ago = 0) const {
        return srs.forward(protocol::parse_address(sender).value(), domain, now - days_ago * day_long)
            .value()
            .to_string();
    }
    // "550 5.1.1", or where it leads.
    std::string leads_to(const std::string& rcpt) {
        learned = {};
        const auto said = judge(stage::rcpt, rcpt);
        if (!said.passed()) return reply_line(said.with).substr(0, 9);
        std::string all;
        for (const auto& box : learned.recipients.at(0).leads_to)
            all += (all.empty() ? "" : ", ") + box.address + (box.local ? "" : " outside");
        return all;
    }
};

} // namespace

TEST_CASE("the signature is HMAC-SHA-256 of what docs/forwarding.md says") {
    // Made with Python: hmac.new(b"k" * 32, b"\x10" + 7 * b"\0" + b"forwarded sender" + b"\x0b" + 7 * b"\0" +
    // b"JQ a@s.test", "sha256"), its first 30 bits in base32.
    const sender_rewriter srs({secret});
    const auto made = srs.forward({"A", "s.test"}, "d.test", 20784 * day_long + 86'399);
    CHECK(made->to_string() == "SRS0=6MFGNI=JQ=s.test=A@d.test");
}

TEST_CASE("a notice to a forwarded sender of ours goes to that sender") {
    world w;
    CHECK(w.leads_to(w.forwarded("a@s.test")) == "a@s.test outside");
    CHECK(w.leads_to(protocol::to_lower(w.forwarded("Some.Body@s.test"))) == "some.body@s.test outside");
    CHECK(w.leads_to(w.forwarded("a@s.test", "alias.test")) == "a@s.test outside");
    CHECK(w.leads_to(w.forwarded("a@s.test", "mx.d.test")) == "a@s.test outside"); // our own name
    CHECK(w.leads_to(w.forwarded("a@[192.0.2.9]")) == "a@[192.0.2.9] outside");
    CHECK(w.leads_to(w.forwarded("u@d.test")) == "u@d.test"); // who has come to us since
    CHECK(w.leads_to(w.forwarded("team@d.test")) == "x@o.test outside");
    CHECK(w.leads_to(w.forwarded("gone@d.test")) == "550 5.1.1");
    CHECK(w.leads_to(w.forwarded("a@s.test", "o.test")) == "550 5.7.1"); // not our domain
}

TEST_CASE("what came through here before is followed to its end") {
    world w;
    const auto once = w.forwarded("a@s.test");
    const auto twice = w.forwarded(once, "alias.test");
    CHECK(twice.starts_with("SRS1="));
    CHECK(w.leads_to(twice) == "a@s.test outside");
    CHECK(w.leads_to(w.forwarded("SRS0=abcd=JQ=b.test=a@hop.test")) ==
          "SRS0=abcd=JQ=b.test=a@hop.test outside");
    CHECK(w.leads_to(w.forwarded("SRS0=abcd=JQ=b.test=a@d.test")) == "550 5.1.1"); // inside, forged
}

TEST_CASE("a forwarded sender is good for as long as the settings say, and for notices alone") {
    world w;
    CHECK(w.leads_to(w.forwarded("a@s.test", "d.test", 21)) == "a@s.test outside");
    CHECK(w.leads_to(w.forwarded("a@s.test", "d.test", 22)) == "550 5.1.1");
    CHECK(w.of("recipient")->said.with.text.find("no longer valid") != std::string::npos);
    world shorter("srs_max_age = \"36h\"\n"); // 2 days
    CHECK(shorter.leads_to(shorter.forwarded("a@s.test", "d.test", 2)) == "a@s.test outside");
    CHECK(shorter.leads_to(shorter.forwarded("a@s.test", "d.test", 3)) == "550 5.1.1");
    w.from("a@s.test");
    CHECK(w.leads_to(w.forwarded("a@s.test")) == "550 5.7.1");
    CHECK(w.of("recipient")->said.with.text.find("MAIL FROM:<>") != std::string::npos);
    w.account = "u@d.test";
    CHECK(w.leads_to(w.forwarded("a@s.test")) == "550 5.7.1");
}

TEST_CASE("what isn't signed here is refused, unless nothing is rewritten here") {
    world w;
    const sender_rewriter other({std::string(32, 'x')});
    const auto forged = other.forward({"a", "s.test"}, "d.test", w.now)->to_string();
    CHECK(w.leads_to(forged) == "550 5.1.1");
    CHECK(w.of("recipient")->said.with.text.find("not signed") != std::string::npos);

    world off("srs = false\n[local]\ncatch_all_domains = [\"d.test\"]\n");
    off.resolving.catch_all_domains = {"d.test"};
    CHECK(off.leads_to(forged) == "550 5.1.1");
    CHECK(off.of("recipient")->said.with.text.find("User unknown") != std::string::npos);
    CHECK(off.leads_to(off.forwarded("a@s.test")) == "a@s.test outside"); // of the days before
    REQUIRE(off.accounts.add_alias("@d.test", std::vector<std::string>{"u@d.test"}));
    CHECK(off.leads_to(forged) == "u@d.test");
    CHECK(off.leads_to(off.forwarded("a@s.test")) == "a@s.test outside");
    off.services.srs = nullptr;
    CHECK(off.leads_to(off.forwarded("a@s.test")) == "u@d.test");
}

TEST_CASE("the domain of the settings needs no mailboxes") {
    world w("srs_domain = \"fwd.test\"\n");
    CHECK(w.leads_to(w.forwarded("a@s.test", "fwd.test")) == "a@s.test outside");
    CHECK(w.leads_to(w.forwarded("a@s.test")) == "a@s.test outside");
    CHECK(w.leads_to("SRS0=x@fwd.test") == "550 5.1.1");
    CHECK(w.leads_to("u@fwd.test") == "550 5.7.1");
}

TEST_CASE("a table in trouble defers a notice") {
    world w;
    const auto rcpt = w.forwarded("a@s.test");
    for (std::size_t lookup = 0; lookup < 4; ++lookup) {
        w.accounts.lookups = 0;
        w.accounts.failing_lookup = lookup;
        const auto said = w.leads_to(rcpt);
        CAPTURE(lookup, said);
        CHECK((said == "451 4.3.0" || (lookup == 3 && said == "a@s.test outside")));
    }
}

TEST_CASE("on a secondary the primary says who a forwarded sender is") {
    world w("[relay.route]\n\"d.test\" = \"192.0.2.7:25\"\n", "role = \"secondary\"\n");
    CHECK(w.leads_to(w.forwarded("a@s.test")) == "451 4.4.1"); // it can't be asked here
    CHECK(w.leads_to("SRS0=x@d.test") == "451 4.4.1");
    CHECK(w.leads_to("nobody@d.test") == "550 5.1.1");
}

TEST_CASE("an alias that has forwarded a message before is a loop") {
    world w;
    w.from("a@s.test");
    const auto said_to = [&](const std::string& rcpt, const std::string& header) {
        w.learned = {};
        w.header = {};
        w.envelope.recipients.clear();
        REQUIRE(w.judge(stage::rcpt, rcpt).passed());
        protocol::recipient one;
        one.mailbox = protocol::parse_address(rcpt).value();
        w.envelope.recipients.push_back(one);
        w.header.feed(header + "\r\n\r\n");
        return w.judge(stage::content).with.code;
    };
    CHECK(said_to("team@d.test", "Delivered-To: Team@D.test") == 554);
    CHECK(said_to("team@d.test", "Delivered-To: x@o.test") != 554); // another server's business
    CHECK(said_to("team@d.test", "Delivered-To: team@alias.test") != 554);
    CHECK(said_to("team@alias.test", "Delivered-To: team@alias.test") == 554);
    w.account = "u@d.test"; // who sends again what somebody has had
    CHECK(said_to("x@o.test", "Delivered-To: x@o.test") != 554);
}
