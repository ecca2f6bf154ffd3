// What we say to servers, and what becomes of each recipient whatever they answer (CL-01 to CL-07, F-28).
#include "client_talk.hpp"

using namespace postern::test;

TEST_CASE("a message goes one command at a time to a server without PIPELINING", "[client]") {
    const auto done =
        played(settings(), message_to(2),
               {"S: 220 mx ESMTP", "C: EHLO mx.d.test", "S: 250 mx", "C: MAIL FROM:<a@s.test>", "S: 250 ok",
                "C: RCPT TO:<u0@d.test>", "S: 250 ok", "C: RCPT TO:<u1@d.test>", "S: 251 forwarded",
                "C: DATA", "S: 354 go", "<content>", "S: 250 2.0.0 queued", "<idle>"});
    CHECK(kinds(done) == std::vector{kind::delivered, kind::delivered});
    CHECK(done.outcomes()[0].text == "250 2.0.0 queued");
    CHECK(done.outcomes()[0].status == enhanced_code{2, 0, 0});
}

TEST_CASE("with PIPELINING the envelope goes in one group", "[client]") {
    const auto done =
        played(settings(), message_to(2),
               pipelined_hello + std::vector<std::string>{
                                     "C: MAIL FROM:<a@s.test> SIZE=123", "C: RCPT TO:<u0@d.test>",
                                     "C: RCPT TO:<u1@d.test>", "C: DATA", "S: 250 ok", "S: 550 5.1.1 no",
                                     "S: 250 ok", "S: 354 go", "<content>", "S: 250 ok", "<idle>"});
    CHECK(kinds(done) == std::vector{kind::failed, kind::delivered});
    CHECK(done.outcomes()[0].status == enhanced_code{5, 1, 1});
    CHECK(done.outcomes()[0].said_by_peer);
}

TEST_CASE("many recipients go in groups that fit any buffer", "[client]") {
    auto script = pipelined_hello + std::vector<std::string>{"C: MAIL FROM:<a@s.test> SIZE=123"};
    const std::size_t count = recipients_group_max + 1;
    for (std::size_t i = 0; i < recipients_group_max; ++i)
        script.push_back("C: RCPT TO:<u" + std::to_string(i) + "@d.test>");
    for (std::size_t i = 0; i <= recipients_group_max; ++i) script.push_back("S: 250 ok");
    script = script + std::vector<std::string>{"C: RCPT TO:<u100@d.test>",
                                               "C: DATA",
                                               "S: 452 4.2.2 full",
                                               "S: 354 go",
                                               "<content>",
                                               "S: 250 ok",
                                               "<idle>"};
    const auto done = played(settings(), message_to(count), script);
    CHECK(done.outcomes()[0].what == kind::delivered);
    CHECK(done.outcomes()[recipients_group_max].what == kind::deferred);
}

TEST_CASE("LMTP answers for each recipient that it took", "[client][F-28]") {
    const auto done = played(settings(client_protocol::lmtp), message_to(4),
                             {"S: 220 dovecot",
                              "C: LHLO mx.d.test",
                              "S: 250-dovecot",
                              "S: 250 PIPELINING",
                              "C: MAIL FROM:<a@s.test>",
                              "C: RCPT TO:<u0@d.test>",
                              "C: RCPT TO:<u1@d.test>",
                              "C: RCPT TO:<u2@d.test>",
                              "C: RCPT TO:<u3@d.test>",
                              "C: DATA",
                              "S: 250 ok",
                              "S: 250 ok",
                              "S: 550 5.1.1 unknown",
                              "S: 250 ok",
                              "S: 250 ok",
                              "S: 354 go",
                              "<content>",
                              "S: 250 2.0.0 saved",
                              "S: 452 4.2.2 full",
                              "S: 554 5.0.0 never",
                              "<idle>"});
    CHECK(kinds(done) == std::vector{kind::delivered, kind::failed, kind::deferred, kind::failed});
}

