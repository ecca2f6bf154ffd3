// The two texts that tell of a result, and what peers try to put into them.
#include "protocol/spf/header.hpp"
#include "tests/unit/protocol/spf/world.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;
using namespace postern::protocol::spf;
using namespace postern::tests;

namespace {

std::string field(const query& subject, const conclusion& end) {
    return received_spf_field(subject, end, "mx.example.org");
}

spf_run run(std::string_view record, const query& subject) {
    spf_world world;
    world.add("example.com TXT " + std::string(record));
    return run_spf(world, subject, drive::needed_only);
}

} // namespace

TEST_CASE("Received-SPF says what was found", "[spf]") {
    const query subject = spf_query("192.0.2.1", "user@example.com", "mail.example.com");
    CHECK(field(subject, run("v=spf1 ip4:192.0.2.0/24 -all", subject).end) ==
          "Received-SPF: pass (example.com lets 192.0.2.1 send its mail)\r\n"
          "\tclient-ip=192.0.2.1;\r\n"
          "\tenvelope-from=\"user@example.com\";\r\n"
          "\thelo=mail.example.com;\r\n"
          "\tidentity=mailfrom;\r\n"
          "\tmechanism=\"ip4:192.0.2.0/24\";\r\n"
          "\treceiver=mx.example.org\r\n");
    CHECK(field(subject, run("v=spf1 foo", subject).end) ==
          "Received-SPF: permerror (the SPF record of example.com cannot be used: the SPF record of "
          "example.com has an unknown mechanism "
          "at octet 8)\r\n"
          "\tclient-ip=192.0.2.1;\r\n"
          "\tenvelope-from=\"user@example.com\";\r\n"
          "\thelo=mail.example.com;\r\n"
          "\tidentity=mailfrom;\r\n"
          "\tproblem=\"the SPF record of example.com has an unknown mechanism at octet 8\";\r\n"
          "\treceiver=mx.example.org\r\n");
    const query null = spf_query("2001:db8::1", "<>", "example.com");
    CHECK(field(null, run("v=spf1", null).end) ==
          "Received-SPF: neutral (example.com does not say whether 2001:db8::1 may send its mail)\r\n"
          "\tclient-ip=\"2001:db8::1\";\r\n"
          "\tenvelope-from=\"<>\";\r\n"
          "\thelo=example.com;\r\n"
          "\tidentity=helo;\r\n"
          "\tmechanism=default;\r\n"
          "\treceiver=mx.example.org\r\n");
}

TEST_CASE("a record makes no line too long", "[spf]") {
    for (const std::string record :
         {"v=spf1 include:<<3000*x>>%%", "v=spf1 redirect=<<3000*x>>%%", "v=spf1 exists:<<3000*x>>%% all"}) {
        const query subject = spf_query("192.0.2.1", "u@example.com", "h.test");
        const conclusion end = run(record, subject).end;
        CHECK(end.problem.size() <= problem_max);
        CHECK(end.result == (record.ends_with("all") ? outcome::pass : outcome::permerror));
        CHECK(authentication_result(subject, end).size() < 998);
        const std::string text = field(subject, end);
        for (std::size_t line = 0; line < text.size(); line = text.find('\n', line) + 1)
            CHECK(text.find('\n', line) - line <= 998);
    }
}

TEST_CASE("a peer opens and closes no comment", "[spf]") {
    const query subject = spf_query("192.0.2.1", "u@a(b)\\x5cc.d", "h.test");
    CHECK(
        field(subject, run("v=spf1 all", subject).end)
            .starts_with("Received-SPF: none (\"a?b??c.d\" is no domain that could have an SPF record)\r\n"));
}

