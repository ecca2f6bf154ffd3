// Parts are found behind every reading of boundaries, types and headers.
#include "tests/unit/protocol/mime/seen.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol::mime;
using namespace std::string_literals;

namespace {

const std::string part_in_b = "--b\nContent-Disposition: attachment; filename=evil.exe\n\nbody of it\n";

std::string multipart(const std::string& type, const std::string& body) {
    return crlf("Content-Type: " + type + "\n\n" + body);
}

// What a part is, for comparing walks whose numbers differ.
std::multiset<std::string> shape(const seen& told) {
    std::multiset<std::string> lines;
    for (const auto& [id, one] : told.parts) {
        std::string line = std::to_string(int(one.kind)) + one.type + "," + one.encoding + "," + one.octets;
        for (const auto& name : one.names) line += "[" + name + "]";
        lines.insert(line);
    }
    for (const auto what : told.all_found) lines.insert(std::string(name_of(what)));
    return lines;
}

} // namespace

TEST_CASE("an ordinary message is told plainly, and nothing is found") {
    const auto told =
        walked(multipart("multipart/mixed; boundary=\"b\"",
                         "preamble\n--b\nContent-Type: text/plain; charset=utf-8\n\nhello\n--b\n"
                         "Content-Type: application/pdf; name=\"a.pdf\"\n"
                         "Content-Transfer-Encoding: base64\n\nQUJD\nREVG\n--b--\n"));
    CAPTURE(told.findings_text());
    CHECK(told.all_found.empty());
    REQUIRE(told.parts.size() == 4);
    CHECK(told.parts.at(1).kind == part_kind::multipart);
    CHECK(told.parts.at(2).kind == part_kind::preamble);
    CHECK(told.parts.at(2).octets == "preamble");
    CHECK(told.parts.at(3).octets == "hello");
    CHECK(told.parts.at(3).type == "text/plain");
    CHECK(told.parts.at(4).octets == "ABCDEF");
    CHECK(told.parts.at(4).parent == 1);
    CHECK(told.parts.at(4).depth == 1);
    for (const auto& [id, one] : told.parts) CHECK((one.ended && one.alternative_of == 0));
}

TEST_CASE("what ordinary programs write is not odd") {
    const std::string header = GENERATE(values({
        "Content-Type: text/plain; charset=\"utf-8\"; format=flowed; delsp=yes"s,
        "Content-Type: application/pdf;\n\tname=\"Report (final), v.2; new.pdf\"\nContent-Description: Report"s,
        "Content-Disposition: attachment; filename=Report.pdf; size=12;\n creation-date=\"Mon, 01 Jan 2024 00:00:00 GMT\""s,
        "Content-Disposition: attachment; filename=\"Prilohy.pdf\";\n filename*=UTF-8''P%C5%99%C3%ADlohy.pdf"s,
        "Content-Type: multipart/signed; micalg=\"pgp-sha512\"; protocol=\"application/pgp-signature\"; "
        "boundary=\"--b\"\n"
        "\n----b\n\nx\n----b--"s,
        "Content-Type: multipart/report; report-type=delivery-status;\n "
        "boundary=\"=_b\"\n\n--=_b\nContent-Type: "
        "message/delivery-status\n\nReporting-MTA: dns; a.test\n\n--=_b\nContent-Type: text/rfc822-headers\n\nA: b\n\n--=_b--"s,
        "Content-Type: multipart/alternative; boundary=----=_Part_1.2\n\n------=_Part_1.2\nContent-Type: "
        "text/html\n"
        "Content-Transfer-Encoding: quoted-printable\n\n<a href=3D=\n\"x\">\n------=_Part_1.2--"s,
        "Subject: no MIME at all"s,
    }));
    CAPTURE(header);
    const auto told = walked(crlf(header + "\n\nbody -- text\n-- \nsignature\n"));
    CAPTURE(told.findings_text());
    CHECK(told.all_found.empty());
}