TEST_CASE("a connection is used again after a message, whatever became of it", "[client]") {
    for (const auto& first : std::vector<std::vector<std::string>>{
             {"S: 250 ok", "S: 250 ok", "S: 354 go", "<content>", "S: 250 ok"},
             {"S: 250 ok", "S: 550 no", "S: 554 no", "C: RSET", "S: 250 ok"},
             {"S: 450 no", "S: 503 no", "S: 503 no", "C: RSET", "S: 250 ok"},
             {"S: 250 ok", "S: 250 ok", "S: 451 no", "C: RSET", "S: 250 ok"},
             {"S: 250 ok", "S: 550 no", "S: 354 go", "C: .", "S: 554 no valid recipients"}}) { // CL-06
        conversation talk(settings());
        const std::vector<std::string> group{"C: MAIL FROM:<a@s.test> SIZE=123", "C: RCPT TO:<u0@d.test>",
                                             "C: DATA"};
        talk.session.begin(message_to(1));
        talk.play(pipelined_hello + group + first + std::vector<std::string>{"<idle>"});
        talk.session.begin(message_to(1));
        talk.play(group + std::vector<std::string>{"S: 250 ok", "S: 250 ok", "S: 354 go", "<content>",
                                                   "S: 250 ok", "<idle>"});
        CHECK(talk.session.outcomes()[0].what == kind::delivered);
        talk.session.quit();
        talk.play({"C: QUIT", "S: 221 bye", "<end>"});
        CHECK(talk.fault == "");
        CHECK_FALSE(talk.session.fault());
    }
}

TEST_CASE("consent to DATA without a recipient delivers to nobody", "[client][CL-06]") {
    const auto group = pipelined_hello + std::vector<std::string>{"C: MAIL FROM:<a@s.test> SIZE=123",
                                                                  "C: RCPT TO:<u0@d.test>",
                                                                  "C: DATA",
                                                                  "S: 250 ok",
                                                                  "S: 550 5.1.1 no",
                                                                  "S: 354 go",
                                                                  "C: .",
                                                                  "S: 250 ok",
                                                                  "<idle>"};
    CHECK(kinds(played(settings(), message_to(1), group)) == std::vector{kind::failed});
}

TEST_CASE("what a server can't say ends the conversation and delivers nothing", "[client][CL-03][CL-04]") {
    struct row {
        std::vector<std::string> script;
        trouble_kind why;
    };
    const auto envelope = pipelined_hello + std::vector<std::string>{"C: MAIL FROM:<a@s.test> SIZE=123",
                                                                     "C: RCPT TO:<u0@d.test>", "C: DATA"};
    const auto with = [&](const std::vector<std::string>& replies) { return envelope + replies; };
    const std::vector<row> rows{
        {{"S: 221 bye"}, trouble_kind::protocol},
        {{"S: 354 go"}, trouble_kind::protocol},
        {{"S: 421 busy"}, trouble_kind::temporary},
        {{"S: 450 busy"}, trouble_kind::temporary},
        {{"S: 554 no"}, trouble_kind::refused},
        {{"S: 521 no"}, trouble_kind::refused},
        {{"S: hello"}, trouble_kind::protocol},
        {{"S: 220 x", "C: EHLO mx.d.test", "S: 220 x"}, trouble_kind::protocol},
        {{"S: 220 x", "C: EHLO mx.d.test", "S: 354 x"}, trouble_kind::protocol},
        {{"S: 220 x", "C: EHLO mx.d.test", "S: 421 x"}, trouble_kind::temporary},
        {{"S: 220 x", "C: EHLO mx.d.test", "S: 500 x", "C: HELO mx.d.test", "S: 550 x"},
         trouble_kind::refused},
        {with({"S: 354 x"}), trouble_kind::protocol},
        {with({"S: 250 x", "S: 354 x"}), trouble_kind::protocol},
        {with({"S: 250 x", "S: 250 x", "S: 250 x"}), trouble_kind::protocol},
        {with({"S: 250 x", "S: 250 x", "S: 354 x", "<content>", "S: 354 x"}), trouble_kind::protocol},
        {with({"S: 250 x", "S: 250 x", "S: 354 x", "<content>", "S: 421 x"}), trouble_kind::temporary},
        {with({"S: 421 x"}), trouble_kind::temporary}};
    for (const auto& row : rows) {
        CAPTURE(row.script);
        const auto done = played(settings(), message_to(1), row.script + std::vector<std::string>{"<end>"});
        CHECK(kinds(done) == std::vector{kind::deferred});
        REQUIRE(done.fault());
        CHECK(done.fault()->what == row.why);
    }
}

