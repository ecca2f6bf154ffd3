// Command lines taken apart: verbs, other protocols, parameters, BDAT.
#include "protocol/smtp/command.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace Catch {
template <> struct StringMaker<verb> {
    static std::string convert(verb what) { return "verb " + std::to_string(static_cast<int>(what)); }
};
} // namespace Catch

TEST_CASE("a line is a verb and its argument", "[command]") {
    struct row {
        std::string_view line;
        verb what;
        std::string_view name, argument;
    };
    const auto r = GENERATE(values<row>({
        {"HELO a.test", verb::helo, "HELO", "a.test"},
        {"ehlo a.test", verb::ehlo, "ehlo", "a.test"},
        {"MAIL FROM:<a@b.test> SIZE=1", verb::mail, "MAIL", "FROM:<a@b.test> SIZE=1"},
        {"rCpT tO:<\"a b\"@d.test>", verb::rcpt, "rCpT", "tO:<\"a b\"@d.test>"},
        {"DATA", verb::data, "DATA", ""},
        {"DATA ", verb::data, "DATA", ""},
        {"DATA \t  ", verb::data, "DATA", ""},
        {"DATA x", verb::data, "DATA", "x"},
        {"BDAT 5 LAST", verb::bdat, "BDAT", "5 LAST"},
        {"RSET", verb::rset, "RSET", ""},
        {"NOOP a\tb", verb::noop, "NOOP", "a\tb"},
        {"NOOP  two spaces", verb::noop, "NOOP", " two spaces"},
        {"VRFY \xc3\xbc@d.test", verb::vrfy, "VRFY", "\xc3\xbc@d.test"},
        {"HELP MAIL", verb::help, "HELP", "MAIL"},
        {"QUIT", verb::quit, "QUIT", ""},
        {"StartTLS", verb::starttls, "StartTLS", ""},
        {"AUTH PLAIN AGEAYg==", verb::auth, "AUTH", "PLAIN AGEAYg=="},
        {"EXPN list", verb::unimplemented, "EXPN", "list"},
        {"etrn d.test", verb::unimplemented, "etrn", "d.test"},
        {"ATRN", verb::unimplemented, "ATRN", ""},
        {"TURN", verb::unimplemented, "TURN", ""},
        {"SEND FROM:<a@b>", verb::unimplemented, "SEND", "FROM:<a@b>"},
        {"SOML FROM:<a@b>", verb::unimplemented, "SOML", "FROM:<a@b>"},
        {"SAML FROM:<a@b>", verb::unimplemented, "SAML", "FROM:<a@b>"},
        {"BURL imap://x LAST", verb::unimplemented, "BURL", "imap://x LAST"},
        {"XCLIENT ADDR=192.0.2.1", verb::unimplemented, "XCLIENT", "ADDR=192.0.2.1"},
        {"XFORWARD NAME=x", verb::unimplemented, "XFORWARD", "NAME=x"},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2", verb::unimplemented, "PROXY", "TCP4 192.0.2.1 192.0.2.2 1 2"},
        {"", verb::unknown, "", ""},
        {" ", verb::unknown, "", ""},
        {" NOOP", verb::unknown, "", "NOOP"},
        {"NOO", verb::unknown, "NOO", ""},
        {"NOOPS", verb::unknown, "NOOPS", ""},
        {"MAIL\tFROM:<a@b.test>", verb::unknown, "MAIL\tFROM:<a@b.test>", ""},
        {"MAILFROM:<a@b.test>", verb::unknown, "MAILFROM:<a@b.test>", ""},
        {"\xce\x9dOOP", verb::unknown, "\xce\x9dOOP", ""}, // a Greek capital Nu
    }));
    CAPTURE(r.line);
    const command split = split_command(r.line);
    CHECK(split.what == r.what);
    CHECK(split.name == r.name);
    CHECK(split.argument == r.argument);
}

TEST_CASE("a control character makes a line no command", "[command]") {
    const std::string_view line = GENERATE(values<std::string_view>(
        {"NO\0OP"sv, "NOOP\0"sv, "\0NOOP"sv, "EHLO a\0b"sv, "MAIL FROM:<a\0@s.test>"sv, "NOOP \x01",
         "NOOP a\rb", "NOOP a\nb", "NOOP \x7f", "NO\x08OP", "NOOP\t", "NOOP \x1b[2J"}));
    CAPTURE(line);
    CHECK(split_command(line).what == verb::unknown);
}

