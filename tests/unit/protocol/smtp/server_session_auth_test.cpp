// AUTH in a session: where it is offered, what it answers, and that nothing of it outlives what it belongs
// to.
#include "protocol/sasl/base64.hpp"
#include "tests/support/session_rig.hpp"
#include "tests/unit/protocol/sasl/scram_client.hpp"

#include <catch2/catch.hpp>

using namespace postern;
using namespace std::string_literals;
using protocol::auth_answer;
using protocol::auth_question;
using protocol::sasl::encode_base64;
using testing::session_rig;

namespace {

constexpr std::string_view tls = "TLSv1.3 with cipher TEST";

session_rig under_tls(protocol::session_settings settings = session_rig::submission_settings()) {
    session_rig rig(std::move(settings), tls);
    (void)rig.start();
    (void)rig.feed("EHLO c.test\r\n");
    return rig;
}

std::string plain(std::string_view login, std::string_view password, std::string_view as = "") {
    return encode_base64(std::string(as) + '\0' + std::string(login) + '\0' + std::string(password));
}

std::string begin(session_rig& rig) { return rig.feed("AUTH PLAIN " + plain("u@d.test", "secret") + "\r\n"); }

} // namespace

TEST_CASE("AUTH is listed and done under TLS only") {
    session_rig rig(session_rig::submission_settings());
    (void)rig.start();
    const auto before = rig.feed("EHLO c.test\r\n");
    CHECK(before.find("AUTH") == std::string::npos);
    CHECK(before.find("STARTTLS") != std::string::npos);
    CHECK(rig.feed("AUTH PLAIN AHUAcHc=\r\n") == "538 5.7.11 Encryption is needed first: send STARTTLS\r\n");
    CHECK(rig.feed("MAIL FROM:<u@d.test>\r\n") == "530 5.7.0 Encryption is needed first: send STARTTLS\r\n");
    (void)rig.feed("STARTTLS\r\n");
    REQUIRE(rig.take_tls());
    CHECK(rig.feed("AUTH PLAIN AHUAcHc=\r\n") == "503 5.5.1 Send EHLO or HELO first\r\n");
    CHECK(rig.feed("EHLO c.test\r\n").find("250 AUTH PLAIN LOGIN\r\n") == std::string::npos);
    CHECK(rig.feed("EHLO c.test\r\n").find("AUTH PLAIN LOGIN\r\n") != std::string::npos);
    CHECK(rig.feed("MAIL FROM:<u@d.test>\r\n") == "530 5.7.0 Authenticate first\r\n");
    CHECK(begin(rig) == "235 2.7.0 Authentication succeeded\r\n");
    CHECK(rig.session().account() == "u@d.test");
}

TEST_CASE("SCRAM is listed where there are keys, -PLUS where TLS has a name for the connection") {
    const std::pair<protocol::sasl::channel_binding, std::string> cases[] = {
        {{}, "AUTH SCRAM-SHA-256 PLAIN LOGIN\r\n"},
        {{"tls-exporter", "32 octets"}, "AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN\r\n"}};
    for (const auto& [binding, listed] : cases) {
        auto settings = session_rig::submission_settings();
        settings.auth_keys = true;
        session_rig rig(settings, tls, binding);
        (void)rig.start();
        CHECK(rig.feed("EHLO c.test\r\n").find(listed) != std::string::npos);
    }
}

TEST_CASE("where AUTH isn't offered it is refused in every state") {
    auto settings = session_rig::default_settings();
    session_rig rig(settings, tls);
    (void)rig.start();
    const std::string refusal = "503 5.5.1 AUTH is not offered here\r\n";
    CHECK(rig.feed("AUTH PLAIN AAAA\r\n") == refusal);
    (void)rig.feed("EHLO c.test\r\n");
    CHECK(rig.feed("AUTH PLAIN AAAA\r\n") == refusal);
    (void)rig.feed("MAIL FROM:<a@s.test>\r\n");
    CHECK(rig.feed("AUTH PLAIN AAAA\r\n") == refusal);
}