TEST_CASE("a server of old is spoken to with HELO", "[client]") {
    const auto done = played(settings(), message_to(1),
                             {"S: 220 old", "C: EHLO mx.d.test", "S: 500 what", "C: HELO mx.d.test",
                              "S: 250 old", "C: MAIL FROM:<a@s.test>", "S: 250 ok", "C: RCPT TO:<u0@d.test>",
                              "S: 250 ok", "C: DATA", "S: 354 go", "<content>", "S: 250 ok", "<idle>"});
    CHECK(kinds(done) == std::vector{kind::delivered});
}

TEST_CASE("under TLS everything is asked anew, and plain text behind STARTTLS ends it",
          "[client][CL-01][CL-02]") {
    const std::vector<std::string> offer{"S: 220 x",          "C: EHLO mx.d.test", "S: 250-x",
                                         "S: 250-PIPELINING", "S: 250 STARTTLS",   "C: STARTTLS"};
    const auto tls = settings(client_protocol::smtp, client_tls::when_offered);
    const auto done =
        played(tls, message_to(1),
               offer + std::vector<std::string>{"S: 220 go", "<tls>", "C: EHLO mx.d.test", "S: 250 x",
                                                "C: MAIL FROM:<a@s.test>", "S: 250 ok",
                                                "C: RCPT TO:<u0@d.test>", "S: 250 ok", "C: DATA", "S: 354 go",
                                                "<content>", "S: 250 ok", "<idle>"});
    CHECK(kinds(done) == std::vector{kind::delivered});
    CHECK_FALSE(done.offers("PIPELINING"));

    conversation injected(tls);
    injected.session.begin(message_to(1));
    injected.play(offer);
    injected.hear("220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n");
    injected.must_do("<end>");
    CHECK(injected.fault == "");
    CHECK(injected.session.fault()->what == trouble_kind::protocol);

    for (const std::string reply : {"454 not now", "502 no", "354 go", "250 ok"}) {
        const auto refused =
            played(tls, message_to(1), offer + std::vector<std::string>{"S: " + reply, "<end>"});
        CHECK(refused.fault()->what == trouble_kind::no_tls);
        CHECK(kinds(refused) == std::vector{kind::deferred});
    }
    const auto required = settings(client_protocol::smtp, client_tls::required);
    const auto bare = played(required, message_to(1), {"S: 220 x", "C: EHLO mx.d.test", "S: 250 x", "<end>"});
    CHECK(bare.fault()->what == trouble_kind::no_tls);
    const auto old = played(required, message_to(1), {"S: 220 x", "C: EHLO mx.d.test", "S: 500 x", "<end>"});
    CHECK(kinds(old) == std::vector{kind::deferred});
}

TEST_CASE("what the message needs and the server lacks fails at once", "[client]") {
    auto binary = message_to(1);
    binary.body = body_type::binary_mime;
    const auto done = played(settings(), binary, pipelined_hello + std::vector<std::string>{"<idle>"});
    CHECK(kinds(done) == std::vector{kind::failed});
    CHECK(done.outcomes()[0].status == enhanced_code{5, 6, 1});
    auto unicode = message_to(1);
    unicode.needs_smtputf8 = true;
    CHECK(played(settings(), unicode, pipelined_hello + std::vector<std::string>{"<idle>"})
              .outcomes()[0]
              .status == enhanced_code{5, 6, 7});
}

