// A blocked extension is seen however the name is written: what any client would show or save is told.
#include "tests/unit/protocol/mime/seen.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol::mime;
using namespace std::string_literals;

namespace {

seen with_header(const std::string& header) { return walked(crlf(header) + "\r\n\r\nbody\r\n"); }

} // namespace

TEST_CASE("evil.exe is seen in every form of its parameter") {
    const std::string disposition = "Content-Disposition: attachment; ",
                      type = "Content-Type: application/x; ";
    const std::string header = GENERATE_COPY(values({
        disposition + "filename=\"evil.exe\"",
        disposition + "filename=evil.exe",
        disposition + "FileName = \"evil.exe\"",
        disposition + "filename*0=\"ev\"; filename*1=\"il.exe\"", // MI-01
        disposition + "filename*1=\"il.exe\"; filename*0=\"ev\"",
        disposition + "filename*0=\"ev\"; filename*2=\"il.exe\"",
        disposition + "filename*0*=utf-8''ev%69; filename*1*=l.exe",
        disposition + "filename*0*=utf-8''ev%69; filename*1=l.exe",
        disposition + "filename*=utf-8''ev%69l.exe",
        disposition + "filename*=ev%69l.exe",
        disposition + "filename*=iso-8859-1'en'evil%2eexe",
        disposition + "filename*=utf-16le''e%00v%00i%00l%00.%00e%00x%00e%00",
        disposition + "filename*=x-unknown''evil.exe",
        disposition + "filename*0=good.txt; filename*0=evil.exe",
        disposition + "filename*1=ev; filename*0=il.exe",
        disposition + "filename*0=a; filename*0=ev; filename*1=il.exe",
        disposition + "filename*0=a; filename*1=b; filename*1=evil.exe",
        disposition + "filename=\"=?utf-8?B?ZXZpbC5leGU=?=\"", // MI-02
        disposition + "filename==?utf-8?B?ZXZpbC5leGU=?=",
        disposition + "filename=\"=?utf-8?Q?evil=2Eexe?=\"",
        disposition + "filename=\"=?utf-8?Q?ev?= =?utf-8?Q?il.exe?=\"",
        disposition + "filename=\"=?utf-8?Q?ev?=\n =?utf-8?B?aWwuZXhl?=\"",
        disposition + "filename=\"=?x-odd?q?evil.exe?=\"",
        disposition + "filename=\"=?utf-16be?B?AGUAdgBpAGwALgBlAHgAZQ==?=\"",
        disposition + "filename=\"=?utf-16be?Q?=00e=00v=00i=00l=00.=00e=00x=00?= =?utf-16be?Q?e?=\"",
        "Content-Disposition: =?utf-8?Q?attachment;_filename=3D=22evil.exe=22?="s,
        type + "name=\"evil.exe\"\nContent-Disposition: attachment; filename=\"a.txt\"", // MI-03
        type + "name=\"a.txt\"\nContent-Disposition: attachment; filename=\"evil.exe\"",
        disposition + "filename=a.txt; filename=evil.exe", // MI-04
        disposition + "filename=a.txt\n" + disposition + "filename=evil.exe",
        disposition + "filename=a.txt; filename*=utf-8''evil.exe",
        disposition + "filename=\"evil.exe.\"", // MI-05
        disposition + "filename=\"evil.exe . .\"",
        disposition + "filename=\"evil.exe\x00.txt\""s,
        disposition + "filename=\"evil.exe%00.txt\"",
        disposition + "filename=\"evil.e\xE2\x80\x8Bxe\"",
        disposition + "filename=\"e\xE2\x80\xAEvil.exe\"",
        disposition + "filename=\"evil\xEF\xBC\x8E"
                      "exe\"",
        disposition + "filename=\"evil.\xEF\xBD\x85\xEF\xBD\x98\xEF\xBD\x85\"",
        disposition + "filename=\"evil\xE3\x80\x82"
                      "exe\"",
        disposition + "filename=\"C:\\temp\\evil.exe\"",
        disposition + "filename=\"../evil.exe\"",
        disposition + "filename=\"evil.exe:ads\"",
        disposition + "filename='evil.exe'",
        disposition + "filename= \"evil.exe\"",
        disposition + "filename=\"evil.\n exe\"",
        disposition + "filename=\"evil.exe",
        disposition + "filename=\"evil\".exe",
        disposition + "filename=\"evi\\l.exe\"",
        disposition + "filename=(comment)evil.exe",
        disposition + "filename(comment)=evil.exe",
        disposition + "filename=evil.exe(comment)",
        disposition + "filename=evil.exe and more",
        disposition + "filename=\"a.txt\" filename=\"evil.exe\"",
        disposition + "foo=\"bar; filename=evil.exe",
        disposition + "filename=\"evil.exe/\"",
        disposition + "filename=\"evil.exe\\\\\"",
        disposition + "filename=\"=?ibm037?B?haWJk0uFp4U=?=\"",
        disposition + "filename=\"=?cp1047?Q?=85=A5=89=93K=85=A7=85?=\"",
        disposition + "filename*=IBM-500''%85%A5%89%93%4B%85%A7%85",
        disposition + "filename=\"=?hz-gb-2312?Q?evil.~{~}exe?=\"",
        disposition + "filename=\"=?csUnicode11UTF7?Q?evil+AC4-exe?=\"",
        disposition + "filename=\"=?utf7?Q?evil+AC4-exe?=\"",
        disposition + "filename=\"=?utf-8*" + std::string(70, 'a') + "?Q?evil=2Eexe?=\"",
        disposition + "filename=\"=?utf-8?B?ZXZpbC5leG?= =?utf-8?B?U=?=\"",
        "Content-Disposition : attachment; filename=evil.exe"s,
        "Content-Disposition: attachment\n ; filename\n =evil.exe"s,
        "Content-Disposition: inline\rContent-Disposition: attachment; filename=evil.exe"s,
        "Content-Description: evil.exe"s,
        "Content-Name: evil.exe"s,
        "X-Sun-Data-Name: =?utf-8?Q?evil=2Eexe?="s,
        "Content-Location: http://h.test/a/evil.exe"s,
    }));
    CAPTURE(header);
    const auto told = with_header(header);
    CAPTURE(told.names());
    CHECK(told.has_name("evil.exe"));
}