TEST_CASE("another protocol is recognised by its first line", "[command]") {
    struct row {
        std::string_view line;
        bool foreign;
    };
    const auto [line, foreign] = GENERATE(values<row>({
        {"GET / HTTP/1.1", true},
        {"get / HTTP/1.1", true},
        {"POST /x HTTP/1.1", true},
        {"PUT /x HTTP/1.1", true},
        {"HEAD / HTTP/1.0", true},
        {"DELETE /x HTTP/1.1", true},
        {"OPTIONS * HTTP/1.1", true},
        {"CONNECT mx.test:25 HTTP/1.1", true},
        {"PATCH /x HTTP/1.1", true},
        {"TRACE / HTTP/1.1", true},
        {"PRI * HTTP/2.0", true},
        {"GET ", true},
        {"SSH-2.0-OpenSSH_9.2", true},
        {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"sv, true},
        {"\x16\x03", true},
        {"\x80\x2e\x01\x00\x02"sv, true},
        {"\x80\x2e\x01\x03\x01"sv, true},
        {"GET", false},
        {"GETS x", false},
        {"GET\t/", false},
        {"Host: x", false},
        {"SSH", false},
        {"\x16", false},
        {"\x16\x02\x01", false},
        {"\x80\x2e\x01\x04\x02"sv, false},
        {"\x80\x2e\x02\x00\x02"sv, false},
        {"\x2e\x80\x01\x00\x02"sv, false},
        {"\x80\x2e\x01\x00"sv, false},
        {"NOOP GET / HTTP/1.1", false},
        {"EHLO a", false},
        {"", false},
    }));
    CAPTURE(line);
    CHECK(looks_foreign(line) == foreign);
    CHECK((split_command(line).what == verb::foreign) == foreign);
}

TEST_CASE("a binary talker is recognised before its first line ends", "[command]") {
    const std::string hello = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s;
    for (std::size_t size = 2; size <= hello.size(); ++size) {
        CHECK(looks_foreign(std::string_view(hello).substr(0, size)));
    }
    CHECK(looks_foreign("SSH-"));
    CHECK_FALSE(looks_foreign("SS")); // may be no SSH
}

TEST_CASE("parameters are words with or without a value", "[parameters]") {
    const std::string text = " SIZE=1000 BODY=8BITMIME SMTPUTF8  X-1=<>+3D\xc3\xbc ";
    const auto parameters = parse_parameters(text);
    REQUIRE(parameters.has_value());
    REQUIRE(parameters->size() == 4);
    CHECK((*parameters)[0].keyword == "SIZE");
    CHECK((*parameters)[0].value == "1000");
    CHECK((*parameters)[1].keyword == "BODY");
    CHECK((*parameters)[1].value == "8BITMIME");
    CHECK((*parameters)[2].keyword == "SMTPUTF8");
    CHECK((*parameters)[2].value == std::nullopt);
    CHECK((*parameters)[3].keyword == "X-1");
    CHECK((*parameters)[3].value == "<>+3D\xc3\xbc");
    CHECK((*parameters)[0].keyword.data() == text.data() + 1); // a view, not a copy
    CHECK(parse_parameters("")->empty());
    CHECK(parse_parameters("  ")->empty());
}

TEST_CASE("broken parameters are an error at their octet", "[parameters]") {
    struct row {
        std::string_view text;
        parse_errc what;
        std::size_t offset;
    };
    const auto r = GENERATE(values<row>({
        {"SIZE=1", parse_errc::syntax, 0}, // MAIL FROM:<a@s.test>SIZE=1
        {">", parse_errc::syntax, 0},
        {"\tSIZE=1", parse_errc::syntax, 0},
        {" SIZE=", parse_errc::syntax, 6},
        {" =1", parse_errc::syntax, 1},
        {" =", parse_errc::syntax, 1},
        {" SIZE==1", parse_errc::syntax, 6},
        {" SIZE=1=2", parse_errc::syntax, 6},
        {" -X=1", parse_errc::syntax, 1},
        {" A_B=1", parse_errc::syntax, 1},
        {" A\tB=1", parse_errc::syntax, 1},
        {" SIZE=1\t", parse_errc::syntax, 6},
        {" SIZE=a\0b"sv, parse_errc::syntax, 6},
        {" SIZE=\x7f", parse_errc::syntax, 6},
        {" SIZE=\xff", parse_errc::syntax, 6},
        {" \xc3\xbc=1", parse_errc::syntax, 1},
        {" SIZE=1 SIZE=2", parse_errc::duplicate, 8},
        {" SIZE=1 size=1", parse_errc::duplicate, 8},
        {" SMTPUTF8 BODY=7BIT smtputf8", parse_errc::duplicate, 20},
    }));
    CAPTURE(r.text);
    const auto parameters = parse_parameters(r.text);
    REQUIRE(parameters.has_error());
    CHECK(parameters.error().what == r.what);
    CHECK(parameters.error().offset == r.offset);
}

TEST_CASE("no more parameters than the limit", "[parameters]") {
    std::string text;
    for (std::size_t i = 0; i < parameters_max; ++i) text += " K" + std::to_string(i) + "=v";
    CHECK(parse_parameters(text)->size() == parameters_max);
    const auto parameters = parse_parameters(text + " ONEMORE");
    REQUIRE(parameters.has_error());
    CHECK(parameters.error().what == parse_errc::too_long);
}

TEST_CASE("FROM and TO are found in any case and with spaces after the colon only", "[command]") {
    struct row {
        std::string_view argument, keyword;
        std::optional<std::string_view> rest;
    };
    const auto r = GENERATE(values<row>({
        {"FROM:<a@b>", "FROM", "<a@b>"},
        {"from:<a@b>", "FROM", "<a@b>"},
        {"FROM: <a@b>", "FROM", "<a@b>"},
        {"FROM:   <a@b> X", "FROM", "<a@b> X"},
        {"TO:<a@b>", "TO", "<a@b>"},
        {"FROM:", "FROM", ""},
        {"FROM:  ", "FROM", ""},
        {"FROM:\t<a@b>", "FROM", "\t<a@b>"}, // the path's grammar refuses it
        {"FROM :<a@b>", "FROM", std::nullopt},
        {" FROM:<a@b>", "FROM", std::nullopt},
        {"FROM", "FROM", std::nullopt},
        {"FRO", "FROM", std::nullopt},
        {"FROM<a@b>", "FROM", std::nullopt},
        {"FROMM:<a@b>", "FROM", std::nullopt},
        {"TO:<a@b>", "FROM", std::nullopt},
        {"<a@b>", "FROM", std::nullopt},
        {"", "FROM", std::nullopt},
    }));
    CAPTURE(r.argument);
    const auto rest = after_keyword(r.argument, r.keyword);
    CHECK(rest.has_value() == r.rest.has_value());
    if (rest.has_value() && r.rest) CHECK(*rest == *r.rest);
}

TEST_CASE("a chunk size is exactly known or an error", "[bdat]") {
    struct row {
        std::string_view argument;
        std::optional<std::uint64_t> size;
        bool last;
    };
    const auto r = GENERATE(values<row>({
        {"0", 0, false},
        {"5", 5, false},
        {"5 LAST", 5, true},
        {"5 last", 5, true},
        {"0 LaSt", 0, true},
        {"18446744073709551615", 18446744073709551615ULL, false},
        {"", std::nullopt, false},
        {" ", std::nullopt, false},
        {"LAST", std::nullopt, false},
        {"99999999999999999999 LAST", std::nullopt, false},
        {"18446744073709551616", std::nullopt, false},
        {"-1", std::nullopt, false},
        {"+1", std::nullopt, false},
        {"0x10", std::nullopt, false},
        {"1.5", std::nullopt, false},
        {"5 LASTX", std::nullopt, false},
        {"5 LAS", std::nullopt, false},
        {"5 ", std::nullopt, false},
        {"5  LAST", std::nullopt, false},
        {" 5 LAST", std::nullopt, false},
        {"5 LAST LAST", std::nullopt, false},
        {"5\tLAST", std::nullopt, false},
        {"5LAST", std::nullopt, false},
        {"5 5", std::nullopt, false},
        {"5\0"sv, std::nullopt, false},
    }));
    CAPTURE(r.argument);
    const auto bdat = parse_bdat(r.argument);
    CHECK(bdat.has_value() == r.size.has_value());
    if (bdat.has_value()) {
        CHECK(bdat->size == r.size);
        CHECK(bdat->last == r.last);
    }
}