TEST_CASE("binary content goes by BDAT, parameters where they are offered", "[client]") {
    auto message = message_to(1);
    message.body = body_type::binary_mime;
    message.ret = dsn_return::headers;
    message.envelope_id = "a b+c";
    message.recipients[0].notify = dsn_notify::success | dsn_notify::delay;
    message.recipients[0].original = "rfc822;x+y@d.test";
    const auto done = played(
        settings(), message,
        {"S: 220 x", "C: EHLO mx.d.test", "S: 250-x", "S: 250-pipelining", "S: 250-BINARYMIME",
         "S: 250-CHUNKING", "S: 250 DSN", "C: MAIL FROM:<a@s.test> BODY=BINARYMIME RET=HDRS ENVID=a+20b+2Bc",
         "C: RCPT TO:<u0@d.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+2By@d.test", "S: 250 ok", "S: 250 ok",
         "C: BDAT 123 LAST", "<chunk>", "S: 250 ok", "<idle>"});
    CHECK(kinds(done) == std::vector{kind::delivered});
}

TEST_CASE("a connection that breaks at any step leaves no recipient in doubt", "[client][CL-07]") {
    const auto script = pipelined_hello + std::vector<std::string>{"C: MAIL FROM:<a@s.test> SIZE=123",
                                                                   "C: RCPT TO:<u0@d.test>",
                                                                   "C: RCPT TO:<u1@d.test>",
                                                                   "C: DATA",
                                                                   "S: 250 ok",
                                                                   "S: 550 5.1.1 no",
                                                                   "S: 250 ok",
                                                                   "S: 354 go",
                                                                   "<content>",
                                                                   "S: 250 ok"};
    for (std::size_t steps = 0; steps <= script.size(); ++steps) {
        CAPTURE(steps);
        conversation talk(settings());
        talk.session.begin(message_to(2));
        talk.play({script.begin(), script.begin() + static_cast<std::ptrdiff_t>(steps)});
        const bool awaited_answer = talk.session.awaits_final_reply();
        talk.session.on_lost("the connection broke");
        for (const auto& each : talk.session.outcomes()) CHECK(each.what != kind::pending);
        const auto& second = talk.session.outcomes()[1];
        CHECK((second.what == kind::delivered) == (steps == script.size()));
        CHECK(second.perhaps_delivered == awaited_answer);
    }
}

TEST_CASE("a server that goes on talking unasked is left", "[client]") {
    conversation talk(settings());
    talk.session.begin(message_to(1));
    talk.play(pipelined_hello);
    talk.session.on_written();
    talk.session.on_input("250 ok\r\n250 ok\r\n354 go\r\n250 what\r\n");
    CHECK(talk.session.next() == client_step::close);
    CHECK(kinds(talk.session) == std::vector{kind::deferred});
}

TEST_CASE("a question ends behind RCPT, and sends nothing", "[client][LP-04]") {
    auto question = message_to(3);
    question.purpose = message_purpose::question;
    const auto done =
        played(settings(), question,
               pipelined_hello + std::vector<std::string>{"C: MAIL FROM:<a@s.test> SIZE=123",
                                                          "C: RCPT TO:<u0@d.test>", "C: RCPT TO:<u1@d.test>",
                                                          "C: RCPT TO:<u2@d.test>", "S: 250 ok", "S: 250 ok",
                                                          "S: 550 5.1.1 who", "S: 451 4.7.1 later", "C: RSET",
                                                          "S: 250 ok", "<idle>"});
    CHECK(kinds(done) == std::vector{kind::taken, kind::failed, kind::deferred});
    CHECK(done.outcomes()[1].of_recipient);
    const auto one_by_one =
        played(settings(), question,
               {"S: 220 mx", "C: EHLO mx.d.test", "S: 250 mx", "C: MAIL FROM:<a@s.test>", "S: 250 ok",
                "C: RCPT TO:<u0@d.test>", "S: 250 ok", "C: RCPT TO:<u1@d.test>", "S: 550 5.1.1 who",
                "C: RCPT TO:<u2@d.test>", "S: 252 perhaps", "C: RSET", "S: 250 ok", "<idle>"});
    CHECK(kinds(one_by_one) == std::vector{kind::taken, kind::failed, kind::taken});
}