TEST_CASE("other names that hide their extension end in it") {
    const std::string name = GENERATE(values({"bad boy.exe"s, "report.pdf.exe"s, "CON.exe"s}));
    CHECK(with_header("Content-Type: a/b; name=" + name).has_name(name));
    CHECK(with_header("Content-Type: a/b; name=\"" + name + "\"").has_name(name));
    CHECK(with_header("Content-Disposition: attachment; filename=\"evil.ex\\\"e\"").has_name("evil.ex\"e"));
    CHECK(with_header("Content-Disposition: attachment; filename=\"=?utf-8?Q?a?b=2Ee=78e?=\"")
              .has_name("a?b.exe"));
    CHECK(with_header("Content-Disposition: attachment; filename=\"\xff evil\xEF\xBC\x8E"
                      "exe\"")
              .has_name("\xff evil.exe"));
}

TEST_CASE("a name is told raw too, and once") {
    const auto told = with_header(
        "Content-Type: a/b; name=\"a.txt\"\nContent-Disposition: attachment; filename=\"a.txt.\"");
    REQUIRE(told.parts.size() == 1);
    CHECK(told.parts.at(1).names == std::vector<std::string>{"a.txt"});
    CHECK(told.parts.at(1).raw_names == std::vector<std::string>{"a.txt"});
    CHECK(told.all_found.empty());
}

TEST_CASE("a name that RFC 2231 cuts into sections is no conflict") {
    const auto told = with_header(
        "Content-Disposition: attachment;\n filename*0*=utf-8''P%C5%99%C3%ADloha;\n filename*1=\" c.pdf\"");
    CAPTURE(told.findings_text());
    CHECK(told.has_name("P\xC5\x99\xC3\xADloha c.pdf"));
    CHECK(told.all_found.empty());
}

TEST_CASE("what is odd about parameters is found") {
    struct row {
        std::string header;
        finding expected;
    };
    const row one = GENERATE(values<row>({
        {"Content-Type: a/b; name=a.txt; name=b.txt", finding::conflicting_values},
        {"Content-Type: text/plain\nContent-Type: a/b", finding::conflicting_fields},
        {"Content-Disposition: inline\nContent-Disposition: attachment", finding::conflicting_fields},
        {"Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64", finding::conflicting_fields},
        {"Content-Type: a/b; name=\"a.txt", finding::malformed_parameter},
        {"Content-Type: a/b; name=a b.txt", finding::malformed_parameter},
        {"Content-Type: text", finding::malformed_type},
        {"Content-Transfer-Encoding: base32", finding::unknown_encoding},
        {"no colon here", finding::header_without_colon},
        {"A: b\n \t\nC: d", finding::blank_header_line},
        {"Content-Type: message/partial; id=1; number=1", finding::partial_message},
        {"Content-Type: message/external-body; access-type=URL", finding::external_body},
        {"Content-Type: application/ms-tnef", finding::tnef},
        {"Content-Type: a/b; name=WINMAIL.DAT", finding::tnef},
        {"A: b\rC: d", finding::bare_line_end},
        {"A: "s + '\0', finding::nul},
        {"Content-Type: a/b; name=" + std::string(3000, 'a'), finding::overlong_name},
        {"Content-Type: a/b; x=" + std::string(70000, 'a'), finding::overlong_header},
    }));
    const auto told = with_header(one.header);
    CAPTURE(one.header.substr(0, 80), told.findings_text(), name_of(one.expected));
    CHECK(told.has(one.expected));
}

TEST_CASE("names beyond the limit are a finding, the others are told") {
    std::string header = "Content-Disposition: attachment";
    for (int i = 0; i < 30; ++i) header += ";\n filename=\"n" + std::to_string(i) + ".txt\"";
    limits bounds;
    bounds.names = 10;
    const auto told = walked(crlf(header + "\n\n"), bounds);
    CHECK(told.has(finding::too_many_names));
    CHECK(told.parts.at(1).names.size() == 10);
}
