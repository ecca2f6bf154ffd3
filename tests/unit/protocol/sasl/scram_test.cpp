// SCRAM-SHA-256 against GNU SASL's client, and against messages that it would never send.
#include "protocol/sasl/base64.hpp"
#include "protocol/sasl/scram_server.hpp"
#include "tests/unit/protocol/sasl/scram_client.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol::sasl;
using postern::testing::scram_client;

namespace {

const std::string user = "u@f.test", password = "correct horse";
const channel_binding by_exporter{"tls-exporter", std::string(32, '\xe1')};
const channel_binding by_unique{"tls-unique", std::string(12, '\x17')};

const scram_keys& keys() {
    static const scram_keys made = make_scram_keys(password, "salt of the user", 4096).value();
    return made;
}

struct ending {
    step last;
    bool client_content = false;
};

ending converse(exchange& attempt, scram_client& client, const scram_keys& of_user = keys()) {
    auto next = attempt.begin(client.answer(""));
    for (int round = 0; round < 10; ++round) {
        if (next.kind == step_kind::find_keys)
            next = attempt.on_keys(of_user);
        else if (next.kind == step_kind::challenge)
            next = attempt.receive(client.answer(next.challenge));
        else
            break;
    }
    return {next, client.is_content()};
}

step begin(mechanism how, std::string_view message, const channel_binding& binding = {}) {
    exchange attempt(how, binding);
    return attempt.begin(encode_base64(message));
}

// nullopt: it has not failed.
std::optional<failure> failure_of(const step& last) {
    return last.kind == step_kind::failed ? std::optional(last.why) : std::nullopt;
}

} // namespace

TEST_CASE("SCRAM lets in whoever knows the password, and proves that we know the keys", "[sasl]") {
    exchange attempt(mechanism::scram_sha_256);
    scram_client client(mechanism::scram_sha_256, user, password);
    const auto end = converse(attempt, client);
    CHECK(end.last.kind == step_kind::done);
    CHECK(end.last.login == user);
    CHECK(end.client_content);
}

TEST_CASE("SCRAM with -PLUS is bound to the TLS connection", "[sasl]") {
    for (const auto& binding : {by_exporter, by_unique}) {
        exchange attempt(mechanism::scram_sha_256_plus, binding);
        scram_client client(mechanism::scram_sha_256_plus, user, password, binding);
        const auto end = converse(attempt, client);
        CHECK(end.last.kind == step_kind::done);
        CHECK(end.client_content);

        auto elsewhere = binding;
        elsewhere.data.back() ^= 1;
        exchange in_the_middle(mechanism::scram_sha_256_plus, binding);
        scram_client misled(mechanism::scram_sha_256_plus, user, password, elsewhere);
        const auto other = converse(in_the_middle, misled);
        CHECK(other.last.kind == step_kind::failed);
        CHECK((failure_of(other.last) == failure::denied));
    }
}

TEST_CASE("SCRAM denies a wrong password, and keys that are not those of the password", "[sasl]") {
    exchange attempt(mechanism::scram_sha_256);
    scram_client wrong(mechanism::scram_sha_256, user, "incorrect horse");
    auto end = converse(attempt, wrong);
    CHECK(end.last.kind == step_kind::failed);
    CHECK((failure_of(end.last) == failure::denied));
    CHECK(end.last.login == user);
    CHECK_FALSE(end.client_content);

    const scram_keys nobodys{4096, "salt of a nobody", std::string(32, 's'), std::string(32, 'k')};
    exchange unknown(mechanism::scram_sha_256);
    scram_client right(mechanism::scram_sha_256, user, password);
    end = converse(unknown, right, nobodys);
    CHECK((failure_of(end.last) == failure::denied));
}

TEST_CASE("SCRAM denies an identity that is not the login", "[sasl]") {
    exchange attempt(mechanism::scram_sha_256);
    scram_client client(mechanism::scram_sha_256, user, password, {}, "admin@f.test");
    CHECK((failure_of(converse(attempt, client).last) == failure::denied));
    exchange same(mechanism::scram_sha_256);
    scram_client itself(mechanism::scram_sha_256, user, password, {}, user);
    CHECK(converse(same, itself).last.kind == step_kind::done);
}

TEST_CASE("a login with an equals sign or a comma comes through as it is", "[sasl]") {
    exchange attempt(mechanism::scram_sha_256);
    scram_client client(mechanism::scram_sha_256, "\"a,b=c\"@f.test", password);
    const auto end = converse(attempt, client);
    CHECK(end.last.kind == step_kind::done);
    CHECK(end.last.login == "\"a,b=c\"@f.test");
}

