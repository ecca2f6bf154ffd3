// Notices about what became of a message: their form by RFC 3464, and that nothing a peer said gets out of
// its place.
#include "protocol/mail/dsn.hpp"

#include "protocol/smtp/grammar.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace postern::protocol;

namespace {

constexpr std::string_view header = "Message-ID: <1@s.test>\r\nSubject: hello\r\n";

struct made_of {
    std::vector<dsn_recipient> recipients{{.address = "u@d.test",
                                           .original = "rfc822;info@d.test",
                                           .action = dsn_action::failed,
                                           .status = "5.2.2",
                                           .remote_host = "lmtp.d.test",
                                           .reply = "552 5.2.2 mailbox full",
                                           .last_attempt = 1'795'505'800,
                                           .retry_until = 0}};
    dsn_facts facts{.hostname = "mx.d.test",
                    .id = "1K10ABC",
                    .about = "1K10ABB",
                    .chance = "0123456789abcdef",
                    .now = 1'795'505'838,
                    .to = "a@s.test",
                    .envelope_id = "QQ314159",
                    .arrived = 1'795'500'000,
                    .recipients = {},
                    .returned = header,
                    .what = returned_part::header};

    std::string make() {
        facts.recipients = recipients;
        return make_dsn(facts);
    }
};

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
std::size_t count(const std::string& text, std::string_view part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
}

} // namespace

TEST_CASE("a failure is told with all that RFC 3464 asks for", "[dsn]") {
    const auto text = made_of{}.make();
    for (const std::string_view part :
         {"From: Mail Delivery System <MAILER-DAEMON@mx.d.test>\r\n", "To: <a@s.test>\r\n",
          "Subject: Undelivered Mail Returned to Sender\r\n", "Message-ID: <1K10ABC@mx.d.test>\r\n",
          "Auto-Submitted: auto-replied\r\n",
          "report-type=delivery-status;\r\n\tboundary=\"1K10ABC/0123456789abcdef\"\r\n",
          "Content-Type: text/plain; charset=us-ascii\r\n", "Content-Type: message/delivery-status\r\n",
          "Content-Type: text/rfc822-headers\r\n",
          "\r\n\r\nOriginal-Envelope-Id: QQ314159\r\nReporting-MTA: dns; mx.d.test\r\nArrival-Date: ",
          "\r\n\r\nOriginal-Recipient: rfc822; info@d.test\r\nFinal-Recipient: rfc822; u@d.test\r\nAction: "
          "failed\r\n"
          "Status: 5.2.2\r\nRemote-MTA: dns; lmtp.d.test\r\nDiagnostic-Code: smtp; 552 5.2.2 mailbox full\r\n"
          "Last-Attempt-Date: Tue, 24 Nov 2026 07:36:40 +0000\r\nFinal-Log-ID: 1K10ABB\r\n\r\n--",
          "Subject: hello\r\n"}) {
        CAPTURE(part);
        CHECK(count(text, part) == 1);
    }
    CHECK_FALSE(has(text, "Will-Retry-Until"));
    CHECK(count(text, "--1K10ABC/0123456789abcdef\r\n") == 3);
    CHECK(text.ends_with("\r\n--1K10ABC/0123456789abcdef--\r\n"));
    CHECK(is_ascii(text));
}

TEST_CASE("the subject names the worst that happened", "[dsn]") {
    made_of some;
    some.recipients.push_back({.address = "v@d.test", .action = dsn_action::delayed, .status = "4.2.0"});
    some.recipients.push_back({.address = "w@d.test", .action = dsn_action::delivered, .status = "2.1.5"});
    CHECK(has(some.make(), "Subject: Undelivered Mail Returned to Sender\r\n"));
    some.recipients.erase(some.recipients.begin());
    some.recipients[0].retry_until = 1'795'900'000;
    const auto delayed = some.make();
    CHECK(has(delayed, "Subject: Delayed Mail (still being retried)\r\n"));
    CHECK(count(delayed, "Will-Retry-Until: Sat, 28 Nov 2026 21:06:40 +0000\r\n") == 1);
    some.recipients.erase(some.recipients.begin());
    CHECK(has(some.make(), "Subject: Successful Mail Delivery Report\r\n"));
}

