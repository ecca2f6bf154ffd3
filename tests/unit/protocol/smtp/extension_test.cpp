// What EHLO offers, and what MAIL and RCPT parameters do to the envelope.
#include "protocol/smtp/extension.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

using namespace postern::protocol;
using namespace std::string_literals;

namespace {

std::vector<std::string> offered(const extension_context& context) {
    std::vector<std::string> lines;
    for (const extension& row : extensions()) {
        if (!row.offered(context)) continue;
        lines.emplace_back(row.keyword);
        if (row.describe != nullptr) row.describe(context, lines.back());
    }
    return lines;
}

std::optional<parse_errc> apply_mail(const std::string& text, envelope& target) {
    const auto parameters = parse_parameters(text);
    REQUIRE(parameters.has_value());
    const auto applied = apply_mail_parameters(*parameters, target);
    return applied.has_error() ? std::optional(applied.error().what) : std::nullopt;
}

std::optional<parse_errc> apply_rcpt(const std::string& text, recipient& target) {
    const auto parameters = parse_parameters(text);
    REQUIRE(parameters.has_value());
    const auto applied = apply_rcpt_parameters(*parameters, target);
    return applied.has_error() ? std::optional(applied.error().what) : std::nullopt;
}

} // namespace

TEST_CASE("EHLO offers what can be used now", "[extension]") {
    const auto counted = [](const extension_context& context, const std::string& line) {
        const auto lines = offered(context);
        return std::count(lines.begin(), lines.end(), line);
    };
    const extension_context plain{104857600, 1000, true, ""};
    for (const std::string line :
         {"PIPELINING", "SIZE 104857600", "STARTTLS", "8BITMIME", "SMTPUTF8", "CHUNKING", "BINARYMIME", "DSN",
          "ENHANCEDSTATUSCODES", "LIMITS RCPTMAX=1000"}) {
        CAPTURE(line);
        CHECK(counted(plain, line) == 1);
    }
    CHECK(counted(plain, "PRDR") == 0);
    auto apart = plain;
    apart.answers_each = true;
    CHECK(counted(apart, "PRDR") == 1);
    const extension_context encrypted{0, 0, false, "PLAIN LOGIN", false, false};
    CHECK(counted(encrypted, "SIZE 0") == 1);
    CHECK(counted(encrypted, "AUTH PLAIN LOGIN") == 1);
    // What can't be used is not offered.
    for (const std::string& line : offered(plain)) CHECK_FALSE(line.starts_with("AUTH"));
    for (const std::string& line : offered(encrypted)) {
        CHECK_FALSE(line.starts_with("STARTTLS"));
        CHECK_FALSE(line.starts_with("LIMITS"));
        CHECK(line != "SMTPUTF8");
        CHECK(line != "BINARYMIME");
    }
}

TEST_CASE("no keyword stands twice in the table", "[extension]") {
    std::multiset<std::string_view> keywords, mail, rcpt;
    for (const extension& row : extensions()) {
        keywords.insert(row.keyword);
        for (const mail_parameter& parameter : row.mail) mail.insert(parameter.keyword);
        for (const rcpt_parameter& parameter : row.rcpt) rcpt.insert(parameter.keyword);
    }
    for (const auto& all : {keywords, mail, rcpt}) {
        for (const std::string_view keyword : all) CHECK(all.count(keyword) == 1);
    }
    CHECK(mail.size() >= 6);
    CHECK(rcpt.size() >= 2);
}

TEST_CASE("MAIL parameters fill the envelope", "[extension]") {
    envelope target;
    CHECK_FALSE(apply_mail(" SIZE=12345 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ+2B1 AUTH=<>", target));
    CHECK(target.declared_size == 12345);
    CHECK(target.body == body_type::eight_bit_mime);
    CHECK(target.smtputf8);
    CHECK(target.ret == dsn_return::headers);
    CHECK(target.envelope_id == "QQ+1");

    envelope other;
    CHECK_FALSE(apply_mail(" size=18446744073709551615 body=binarymime ret=full", other));
    CHECK(other.declared_size == 18446744073709551615ULL);
    CHECK(other.body == body_type::binary_mime);
    CHECK_FALSE(other.smtputf8);
    CHECK(other.ret == dsn_return::full);

    envelope third;
    third.body = body_type::eight_bit_mime;
    CHECK_FALSE(apply_mail(" BODY=7bit", third));
    CHECK(third.body == body_type::seven_bit);
    CHECK_FALSE(apply_mail("", third));
}

