// A primary that refuses the empty sender of a question answers a pipelined RCPT with 503. That reply was
// taken for the recipient's own, and the secondary refused every recipient of the domain as unknown
// (550 5.1.1).
#include "protocol/smtp/client_session.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;

namespace {

recipient_outcome asked_of(const std::string& extensions, const std::string& mail, const std::string& rcpt) {
    client_session session(client_settings{client_protocol::smtp, "mx.s.test"});
    outgoing_message question;
    question.purpose = message_purpose::question;
    question.recipients.push_back({"u@d.test"});
    session.begin(std::move(question));
    for (const auto& reply : {std::string("220 d.test\r\n"), extensions, mail, rcpt}) {
        if (session.next() == client_step::read) session.on_input(reply);
        while (session.next() == client_step::write) session.on_written();
    }
    return session.outcomes().front();
}

} // namespace

TEST_CASE("a refused sender says nothing of a recipient, with PIPELINING or without") {
    const std::string pipelining = "250-d.test\r\n250 PIPELINING\r\n", bare = "250 d.test\r\n";
    for (const auto& extensions : {pipelining, bare}) {
        CAPTURE(extensions);
        const auto refused = asked_of(extensions, "550 5.1.0 no empty senders\r\n", "503 5.5.1 no MAIL\r\n");
        CHECK(refused.what == recipient_outcome::kind::failed);
        CHECK_FALSE(refused.of_recipient);
        const auto unknown = asked_of(extensions, "250 ok\r\n", "550 5.1.1 who\r\n");
        CHECK(unknown.of_recipient);
    }
}
