// BINARYMIME and SMTPUTF8 were offered whatever took the mail in the end, and what Dovecot can't take came
// back: even text that a client had sent as BINARYMIME, as some do with all they send.
#include "tests/support/session_rig.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;
using namespace std::string_literals;
using postern::testing::session_rig;

namespace {

struct needs {
    body_type body = body_type::seven_bit;
    bool smtputf8 = false;
};

// What the message needs when it is committed.
needs needs_of(const std::string& mail, const std::string& rcpt, const std::string& content,
               std::size_t piece) {
    session_rig rig;
    needs found;
    rig.rule = [&](question_stage at) {
        if (at == question_stage::content)
            found = {rig.session().body_needed(), rig.session().smtputf8_needed()};
        return verdict_answer{};
    };
    rig.start();
    const std::string talk = "MAIL FROM:" + mail + "\r\nRCPT TO:" + rcpt + "\r\nBDAT " +
                             std::to_string(content.size()) + " LAST\r\n" + content;
    rig.feed("EHLO c.test\r\n");
    for (std::size_t at = 0; at < talk.size(); at += piece) rig.feed(talk.substr(at, piece));
    REQUIRE(rig.messages().size() == 1);
    return found;
}

} // namespace

TEST_CASE("text that came as BINARYMIME needs no BINARYMIME further on") {
    const std::string line(998, 'x');
    const std::pair<std::string, body_type> rows[] = {
        {"Subject: x\r\n\r\nbody\r\n", body_type::seven_bit},
        {"Subject: x\r\n\r\nbody", body_type::seven_bit},
        {"Subject: x\r\n\r\n\xc3\xbc\r\n", body_type::eight_bit_mime},
        {"Subject: x\r\n\r\n" + line + "\r\n", body_type::seven_bit},
        {"Subject: x\r\n\r\n" + line + "x\r\n", body_type::binary_mime},
        {"Subject: x\r\n\r\n" + line + "x", body_type::binary_mime},
        {"Subject: x\r\n\r\na\nb\r\n", body_type::binary_mime},
        {"Subject: x\r\n\r\na\rb\r\n", body_type::binary_mime},
        {"Subject: x\r\n\r\na\r", body_type::binary_mime},
        {"Subject: x\r\n\r\na\0b\r\n"s, body_type::binary_mime},
    };
    for (const auto& [content, needed] : rows)
        for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
            CAPTURE(content, piece);
            CHECK(needs_of("<a@s.test> BODY=BINARYMIME", "<u@d.test>", content, piece).body == needed);
        }
    // Whether text has 8 bits its octets say, and no client: whoever lacks 8BITMIME is given what it can
    // take, and nobody is given 8 bits without a word.
    for (const auto* said : {"", " BODY=7BIT", " BODY=8BITMIME"}) {
        CHECK(needs_of(std::string("<a@s.test>") + said, "<u@d.test>", "x: \xc3\xbc\r\n", 1000).body ==
              body_type::eight_bit_mime);
        CHECK(needs_of(std::string("<a@s.test>") + said, "<u@d.test>", "x\r\n", 1000).body ==
              body_type::seven_bit);
    }
}

TEST_CASE("a message that is ASCII all over needs no SMTPUTF8 further on") {
    struct row {
        std::string mail, rcpt, content;
        bool needed;
    };
    const row rows[] = {
        {"<a@s.test> SMTPUTF8", "<u@d.test>", "Subject: x\r\n\r\nbody\r\n", false},
        {"<a@s.test>", "<u@d.test>", "Subject: \xc3\xbc\r\n\r\nbody\r\n", false},
        {"<a@s.test> SMTPUTF8", "<u@d.test>", "Subject: \xc3\xbc\r\n\r\nbody\r\n", true},
        {"<\xc3\xbc@s.test> SMTPUTF8", "<u@d.test>", "Subject: x\r\n\r\nbody\r\n", true},
        {"<a@s.test> SMTPUTF8", "<\xc3\xbc@d.test>", "Subject: x\r\n\r\nbody\r\n", true},
        {"<a@s.test> SMTPUTF8", "<u@d.test> ORCPT=utf-8;\xc3\xbc@d.test", "Subject: x\r\n\r\nbody\r\n", true},
    };
    for (const auto& [mail, rcpt, content, needed] : rows) {
        CAPTURE(mail, rcpt, content);
        CHECK(needs_of(mail, rcpt, content, 1000).smtputf8 == needed);
    }
}

TEST_CASE("what the place of delivery can't take is neither offered nor accepted") {
    auto settings = session_rig::default_settings();
    settings.takes_utf8 = settings.takes_binary = false;
    session_rig rig(settings);
    rig.start();
    const auto offer = rig.feed("EHLO c.test\r\n");
    CHECK(offer.find("BINARYMIME") == std::string::npos);
    CHECK(offer.find("SMTPUTF8") == std::string::npos);
    CHECK(offer.find("CHUNKING") != std::string::npos);
    const std::pair<std::string, std::string> rows[] = {
        {"MAIL FROM:<a@s.test> BODY=BINARYMIME\r\n", "501 5.5.4 "},
        {"MAIL FROM:<a@s.test> SMTPUTF8\r\n", "555 5.5.4 "},
        {"MAIL FROM:<\xc3\xbc@s.test> SMTPUTF8\r\n", "555 5.5.4 "},
        {"MAIL FROM:<\xc3\xbc@s.test>\r\n", "553 5.6.7 "},
        {"MAIL FROM:<a@s.test> BODY=8BITMIME\r\n", "250 2.1.0 "},
    };
    for (const auto& [line, answer] : rows) {
        const auto said = rig.feed(line);
        CAPTURE(line, said);
        CHECK(said.starts_with(answer));
    }
    CHECK(rig.feed("RCPT TO:<\xc3\xbc@d.test>\r\n").starts_with("553 5.6.7 "));
}