TEST_CASE("a wrong MAIL parameter is told from an unknown one", "[extension]") {
    struct row {
        std::string text;
        parse_errc what;
    };
    const auto [text, what] = GENERATE(values<row>({
        {" FOO=1", parse_errc::unknown_parameter},
        {" FOO", parse_errc::unknown_parameter},
        {" NOTIFY=NEVER", parse_errc::unknown_parameter}, // a RCPT parameter
        {" SIZ=1", parse_errc::unknown_parameter},
        {" SIZE", parse_errc::bad_parameter},
        {" SIZE=x", parse_errc::bad_parameter},
        {" SIZE=-1", parse_errc::bad_parameter},
        {" SIZE=1k", parse_errc::bad_parameter},
        {" SIZE=18446744073709551616", parse_errc::bad_parameter},
        {" SIZE=000000000000000000001", parse_errc::bad_parameter}, // 21 digits
        {" BODY", parse_errc::bad_parameter},
        {" BODY=9BIT", parse_errc::bad_parameter},
        {" SMTPUTF8=1", parse_errc::bad_parameter},
        {" RET", parse_errc::bad_parameter},
        {" RET=ALL", parse_errc::bad_parameter},
        {" ENVID", parse_errc::bad_parameter},
        {" ENVID=a+0D+0Ab", parse_errc::bad_parameter},
        {" ENVID=a+2", parse_errc::bad_parameter},
        {" ENVID=a+FF", parse_errc::bad_parameter},
        {" ENVID=\xc3\xbc", parse_errc::bad_parameter},
        {" ENVID=" + std::string(101, 'e'), parse_errc::bad_parameter},
        {" AUTH", parse_errc::bad_parameter},
        {" AUTH=+3", parse_errc::bad_parameter},
        {" AUTH=a+0D+0Ab", parse_errc::bad_parameter},
    }));
    CAPTURE(text);
    envelope target;
    CHECK(apply_mail(text, target) == what);
}

TEST_CASE("the error says which parameter was wrong", "[extension]") {
    envelope target;
    const auto parameters = parse_parameters(" RET=FULL BODY=7BIT SIZE=x FOO=1");
    const auto applied = apply_mail_parameters(*parameters, target);
    REQUIRE(applied.has_error());
    CHECK(applied.error().what == parse_errc::bad_parameter);
    CHECK(applied.error().offset == 2);
}

TEST_CASE("ENVID fits to its hundredth character", "[extension]") {
    envelope target;
    CHECK_FALSE(apply_mail(" ENVID=" + std::string(100, 'e'), target));
    CHECK(target.envelope_id == std::string(100, 'e'));
}

TEST_CASE("NOTIFY is NEVER or a list", "[extension]") {
    struct row {
        std::string text;
        std::optional<int> notify;
    };
    const auto [text, notify] = GENERATE(values<row>({
        {" NOTIFY=NEVER", dsn_notify::never},
        {" NOTIFY=never", dsn_notify::never},
        {" NOTIFY=SUCCESS", dsn_notify::success},
        {" NOTIFY=FAILURE,DELAY", dsn_notify::failure | dsn_notify::delay},
        {" NOTIFY=Delay,Success,Failure", dsn_notify::success | dsn_notify::failure | dsn_notify::delay},
        {" NOTIFY", std::nullopt},
        {" NOTIFY=,", std::nullopt},
        {" NOTIFY=SUCCESS,", std::nullopt},
        {" NOTIFY=,SUCCESS", std::nullopt},
        {" NOTIFY=NEVER,SUCCESS", std::nullopt},
        {" NOTIFY=SUCCESS,NEVER", std::nullopt},
        {" NOTIFY=NEVER,NEVER", std::nullopt},
        {" NOTIFY=SUCCESS,SUCCESS", std::nullopt},
        {" NOTIFY=ALWAYS", std::nullopt},
        {" NOTIFY=SUCCESS;DELAY", std::nullopt},
    }));
    CAPTURE(text);
    recipient target;
    const auto error = apply_rcpt(text, target);
    if (notify) {
        CHECK_FALSE(error);
        CHECK(target.notify == *notify);
    } else {
        CHECK(error == parse_errc::bad_parameter);
    }
}

