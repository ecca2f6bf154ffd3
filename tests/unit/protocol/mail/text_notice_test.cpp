// A mail of the server's own: nothing in its text or subject becomes a header field, and lines keep within
// their limits.
#include "protocol/mail/text_notice.hpp"

#include "protocol/mime/decoder.hpp"
#include "protocol/mime/encoded_word.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;
using Catch::Contains;

namespace {

std::string notice(std::string_view subject, std::string_view text, const char* to = "jan@firma.cz") {
    const auto address = parse_address(to).value();
    return make_notice({"mx.test", "ABC123", 1'800'000'000, address, subject, text});
}

std::size_t longest_line(std::string_view text) {
    std::size_t longest = 0;
    while (!text.empty()) {
        const auto end = std::min(text.find("\r\n"), text.size());
        longest = std::max(longest, end);
        text.remove_prefix(std::min(text.size(), end + 2));
    }
    return longest;
}

} // namespace

TEST_CASE("a notice is a whole message that nothing answers") {
    const auto made = notice("Who may write?", "First line\nSecond line\n");
    CHECK(made ==
          "Received: by mx.test (Postern)\r\n\tid ABC123; Fri, 15 Jan 2027 08:00:00 +0000\r\n"
          "From: Postmaster <postmaster@mx.test>\r\nTo: <jan@firma.cz>\r\n"
          "Date: Fri, 15 Jan 2027 08:00:00 +0000\r\nSubject: Who may write?\r\n"
          "Message-ID: <ABC123@mx.test>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
          "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
          "=46irst line\r\nSecond line\r\n");
}

TEST_CASE("what would be a field of the header is text") {
    const auto made =
        notice("x\r\nBcc: v@bank.test", "a\r\nb\r\n\r\nBcc: w@bank.test\n", "\"a, b\"@firma.cz");
    CHECK_THAT(made, !Contains("\nBcc: v@bank.test"));
    CHECK_THAT(made, Contains("Subject: x??Bcc: v@bank.test\r\n"));
    CHECK_THAT(made, Contains("To: <\"a, b\"@firma.cz>\r\n"));
    CHECK(made.find("\nBcc: w@bank.test") > made.find("\r\n\r\n"));
}

TEST_CASE("Czech comes through, in short lines") {
    const std::string text =
        "Smí jan@firma.cz posílat? Příliš žluťoučký kůň úpěl ďábelské ódy, a to opakovaně.\n";
    const auto made =
        notice("Smí jan@firma.cz posílat e-maily jako někdo úplně jiný? Příliš žluťoučký kůň", text);
    CHECK(std::all_of(made.begin(), made.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
    CHECK(longest_line(made) <= 76);
    const auto subject = header_text("Příliš žluťoučký kůň úpěl ďábelské ódy");
    CHECK(longest_line(subject) <= 75);
    CHECK(mime::decode_encoded_words(subject) == "Příliš žluťoučký kůň úpěl ďábelské ódy");
    CHECK(header_text("=?utf-8?q?x?=").starts_with("=?utf-8?q?=3D=3F"));
}

TEST_CASE("quoted-printable keeps blanks at a line's end, and begins no line with a dot or From") {
    CHECK(quoted_printable("a \n") == "a=20\r\n");
    CHECK(quoted_printable(".\nFrom x\n") == "=2E\r\n=46rom x\r\n");
    CHECK(quoted_printable("a=b\n\n") == "a=3Db\r\n\r\n");
    CHECK(quoted_printable("no end") == "no end\r\n");
    CHECK(longest_line(quoted_printable(std::string(500, 'a') + "\n" + std::string(500, '\xc5'))) <= 76);
}
