// A line that begins a file in text is seen however long it is made, and whatever ends it.
#include "tests/unit/protocol/mime/seen.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol::mime;
using namespace std::string_literals;

namespace {

seen text(const std::string& body) { return walked("Content-Type: text/plain\r\n\r\n" + body); }

const std::string file = "#0V%T\r\n`\r\nend\r\n";

} // namespace

TEST_CASE("blanks don't push the name of a file in text out of sight") {
    const std::string blanks(5000, ' ');
    CHECK(text("begin 644" + blanks + "evil.exe\r\n" + file).has_name("evil.exe"));
    CHECK(text("begin 644 evil.exe" + blanks + "\r\n" + file).has_name("evil.exe"));
    CHECK(
        text("=ybegin line=128 size=3" + blanks + "name=evil.exe\r\nabc\r\n=yend\r\n").has_name("evil.exe"));
    CHECK(text("=ybegin line=128 size=3 name=a.txt\r\nabc\r\n=ybegin line=128 size=3" + blanks +
               "name=evil.exe\r\nabc\r\n=yend\r\n")
              .has_name("evil.exe"));
}

TEST_CASE("a name in text that is cut is overlong") {
    const std::string many(5000, 'a');
    CHECK(text("begin 644 " + many + ".exe\r\n" + file).has(finding::overlong_name));
    CHECK(text("=ybegin line=128 size=3 name=" + many + ".exe\r\nabc\r\n").has(finding::overlong_name));
    CHECK(text("=ybegin line=128 size=3 " + many + " name=evil.exe\r\nabc\r\n").has(finding::overlong_name));
    CHECK_FALSE(text("begin 644 " + std::string(900, 'a') + "\r\n" + file).has(finding::overlong_name));
}

TEST_CASE("a CR alone ends a line of text for some clients") {
    const auto told = text("hi\rbegin 644 evil.exe\r#0V%T\r`\rend\rtext\r");
    CHECK(told.has_name("evil.exe"));
    REQUIRE(told.parts.size() == 2);
    CHECK(told.parts.at(2).octets == "Cat");
    CHECK(text("=ybegin name=evil.exe\rk\r\nkk\r=yend\r").parts.at(2).octets == "AAA");
}

TEST_CASE("a boundary ends at a NUL for some clients") {
    const auto told =
        walked("Content-Type: multipart/mixed; boundary=\"b\0x\"\r\n\r\n--b\r\nContent-Type: a/b; "
               "name=evil.exe\r\n\r\nx\r\n--b--\r\n"s);
    CHECK(told.has_name("evil.exe"));
    CHECK(told.has(finding::conflicting_values));
}
