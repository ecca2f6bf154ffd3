// Parts are encoded for a server without 8BITMIME, and what may not be touched is refused (RFC 6152, RFC
// 2045).
#include "protocol/mime/seven_bit.hpp"

#include <catch2/catch.hpp>

using postern::protocol::mime::seven_bit_writer;

namespace {

struct converted {
    std::string text;
    std::string refusal;
};

converted convert(std::string_view message, std::size_t piece) {
    seven_bit_writer writer;
    converted made;
    bool can = true;
    for (std::size_t at = 0; can && at < message.size(); at += piece)
        can = writer.feed(message.substr(at, piece), made.text);
    if (can) can = writer.finish(made.text);
    CHECK(can == writer.refusal().empty());
    made.refusal = writer.refusal();
    return made;
}

// The same however it is cut, and of seven bits.
converted convert(std::string_view message) {
    const auto whole = convert(message, message.size() + 1);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}}) {
        const auto other = convert(message, piece);
        CHECK(other.refusal == whole.refusal);
        if (whole.refusal.empty()) CHECK(other.text == whole.text);
    }
    for (const char c : whole.text) CHECK(static_cast<unsigned char>(c) < 128);
    return whole;
}

std::string part(std::string_view type, std::string_view encoding, std::string_view body) {
    std::string made = "Content-Type: " + std::string(type) + "\r\n";
    if (!encoding.empty()) made += "Content-Transfer-Encoding: " + std::string(encoding) + "\r\n";
    return made + "\r\n" + std::string(body);
}

const std::string version = "Subject: x\r\nMIME-Version: 1.0\r\n";

} // namespace