TEST_CASE("Authentication-Results says what was found", "[spf]") {
    struct row {
        std::string_view sender, helo, record, text;
    };
    const auto r = GENERATE(values<row>({
        {"user@example.com", "h.test", "v=spf1 +all", "spf=pass smtp.mailfrom=user@example.com"},
        {"user@example.com", "h.test", "v=spf1 -all", "spf=fail smtp.mailfrom=user@example.com"},
        {"user@example.com", "h.test", "v=spf1 ~all", "spf=softfail smtp.mailfrom=user@example.com"},
        {"user@example.com", "h.test", "v=spf1 ?all", "spf=neutral smtp.mailfrom=user@example.com"},
        {"user@example.com", "h.test", "none", "spf=none smtp.mailfrom=user@example.com"},
        {"user@example.com", "h.test", "v=spf1 all.",
         "spf=permerror reason=\"the SPF record of example.com has an unknown mechanism at octet 8\" "
         "smtp.mailfrom=user@example.com"},
        {"a\\x20b@example.com", "h.test", "v=spf1 +all", "spf=pass smtp.mailfrom=\"a b\"@example.com"},
        {"a\\x22;x=y\\x5c@example.com", "h.test", "v=spf1 +all",
         "spf=pass smtp.mailfrom=\"a\\\";x=y\\\\\"@example.com"},
        {"@example.com", "h.test", "v=spf1 +all", "spf=pass smtp.mailfrom=postmaster@example.com"},
        {"<>", "example.com", "v=spf1 +all", "spf=pass smtp.helo=example.com"},
        {"<>", "[192.0.2.1]", "v=spf1 +all", "spf=none smtp.helo=\"[192.0.2.1]\""},
        {"<>", "x;spf=pass", "v=spf1 +all", "spf=none smtp.helo=\"x;spf=pass\""},
        {"u@[192.0.2.1]", "h.test", "v=spf1 +all", "spf=none smtp.mailfrom=\"u@[192.0.2.1]\""},
        {"u@a=b.test", "h.test", "v=spf1 +all", "spf=none smtp.mailfrom=\"u@a=b.test\""},
        {"<>", "a=b.test", "v=spf1 +all", "spf=none smtp.helo=\"a=b.test\""},
        {"u@a;b", "h.test", "v=spf1 +all", "spf=none smtp.mailfrom=\"u@a;b\""},
    }));
    CAPTURE(r.sender, r.helo);
    evaluator machine(spf_query("192.0.2.1", r.sender, r.helo));
    if (machine.next().done == nullptr) {
        looked_up given{.state = answer_state::found,
                        .records = {.addresses = {},
                                    .pointers = {},
                                    .exchangers = {},
                                    .texts = {std::string(r.record)},
                                    .tlsa = {}}};
        machine.answer({*dns_name::parse("example.com"), dns_type::txt}, given);
    }
    const evaluator::step end = machine.next();
    REQUIRE(end.done != nullptr);
    CHECK(authentication_result(machine.subject(), *end.done) == r.text);
}

TEST_CASE("no peer writes a header field of its own into ours", "[spf]") {
    for (const std::string bad : {"a\\x0d\\x0aX-Evil:x", "a\\x0ab", "a\\x00b", "\\x1b[31m", "\\x22)\\x5c",
                                  "\\xff\\xfe", "<<5000*x>>"}) {
        CAPTURE(bad);
        for (const query& subject :
             {spf_query("192.0.2.1", bad + "@example.com", "h.test"),
              spf_query("192.0.2.1", "u@" + bad, "h.test"), spf_query("192.0.2.1", "u@example.com", bad),
              spf_query("192.0.2.1", "<>", bad)}) {
            const conclusion end = run("v=spf1 exists:%{l}.%{h}.test include:%{l} -all", subject).end;
            const std::string text = field(subject, end);
            REQUIRE(text.ends_with("\r\n"));
            std::size_t line = 0;
            for (std::size_t i = 0; i < text.size(); ++i) {
                const char c = text[i];
                if (c == '\n') {
                    CHECK(text[i - 1] == '\r');
                    CHECK(i - line <= 998);
                    if (i + 1 < text.size()) CHECK(text[i + 1] == '\t'); // a fold, never a new field
                    line = i + 1;
                } else if (c != '\r' && c != '\t') {
                    CHECK(static_cast<unsigned char>(c) >= 0x20);
                }
            }
            const std::string other = authentication_result(subject, end);
            CHECK(other.find_first_of(std::string_view("\r\n\0\x1b", 4)) == std::string::npos);
        }
    }
}
