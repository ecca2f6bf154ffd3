// A message whose recipients are more than the server takes at a time (RFC 5321 §4.5.3.1.10, RFC 9422).
#include "client_talk.hpp"

using namespace postern::test;
using script = std::vector<std::string>;

namespace {

script hello(const std::string& extension) {
    return {"S: 220 mx ESMTP", "C: EHLO mx.d.test", "S: 250-mx", "S: 250-PIPELINING", "S: 250 " + extension};
}

script names(const std::vector<int>& recipients) {
    script made{"C: MAIL FROM:<a@s.test>"};
    for (const int one : recipients) made.push_back("C: RCPT TO:<u" + std::to_string(one) + "@d.test>");
    made.push_back("C: DATA");
    return made;
}

script replies(const std::vector<std::string>& to_recipients, const std::string& to_content) {
    script made{"S: 250 ok"};
    for (const auto& one : to_recipients) made.push_back("S: " + one);
    return made + script{"S: 354 go", "<content>", "S: " + to_content};
}

const std::string enough = "452 4.5.3 too many recipients";

} // namespace

TEST_CASE("those who are too many for a transaction have another one at once") {
    for (const auto& one_too_many : {enough, std::string("452 too many"), std::string("552 too many"),
                                     std::string("451 4.5.3 enough"), std::string("552 5.5.3 too many")}) {
        CAPTURE(one_too_many);
        const auto done =
            played(settings(), message_to(4),
                   hello("8BITMIME") + names({0, 1, 2, 3}) +
                       replies({"250 ok", "550 5.1.1 no", one_too_many, one_too_many}, "250 one") +
                       names({2, 3}) + replies({"250 ok", "250 ok"}, "250 two") + script{"<idle>"});
        CHECK(kinds(done) == std::vector{kind::delivered, kind::failed, kind::delivered, kind::delivered});
        CHECK(done.outcomes()[0].text == "250 one");
        CHECK(done.outcomes()[3].text == "250 two");
    }
}

TEST_CASE("the first recipient of a transaction is not one too many, nor is one whose mailbox is full") {
    const auto alone =
        played(settings(), message_to(1),
               hello("8BITMIME") + names({0}) +
                   script{"S: 250 ok", "S: " + enough, "S: 503 nobody", "C: RSET", "S: 250 ok", "<idle>"});
    CHECK(kinds(alone) == std::vector{kind::deferred});
    const auto full =
        played(settings(), message_to(3),
               hello("8BITMIME") + names({0, 1, 2}) +
                   replies({"250 ok", "452 4.2.2 full", "552 5.2.2 full"}, "250 ok") + script{"<idle>"});
    CHECK(kinds(full) == std::vector{kind::delivered, kind::deferred, kind::failed});
    // Without an enhanced code nobody knows; as the first it is told what it is.
    const auto unclear =
        played(settings(), message_to(2),
               hello("8BITMIME") + names({0, 1}) + replies({"250 ok", "552 full"}, "250 ok") + names({1}) +
                   script{"S: 250 ok", "S: 552 full", "S: 503 nobody", "C: RSET", "S: 250 ok", "<idle>"});
    CHECK(kinds(unclear) == std::vector{kind::delivered, kind::failed});
}

TEST_CASE("who has trouble with the content isn't given it again for the rest") {
    const auto begun = hello("8BITMIME") + names({0, 1});
    const auto later = played(settings(), message_to(2),
                              begun + replies({"250 ok", enough}, "451 4.3.0 later") + script{"<idle>"});
    CHECK(kinds(later) == std::vector{kind::deferred, kind::deferred});
    const auto never = played(settings(), message_to(2),
                              begun + replies({"250 ok", enough}, "554 5.7.1 spam for this one") +
                                  names({1}) + replies({"250 ok"}, "250 ok") + script{"<idle>"});
    CHECK(kinds(never) == std::vector{kind::failed, kind::delivered});
}

