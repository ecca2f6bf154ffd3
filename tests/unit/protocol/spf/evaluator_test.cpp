// The machine itself: what it asks and when, what early questions save, and what it does with answers that
// nobody asked for. Results are the business of cases/.
#include "tests/unit/protocol/spf/world.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;
using namespace postern::protocol::spf;
using namespace postern::tests;

namespace {

dns_question ask_for(std::string_view name, dns_type type) {
    return {*dns_name::parse(name, dns_escapes::none), type};
}

looked_up text(std::string record) {
    looked_up made;
    made.state = answer_state::found;
    made.records.texts.push_back(std::move(record));
    return made;
}

// "TXT example.com, A? host.test": early questions have a question mark.
std::string shown(const evaluator::step& step) {
    const std::map<dns_type, std::string> types{{dns_type::a, "A"},
                                                {dns_type::aaaa, "AAAA"},
                                                {dns_type::mx, "MX"},
                                                {dns_type::ptr, "PTR"},
                                                {dns_type::txt, "TXT"}};
    std::string made;
    for (const auto& one : step.questions) {
        if (!made.empty()) made += ", ";
        made += types.at(one.what.type) + (one.needed ? " " : "? ") + one.what.name.to_string();
    }
    return made;
}

const query usual = spf_query("192.0.2.1", "user@example.com", "mail.example.com");

spf_world world_of(std::initializer_list<std::string_view> lines) {
    spf_world made;
    for (const std::string_view line : lines) made.add(line);
    return made;
}

} // namespace

TEST_CASE("a record of five includes costs two rounds, not six", "[spf]") {
    const spf_world world =
        world_of({"example.com TXT v=spf1 include:a.test include:b.test include:c.test include:d.test "
                  "include:e.test -all",
                  "a.test TXT v=spf1 ?all", "b.test TXT v=spf1 ?all", "c.test TXT v=spf1 ?all",
                  "d.test TXT v=spf1 ?all", "e.test TXT v=spf1 ip4:192.0.2.1 -all"});
    const spf_run plain = run_spf(world, usual, drive::needed_only);
    const spf_run early = run_spf(world, usual, drive::early_together);
    CHECK(plain.rounds == 6);
    CHECK(early.rounds == 2);
    CHECK(plain.questions == 6);
    CHECK(early.questions == 6);
    CHECK(early.end.result == outcome::pass);
    CHECK(early.end == plain.end);
}

TEST_CASE("a tree of records costs its longest chain", "[spf]") {
    const spf_world world = world_of(
        {"example.com TXT v=spf1 include:a.test mx a:h.test redirect=r.test", "example.com MX m1.test",
         "example.com MX m2.test", "a.test TXT v=spf1 include:b.test exists:x.test ~all",
         "b.test TXT v=spf1 a:c.test -all", "r.test TXT v=spf1 a:last.test -all", "c.test A 198.51.100.1",
         "m1.test A 198.51.100.1", "m2.test A 198.51.100.1", "x.test AAAA ::1", "h.test A 198.51.100.1",
         "last.test A 192.0.2.1"});
    const spf_run plain = run_spf(world, usual, drive::needed_only);
    const spf_run early = run_spf(world, usual, drive::early_together);
    CHECK(early.end.result == outcome::pass);
    CHECK(early.end == plain.end);
    CHECK(plain.rounds == 10);
    CHECK(early.rounds == 4); // the record, a.test, b.test, c.test
}

TEST_CASE("the addresses of all MX hosts are asked for at once", "[spf]") {
    evaluator machine(usual, early_questions::none);
    CHECK(shown(machine.next()) == "TXT example.com");
    machine.answer(ask_for("example.com", dns_type::txt), text("v=spf1 mx -all"));
    CHECK(shown(machine.next()) == "MX example.com");
    looked_up hosts{.state = answer_state::found,
                    .records = {.addresses = {}, .pointers = {}, .exchangers = {}, .texts = {}, .tlsa = {}}};
    for (const auto* host : {"a.test", "b.test", "c.test"})
        hosts.records.exchangers.push_back({10, *dns_name::parse(host)});
    machine.answer(ask_for("example.com", dns_type::mx), hosts);
    CHECK(shown(machine.next()) == "A a.test, A b.test, A c.test");

    // The last one matches, but the first may yet fail.
    machine.answer(
        ask_for("c.test", dns_type::a),
        {.state = answer_state::found,
         .records = {
             .addresses = {usual.client}, .pointers = {}, .exchangers = {}, .texts = {}, .tlsa = {}}});
    machine.answer(ask_for("b.test", dns_type::a), {});
    CHECK(machine.next().done == nullptr);
    machine.answer(ask_for("a.test", dns_type::a), {});
    const evaluator::step end = machine.next();
    REQUIRE(end.done != nullptr);
    CHECK(end.done->result == outcome::pass);
}