TEST_CASE("text becomes quoted-printable", "[seven_bit]") {
    const auto got =
        convert(version + part("text/plain; charset=utf-8", "8bit",
                               "k\xc5\xaf\xc5\x88 = 1\r\n.\r\n..\r\nblank \r\ntab\t\r\n\r\nlast"));
    CHECK(got.refusal == "");
    CHECK(got.text == version + "Content-Type: text/plain; charset=utf-8\r\n"
                                "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                                "k=C5=AF=C5=88 =3D 1\r\n.\r\n..\r\nblank=20\r\ntab=09\r\n\r\nlast=\r\n");
}

TEST_CASE("no line of what was encoded is longer than 76 characters", "[seven_bit]") {
    for (const std::size_t length : {74U, 75U, 76U, 77U, 500U, 998U, 40000U}) {
        std::string body(length, 'a');
        body += "\xc3\xa4 \r\n";
        const auto got = convert(version + part("text/plain", "8bit", body));
        std::string back;
        std::string_view rest = got.text;
        rest.remove_prefix(rest.find("\r\n\r\n") + 4);
        while (!rest.empty()) {
            const auto end = rest.find("\r\n");
            REQUIRE(end != std::string_view::npos);
            CHECK(end <= 76);
            const bool soft = end != 0 && rest[end - 1] == '=';
            back.append(rest.substr(0, soft ? end - 1 : end)).append(soft ? "" : "\r\n");
            rest.remove_prefix(end + 2);
        }
        CHECK(back == std::string(length, 'a') + "=C3=A4=20\r\n");
    }
}

TEST_CASE("a line that is broken for its length begins with no boundary", "[seven_bit]") {
    for (const std::size_t length : {75U, 16384U}) {
        const auto got = convert(
            version +
            part("multipart/mixed; boundary=b", "",
                 "--b\r\n" + part("text/plain", "8bit", std::string(length, 'a') + "--b\r\n\xc3\xa4\r\n") +
                     "--b--\r\n"));
        CHECK(got.refusal == "");
        const auto text = got.text;
        CHECK(text.find("\r\n--b\r\n") == text.rfind("\r\n--b\r\n"));
        CHECK(text.find("=2D-b\r\n=C3=A4\r\n--b--\r\n") != std::string::npos);
    }
}

TEST_CASE("each part is encoded as its type wants it, and no boundary is", "[seven_bit]") {
    const auto got =
        convert(version + part("multipart/mixed; boundary=\"o b\"", "8bit",
                               "preamble\r\n--o b\r\n" + part("text/html", "8bit", "\xc3\xa4\r\n") +
                                   "--o b\r\n" + part("image/x-any", "8bit", "\xff\xfe\r\n\r\n") +
                                   "--o b \t\r\n" + part("text/plain", "base64", "YQ==\r\n") +
                                   "--o b\r\n\r\nno header\r\n--o bx\r\n--o b--\r\nepilogue\r\n"));
    CHECK(got.refusal == "");
    CHECK(got.text ==
          version +
              "Content-Type: multipart/mixed; boundary=\"o b\"\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
              "preamble\r\n--o b\r\n"
              "Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4\r\n"
              "--o b\r\n"
              "Content-Type: image/x-any\r\nContent-Transfer-Encoding: base64\r\n\r\n//4NCg==\r\n"
              "--o b \t\r\n"
              "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n"
              "--o b\r\n"
              "Content-Transfer-Encoding: quoted-printable\r\n\r\nno header\r\n--o bx\r\n"
              "--o b--\r\nepilogue\r\n");
}

TEST_CASE("a header that a boundary cuts off opens no multipart", "[seven_bit]") {
    const std::string text = version + "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                                       "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n--b--\r\nend\r\n";
    CHECK(convert(text).text == text);
    CHECK(convert(text + "--b\r\n\r\n\xc3\xa4\r\n").refusal != "");
}

TEST_CASE("the boundary of an outer multipart ends an inner one that was forgotten", "[seven_bit]") {
    const auto got =
        convert(version + part("multipart/mixed; boundary=out", "",
                               "--out\r\n" +
                                   part("multipart/alternative; boundary=in", "8bit",
                                        "--in\r\n" + part("text/plain", "8bit", "\xc3\xa4\r\n")) +
                                   "--out\r\n" + part("application/x", "7bit", "--in\r\nas it is\r\n") +
                                   "--out--\r\n"));
    CHECK(got.refusal == "");
    CHECK(got.text.ends_with("--out\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
                             "--in\r\nas it is\r\n--out--\r\n"));
}

TEST_CASE("a message that knows no MIME is made one", "[seven_bit]") {
    CHECK(convert("Subject: x\r\n\r\n\xe4\r\n").text ==
          "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n"
          "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E4\r\n");
}

TEST_CASE("long base64 has lines of 76 characters and keeps each octet", "[seven_bit]") {
    const std::string line(57, '\xff');
    const auto got = convert(version + part("application/x", "8bit", line + "\r\nx\r\n"));
    std::string wanted;
    for (int i = 0; i < 19; ++i) wanted += "////";
    CHECK(got.text.ends_with("\r\n\r\n" + wanted + "\r\nDQp4DQo=\r\n"));
}

TEST_CASE("what may not be changed is left alone, and refused where it holds such an octet", "[seven_bit]") {
    struct row {
        const char* type;
        const char* body;
    };
    for (const auto& [type, body] :
         {row{"multipart/signed; boundary=b",
              "--b\r\nContent-Type: text/plain\r\n\r\n%\r\n--b\r\n\r\nsig\r\n--b--\r\n"},
          row{"message/rfc822", "Subject: in\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%\r\n"},
          row{"message/delivery-status", "Reporting-MTA: dns; %\r\n"},
          row{"multipart/mixed", "no boundary\r\n%\r\n"},
          row{"multipart/mixed; boundary=a; boundary=b", "--a\r\n\r\n%\r\n"},
          row{"multipart/mixed; boundary=a",
              "%\r\n--a\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--a--\r\n"},
          row{"multipart/digest; boundary=a", "--a\r\n\r\nSubject: in\r\n\r\n%\r\n--a--\r\n"}}) {
        CAPTURE(type);
        std::string text = body;
        const auto at = text.find('%');
        const auto clean = convert(version + part(type, "8bit", text));
        CHECK(clean.refusal == "");
        CHECK(clean.text == version + part(type, "7bit", text));
        text[at] = '\xe4';
        CHECK(convert(version + part(type, "8bit", text)).refusal ==
              "a part of it that may not be changed holds octets above 127");
    }
    for (const auto* encoding : {"base64", "quoted-printable", "x-own"})
        CHECK(convert(version + part("text/plain", encoding, "\xe4\r\n")).refusal != "");
    CHECK(convert(version + part("application/x", "", "\xe4\r\n")).refusal != "");
}

TEST_CASE("a header that can't be taken in one way is refused", "[seven_bit]") {
    for (const std::string& header :
         {std::string("Subject: \xc3\xa4\r\n"),
          version + "Content-Type: text/plain\r\nContent-Type: text/html\r\n",
          version + "Content-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: 7bit\r\n",
          "X: " + std::string(seven_bit_writer::header_octets_max, 'x') + "\r\n"}) {
        seven_bit_writer writer;
        std::string out;
        CHECK_FALSE(writer.feed(header + "\r\nx\r\n", out));
        CHECK(out == "");
    }
    std::string deep;
    for (std::size_t i = 0; i <= seven_bit_writer::depth_max; ++i)
        deep +=
            part("multipart/mixed; boundary=b" + std::to_string(i), "", "--b" + std::to_string(i) + "\r\n");
    CHECK(convert(version + deep).refusal == "its parts are too deep within each other");
}

TEST_CASE("fields are read folded, commented and in any case", "[seven_bit]") {
    const auto got = convert(version + "content-TYPE: (a) Text/Plain;\r\n charset=utf-8\r\n"
                                       "CONTENT-transfer-encoding : 8BIT (b)\r\n\r\n\xc3\xa4\r\n");
    CHECK(got.text == version + "content-TYPE: (a) Text/Plain;\r\n charset=utf-8\r\n"
                                "Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4\r\n");
}