TEST_CASE("who said HELO can't authenticate, nor can anybody within a transaction or twice") {
    auto settings = session_rig::default_settings();
    settings.offer_auth = true; // as an MX may
    session_rig rig(settings, tls);
    (void)rig.start();
    (void)rig.feed("HELO c.test\r\n");
    CHECK(begin(rig) == "503 5.5.1 AUTH is not offered here\r\n");
    (void)rig.feed("EHLO c.test\r\n");
    (void)rig.feed("MAIL FROM:<a@s.test>\r\n");
    CHECK(begin(rig) == "503 5.5.1 AUTH is not possible within a mail transaction\r\n");
    (void)rig.feed("RCPT TO:<u@d.test>\r\n");
    CHECK(begin(rig) == "503 5.5.1 AUTH is not possible within a mail transaction\r\n");
    (void)rig.feed("RSET\r\n");
    CHECK(begin(rig).starts_with("235 "));
    CHECK(begin(rig) == "503 5.5.1 You have authenticated already\r\n");
    CHECK(rig.feed("STARTTLS\r\n").starts_with("503 "));
}

TEST_CASE("PLAIN and LOGIN go over one line or several") {
    SECTION("PLAIN in two") {
        auto rig = under_tls();
        CHECK(rig.feed("auth plain\r\n") == "334 \r\n");
        CHECK(rig.feed(plain("u@d.test", "secret", "u@d.test") + "\r\n").starts_with("235 "));
    }
    SECTION("LOGIN in three") {
        auto rig = under_tls();
        CHECK(rig.feed("AUTH LOGIN\r\n") == "334 " + encode_base64("Username:") + "\r\n");
        CHECK(rig.feed(encode_base64("u@d.test") + "\r\n") == "334 " + encode_base64("Password:") + "\r\n");
        CHECK(rig.feed(encode_base64("secret") + "\r\n").starts_with("235 "));
    }
    SECTION("an octet at a time") {
        auto rig = under_tls();
        std::string said;
        for (const char c : "AUTH PLAIN\r\n" + plain("u@d.test", "secret") + "\r\n")
            said += rig.feed(std::string(1, c));
        CHECK(said == "334 \r\n235 2.7.0 Authentication succeeded\r\n");
    }
}

TEST_CASE("SCRAM goes over a session, bound to its TLS or not, and wrong passwords cost an attempt") {
    using protocol::sasl::mechanism;
    const protocol::sasl::channel_binding binding{"tls-exporter", std::string(32, 'b')};
    const auto keys = protocol::sasl::make_scram_keys("secret", std::string(16, 's'), 4096);
    REQUIRE(keys.has_value());
    for (const auto how : {mechanism::scram_sha_256_plus, mechanism::scram_sha_256})
        for (const auto* password : {"secret", "wrong"}) {
            auto settings = session_rig::submission_settings();
            settings.auth_keys = true;
            session_rig rig(settings, tls, binding);
            unsigned denied = 0;
            rig.authenticate = [&](const auth_question& asked) {
                auth_answer said;
                if (asked.what == auth_question::kind::denied) ++denied;
                if (asked.what == auth_question::kind::keys) said.keys = *keys;
                if (asked.what == auth_question::kind::proved) said.what = auth_answer::kind::right;
                if (asked.what == auth_question::kind::proved) said.account = asked.login;
                return said;
            };
            (void)rig.start();
            (void)rig.feed("EHLO c.test\r\n");
            const bool plus = how == mechanism::scram_sha_256_plus;
            testing::scram_client client(how, "u@d.test", password,
                                         plus ? binding : protocol::sasl::channel_binding{});
            auto said = rig.feed("AUTH " + std::string(row_of(how).name) + " " + client.answer("") + "\r\n");
            while (said.starts_with("334 ")) {
                const auto challenge = protocol::sasl::decode_base64(said.substr(4, said.size() - 6));
                REQUIRE(challenge);
                said = rig.feed(client.answer(std::string(challenge->view())) + "\r\n");
            }
            const bool right = password == std::string_view("secret");
            CHECK(said.starts_with(right ? "235 " : "535 "));
            CHECK(client.is_content() == right);
            CHECK(denied == (right ? 0U : 1U));
            CHECK(rig.session().account() == (right ? "u@d.test" : ""));
        }
}

