// Octets, UTF-8, numbers, xtext and text made fit to be shown.
#include "protocol/smtp/grammar.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;
using namespace std::string_literals;
using namespace std::string_view_literals;

TEST_CASE("each of the 256 octets is in the class that RFC 5322 gives it", "[grammar]") {
    constexpr std::string_view atext =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~";
    for (int i = 0; i < 256; ++i) {
        CAPTURE(i);
        const char c = static_cast<char>(i);
        CHECK(is_control(c) == (i < 32 || i == 127));
        CHECK(is_atext(c) == (atext.find(c) != std::string_view::npos));
        const char lower = i >= 'A' && i <= 'Z' ? static_cast<char>(i + 32) : c;
        CHECK(to_lower(c) == lower);
    }
}

TEST_CASE("case is ASCII's case", "[grammar]") {
    CHECK(to_lower("MiXeD-09@[`{\xc3\x9c"sv) == "mixed-09@[`{\xc3\x9c");
    CHECK(equals_ignoring_case("EhLo", "ehlo"));
    CHECK(equals_ignoring_case("", ""));
    CHECK_FALSE(equals_ignoring_case("EHLO", "EHL"));
    CHECK_FALSE(equals_ignoring_case("EHL", "EHLO"));
    CHECK_FALSE(equals_ignoring_case("[", "{"));               // 0x20 apart, and no letters
    CHECK_FALSE(equals_ignoring_case("\xc3\x9c", "\xc3\xbc")); // nor are these
    CHECK_FALSE(equals_ignoring_case("a\0b"sv, "a\0c"sv));
}

TEST_CASE("UTF-8 is well-formed or it is not", "[grammar]") {
    struct row {
        std::string_view text;
        bool valid;
    };
    const auto [text, valid] = GENERATE(values<row>({
        {"", true},
        {"plain", true},
        {"\0"sv, true},
        {"\xc3\xbc", true},
        {"\xe2\x82\xac", true},
        {"\xf0\x9f\x93\xa7", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"\xed\x9f\xbf", true},
        {"\xee\x80\x80", true},
        {"\x80", false},             // a tail alone
        {"\xc3", false},             // cut off
        {"\xe2\x82", false},         //
        {"\xf0\x9f\x93", false},     //
        {"\xc3(", false},            // no tail
        {"\xc0\x80", false},         // overlong NUL
        {"\xc0\xaf", false},         // overlong slash
        {"\xc1\xbf", false},         //
        {"\xe0\x80\xaf", false},     //
        {"\xf0\x80\x80\xaf", false}, //
        {"\xed\xa0\x80", false},     // a surrogate
        {"\xed\xbf\xbf", false},     //
        {"\xf4\x90\x80\x80", false}, // above U+10FFFF
        {"\xf5\x80\x80\x80", false}, //
        {"\xff", false},             //
        {"ok\xfe", false},           //
    }));
    CAPTURE(text);
    CHECK(is_valid_utf8(text) == valid);
    CHECK(is_ascii(text) == (text.find_first_of("\x80\xc0\xc1\xc3\xe0\xe2\xed\xee\xf0\xf4\xf5\xfe\xff") ==
                             std::string_view::npos));
}

TEST_CASE("a number is digits and fits in 64 bits", "[grammar]") {
    struct row {
        std::string_view text;
        std::optional<std::uint64_t> number;
    };
    const auto [text, number] = GENERATE(values<row>({
        {"0", 0},
        {"7", 7},
        {"007", 7},
        {"4294967296", 4294967296ULL},
        {"18446744073709551615", 18446744073709551615ULL},
        {"18446744073709551616", std::nullopt},
        {"18446744073709551620", std::nullopt},
        {"99999999999999999999", std::nullopt},
        {"184467440737095516150", std::nullopt},
        {"", std::nullopt},
        {"-1", std::nullopt},
        {"+1", std::nullopt},
        {" 1", std::nullopt},
        {"1 ", std::nullopt},
        {"0x10", std::nullopt},
        {"1e3", std::nullopt},
        {"1.0", std::nullopt},
        {"1\0"sv, std::nullopt},
        {"\xd9\xa1", std::nullopt}, // an Arabic digit
    }));
    CAPTURE(text);
    CHECK(parse_number(text) == number);
}

TEST_CASE("xtext is decoded, and what it hides is refused", "[grammar]") {
    struct row {
        std::string_view encoded;
        std::string decoded;
    };
    const auto good = GENERATE(values<row>({
        {"", ""},
        {"plain", "plain"},
        {"a+2Bb", "a+b"},
        {"a+3Db", "a=b"},
        {"a+2bb", "a+b"}, // lower case is tolerated
        {"+3C+3E", "<>"},
        {"<>", "<>"},
        {"QQ+20123", "QQ 123"},
        {"+C3+BC", "\xc3\xbc"},
        {"+FF", "\xff"},
    }));
    CAPTURE(good.encoded);
    const auto decoded = decode_xtext(good.encoded);
    REQUIRE(decoded.has_value());
    CHECK(*decoded == good.decoded);
    CHECK(*decode_xtext(encode_xtext(good.decoded)) == good.decoded);
}