TEST_CASE("what may matter is asked for early, and what cannot is not", "[spf]") {
    struct row {
        std::string_view record, questions;
    };
    const auto r = GENERATE(values<row>({
        {"v=spf1 a:x.test include:y.test mx exists:%{l}.z.test ptr redirect=r.test",
         "A x.test, TXT? y.test, MX? example.com, A? user.z.test, PTR? 1.2.0.192.in-addr.arpa, TXT? r.test"},
        {"v=spf1 a:x.test -all include:y.test redirect=r.test", "A x.test"},
        {"v=spf1 a:x.test ip4:192.0.2.0/24 include:y.test", "A x.test"},
        {"v=spf1 a:x.test ip4:198.51.100.0/24 include:y.test -all", "A x.test, TXT? y.test"},
        {"v=spf1 a:x.test a:%{p}.test include:y.test -all", "A x.test, TXT? y.test"},
        {"v=spf1 a:x.test a:a..b.test include:%{d1r} exp=e.test u=v -all", "A x.test"},
        {"v=spf1 include:y.test include:y.test a:y.test -all", "TXT y.test, A? y.test"},
        {"v=spf1 a:1.a a:2.a a:3.a a:4.a a:5.a a:6.a a:7.a a:8.a a:9.a a:10.a a:11.a a:12.a -all",
         "A 1.a, A? 2.a, A? 3.a, A? 4.a, A? 5.a, A? 6.a, A? 7.a, A? 8.a, A? 9.a, A? 10.a"},
    }));
    CAPTURE(r.record);
    evaluator machine(usual);
    CHECK(shown(machine.next()) == "TXT example.com");
    machine.answer(ask_for("example.com", dns_type::txt), text(std::string(r.record)));
    CHECK(shown(machine.next()) == r.questions);
    CHECK(shown(machine.next()).empty()); // each is stated once
}

TEST_CASE("the answer to an early question leads further while another is awaited", "[spf]") {
    evaluator machine(usual);
    (void)machine.next();
    machine.answer(ask_for("example.com", dns_type::txt),
                   text("v=spf1 include:a.test include:b.test mx:m.test -all"));
    CHECK(shown(machine.next()) == "TXT a.test, TXT? b.test, MX? m.test");
    machine.answer(ask_for("b.test", dns_type::txt), text("v=spf1 include:c.test ~all"));
    CHECK(shown(machine.next()) == "TXT? c.test");
    machine.answer(ask_for("m.test", dns_type::mx),
                   {.state = answer_state::found,
                    .records = {.addresses = {},
                                .pointers = {},
                                .exchangers = {{10, *dns_name::parse("h.test")}},
                                .texts = {},
                                .tlsa = {}}});
    CHECK(shown(machine.next()) == "A? h.test");
    // An include that is sure to pass makes what follows it needless.
    machine.answer(ask_for("c.test", dns_type::txt), text("v=spf1 ip4:192.0.2.1 a:never.test -all"));
    CHECK(shown(machine.next()).empty());
    machine.answer(ask_for("a.test", dns_type::txt), text("v=spf1 ?all"));
    const evaluator::step end = machine.next();
    REQUIRE(end.done != nullptr);
    CHECK(end.done->result == outcome::pass);
    CHECK(end.done->via == "c.test: ip4:192.0.2.1");
    CHECK(end.done->lookup_terms == 3);
}