TEST_CASE("a connection that breaks in a later transaction leaves the earlier ones alone", "[CL-07]") {
    const auto first = hello("8BITMIME") + names({0, 1}) + replies({"250 ok", enough}, "250 ok") + names({1});
    const auto rest = replies({"250 ok"}, "250 ok");
    for (std::size_t steps = 0; steps < rest.size(); ++steps) {
        conversation talk(settings());
        talk.session.begin(message_to(2));
        talk.play(first + script(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(steps)));
        CHECK(talk.fault == "");
        talk.session.on_lost("the connection broke");
        CHECK(kinds(talk.session) == std::vector{kind::delivered, kind::deferred});
        CHECK(talk.session.outcomes()[1].perhaps_delivered == (steps + 1 == rest.size()));
    }
    // Whoever was not in the transaction whose answer is missing has no copy.
    conversation talk(settings());
    talk.session.begin(message_to(2));
    talk.play(hello("8BITMIME") + names({0, 1}) +
              script{"S: 250 ok", "S: 250 ok", "S: " + enough, "S: 354 go", "<content>"});
    talk.session.on_lost("the connection broke");
    CHECK(talk.session.outcomes()[0].perhaps_delivered);
    CHECK_FALSE(talk.session.outcomes()[1].perhaps_delivered);
}

TEST_CASE("the recipients of a transaction are never more than the server says it takes", "[limits]") {
    for (const auto* limits : {"LIMITS RCPTMAX=2", "limits X=y MAILMAX=9 rcptmax=2"}) {
        const auto done = played(settings(), message_to(5),
                                 hello(limits) + names({0, 1}) + replies({"250 ok", "250 ok"}, "250 ok") +
                                     names({2, 3}) + replies({"550 no", "250 ok"}, "250 ok") + names({4}) +
                                     replies({"250 ok"}, "250 ok") + script{"<idle>"});
        CHECK(kinds(done) ==
              std::vector{kind::delivered, kind::delivered, kind::failed, kind::delivered, kind::delivered});
        CHECK_FALSE(done.is_spent());
    }
    for (const auto* none : {"LIMITS", "LIMITS RCPTMAX=0", "LIMITS RCPTMAX=x", "LIMITS RCPTMAX",
                             "LIMITS RCPTMAX=99999999999999999999999"})
        CHECK(kinds(played(settings(), message_to(2),
                           hello(none) + names({0, 1}) + replies({"250 ok", "250 ok"}, "250 ok") +
                               script{"<idle>"})) == std::vector{kind::delivered, kind::delivered});
}

TEST_CASE("recipients of more domains than a server takes at a time go apart", "[limits]") {
    auto message = message_to(4);
    message.recipients[1].address = "x@other.test";
    message.recipients[2].address = "u2@D.TEST";
    const auto done = played(settings(), message,
                             hello("LIMITS RCPTDOMAINMAX=1") +
                                 script{"C: MAIL FROM:<a@s.test>", "C: RCPT TO:<u0@d.test>",
                                        "C: RCPT TO:<u2@D.TEST>", "C: RCPT TO:<u3@d.test>", "C: DATA"} +
                                 replies({"250 ok", "250 ok", "250 ok"}, "250 ok") +
                                 script{"C: MAIL FROM:<a@s.test>", "C: RCPT TO:<x@other.test>", "C: DATA"} +
                                 replies({"250 ok"}, "250 ok") + script{"<idle>"});
    CHECK(kinds(done) == std::vector{kind::delivered, kind::delivered, kind::delivered, kind::delivered});
}

TEST_CASE("a connection has no more transactions than the server says it takes", "[limits]") {
    conversation talk(settings());
    talk.session.begin(message_to(3));
    talk.play(hello("LIMITS RCPTMAX=1 MAILMAX=2") + names({0}) + replies({"250 ok"}, "250 ok") + names({1}) +
              replies({"250 ok"}, "250 ok") + script{"<idle>"});
    CHECK(talk.fault == "");
    CHECK(kinds(talk.session) == std::vector{kind::delivered, kind::delivered, kind::unasked});
    CHECK(talk.session.is_spent());
    talk.session.begin(message_to(1));
    CHECK(kinds(talk.session) == std::vector{kind::unasked});
    talk.session.quit();
    talk.play({"C: QUIT", "S: 221 bye", "<end>"});
    CHECK(talk.fault == "");
}

TEST_CASE("limits that were told in plain are forgotten under TLS", "[limits][CL-01]") {
    const script plain{"S: 220 x",        "C: EHLO mx.d.test", "S: 250-x", "S: 250-LIMITS RCPTMAX=1",
                       "S: 250 STARTTLS", "C: STARTTLS",       "S: 220 go"};
    const script secured{"<tls>", "C: EHLO mx.d.test", "S: 250-x", "S: 250 PIPELINING"};
    const auto done = played(settings(client_protocol::smtp, client_tls::when_offered), message_to(2),
                             plain + secured + names({0, 1}));
    CHECK_FALSE(done.fault());
}