TEST_CASE("a response that is none costs nobody an attempt") {
    unsigned asked = 0;
    for (const auto* response :
         {"====", "QQ==QQ==", "QUFB QUE", "QUFBQUE", "!!!!", "QQ=", "MAIL FROM:<a@s.test>", "QUFB", ""}) {
        INFO(response);
        auto rig = under_tls();
        rig.authenticate = [&](const auth_question&) {
            ++asked;
            return auth_answer{};
        };
        CHECK(rig.feed("AUTH PLAIN\r\n") == "334 \r\n");
        CHECK(rig.feed(response + "\r\n"s) ==
              "501 5.5.2 That is no response of this mechanism in base64\r\n");
        rig.authenticate = nullptr;
        CHECK(begin(rig).starts_with("235 "));
    }
    CHECK(asked == 0);
    auto rig = under_tls();
    CHECK(rig.feed("AUTH PLAIN =\r\n").starts_with("501 5.5.2 "));
}

TEST_CASE("* ends it, and the next attempt works") {
    auto rig = under_tls();
    (void)rig.feed("AUTH PLAIN\r\n");
    CHECK(rig.feed("*\r\n") == "501 5.7.0 Authentication cancelled\r\n");
    CHECK(rig.feed("NOOP\r\n").starts_with("250 "));
    CHECK(begin(rig).starts_with("235 "));
}

TEST_CASE("mechanisms that we don't have are unknown, and what stands there is never quoted") {
    for (const auto* name : {"CRAM-MD5", "NTLM", "XOAUTH2", "ANONYMOUS", "SCRAM-SHA-256", "EXTERNAL",
                             "SCRAM-SHA-256-PLUS", "GSSAPI", "AHVAZC50ZXN0AHNlY3JldA=="}) {
        auto rig = under_tls();
        const auto said = rig.feed("AUTH "s + name + "\r\n");
        CHECK(said.starts_with("504 5.5.4 "));
        CHECK(said.find(name) == std::string::npos);
    }
    auto rig = under_tls();
    CHECK(rig.feed("AUTH\r\n").starts_with("501 5.5.4 "));
}

TEST_CASE("unknown people and wrong passwords hear the same octets, and each is asked about as denied") {
    std::vector<std::string> logins, said;
    for (const auto* who : {"u@d.test", "nobody@d.test"}) {
        auto rig = under_tls();
        rig.authenticate = [&](const auth_question& asked) {
            if (asked.what == auth_question::kind::denied) logins.emplace_back(asked.login);
            return auth_answer{};
        };
        said.push_back(rig.feed("AUTH PLAIN " + plain(who, "wrong") + "\r\n"));
        CHECK(rig.session().account().empty());
    }
    CHECK(said[0] == "535 5.7.8 The address or the password is not right\r\n");
    CHECK(said[0] == said[1]);
    CHECK(logins == std::vector<std::string>{"u@d.test", "nobody@d.test"});
}

TEST_CASE("an authorization identity of somebody else is denied") {
    auto rig = under_tls();
    CHECK(rig.feed("AUTH PLAIN " + plain("u@d.test", "secret", "admin@d.test") + "\r\n").starts_with("535 "));
}

TEST_CASE("when nobody can say, the client is told to come back") {
    auto rig = under_tls();
    rig.authenticate = [](const auth_question&) {
        auth_answer later;
        later.what = auth_answer::kind::refuse;
        later.with = protocol::make_reply(protocol::reply_id::auth_later);
        return later;
    };
    CHECK(begin(rig).starts_with("454 4.7.0 "));
    CHECK_FALSE(rig.closed());
    CHECK(rig.session().account().empty());
}

