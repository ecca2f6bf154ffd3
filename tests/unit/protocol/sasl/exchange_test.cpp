// PLAIN and LOGIN, line by line.
#include "protocol/sasl/exchange.hpp"

#include "protocol/sasl/base64.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol::sasl;

namespace {

std::string octets(std::string_view text) { return encode_base64(text); }
template <std::size_t Size> std::string literal(const char (&text)[Size]) { return {text, Size - 1}; }

step plain(std::string_view message) {
    exchange attempt(mechanism::plain);
    return attempt.begin(octets(message));
}

void check_failed(const step& last, failure why) {
    CHECK(last.kind == step_kind::failed);
    CHECK(last.why == why);
    CHECK(last.password.empty());
}

} // namespace

TEST_CASE("only our mechanisms are known, in any case, the strongest first", "[sasl]") {
    CHECK(announced({true, true}) == "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN");
    CHECK(announced({true, false}) == "SCRAM-SHA-256 PLAIN LOGIN");
    CHECK(announced({false, true}) == "PLAIN LOGIN");
    REQUIRE(find_mechanism("plain"));
    CHECK(find_mechanism("plain")->what == mechanism::plain);
    CHECK(find_mechanism("Scram-Sha-256-Plus")->what == mechanism::scram_sha_256_plus);
    for (const auto* other : {"", "CRAM-MD5", "NTLM", "XOAUTH2", "ANONYMOUS", "EXTERNAL", "GSSAPI",
                              "DIGEST-MD5", "SCRAM-SHA-1", "PLAIN ", "SCRAM-SHA-256-"})
        CHECK(find_mechanism(other) == nullptr);
    for (const auto& row : mechanisms()) CHECK(row_of(row.what).name == row.name);
}

TEST_CASE("PLAIN with an initial response asks for its password to be checked", "[sasl]") {
    exchange attempt(mechanism::plain);
    const auto asked = attempt.begin(octets(literal("\0u@f.test\0secret")));
    REQUIRE(asked.kind == step_kind::check_password);
    CHECK(asked.login == "u@f.test");
    CHECK(asked.password.view() == "secret");
    const auto last = attempt.on_password_checked(true);
    CHECK(last.kind == step_kind::done);
    CHECK(last.login == "u@f.test");
    check_failed(attempt.on_password_checked(true), failure::denied); // once is enough
}

TEST_CASE("PLAIN without an initial response is asked for it by an empty challenge", "[sasl]") {
    exchange attempt(mechanism::plain);
    const auto first = attempt.begin(std::nullopt);
    CHECK(first.kind == step_kind::challenge);
    CHECK(first.challenge.empty());
    CHECK(attempt.receive(octets(literal("u@f.test\0u@f.test\0pw"))).kind == step_kind::check_password);
    const auto last = attempt.on_password_checked(false);
    check_failed(last, failure::denied);
    CHECK(last.login == "u@f.test");
}

TEST_CASE("what is no PLAIN message is nobody's attempt", "[sasl]") {
    for (const auto& message : {literal(""), literal("u@f.test"), literal("\0u@f.test"),
                                literal("\0u@f.test\0pw\0more"), literal("\0\0\0")}) {
        const auto last = plain(message);
        check_failed(last, failure::malformed);
        CHECK(last.login.empty());
    }
    for (const auto* text : {"=", "====", "QQ==QQ==", "QUFB QUE", "", "*", "\xff\xfe"}) {
        exchange attempt(mechanism::plain);
        check_failed(attempt.begin(text), failure::malformed);
    }
    exchange attempt(mechanism::plain);
    attempt.begin(std::nullopt);
    check_failed(attempt.receive("="), failure::malformed);
}