TEST_CASE("what follows an include that is sure to pass is not asked for early", "[spf]") {
    for (const std::string sign : {"", "-", "~"}) {
        evaluator machine(usual);
        (void)machine.next();
        machine.answer(ask_for("example.com", dns_type::txt),
                       text("v=spf1 include:a.test include:b.test -all"));
        CHECK(shown(machine.next()) == "TXT a.test, TXT? b.test");
        machine.answer(ask_for("b.test", dns_type::txt), text("v=spf1 include:inner.test " + sign +
                                                              "include:pass.test include:after.test -all"));
        CHECK(shown(machine.next()) == "TXT? inner.test, TXT? pass.test, TXT? after.test");
        machine.answer(ask_for("pass.test", dns_type::txt), text("v=spf1 ip4:192.0.2.1 -all"));
        machine.answer(ask_for("after.test", dns_type::txt), text("v=spf1 a:late.test -all"));
        CHECK(shown(machine.next()).empty());
    }
}

TEST_CASE("hosts of an MX with too many are not asked for early", "[spf]") {
    looked_up hosts{.state = answer_state::found,
                    .records = {.addresses = {}, .pointers = {}, .exchangers = {}, .texts = {}, .tlsa = {}}};
    for (int i = 0; i < 11; ++i)
        hosts.records.exchangers.push_back({10, *dns_name::parse("h" + std::to_string(i) + ".test")});
    evaluator machine(usual);
    (void)machine.next();
    machine.answer(ask_for("example.com", dns_type::txt), text("v=spf1 a:slow.test mx:m.test -all"));
    CHECK(shown(machine.next()) == "A slow.test, MX? m.test");
    machine.answer(ask_for("m.test", dns_type::mx), hosts);
    CHECK(shown(machine.next()).empty());
}

TEST_CASE("the null sender has no local part of its own", "[spf]") {
    query subject = usual;
    subject.local = "user";
    subject.domain.clear();
    subject.helo = "example.com";
    const evaluator machine(subject);
    CHECK(machine.subject().local == "postmaster");
    const spf_world world =
        world_of({"example.com TXT v=spf1 exists:%{s}.test -all", "postmaster@example.com.test A 127.0.0.1"});
    CHECK(run_spf(world, subject, drive::needed_only).end.result == outcome::pass);
    CHECK(run_spf(world, subject, drive::needed_only).end.checked == identity::helo);
}

TEST_CASE("early questions are limited in number", "[spf]") {
    std::string mx_terms = "v=spf1 a:slow.test";
    for (int i = 0; i < 9; ++i) mx_terms += " mx:m" + std::to_string(i) + ".test";
    evaluator machine(usual);
    (void)machine.next();
    machine.answer(ask_for("example.com", dns_type::txt), text(mx_terms));
    std::size_t early = machine.next().questions.size() - 1;
    for (int i = 0; i < 9; ++i) {
        looked_up hosts{
            .state = answer_state::found,
            .records = {.addresses = {}, .pointers = {}, .exchangers = {}, .texts = {}, .tlsa = {}}};
        for (int host = 0; host < 10; ++host)
            hosts.records.exchangers.push_back(
                {10, *dns_name::parse("h" + std::to_string(host) + ".m" + std::to_string(i) + ".test")});
        machine.answer(ask_for("m" + std::to_string(i) + ".test", dns_type::mx), hosts);
        early += machine.next().questions.size();
    }
    CHECK(early == early_questions_max);
}

TEST_CASE("answers that nobody waits for change nothing", "[spf]") {
    evaluator machine(usual);
    machine.answer(ask_for("example.com", dns_type::txt), text("v=spf1 +all")); // before it was asked
    CHECK(shown(machine.next()) == "TXT example.com");
    machine.answer(ask_for("example.com", dns_type::a), text("v=spf1 +all"));
    machine.answer(ask_for("other.test", dns_type::txt), text("v=spf1 +all"));
    CHECK(machine.next().done == nullptr);
    machine.answer(ask_for("EXAMPLE.com", dns_type::txt), text("v=spf1 a:h.test -all"));
    machine.answer(ask_for("example.com", dns_type::txt), text("v=spf1 +all")); // a second time
    CHECK(shown(machine.next()) == "A h.test");
    machine.answer(ask_for("h.test", dns_type::a), {});
    REQUIRE(machine.next().done != nullptr);
    CHECK(machine.next().done->result == outcome::fail);
    machine.answer(
        ask_for("h.test", dns_type::a),
        {.state = answer_state::found,
         .records = {
             .addresses = {usual.client}, .pointers = {}, .exchangers = {}, .texts = {}, .tlsa = {}}});
    CHECK(machine.next().done->result == outcome::fail);
}