TEST_CASE("who has had enough of a connection at the next message's MAIL is asked over another") {
    conversation talk(settings());
    talk.session.begin(message_to(1));
    talk.play(hello("8BITMIME") + names({0}) + replies({"250 ok"}, "250 ok"));
    talk.session.begin(message_to(1));
    talk.play(names({0}) + script{"S: 421 4.7.0 too many messages", "<end>"});
    CHECK(talk.fault == "");
    CHECK(kinds(talk.session) == std::vector{kind::unasked});
    // Whoever says so at the first has no other word for a new one.
    const auto first = played(settings(), message_to(1),
                              hello("8BITMIME") + names({0}) + script{"S: 421 4.3.2 closing", "<end>"});
    CHECK(kinds(first) == std::vector{kind::deferred});
}

TEST_CASE("a server that says 421 to the content has not taken it", "[CL-07]") {
    const auto done =
        played(settings(), message_to(1),
               hello("8BITMIME") + names({0}) + replies({"250 ok"}, "421 4.3.2 closing") + script{"<end>"});
    CHECK(kinds(done) == std::vector{kind::deferred});
    CHECK_FALSE(done.outcomes()[0].perhaps_delivered);
}

TEST_CASE("a question asks once for all") {
    auto question = message_to(2);
    question.purpose = message_purpose::question;
    const auto done = played(settings(), question,
                             hello("8BITMIME") + script{"C: MAIL FROM:<a@s.test>", "C: RCPT TO:<u0@d.test>",
                                                        "C: RCPT TO:<u1@d.test>", "S: 250 ok", "S: 250 ok",
                                                        "S: " + enough, "C: RSET", "S: 250 ok", "<idle>"});
    CHECK(kinds(done) == std::vector{kind::taken, kind::deferred});
}

TEST_CASE("a message that is larger than the server takes is not offered to it", "[size]") {
    auto message = message_to(2);
    message.size = 1001;
    const auto done = played(settings(), message, pipelined_hello + script{"<idle>"});
    CHECK(kinds(done) == std::vector{kind::failed, kind::failed});
    CHECK(done.outcomes()[0].status == enhanced_code{5, 3, 4});
    CHECK_FALSE(done.outcomes()[0].said_by_peer);
    message.size = 1000;
    CHECK_FALSE(
        played(settings(), message, pipelined_hello + script{"C: MAIL FROM:<a@s.test> SIZE=1000"}).fault());
    message.size = 1'000'000'000;
    for (const auto* any : {"SIZE", "SIZE 0", "SIZE x"})
        CHECK_FALSE(played(settings(), message,
                           {"S: 220 x", "C: EHLO mx.d.test", "S: 250-x", std::string("S: 250 ") + any,
                            "C: MAIL FROM:<a@s.test> SIZE=1000000000"})
                        .fault());
}

TEST_CASE("text goes by BDAT where it is offered, and not before a recipient was taken", "[chunking]") {
    const script group{"C: MAIL FROM:<a@s.test>", "C: RCPT TO:<u0@d.test>"};
    const auto done =
        played(settings(), message_to(1),
               hello("CHUNKING") + group +
                   script{"S: 250 ok", "S: 250 ok", "C: BDAT 123 LAST", "<chunk>", "S: 250 ok", "<idle>"});
    CHECK(kinds(done) == std::vector{kind::delivered});
    const auto nobody = played(settings(), message_to(1),
                               hello("CHUNKING") + group +
                                   script{"S: 250 ok", "S: 550 no", "C: RSET", "S: 250 ok", "<idle>"});
    CHECK(kinds(nobody) == std::vector{kind::failed});
    auto needed = settings();
    needed.chunks = client_chunks::when_needed;
    CHECK_FALSE(played(needed, message_to(1), hello("CHUNKING") + group + script{"C: DATA"}).fault());
}