TEST_CASE("what a peer said can't end a part, begin a field or grow without bound", "[dsn][IN-03]") {
    made_of hostile;
    hostile.recipients[0].reply =
        "550 x\r\n\r\n--1K10ABC/0123456789abcdef\r\nAction: delivered\r\n\x1b[2J\xff";
    hostile.recipients[0].remote_host = "a\r\nStatus: 2.0.0";
    hostile.recipients[0].original = "x\r\ny;z\r\nw";
    hostile.recipients[0].address = "\"a\r\nb\"@d.test";
    hostile.recipients[0].status = "2.0.0\r\nX: y";
    hostile.facts.envelope_id = "e\r\nX: y";
    hostile.facts.to = "a\r\nBcc: b@s.test";
    const auto text = hostile.make();
    CHECK(count(text, "\r\n--1K10ABC/0123456789abcdef\r\n") == 3);
    for (const std::string_view forged :
         {"\nAction: delivered", "\nStatus: 2.0.0", "\nX: y", "\nBcc:", "\x1b", "\nb\"@", "\nw"}) {
        CAPTURE(forged);
        CHECK_FALSE(has(text, forged));
    }
    CHECK(has(text, "Status: 5.0.0\r\n"));
    const std::string endless(1'000'000, 'x');
    hostile.recipients[0].reply = endless;
    hostile.recipients[0].address = endless;
    const auto bounded = hostile.make();
    CHECK(bounded.size() < 10'000);
    for (std::size_t at = 0; at < bounded.size();) {
        const auto end = bounded.find("\r\n", at);
        CHECK(end - at <= 998);
        at = end + 2;
    }
}

TEST_CASE("a status of another form is told as unclear, by what happened", "[dsn]") {
    made_of some;
    for (const std::string_view status :
         {"", "5", "5.1", "5.1.", "3.1.1", "5.1.1.1", "5.1234.1", "x.y.z", "5..1"}) {
        some.recipients[0].status = status;
        CAPTURE(status);
        CHECK(has(some.make(), "Status: 5.0.0\r\n"));
    }
    some.recipients[0].status = "5.999.123";
    CHECK(has(some.make(), "Status: 5.999.123\r\n"));
}

TEST_CASE("addresses beyond ASCII are told by RFC 6533", "[dsn]") {
    made_of some;
    CHECK_FALSE(dsn_needs_smtputf8(some.facts));
    some.recipients[0].address = "\xc3\xbc@d.test";
    const auto text = some.make();
    CHECK(dsn_needs_smtputf8(some.facts));
    CHECK(has(text, "Content-Type: message/global-delivery-status\r\n"));
    CHECK(has(text, "Final-Recipient: utf-8; \xc3\xbc@d.test\r\n"));
    CHECK(has(text, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
                    "quoted-printable\r\n"));
    CHECK(has(text, "\r\n<=C3=BC@d.test>: failed (5.2.2)\r\n"));
}

TEST_CASE("what a peer said beyond ASCII makes no notice that needs 8BITMIME or SMTPUTF8", "[dsn][IN-03]") {
    made_of some;
    some.recipients[0].reply = "550 5.1.1 utilisateur inconnu \xc3\xa0 \xe2\x82\xac \xf0\x9f\x93\xa7 \xff";
    some.recipients[0].original = "utf-8;\xc3\xbc@d.test";
    some.facts.envelope_id = "\xc3\xbc";
    CHECK_FALSE(dsn_needs_smtputf8(some.facts));
    const auto text = some.make();
    CHECK(is_ascii(text));
    CHECK_FALSE(has(text, "8bit"));
    CHECK(has(text, "Content-Type: message/delivery-status\r\n"));
    CHECK(has(text,
              "\r\nDiagnostic-Code: smtp; 550 5.1.1 utilisateur inconnu \\x{E0} \\x{20AC} \\x{1F4E7} ?\r\n"));
    CHECK(has(text, "\r\nOriginal-Recipient: utf-8; \\x{FC}@d.test\r\n"));
    CHECK(has(text, "\r\nOriginal-Envelope-Id: \\x{FC}\r\n"));
    CHECK(has(text, "utilisateur inconnu =C3=A0 =E2=82=AC =F0=9F=93=A7 ?\r\n"));
    std::string endless;
    for (int i = 0; i < 10'000; ++i) endless += "\xc3\xa0";
    some.recipients[0].reply = endless;
    const auto bounded = some.make();
    CHECK(is_ascii(bounded));
    CHECK(bounded.size() < 6'000);
}

TEST_CASE("a hundred recipients fit into one notice", "[dsn][LP-07]") {
    made_of many;
    many.recipients.assign(100, many.recipients[0]);
    CHECK(dsn_recipients_named(many.recipients) == 100);
    CHECK(count(many.make(), "Final-Recipient:") == 100);
}

TEST_CASE("what is returned keeps its octets, and ends before the last boundary", "[dsn]") {
    made_of some;
    const std::string whole = "Subject: \xc3\xbc\r\n\r\nbody without end";
    some.facts.returned = whole;
    some.facts.what = returned_part::message;
    const auto text = some.make();
    CHECK(has(text, "Content-Type: message/global\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + whole +
                        "\r\n\r\n--"));
    some.facts.returned = "Subject: x\r\n\r\nbody\r\n";
    CHECK(has(some.make(), "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nbody\r\n\r\n--"));
    some.facts.returned = "";
    some.facts.what = returned_part::header;
    CHECK(some.make().ends_with(
        "Content-Type: text/rfc822-headers\r\n\r\n\r\n\r\n--1K10ABC/0123456789abcdef--\r\n"));
}

TEST_CASE("a notice about very many recipients is bounded, and counts the rest", "[dsn][LP-07]") {
    made_of many;
    many.recipients.assign(100, many.recipients[0]);
    CHECK(count(many.make(), "Final-Recipient:") > 90);
    many.recipients.assign(100'000, many.recipients[0]);
    const std::string returned(dsn_returned_max, 'x');
    many.facts.returned = returned;
    const auto text = many.make();
    CHECK(text.size() <= dsn_size_max);
    CHECK(has(text, " more recipients.\r\n"));
    const std::string endless(10'000, 'x');
    for (auto& to : many.recipients) to.address = to.reply = to.original = to.remote_host = endless;
    CHECK(many.make().size() <= dsn_size_max);
}

TEST_CASE("of a message only the header is returned, cut at a line", "[dsn]") {
    CHECK(header_to_return("A: b\r\nC: d\r\n\r\nbody\r\n\r\nmore") == "A: b\r\nC: d\r\n");
    CHECK(header_to_return("A: b\r\n") == "A: b\r\n");
    CHECK(header_to_return("\r\nbody") == "");
    CHECK(header_to_return("") == "");
    std::string huge;
    while (huge.size() < 2 * dsn_returned_max) huge += "X-Field: some value\r\n";
    huge += "\r\nbody";
    const auto cut = header_to_return(huge);
    CHECK(cut.size() <= dsn_returned_max);
    CHECK(cut.size() > dsn_returned_max - 30);
    CHECK(cut.ends_with("value\r\n"));
    CHECK(header_to_return(std::string(2 * dsn_returned_max, 'x')) == "");
}