TEST_CASE("an answer without anything in it is that there is nothing", "[spf]") {
    const looked_up empty{
        .state = answer_state::found,
        .records = {.addresses = {}, .pointers = {}, .exchangers = {}, .texts = {}, .tlsa = {}}};
    evaluator machine(usual, early_questions::none);
    (void)machine.next();
    machine.answer(ask_for("example.com", dns_type::txt), text("v=spf1 a:h.test exists:h.test mx ptr -all"));
    while (machine.next().done == nullptr)
        for (const auto type : {dns_type::a, dns_type::mx, dns_type::ptr})
            for (const auto* name : {"h.test", "example.com", "1.2.0.192.in-addr.arpa"})
                machine.answer(ask_for(name, type), empty);
    CHECK(machine.next().done->result == outcome::permerror);
    CHECK(machine.next().done->void_terms == 3);
}

TEST_CASE("a check whose time is up is a temperror", "[spf]") {
    evaluator machine(usual);
    (void)machine.next();
    machine.answer(ask_for("example.com", dns_type::txt), text("v=spf1 a:h.test -all"));
    (void)machine.next();
    machine.give_up();
    const evaluator::step end = machine.next();
    REQUIRE(end.done != nullptr);
    CHECK(end.done->result == outcome::temperror);
    CHECK(end.done->problem == "the DNS look-ups took too long");
    CHECK(end.questions.empty());

    evaluator done(spf_query("192.0.2.1", "user@localhost", "x"));
    REQUIRE(done.next().done != nullptr);
    done.give_up();
    CHECK(done.next().done->result == outcome::none);
}

TEST_CASE("of a name with very many addresses the first are looked at", "[spf]") {
    for (const std::size_t place : {addresses_max - 1, addresses_max}) {
        looked_up many{
            .state = answer_state::found,
            .records = {.addresses = {}, .pointers = {}, .exchangers = {}, .texts = {}, .tlsa = {}}};
        many.records.addresses.assign(60000, *ip_address::parse("198.51.100.1"));
        many.records.addresses[place] = usual.client;
        evaluator machine(usual);
        (void)machine.next();
        machine.answer(ask_for("example.com", dns_type::txt), text("v=spf1 a -all"));
        (void)machine.next();
        machine.answer(ask_for("example.com", dns_type::a), many);
        REQUIRE(machine.next().done != nullptr);
        CHECK(machine.next().done->result == (place < addresses_max ? outcome::pass : outcome::fail));
    }
}

TEST_CASE("a machine goes on after it was moved", "[spf]") {
    evaluator first(usual);
    (void)first.next();
    first.answer(ask_for("example.com", dns_type::txt), text("v=spf1 include:a.test -all"));
    (void)first.next();
    first.answer(ask_for("a.test", dns_type::txt), text("v=spf1 a:h.test -all"));
    (void)first.next();
    evaluator second(std::move(first));
    second.answer(
        ask_for("h.test", dns_type::a),
        {.state = answer_state::found,
         .records = {
             .addresses = {usual.client}, .pointers = {}, .exchangers = {}, .texts = {}, .tlsa = {}}});
    REQUIRE(second.next().done != nullptr);
    CHECK(second.next().done->result == outcome::pass);
}

TEST_CASE("what is said of a result can be shown to anybody", "[spf]") {
    const spf_world world =
        world_of({"example.com TXT v=spf1 include:%{l}.evil.test -all", "slow.test FAIL"});
    const auto hostile =
        run_spf(world, spf_query("192.0.2.1", "a\\x0d\\x0ab\\x1b(c@example.com", "x"), drive::needed_only);
    CHECK(hostile.end.result == outcome::permerror);
    for (const std::string& said : {hostile.end.explanation, hostile.end.problem, hostile.end.record_domain})
        for (const char c : said) CHECK((c >= ' ' && c <= '~'));
    CHECK(run_spf(world, usual, drive::needed_only).end.explanation ==
          "the SPF record of example.com cannot be used: user.evil.test has no SPF record, though another "
          "one refers to it");
    CHECK(run_spf(world, spf_query("192.0.2.1", "u@slow.test", "x"), drive::needed_only).end.explanation ==
          "the SPF record of slow.test could not be checked now: the DNS look-up of TXT slow.test failed");
    CHECK(run_spf(world, spf_query("192.0.2.1", "u@b\\x1bad", "x"), drive::needed_only).end.explanation ==
          "\"b?ad\" is no domain that could have an SPF record");
}