TEST_CASE("a part is found whatever its boundary looks like") { // MI-09
    struct row {
        std::string type, body;
    };
    const row one = GENERATE(values<row>({
        {"multipart/mixed; boundary=b", part_in_b + "--b--\n"},
        {"multipart/mixed; boundary=b", part_in_b},
        {"multipart/mixed; boundary='b'", part_in_b + "--b--\n"},
        {"multipart/mixed; boundary=\"b\"(x)", part_in_b + "--b--\n"},
        {"multipart/mixed; boundary=b (x)", part_in_b + "--b--\n"},
        {"multipart/mixed; boundary*0=b", part_in_b + "--b--\n"},
        {"multipart/mixed; boundary*=us-ascii''%62", part_in_b + "--b--\n"},
        {"multipart/mixed; boundary=\"b \"", part_in_b + "--b--\n"},
        {"multipart/mixed; boundary=a; boundary=b", part_in_b + "--b--\n"},
        {"multipart/mixed; boundary=b; boundary=a", part_in_b + "--b--\n"},
        {"multipart/mixed", part_in_b + "--b--\n"},
        {"multipart/mixed; boundary=\"\"", part_in_b + "--b--\n"},
        {"multipart/mixed; boundary=b", "--b \t\n" + part_in_b.substr(4)},
        {"multipart/mixed; boundary=b", "--bx\n" + part_in_b.substr(4)},
        {"multipart/mixed; boundary=b", "--b--x\n" + part_in_b.substr(4)},
        {"multipart/mixed; boundary=b", "--b\n\ntext\n--b--\n" + part_in_b},
        {"multipart/mixed; boundary=b",
         "--b\nContent-Type: multipart/alternative; boundary=b\n\n" + part_in_b + "--b--\n"},
        {"multipart/mixed; boundary=bb",
         "--bb\nContent-Type: multipart/alternative; boundary=b\n\n" + part_in_b + "--b--\n"},
        {"multipart/mixed; boundary=" + std::string(100, 'b'),
         "--" + std::string(100, 'b') + part_in_b.substr(3)},
        {"multi(part)part/mixed; boundary=b", part_in_b}, // MI-10
        {"multipart\\mixed; boundary=b", part_in_b},
        {"multipart/; boundary=b", part_in_b},
        {"; boundary=b", part_in_b},
        {"\rmultipart/mixed; boundary=b", part_in_b},
        {"text/plain\nContent-Type: multipart/mixed; boundary=b", part_in_b},
        {"multipart/mixed; boundary=b\nContent-Type: text/plain", part_in_b},
        {"multipart/mixed; boundary=a\nContent-Type: multipart/mixed; boundary=b", part_in_b},
        {"message/rfc822", "Content-Type: multipart/mixed; boundary=b\n\n" + part_in_b},
        {"message/global", "Content-Type: multipart/mixed; boundary=b\n\n" + part_in_b},
        {"multipart/digest; boundary=d", "--d\n\nContent-Type: multipart/mixed; boundary=b\n\n" + part_in_b},
        {"multipart/mixed; boundary=b\n \t\nX: y", part_in_b},
        {"multipart/mixed; boundary=b\nno colon", part_in_b},
    }));
    CAPTURE(one.type, one.body);
    const auto told = walked(multipart(one.type, one.body));
    CAPTURE(told.findings_text());
    CHECK(told.has_name("evil.exe"));
    CHECK(told.has_octets("body of it"));
}

