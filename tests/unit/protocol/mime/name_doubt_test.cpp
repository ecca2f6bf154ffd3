// What is a name and what only looks like one.
#include "tests/unit/protocol/mime/seen.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol::mime;

namespace {

seen with_header(const std::string& header) { return walked(crlf(header) + "\r\n\r\nbody\r\n"); }

} // namespace

TEST_CASE("a name that holds \"name=\" is no conflict, and what stands behind it is told") {
    const auto told =
        with_header("Content-Type: a/b; name=\"get?id=1&name=report.pdf\"\nContent-Disposition: "
                    "attachment; filename=\"a; filename=b.pdf\"");
    CAPTURE(told.findings_text());
    CHECK_FALSE(told.has(finding::conflicting_values));
    CHECK_FALSE(told.has(finding::malformed_parameter));
    CHECK(told.has_name("report.pdf"));
    CHECK(told.has_name("b.pdf"));
    CHECK(with_header("Content-Type: a/b; name=\"a.txt\"; name=\"b.txt\"").has(finding::conflicting_values));
    CHECK(with_header("Content-Type: a/b; name=\"a.txt; name=b.txt").has(finding::conflicting_values));
}

TEST_CASE("a host is no name of a file, and a path is one without what it asks") {
    CHECK(with_header("Content-Location: http://www.example.com").names().empty());
    CHECK(with_header("Content-Location: https://www.example.com/").names().empty());
    CHECK(with_header("Content-Location: http://h.test/evil.exe?x=a/b.txt").has_name("evil.exe"));
    CHECK(with_header("Content-Location: http://h.test/evil.exe#x").has_name("evil.exe"));
    CHECK(with_header("Content-Location: a/evil.exe").has_name("evil.exe"));
    CHECK(with_header("Content-Location: C:\\x\\evil.exe").has_name("evil.exe"));
    CHECK(with_header("Content-Location: file:///evil.exe").has_name("evil.exe"));
    CHECK(with_header("Content-Location: evil.exe").has_name("evil.exe"));
}

TEST_CASE("what describes a message is its subject, whichever field comes first") {
    CHECK(with_header("Content-Description: Welcome to example.com\nContent-Type: message/rfc822")
              .names()
              .empty());
    CHECK(with_header("Content-Type: message/rfc822\nContent-Description: Welcome to example.com")
              .names()
              .empty());
    CHECK(with_header("Content-Description: evil.exe\nContent-Type: a/b").has_name("evil.exe"));
    CHECK(with_header("Content-Type: message/rfc822\nContent-Type: a/b\nContent-Description: evil.exe")
              .has_name("evil.exe"));
}

TEST_CASE("a file without an ending is called by its type") {
    CHECK(with_header("Content-Type: application/hta").has_name("unnamed.hta"));
    CHECK(with_header(
              "Content-Type: application/x-msdownload; name=setup\nContent-Location: http://h.test/a.txt")
              .has_name("unnamed.exe"));
    CHECK(
        with_header("Content-Type: Text/JavaScript\nContent-Disposition: attachment").has_name("unnamed.js"));
    CHECK_FALSE(with_header("Content-Type: text/javascript; name=a.txt").has_name("unnamed.js"));
    CHECK(with_header("Content-Type: application/pdf").names().empty());
}
