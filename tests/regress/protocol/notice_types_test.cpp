// The types that the parts of a notice declare went by other things than the octets in them.
#include "protocol/mail/dsn.hpp"
#include "protocol/smtp/grammar.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace postern::protocol;

namespace {

struct part {
    std::string type;
    bool eight_bit = false;
    std::string octets;
};

struct made_notice {
    std::vector<dsn_recipient> recipients{{.address = "u@d.test", .status = "5.1.1"}};
    dsn_facts facts{.hostname = "mx.d.test",
                    .id = "1K10ABC",
                    .chance = "0123456789abcdef",
                    .to = "a@s.test",
                    .recipients = {},
                    .returned = "Subject: x\r\n",
                    .what = returned_part::header};

    // The parts; each declares 8bit exactly where it has octets beyond ASCII, and so does the whole.
    std::vector<part> parts() {
        facts.recipients = recipients;
        const auto text = make_dsn(facts);
        constexpr std::string_view boundary = "\r\n--1K10ABC/0123456789abcdef";
        auto at = text.find(boundary);
        const auto header = text.substr(0, text.find("\r\n\r\n"));
        CHECK((header.find("\r\nContent-Transfer-Encoding: 8bit") != std::string::npos) == !is_ascii(text));
        std::vector<part> found;
        for (; at != std::string::npos && text.compare(at + boundary.size(), 2, "\r\n") == 0;) {
            at += boundary.size() + 2;
            const auto end = text.find("\r\n\r\n", at);
            const auto fields = text.substr(at, end - at);
            part one;
            one.type = fields.substr(fields.find("Content-Type: ") + 14);
            one.type = one.type.substr(0, one.type.find("\r\n"));
            one.eight_bit = fields.find("Content-Transfer-Encoding: 8bit") != std::string::npos;
            at = text.find(boundary, end);
            one.octets = text.substr(end + 4, at - end - 4);
            CHECK(one.eight_bit == !is_ascii(one.octets));
            found.push_back(std::move(one));
        }
        REQUIRE(found.size() == 3);
        return found;
    }
};

} // namespace

TEST_CASE("a peer's reply in UTF-8 is told encoded, by what the part declares, and needs no SMTPUTF8") {
    made_notice some;
    some.recipients[0].reply = "550 5.1.1 unbekannter Empf\xc3\xa4nger";
    const auto parts = some.parts();
    CHECK(parts[0].type == "text/plain; charset=utf-8");
    CHECK(parts[0].octets.find("unbekannter Empf=C3=A4nger") != std::string::npos);
    CHECK(parts[1].type == "message/delivery-status");
    CHECK(parts[1].octets.find("unbekannter Empf\\x{E4}nger\r\n") != std::string::npos);
    CHECK(parts[2].type == "text/rfc822-headers");
    CHECK_FALSE(dsn_needs_smtputf8(some.facts));
}

TEST_CASE("an ORCPT in UTF-8 is told in ASCII where the addresses are, and needs no SMTPUTF8") {
    made_notice some;
    some.recipients[0].original = "utf-8;\xc3\xbc@d.test";
    const auto parts = some.parts();
    CHECK(parts[0].type == "text/plain; charset=us-ascii");
    CHECK(parts[1].type == "message/delivery-status");
    CHECK(parts[1].octets.find("Original-Recipient: utf-8; \\x{FC}@d.test\r\n") !=
          std::string::npos); // RFC 6533 §3
    CHECK_FALSE(dsn_needs_smtputf8(some.facts));
}

TEST_CASE("a sender's address beyond ASCII declares nothing for parts that are ASCII") {
    made_notice some;
    some.facts.to = "\xc3\xbc@s.test";
    some.facts.recipients = some.recipients;
    const auto text = make_dsn(some.facts);
    CHECK(text.find("8bit") == std::string::npos);
    CHECK(text.find("charset=us-ascii") != std::string::npos);
    CHECK(dsn_needs_smtputf8(some.facts));
}

TEST_CASE("an ordinary 8-bit message is returned as one: its header says which kind it is") {
    struct row {
        returned_part what;
        std::string_view octets, type;
        bool eight_bit;
    };
    const row rows[] = {
        {returned_part::message, "Subject: x\r\n\r\nbody\r\n", "message/rfc822", false},
        {returned_part::message,
         "Subject: x\r\n\r\nb\xc3\xb6"
         "dy\r\n",
         "message/rfc822", true},
        {returned_part::message,
         "\r\nb\xc3\xb6"
         "dy\r\n",
         "message/rfc822", true},
        {returned_part::message, "Subject: \xc3\xbc\r\n\r\nbody\r\n", "message/global", true},
        {returned_part::message, "Subject: \xc3\xbc", "message/global", true},
        {returned_part::header, "Subject: x\r\n", "text/rfc822-headers", false},
        {returned_part::header, "Subject: \xc3\xbc\r\n", "message/global-headers", true},
    };
    for (const auto& row : rows) {
        made_notice some;
        some.facts.what = row.what;
        some.facts.returned = row.octets;
        const auto returned = some.parts()[2];
        CAPTURE(row.octets);
        CHECK(returned.type == row.type);
        CHECK(returned.eight_bit == row.eight_bit);
    }
}