TEST_CASE("who refuses the sender of a question says nothing of the recipient", "[client][LP-04]") {
    auto question = message_to(1);
    question.purpose = message_purpose::question;
    const auto done = played(settings(), question,
                             {"S: 220 mx", "C: EHLO mx.d.test", "S: 250 mx", "C: MAIL FROM:<a@s.test>",
                              "S: 550 no", "C: RSET", "S: 250 ok", "<idle>"});
    CHECK(kinds(done) == std::vector{kind::failed});
    CHECK_FALSE(done.outcomes()[0].of_recipient);
}

TEST_CASE("a server that greets with a name of ours gets no mail: it would come back", "[client][LP-03]") {
    auto ours = settings();
    ours.own_names = {"mx.d.test", "backup.test"};
    for (const auto* greeting : {"S: 220 Backup.TEST ESMTP", "S: 220 mx.d.test"}) {
        const auto done = played(ours, message_to(2), {greeting, "<end>"});
        CHECK(kinds(done) == std::vector{kind::failed, kind::failed});
        CHECK(done.outcomes()[0].status == enhanced_code{5, 4, 6});
        REQUIRE(done.fault());
        CHECK(done.fault()->what == trouble_kind::ourselves);
    }
    for (const auto* greeting : {"S: 220 other.test backup.test", "S: 220 backup.test.other", "S: 220"})
        CHECK_FALSE(played(ours, message_to(1), {greeting, "C: EHLO mx.d.test"}).fault());
}

TEST_CASE("a handshake that fails sends no mail over what is left", "[client][CL-02]") {
    for (const auto how : {client_tls::when_offered, client_tls::required}) {
        conversation talk(settings(client_protocol::smtp, how));
        talk.session.begin(message_to(1));
        talk.play(
            {"S: 220 x", "C: EHLO mx.d.test", "S: 250-x", "S: 250 STARTTLS", "C: STARTTLS", "S: 220 go"});
        REQUIRE(talk.session.next() == client_step::start_tls);
        talk.session.on_tls(false);
        talk.must_do("<end>");
        CHECK(talk.fault == "");
        CHECK(talk.session.fault()->what == trouble_kind::no_tls);
        CHECK(kinds(talk.session) == std::vector{kind::deferred});
    }
}

TEST_CASE("no secret is sent to whoever offers to take one", "[client][CL-09]") {
    for (const auto* offer : {"S: 250 AUTH PLAIN LOGIN", "S: 250 AUTH=PLAIN"})
        CHECK_FALSE(played(settings(), message_to(1),
                           {"S: 220 x", "C: EHLO mx.d.test", "S: 250-x", offer, "C: MAIL FROM:<a@s.test>"})
                        .fault());
}

namespace {

client_settings with_login(client_tls tls = client_tls::required) {
    auto made = settings(client_protocol::smtp, tls);
    made.login = std::make_shared<const client_login>("u@s.test", sasl::secret("secret"));
    return made;
}
const std::vector<std::string> secured{"S: 220 x",    "C: EHLO mx.d.test", "S: 250-x", "S: 250 STARTTLS",
                                       "C: STARTTLS", "S: 220 go",         "<tls>",    "C: EHLO mx.d.test"};
const std::string plain_words = "C: AUTH PLAIN AHVAcy50ZXN0AHNlY3JldA==";

} // namespace