TEST_CASE("ambiguous structure is found") {
    struct row {
        std::string type, body;
        finding expected;
    };
    const row one = GENERATE(values<row>({
        {"multipart/mixed; boundary=b", part_in_b, finding::unfinished_multipart},
        {"multipart/mixed; boundary=b", part_in_b + "--b--\n" + part_in_b, finding::part_after_end},
        {"multipart/mixed; boundary=b", part_in_b + "--bc\n--b--\n", finding::boundary_ambiguity},
        {"multipart/mixed", part_in_b + "--b--\n", finding::missing_boundary},
        {"multipart/mixed; boundary=a; boundary=b", part_in_b, finding::several_readings},
        {"multipart/mixed; boundary=" + std::string(2000, 'b'), "", finding::overlong_boundary},
        {"multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64", part_in_b,
         finding::encoded_composite},
        {"multipart/mixed; boundary=b", "--b\nContent-Type: text/plain\n--b--\n", finding::unfinished_header},
    }));
    const auto told = walked(multipart(one.type, one.body));
    CAPTURE(one.type, told.findings_text());
    CHECK(told.has(one.expected));
}

TEST_CASE("each of two encodings is followed, around a message too") {
    const auto told =
        walked(crlf("Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 8bit\n\nQUJD\n"));
    REQUIRE(told.parts.size() == 2);
    CHECK(told.parts.at(1).octets == "ABC");
    CHECK(told.parts.at(2).octets == "QUJD\r\n");
    CHECK(told.parts.at(2).alternative_of == 1);
    const auto encoded = walked(crlf("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
                                     "Q29udGVudC1UeXBlOiBhL2I7IG5hbWU9ZXZpbC5leGUKCmJvZHk=\n"));
    CHECK(encoded.has_name("evil.exe"));
    CHECK(encoded.has_octets("body"));
    CHECK(encoded.has(finding::encoded_composite));
}

TEST_CASE("a multipart that says it is base64 is walked as it is too") {
    const auto told =
        walked(multipart("multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64", part_in_b));
    CHECK(told.has_name("evil.exe"));
    CHECK(told.has_octets("body of it"));
}

TEST_CASE("the body may begin at a line that is no field, or behind one of blanks") {
    const auto told = walked(crlf("Content-Type: multipart/mixed; boundary=b\n--b\n"
                                  "Content-Transfer-Encoding: base64\n\nQUJD\n--b--\n"));
    CHECK(std::any_of(told.parts.begin(), told.parts.end(), [](const auto& one) {
        return one.second.kind == part_kind::leaf && one.second.octets == "ABC";
    }));
    CHECK(walked(crlf("A: b\n \nhidden text\n\nbody\n")).has_octets("hidden text\r\n\r\nbody"));
    CHECK(walked(crlf("A: b\n \nC: d\n\nbody\n")).has_octets("C: d"));
}

TEST_CASE("the body may begin where a CR ends an empty line") { // CR CR LF, CR CR, LF CR
    const std::string part = "\r--b\rContent-Disposition: a; filename=evil.exe\r\rbody of it\r--b--\r";
    const std::string message = GENERATE_COPY(values({
        "Content-Type: multipart/mixed; boundary=b\r\r\n" + part,
        "Content-Type: multipart/mixed; boundary=b\r\r" + part,
        "Content-Type: multipart/mixed;\r boundary=b\r\r" + part,
        "A: b\r\nContent-Type: multipart/mixed;\r\n boundary=b\r\r" + part,
        "Content-Type: multipart/mixed; boundary=b\r\n\r" + part,
        "Content-Type: multipart/mixed; boundary=b\n\r" + part,
        "Content-Type: multipart/mixed; boundary=b\r\r\r\nX: y\r\n" + part,
    }));
    CAPTURE(message);
    const auto told = walked(message);
    CAPTURE(told.names());
    CHECK(told.has_name("evil.exe"));
    CHECK(std::any_of(told.parts.begin(), told.parts.end(),
                      [](const auto& one) { return one.second.octets == "body of it"; }));
    CHECK(told.has(finding::bare_line_end));
}