TEST_CASE("first messages of SCRAM that are none are nobody's attempt", "[sasl]") {
    for (const std::string message : {"",
                                      "n",
                                      "n,",
                                      "n,,",
                                      "n,,n=u",
                                      "n,,n=u,",
                                      "n,,r=abc,n=u",
                                      "x,,n=u,r=abc",
                                      "p=,,n=u,r=abc",
                                      "n,b=u,n=u,r=abc",
                                      "n,a=,n=u,r=abc",
                                      "n,a,n=u,r=abc",
                                      "n,,m=x,n=u,r=abc",
                                      "n,,n=,r=abc",
                                      "n,,n=u=2c,r=abc",
                                      "n,,n=u=,r=abc",
                                      "n,,n=u=3,r=abc",
                                      "n,,n=u=XY,r=abc",
                                      "n,,n=u,r=",
                                      "n,,n=u,r=a b",
                                      "n,,n=u,r=,x",
                                      "p=tls-exporter,,n=u,r=abc",
                                      "n,,n=u,s=abc"}) {
        const auto last = begin(mechanism::scram_sha_256, message);
        INFO(message);
        CHECK(last.kind == step_kind::failed);
        CHECK((failure_of(last) == failure::malformed));
        CHECK(last.login.empty());
    }
    const auto read = parse_scram_first("p=tls-unique,a=b=2Cc,n=d=3De,r=!~");
    REQUIRE(read);
    CHECK(read->binding == scram_first::binding_flag::used);
    CHECK(read->binding_type == "tls-unique");
    CHECK(read->authorize_as == "b,c");
    CHECK(read->login == "d=e");
    CHECK_FALSE(parse_scram_first("n,,n=u,r=" + std::string(scram_message_max, 'n')));
}

TEST_CASE("a login that SCRAM carries has the bounds of every other", "[sasl]") {
    for (const std::string name : {"u\x01", "\xff", "\xc1\xb5", "u\x7f"})
        CHECK((failure_of(begin(mechanism::scram_sha_256, "n,,n=" + name + ",r=abc")) == failure::denied));
    CHECK((failure_of(begin(mechanism::scram_sha_256, "n,,n=" + std::string(255, 'u') + ",r=abc")) ==
           failure::denied));
    CHECK(begin(mechanism::scram_sha_256, "n,,n=" + std::string(254, 'u') + ",r=abc").kind ==
          step_kind::find_keys);
}

TEST_CASE("-PLUS can't be taken out of the list, nor bound to another kind of name", "[sasl]") {
    // The client could have bound, and was told that we can't.
    CHECK((failure_of(begin(mechanism::scram_sha_256, "y,,n=u,r=abc", by_exporter)) == failure::denied));
    CHECK(begin(mechanism::scram_sha_256, "y,,n=u,r=abc").kind == step_kind::find_keys);
    CHECK(begin(mechanism::scram_sha_256, "n,,n=u,r=abc", by_exporter).kind == step_kind::find_keys);
    const auto plus = mechanism::scram_sha_256_plus;
    CHECK((failure_of(begin(plus, "n,,n=u,r=abc", by_exporter)) == failure::malformed));
    CHECK(begin(plus, "p=tls-unique,,n=u,r=abc", by_exporter).kind == step_kind::failed);
    CHECK(begin(plus, "p=tls-exporter,,n=u,r=abc").kind == step_kind::failed); // we have no name
    CHECK(begin(plus, "p=tls-exporter,,n=u,r=abc", by_exporter).kind == step_kind::find_keys);
}

TEST_CASE("a final message that is changed anywhere lets nobody in", "[sasl]") {
    for (std::size_t at = 0; at < 200; ++at) {
        exchange attempt(mechanism::scram_sha_256);
        scram_client client(mechanism::scram_sha_256, user, password);
        attempt.begin(client.answer(""));
        const auto challenge = attempt.on_keys(keys());
        REQUIRE(challenge.kind == step_kind::challenge);
        std::string message(decode_base64(client.answer(challenge.challenge))->view());
        if (at >= message.size()) break;
        // Two bits of the proof's last digit say nothing, and GNU SASL doesn't look at them: the same proof.
        if (at + 2 == message.size()) continue;
        message[at] ^= 1;
        INFO(message);
        CHECK(attempt.receive(encode_base64(message)).kind == step_kind::failed);
    }
}

TEST_CASE("the proof is not enough without the client's last word", "[sasl]") {
    exchange attempt(mechanism::scram_sha_256);
    scram_client client(mechanism::scram_sha_256, user, password);
    attempt.begin(client.answer(""));
    const auto next = attempt.on_keys(keys());
    CHECK(attempt.receive(client.answer(next.challenge)).challenge.starts_with("v="));
    CHECK((failure_of(attempt.receive("*")) == failure::cancelled));
}

// RFC 7677 §3; the keys of its example computed by another program.
TEST_CASE("keys are those of the standard's example, and their text is read as it was written", "[sasl]") {
    const std::string salt(decode_base64("W22ZaJ0SNY7soEsUEjb6gQ==")->view());
    const auto made = make_scram_keys("pencil", salt, 4096);
    REQUIRE(made.has_value());
    const std::string text = "4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
                             "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
    CHECK(to_text(*made) == text);
    CHECK((parse_scram_keys(text) == *made));
    for (std::size_t size = 0; size < text.size(); ++size)
        CHECK_FALSE(parse_scram_keys(text.substr(0, size)));
    CHECK_FALSE(parse_scram_keys(text + ","));
    CHECK_FALSE(parse_scram_keys("1" + text.substr(4)));
    CHECK_FALSE(parse_scram_keys("99999999999" + text.substr(4)));
    CHECK_FALSE(make_scram_keys("pencil", "short", 4096).has_value());
    CHECK_FALSE(make_scram_keys("pencil", salt, 1).has_value());
    CHECK_FALSE(make_scram_keys(std::string("nul\0", 4), salt, 4096).has_value());
}