TEST_CASE("who guesses too often is cut off") {
    auto rig = under_tls();
    rig.authenticate = [](const auth_question& asked) {
        auth_answer said;
        if (asked.what != auth_question::kind::denied) return said;
        said.what = auth_answer::kind::refuse;
        said.with =
            protocol::make_reply(protocol::reply_id::auth_blocked, {"mx.d.test", "192.0.2.0/24", "later"});
        return said;
    };
    CHECK(rig.feed("AUTH PLAIN " + plain("u@d.test", "wrong") + "\r\n").starts_with("421 4.7.0 "));
    CHECK(rig.closed());
}

TEST_CASE("lines of AUTH may have 12288 octets, and no more is kept of any") {
    SECTION("12288 are looked at") {
        auto rig = under_tls();
        (void)rig.feed("AUTH PLAIN\r\n");
        CHECK(rig.feed(std::string(12288, 'A') + "\r\n").starts_with("5"));
        CHECK_FALSE(rig.closed());
    }
    SECTION("12289 are too many") {
        auto rig = under_tls();
        (void)rig.feed("AUTH PLAIN\r\n");
        CHECK(rig.feed(std::string(12289, 'A') + "\r\n") ==
              "500 5.5.6 Line too long: 12288 octets at most\r\n");
        CHECK(rig.closed());
    }
    SECTION("without an end it is cut off") {
        auto rig = under_tls();
        (void)rig.feed("AUTH PLAIN\r\n");
        std::string said;
        for (int i = 0; i < 16 && !rig.closed(); ++i) said += rig.feed(std::string(1 << 16, 'A'));
        CHECK(said.starts_with("500 5.5.6 "));
        CHECK(rig.closed());
    }
    SECTION("afterwards commands are as short as everywhere") {
        auto rig = under_tls();
        (void)begin(rig);
        CHECK(rig.feed("NOOP " + std::string(3000, 'x') + "\r\n") ==
              "500 5.5.2 Line too long: 2048 octets at most\r\n");
    }
}

TEST_CASE("TLS, once more, forgets who authenticated") {
    // An MX whose AUTH came under TLS can't do STARTTLS again; the end of TLS is the end of the connection.
    auto rig = under_tls();
    (void)begin(rig);
    CHECK(rig.feed("STARTTLS\r\n") == "503 5.5.1 TLS is active already\r\n");
    rig.session().on_tls(true, tls);
    CHECK(rig.session().account().empty());
}

TEST_CASE("what people send has their proof in Received, no Bcc, and their place only where it may be told") {
    for (const bool hidden : {false, true}) {
        auto settings = session_rig::submission_settings();
        settings.hide_client = hidden;
        auto rig = under_tls(settings);
        (void)begin(rig);
        (void)rig.feed("MAIL FROM:<u@d.test>\r\nRCPT TO:<v@d.test>\r\nDATA\r\n");
        std::string stored;
        rig.rule = [&](protocol::question_stage at) {
            if (at == protocol::question_stage::content) stored = rig.session().body();
            return protocol::verdict_answer{};
        };
        (void)rig.feed("From: u@d.test\r\nBcc: secret@x.test,\r\n other@x.test\r\nBCC : y@x.test\r\n"
                       "Resent-Bcc: z@x.test\r\nSubject: s\r\n\r\nBcc: stays\r\n.\r\n");
        REQUIRE(rig.messages().size() == 1);
        CHECK(rig.messages()[0].body == "From: u@d.test\r\nSubject: s\r\n\r\nBcc: stays\r\n");
        CHECK(stored.find("with ESMTPSA id ID1") != std::string::npos);
        CHECK((stored.find("192.0.2.1") == std::string::npos) == hidden);
        CHECK((stored.find("c.test") == std::string::npos) == hidden);
    }
}

TEST_CASE("a time-out in the middle of AUTH ends it") {
    auto rig = under_tls();
    (void)rig.feed("AUTH LOGIN\r\n");
    CHECK(rig.time_out().starts_with("421 "));
    CHECK(rig.closed());
}
