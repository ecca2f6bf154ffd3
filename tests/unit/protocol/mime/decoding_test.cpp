// Encodings are undone as the most lenient client would.
#include "protocol/mime/decoder.hpp"
#include "protocol/mime/encoded_word.hpp"
#include "protocol/mime/names.hpp"
#include "protocol/mime/parameters.hpp"
#include "tests/unit/protocol/mime/seen.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol::mime;
using namespace std::string_literals;

namespace {

struct decoded {
    std::string octets;
    bool faulty = false;
};

decoded decode(encoding how, std::string_view text) {
    decoded made;
    transfer_decoder decoder(how);
    for (const char c : text) decoder.feed({&c, 1}, made.octets);
    decoder.finish(made.octets);
    std::string at_once;
    transfer_decoder whole(how);
    whole.feed(text, at_once);
    whole.finish(at_once);
    CHECK(at_once == made.octets);
    CHECK(whole.faulty() == decoder.faulty());
    made.faulty = decoder.faulty();
    return made;
}

struct row {
    std::string text, octets;
    bool faulty;
};

} // namespace

TEST_CASE("base64 is decoded through whatever is in it") { // MI-07
    const row one = GENERATE(values<row>({
        {"QUJD", "ABC", false},
        {"QUJDRA==", "ABCD", false},
        {"QUJDREU=\r\n", "ABCDE", false},
        {"QU\r\nJ D\tRA=\n=", "ABCD", false},
        {"Q#U.J_D-R%A:=:=", "ABCD", true},
        {"QUI=QUI=", "ABAB", true},
        {"QQ==QQ==", "AA", true},
        {"QUJDRA", "ABCD", true},
        {"QUJDRA=", "ABCD", true},
        {"Q=QUJD", "ABC", true},
        {"=QUJD", "ABC", true},
        {"", "", false},
    }));
    CAPTURE(one.text);
    const auto made = decode(encoding::base64, one.text);
    CHECK(made.octets == one.octets);
    CHECK(made.faulty == one.faulty);
}

TEST_CASE("quoted-printable is decoded where it can be") { // MI-08
    const row one = GENERATE(values<row>({
        {"a=3Db", "a=b", false},
        {"a=3db", "a=b", false},
        {"soft=\r\nbreak", "softbreak", false},
        {"soft=\nbreak", "softbreak", false},
        {"soft= \t \r\nbreak", "softbreak", false},
        {"end=", "end", false},
        {"x=4", "x=4", true},
        {"x=XX", "x=XX", true},
        {"x= 45", "x= 45", true},
        {"x=4=45", "x=4E", true},
        {"==45", "=E", true},
        {"=" + std::string(300, ' ') + "\n", "=" + std::string(300, ' ') + "\n", true},
        {"=\rx", "=\rx", true},
        {"=4\r\n", "=4\r\n", true},
    }));
    CAPTURE(one.text);
    const auto made = decode(encoding::quoted_printable, one.text);
    CHECK(made.octets == one.octets);
    CHECK(made.faulty == one.faulty);
}

TEST_CASE("encoded words are decoded, joined, and left alone when they are none") {
    CHECK(decode_encoded_words("a =?utf-8?Q?b_c?= d") == "a b c d");
    CHECK(decode_encoded_words("=?utf-8?Q?a?= \r\n =?utf-8?B?Yg==?=") == "ab");
    CHECK(decode_encoded_words("=?utf-8?Q?=C5?= =?utf-8?Q?=99?=") == "\xC5\x99");
    CHECK(decode_encoded_words("=?iso-8859-1*en?Q?=E9?=x") == "\xC3\xA9x");
    CHECK(decode_encoded_words("=?utf-8?X?a?= =?") == "=?utf-8?X?a?= =?");
    CHECK(decode_encoded_words("=?utf-8?Q?a?= =?bad") == "a =?bad");
    CHECK(decode_encoded_words("=?utf-8?Q?unended") == "unended");
}

TEST_CASE("a name is what a lenient client makes of it") {
    using names = std::vector<std::string>;
    CHECK(normalised_names("a.txt") == names{"a.txt"});
    CHECK(normalised_names(" \"a.txt. . \"") == names{"a.txt"});
    CHECK(normalised_names("a\x01/b\\c.e\x7fxe") == names{"c.exe", "b\\c.exe"});
    CHECK(normalised_names("evil.exe:ads") == names{"evil.exe:ads", "evil.exe", "ads"});
    CHECK(normalised_names("\xff.exe") == names{"\xff.exe"});
    CHECK(normalised_names("").size() == 1);
    CHECK(normalised_names("a%2Eexe") == names{"a%2Eexe", "a.exe"});
}

TEST_CASE("comments go, quoted parentheses stay") {
    CHECK(without_comments("a(b(c)d\\)e)f") == "af");
    CHECK(without_comments("a\"(b)\"(c)") == "a\"(b)\"");
    CHECK(without_comments("a(never ended") == "a");
    CHECK(without_comments("a)b") == "a)b");
}

TEST_CASE("a file within text is decoded line by line") { // MI-12
    const auto told =
        walked(crlf("Content-Type: text/plain\n\ntext\nbegin 644 my evil.exe\n#0V%T\n#0V%T\n`\nend\ntext\n"));
    REQUIRE(told.parts.size() == 2);
    CHECK(told.parts.at(2).names == std::vector<std::string>{"my evil.exe"});
    CHECK(told.parts.at(2).octets == "CatCat");
    CHECK(told.parts.at(2).parent == 1);
    CHECK(told.parts.at(2).encoding == "uuencode");
    CHECK(told.has(finding::uuencoded));
    CHECK_FALSE(walked("\r\nbegin again\r\nbeginning 644 x\r\n").has(finding::uuencoded));
}

TEST_CASE("an Outlook container is known by its first octets") {
    CHECK(walked(crlf("Content-Type: a/b\nContent-Transfer-Encoding: base64\n\neJ8+IgAA\n"))
              .has(finding::tnef));
    CHECK_FALSE(walked(crlf("Content-Type: a/b\nContent-Transfer-Encoding: base64\n\neJ8+IwAA\n"))
                    .has(finding::tnef));
}

TEST_CASE("every finding has a name of its own") {
    std::set<std::string_view> names;
    for (unsigned i = 0; i < finding_count; ++i) names.insert(name_of(static_cast<finding>(i)));
    CHECK(names.size() == finding_count);
    CHECK(name_of(finding::too_much_work) == "too_much_work");
}