TEST_CASE("PLAIN never logs in as somebody else", "[sasl]") {
    for (const auto& message :
         {literal("admin\0u@f.test\0pw"), literal("U@f.test\0u@f.test\0pw"),
          literal("u@f.test \0u@f.test\0pw"), literal("\0\0pw"), literal("\0u@f.test\0"),
          literal("\0u\x01@f.test\0pw"), literal("\0u\x7f@f.test\0pw"), literal("\0\xc1\xb5@f.test\0pw"),
          literal("\0\xff@f.test\0pw"), literal("\0u@f.test\r\n\0pw")})
        check_failed(plain(message), failure::denied);
    const std::string nul(1, '\0');
    check_failed(plain(nul + std::string(255, 'u') + nul + "pw"), failure::denied);
    check_failed(plain(nul + "u" + nul + std::string(257, 'p')), failure::denied);
    CHECK(plain(nul + std::string(254, 'u') + nul + std::string(256, 'p')).kind == step_kind::check_password);
    // Handed on octet for octet.
    CHECK(plain(literal("\0\xef\xbd\x95@f.test\0pw")).login == "\xef\xbd\x95@f.test");
    CHECK(plain(literal("\0u\xc2\xad@f.test\0pw")).login == "u\xc2\xad@f.test");
}

TEST_CASE("a line of the greatest length is read, a longer one is not", "[sasl]") {
    exchange longest(mechanism::plain);
    check_failed(
        longest.begin(octets(std::string(1, '\0') + std::string(9212, 'u') + std::string(1, '\0') + "pw")),
        failure::denied);
    exchange longer(mechanism::plain);
    check_failed(longer.begin(std::string(line_max + 4, 'A')), failure::malformed);
}

TEST_CASE("LOGIN asks for the name and then for the password", "[sasl]") {
    exchange attempt(mechanism::login);
    CHECK(attempt.begin(std::nullopt).challenge == "Username:");
    CHECK(attempt.receive(octets("u@f.test")).challenge == "Password:");
    const auto asked = attempt.receive(octets("pass word"));
    REQUIRE(asked.kind == step_kind::check_password);
    CHECK(asked.login == "u@f.test");
    CHECK(asked.password.view() == "pass word");
    CHECK(attempt.on_password_checked(true).kind == step_kind::done);
}

TEST_CASE("LOGIN takes the name as initial response", "[sasl]") {
    exchange attempt(mechanism::login);
    const auto next = attempt.begin(octets("u@f.test"));
    CHECK(next.kind == step_kind::challenge);
    CHECK(next.challenge == "Password:");
    check_failed(attempt.receive(octets(literal("pw\0longer"))), failure::denied);
    exchange empty(mechanism::login);
    check_failed(empty.begin("="), failure::malformed);
    exchange nameless(mechanism::login);
    check_failed(nameless.begin(octets("u\x01")), failure::denied);
    exchange wordless(mechanism::login);
    wordless.begin(octets("u"));
    check_failed(wordless.receive(""), failure::malformed);
}

TEST_CASE("the client may give up at every challenge, and then it is over", "[sasl]") {
    for (const auto& row : mechanisms()) {
        exchange attempt(row.what, {"tls-exporter", "binding"});
        REQUIRE(attempt.begin(std::nullopt).kind == step_kind::challenge);
        check_failed(attempt.receive("*"), failure::cancelled);
        check_failed(attempt.receive(octets(literal("\0u\0pw"))), failure::malformed);
        check_failed(attempt.on_password_checked(true), failure::denied);
        check_failed(attempt.on_keys({}), failure::denied);
        check_failed(attempt.begin(std::nullopt), failure::malformed);
    }
    exchange second(mechanism::login);
    second.begin(octets("u"));
    check_failed(second.receive("*"), failure::cancelled);
}

TEST_CASE("an answer to what was not asked gets nobody in", "[sasl]") {
    exchange fresh(mechanism::plain);
    check_failed(fresh.on_password_checked(true), failure::denied);
    exchange waiting(mechanism::plain);
    waiting.begin(octets(literal("\0u\0pw")));
    check_failed(waiting.receive(octets("more")), failure::malformed);
    check_failed(waiting.on_password_checked(true), failure::denied);
    exchange other(mechanism::plain);
    other.begin(octets(literal("\0u\0pw")));
    check_failed(other.on_keys({}), failure::denied);
}