TEST_CASE("parts behind an outer delimiter are found by those who see inner ones only") {
    const auto inner = "--b\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\ntext\n"s;
    const auto hidden = "--i\nContent-Disposition: a; filename=evil.exe\n\nbody of it\n--i--\n"s;
    const auto told = walked(
        multipart("multipart/mixed; boundary=b", inner + "--b\n\nplain\n" + hidden + "--b\n\nlast\n--b--\n"));
    CHECK(told.has_name("evil.exe"));
    CHECK(told.has(finding::unfinished_multipart));
    const auto octets = [&](const std::string& wanted) {
        return std::count_if(told.parts.begin(), told.parts.end(),
                             [&](const auto& one) { return one.second.octets == wanted; });
    };
    CHECK(octets("body of it") == 1);
    CHECK(octets("last") == 1); // the inner one has ended
    CHECK(walked(multipart("multipart/mixed; boundary=b", inner + "--b--\n" + hidden)).has_name("evil.exe"));
}

TEST_CASE("what an old mail program of Sun's sent is split as Mozilla splits it") {
    const auto told =
        walked(crlf("Content-Type: X-sun-attachment\n\n----------\nX-Sun-Data-Type: text\n\ntext\n"
                    "----------\nX-Sun-Data-Name: evil.exe\n\nbody of it\n"));
    CHECK(told.has_name("evil.exe"));
    CHECK(told.has_octets("body of it"));
}

TEST_CASE("a file that clients open as a message is told both ways, and is not odd for that") {
    const auto told = walked(crlf("Content-Type: application/octet-stream; name=a.EML\n\n"
                                  "Content-Type: a/b; name=evil.exe\n\nbody\n"));
    CAPTURE(told.findings_text());
    CHECK(told.has_name("evil.exe"));
    CHECK(told.has_octets("name=evil.exe"));
    CHECK(told.all_found.empty());
}

TEST_CASE("a line that begins like a delimiter stays in the part for those who compare whole lines") {
    const auto told =
        walked(multipart("multipart/mixed; boundary=b", "--b\n\nx\n--bc\ny\n\n--b\n\n\nz\n--b--\n"));
    CHECK(told.has_octets("x\r\n--bc\r\ny\r\n"));
    CHECK(told.has_octets("\r\nz"));
    CHECK(told.has(finding::several_readings));
}

TEST_CASE("preamble and epilogue are told, with files in them") {
    const std::string file = "begin 644 evil.exe\n#0V%T\n`\nend\n";
    const auto told = walked(multipart("multipart/mixed; boundary=b", file + "--b\n\ntext\n--b--\n" + file));
    CHECK(told.has_name("evil.exe"));
    CHECK(told.has(finding::uuencoded));
    CHECK(std::count_if(told.parts.begin(), told.parts.end(), [](const auto& one) {
              return one.second.kind == part_kind::embedded && one.second.octets == "Cat";
          }) == 2);
}

TEST_CASE("a message is the same however it is cut") {
    const std::string message =
        multipart(
            "multipart/mixed; boundary=b; boundary=c",
            "pre\n--b\nContent-Type: text/plain; name=\"a\n .txt\"\nodd\n \nContent-Transfer-Encoding: "
            "quoted-printable\n\nx=3D=\ny=4 =\n--b\n--\n-\n\n--bx\nContent-Transfer-Encoding: base64\n\nQUJ"
            "D\nRA==RQ\n--c\n\nbegin 644 f\n#0V%T\nend\n=ybegin name=y.exe\n--b--\nafter\n--b") +
        "\r\r\n\n--b\rA: b\r\n\r\n\r\rx\x9f\0"s;
    const auto whole = walked(message);
    REQUIRE(whole.parts.size() > 5);
    for (std::size_t cut = 0; cut <= message.size(); ++cut) {
        seen told;
        walker two(told);
        two.feed(std::string_view(message).substr(0, cut));
        two.feed(std::string_view(message).substr(cut));
        two.finish();
        CAPTURE(cut);
        REQUIRE(shape(told) == shape(whole));
    }
    seen told;
    walker by_octets(told);
    for (const char c : message) by_octets.feed({&c, 1});
    by_octets.finish();
    CHECK(shape(told) == shape(whole));
}