TEST_CASE("ORCPT is kept decoded with its type", "[extension]") {
    struct row {
        std::string value, original; // empty: refused
    };
    const auto [value, original] = GENERATE(values<row>({
        {"rfc822;u@d.test", "rfc822;u@d.test"},
        {"RFC822;u+2Btag@d.test", "RFC822;u+tag@d.test"},
        {"rfc822;a;b@d.test", "rfc822;a;b@d.test"},
        {"x400;/S+3Dx/", "x400;/S=x/"},
        {"utf-8;u@d.test", "utf-8;u@d.test"},
        {"utf-8;\\x{FC}@d.test", "utf-8;\xc3\xbc@d.test"},
        {"UTF-8;\\x{20AC}\\x{2B}\\x{1F4E7}\\x{5C}@d.test", "UTF-8;\xe2\x82\xac+\xf0\x9f\x93\xa7\\@d.test"},
        {"utf-8;\xc3\xbc@d.test", "utf-8;\xc3\xbc@d.test"},
        {"utf-8;\\x{10FFFF}", "utf-8;\xf4\x8f\xbf\xbf"},
        {"rfc822", ""},
        {"rfc822;", ""},
        {";u@d.test", ""},
        {"rfc(822;u@d.test", ""},
        {"rfc822;a+0D+0ARCPT", ""},
        {"rfc822;a+", ""},
        {"rfc822;+C3+BC@d.test", ""},
        {"rfc822;\xc3\xbc@d.test", ""},
        {"\xc3\xbc;u@d.test", ""},
        {"utf-8;\\x{D}", ""},
        {"utf-8;\\x{0D}", ""},
        {"utf-8;\\x{85}", ""},
        {"utf-8;\\x{2028}", ""},
        {"utf-8;\\x{202E}", ""},
        {"utf-8;\\x{D800}", ""},
        {"utf-8;\\x{110000}", ""},
        {"utf-8;\\x{410000}", ""}, // would become U+10000 if its top bits were dropped
        {"utf-8;\\x{00000041}", ""},
        {"utf-8;\\x{}", ""},
        {"utf-8;\\x{G1}", ""},
        {"utf-8;\\x{FC", ""},
        {"utf-8;\\xFC", ""},
        {"utf-8;a\\", ""},
        {"rfc822;" + std::string(494, 'x'), ""}, // 501 characters
    }));
    CAPTURE(value);
    recipient target;
    const auto error = apply_rcpt(" ORCPT=" + value, target);
    CHECK(error.has_value() == original.empty());
    CHECK(target.original == original);
}

TEST_CASE("ORCPT fits to its five hundredth character", "[extension]") {
    recipient target;
    CHECK_FALSE(apply_rcpt(" ORCPT=rfc822;" + std::string(493, 'x'), target));
    CHECK(target.original.size() == 500);
}

TEST_CASE("RCPT knows its own parameters only", "[extension]") {
    for (const char* text : {" SIZE=1", " BODY=7BIT", " SMTPUTF8", " RET=FULL", " FOO", " ORCPTX=rfc822;u"}) {
        recipient target;
        CHECK(apply_rcpt(text, target) == parse_errc::unknown_parameter);
    }
    recipient target;
    CHECK_FALSE(apply_rcpt(" NOTIFY=FAILURE ORCPT=rfc822;u@d.test", target));
    CHECK(target.notify == dsn_notify::failure);
    CHECK(target.original == "rfc822;u@d.test");
    CHECK(apply_rcpt(" NOTIFY", target) == parse_errc::bad_parameter);
    CHECK(apply_rcpt(" ORCPT", target) == parse_errc::bad_parameter);
}