TEST_CASE("who offers CHUNKING and knows no BDAT is asked over another connection", "[chunking]") {
    const script sent{"C: MAIL FROM:<a@s.test>",
                      "C: RCPT TO:<u0@d.test>",
                      "S: 250 ok",
                      "S: 250 ok",
                      "C: BDAT 123 LAST",
                      "<chunk>"};
    for (const auto* reply : {"500 what", "502 5.5.1 no", "503 5.5.1 bad sequence"}) {
        const auto done = played(settings(), message_to(1),
                                 hello("CHUNKING") + sent + script{std::string("S: ") + reply, "<end>"});
        CHECK(kinds(done) == std::vector{kind::unasked});
        CHECK(done.fault()->what == trouble_kind::no_chunks);
        CHECK_FALSE(done.outcomes()[0].perhaps_delivered);
    }
    const auto spam =
        played(settings(), message_to(1), hello("CHUNKING") + sent + script{"S: 554 no", "<idle>"});
    CHECK(kinds(spam) == std::vector{kind::failed});
}

TEST_CASE("8-bit text for a server without 8BITMIME is to be encoded, and has no size before", "[8bit]") {
    auto message = message_to(1);
    message.body = body_type::eight_bit_mime;
    const auto plain = played(settings(), message,
                              {"S: 220 x", "C: EHLO mx.d.test", "S: 250-x", "S: 250-CHUNKING", "S: 250 SIZE",
                               "C: MAIL FROM:<a@s.test>", "S: 250 ok", "C: RCPT TO:<u0@d.test>", "S: 250 ok",
                               "C: DATA", "S: 354 go"});
    CHECK(plain.next() == client_step::send_content);
    CHECK(plain.sends_seven_bit());
    const auto able =
        played(settings(), message, hello("8BITMIME") + script{"C: MAIL FROM:<a@s.test> BODY=8BITMIME"});
    CHECK_FALSE(able.sends_seven_bit());
    CHECK_FALSE(
        played(settings(), message_to(1), {"S: 220 x", "C: EHLO mx.d.test", "S: 250 x"}).sends_seven_bit());
}

TEST_CASE("content that can't be sent to a server fails, and the connection ends", "[8bit]") {
    conversation talk(settings());
    talk.session.begin(message_to(2));
    talk.play(hello("DSN") + names({0, 1}) +
              script{"S: 250 ok", "S: 250 ok", "S: 550 5.1.1 no", "S: 354 go"});
    talk.session.on_content_unfit({5, 6, 3}, "it is signed");
    talk.must_do("<end>");
    CHECK(talk.fault == "");
    CHECK(kinds(talk.session) == std::vector{kind::failed, kind::failed});
    CHECK(talk.session.outcomes()[0].status == enhanced_code{5, 6, 3});
    CHECK(talk.session.outcomes()[1].status == enhanced_code{5, 1, 1});
}

TEST_CASE("who refuses a content before its end is believed, and who takes it then is not", "[CL-07]") {
    struct row {
        std::string reply; // "" = none: the connection is at its end
        kind first;
    };
    for (const auto& [reply, first] :
         {row{"552 5.3.4 too big", kind::failed}, row{"452 4.3.1 full", kind::deferred},
          row{"250 ok", kind::deferred}, row{"421 bye", kind::deferred}, row{"", kind::deferred}}) {
        CAPTURE(reply);
        conversation talk(settings());
        talk.session.begin(message_to(2));
        talk.play(hello("8BITMIME") + names({0, 1}) +
                  script{"S: 250 ok", "S: 250 ok", "S: 550 5.1.1 no", "S: 354 go"});
        talk.session.on_content_broken();
        if (reply.empty())
            talk.session.on_lost("the connection broke");
        else
            talk.hear(reply + "\r\n");
        talk.must_do("<end>");
        CHECK(talk.fault == "");
        CHECK(kinds(talk.session) == std::vector{first, kind::failed});
        CHECK_FALSE(talk.session.outcomes()[0].perhaps_delivered);
    }
    // In one read with the consent.
    for (const auto& [reply, first] : {row{"550 5.3.0 no", kind::failed}, row{"250 ok", kind::deferred}}) {
        conversation talk(settings());
        talk.session.begin(message_to(1));
        talk.play(hello("8BITMIME") + names({0}) + script{"S: 250 ok", "S: 250 ok"});
        talk.hear("354 go\r\n" + reply + "\r\n");
        talk.must_do("<end>");
        CHECK(talk.fault == "");
        CHECK(kinds(talk.session) == std::vector{first});
    }
}