TEST_CASE("a login goes out under TLS, and mail behind it", "[client][CL-09]") {
    const std::vector<std::string> mail{"C: MAIL FROM:<a@s.test>",
                                        "S: 250 ok",
                                        "C: RCPT TO:<u0@d.test>",
                                        "S: 250 ok",
                                        "C: DATA",
                                        "S: 354 go",
                                        "<content>",
                                        "S: 250 ok",
                                        "<idle>"};
    const std::vector<std::vector<std::string>> ways{
        {"S: 250-x", "S: 250 AUTH LOGIN plain", plain_words, "S: 235 2.7.0 in"},
        {"S: 250-x", "S: 250 AUTH CRAM-MD5 LOGIN", "C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6",
         "C: dUBzLnRlc3Q=", "S: 334 UGFzc3dvcmQ6", "C: c2VjcmV0", "S: 235 in"}};
    for (const auto& way : ways)
        CHECK(kinds(played(with_login(), message_to(1), secured + way + mail)) ==
              std::vector{kind::delivered});
}

TEST_CASE("no login goes out in plain text, whatever is offered", "[client][CL-09]") {
    for (const auto* offer : {"S: 250 AUTH PLAIN LOGIN", "S: 250 AUTH=PLAIN"})
        for (const auto tls : {client_tls::required, client_tls::when_offered, client_tls::never}) {
            const auto done = played(with_login(tls), message_to(1),
                                     {"S: 220 x", "C: EHLO mx.d.test", "S: 250-x", offer, "<end>"});
            CHECK(kinds(done) == std::vector{kind::deferred});
            REQUIRE(done.fault());
            CHECK(done.fault()->what == trouble_kind::no_tls);
        }
}

TEST_CASE("what was offered before TLS counts for no login", "[client][CL-09]") {
    const auto done = played(with_login(), message_to(1),
                             {"S: 220 x", "C: EHLO mx.d.test", "S: 250-x", "S: 250-AUTH PLAIN",
                              "S: 250 STARTTLS", "C: STARTTLS", "S: 220 go", "<tls>", "C: EHLO mx.d.test",
                              "S: 250-x", "S: 250 AUTH GSSAPI", "<end>"});
    CHECK(done.outcomes()[0].what == kind::deferred);
    CHECK(done.outcomes()[0].status == enhanced_code{4, 7, 8});
    CHECK(done.outcomes()[0].text == "the server offers neither AUTH PLAIN nor AUTH LOGIN");
}

TEST_CASE("a login that is not taken puts the mail off, whatever the server says", "[client][CL-09]") {
    for (const auto* answer :
         {"S: 535 5.7.8 no", "S: 454 4.7.0 later", "S: 504 5.5.4 unknown", "S: 250 ok", "S: 354 go"}) {
        const auto done = played(with_login(), message_to(1),
                                 secured + std::vector<std::string>{"S: 250-x", "S: 250 AUTH PLAIN",
                                                                    plain_words, answer, "<end>"});
        CHECK(done.outcomes()[0].what == kind::deferred);
        CHECK(done.outcomes()[0].status == enhanced_code{4, 7, 8});
        CHECK(done.outcomes()[0].text.find("secret") == std::string::npos);
        CHECK_FALSE(done.is_ready());
    }
    for (const auto* mechanism : {"PLAIN", "LOGIN"}) {
        auto script = secured + std::vector<std::string>{"S: 250-x", std::string("S: 250 AUTH ") + mechanism};
        if (std::string_view(mechanism) == "LOGIN")
            script = script + std::vector<std::string>{"C: AUTH LOGIN", "S: 334 ",
                                                       "C: dUBzLnRlc3Q=", "S: 334 ", "C: c2VjcmV0"};
        else
            script.push_back(plain_words);
        const auto done =
            played(with_login(), message_to(1), script + std::vector<std::string>{"S: 334 more", "<end>"});
        REQUIRE(done.fault());
        CHECK(done.fault()->what == trouble_kind::protocol);
        CHECK(done.outcomes()[0].what == kind::deferred);
    }
}