TEST_CASE("broken xtext is an error at its octet", "[grammar]") {
    struct row {
        std::string_view encoded;
        parse_errc what;
        std::size_t offset;
    };
    const auto r = GENERATE(values<row>({
        {"+", parse_errc::syntax, 0},
        {"a+", parse_errc::syntax, 1},
        {"a+2", parse_errc::syntax, 1},
        {"a+2G", parse_errc::syntax, 1},
        {"a+ 2", parse_errc::syntax, 1},
        {"a+-1", parse_errc::syntax, 1},
        {"a++2", parse_errc::syntax, 1},
        {"a=b", parse_errc::syntax, 1},
        {"a b", parse_errc::syntax, 1},
        {"a\tb", parse_errc::syntax, 1},
        {"a\0b"sv, parse_errc::syntax, 1},
        {"a\x7f", parse_errc::syntax, 1},
        {"\xc3\xbc", parse_errc::syntax, 0},
        {"a+0D+0Ab", parse_errc::control, 1}, // CVE-2020-28021
        {"ab+00", parse_errc::control, 2},
        {"+7F", parse_errc::control, 0},
        {"+1B[2J", parse_errc::control, 0},
    }));
    CAPTURE(r.encoded);
    const auto decoded = decode_xtext(r.encoded);
    REQUIRE(decoded.has_error());
    CHECK(decoded.error().what == r.what);
    CHECK(decoded.error().offset == r.offset);
}

TEST_CASE("xtext holds nothing but printable ASCII", "[grammar]") {
    CHECK(encode_xtext("a+b=c d\x1b\xff"sv) == "a+2Bb+3Dc+20d+1B+FF");
    std::string every;
    for (int i = 0; i < 256; ++i) every += static_cast<char>(i);
    for (const char c : encode_xtext(every)) CHECK((c > ' ' && c < 127 && c != '='));
}

TEST_CASE("what a peer sent cannot steer a terminal, a log or a header", "[printable]") {
    struct row {
        std::string_view text;
        std::string shown;
    };
    const auto r = GENERATE(values<row>({
        {"plain text, \"quoted\" \\ %n%s", "plain text, \"quoted\" \\ %n%s"},
        {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x93\xa7",
         "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x93\xa7"},
        {"a\r\nb", "a??b"},
        {"a\0b"sv, "a?b"},
        {"a\tb", "a?b"},
        {"\x1b[31mred\x7f", "?[31mred?"},
        {"a\xe2\x80\xa8z\xe2\x80\xa9z", "a?z?z"}, // U+2028, U+2029
        {"\xe2\x80\xaegpj.exe", "?gpj.exe"},      // U+202E turns the rest around
        {"\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad", "????"},
        {"\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9", "????"}, // isolates
        {"\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "???"},                  // the marks
        {"\xc2\x85\xc2\x9b"
         "31m",
         "??31m"}, // NEL, and CSI as C1 controls
        {"\xc2\xa0", "\xc2\xa0"},
        {"\xff\xfe", "??"},
        {"a\xc3", "a?"},
        {"\xc0\xaf", "??"},
        {"\xed\xa0\x80", "???"},
        {"", ""},
    }));
    CAPTURE(r.text);
    CHECK(printable(r.text, 1000) == r.shown);
    CHECK(is_printable(r.text) == (r.text == r.shown));
    CHECK(is_printable(r.shown));
}

TEST_CASE("long text is cut at a character and says so", "[printable]") {
    struct row {
        std::string_view text;
        std::size_t max;
        std::string shown;
    };
    const auto r = GENERATE(values<row>({
        {"abcdef", 6, "abcdef"},
        {"abcdefg", 6, "abc..."},
        {"abcdefg", 4, "a..."},
        {"abcdefg", 3, "..."},
        {"abcdefg", 2, ".."},
        {"abcdefg", 0, ""},
        {"abc", 3, "abc"},
        {"a\xc3\xbc\xc3\xbc", 5, "a\xc3\xbc\xc3\xbc"},
        {"a\xc3\xbc\xc3\xbcxx", 6, "a\xc3\xbc..."},
        {"ab\xc3\xbc\xc3\xbcxx", 6, "ab..."}, // "ü" would not fit whole
        {"\xf0\x9f\x93\xa7\xf0\x9f\x93\xa7", 7, "\xf0\x9f\x93\xa7..."},
        {"\xf0\x9f\x93\xa7\xf0\x9f\x93\xa7", 6, "..."},
    }));
    CAPTURE(r.text, r.max);
    CHECK(printable(r.text, r.max) == r.shown);
}

TEST_CASE("a broken character's octets each become one mark and none is lost at a cut", "[printable]") {
    for (std::size_t max = 0; max < 40; ++max) {
        const std::string shown =
            printable("\xf0\x9f\xff\xe2\x82\xac\xc3\x28\xe2\x80\xa8 and more text that is long", max);
        CHECK(shown.size() <= max);
        CHECK(is_valid_utf8(shown));
    }
}

TEST_CASE("asking a failed parse for its value is our bug and says so", "[grammar]") {
    const auto failed = decode_xtext("+");
    CHECK_THROWS_AS(failed.value(), std::logic_error);
}
