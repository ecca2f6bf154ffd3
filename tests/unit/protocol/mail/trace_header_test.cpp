// The fields that we add: their form, their dates, and that no peer can forge a line or a comment with its
// name.
#include "protocol/mail/trace_header.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>

using namespace postern::protocol;

namespace {

received_facts facts_of(std::string_view helo, bool well_formed) {
    received_facts facts;
    facts.helo = helo;
    facts.helo_well_formed = well_formed;
    facts.client = *ip_address::parse("192.0.2.1");
    facts.by = "mx.d.test";
    facts.with = "ESMTP";
    facts.id = "ID1";
    facts.when = 1'795'497'653;
    return facts;
}

// Every line but the first is folded, so that the whole is one field.
bool is_one_field(std::string_view text) {
    if (!text.ends_with("\r\n")) return false;
    for (std::size_t at = text.find("\r\n"); at + 2 < text.size(); at = text.find("\r\n", at + 2))
        if (text[at + 2] != '\t') return false;
    std::size_t line_ends = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\r' && text[i + 1] == '\n')
            ++line_ends;
        else if (text[i] == '\n' && text[i - 1] == '\r')
            continue;
        else if (static_cast<unsigned char>(text[i]) < 0x20 && text[i] != '\t')
            return false;
    }
    return line_ends > 0;
}

} // namespace

TEST_CASE("Received has the form of RFC 5321 section 4.4") {
    auto facts = facts_of("c.test", true);
    CHECK(received_field(facts) == "Received: from c.test ([192.0.2.1])\r\n"
                                   "\tby mx.d.test (Postern) with ESMTP id ID1;\r\n"
                                   "\tTue, 24 Nov 2026 05:20:53 +0000\r\n");
    facts.client = *ip_address::parse("2001:db8::1");
    facts.client_name = "host.c.test";
    facts.with = "UTF8SMTPS";
    facts.tls = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384";
    facts.only_recipient = "u@d.test";
    CHECK(received_field(facts) == "Received: from c.test (host.c.test [IPv6:2001:db8::1])\r\n"
                                   "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384)\r\n"
                                   "\tby mx.d.test (Postern) with UTF8SMTPS id ID1\r\n"
                                   "\tfor <u@d.test>;\r\n"
                                   "\tTue, 24 Nov 2026 05:20:53 +0000\r\n");
}

TEST_CASE("a HELO that is no domain stands in a comment and cannot leave it") {
    for (const std::string_view hostile :
         {"a)by", "(((", "a\\", "x\r\nFrom: y", "a b", "\x1b[2J", "a)\r\n\r\nbody", "\xff\xfe", ""}) {
        const auto field = received_field(facts_of(hostile, false));
        INFO(field);
        CHECK(is_one_field(field));
        CHECK(field.starts_with("Received: from [192.0.2.1] (helo="));
        const auto line = field.substr(0, field.find("\r\n"));
        CHECK(line.ends_with(" [192.0.2.1])"));
        CHECK(std::count(line.begin(), line.end(), '(') == 1);
        CHECK(std::count(line.begin(), line.end(), ')') == 1);
        CHECK(line.find('\\') == std::string::npos);
    }
}

TEST_CASE("a recipient, a sender or a host name cannot break a field") {
    auto facts = facts_of("c.test", true);
    facts.only_recipient = "\"a\r\nb\"@d.test";
    facts.client_name = "evil)\r\nX: y";
    CHECK(is_one_field(received_field(facts)));
    CHECK(return_path_field("a\r\nX: y@d.test") == "Return-Path: <a??X: y@d.test>\r\n");
    CHECK(return_path_field("") == "Return-Path: <>\r\n");
    CHECK(return_path_field("a@s.test") == "Return-Path: <a@s.test>\r\n");
    CHECK(delivered_to_field("u@d.test\nX: y") == "Delivered-To: u@d.test?X: y\r\n");
}

TEST_CASE("no line of Received is longer than RFC 5322 allows") {
    const std::string long_helo(255, 'h');
    const std::string long_recipient = std::string(64, 'l') + "@" + std::string(255, 'd');
    auto facts = facts_of(long_helo, false);
    facts.only_recipient = long_recipient;
    const auto field = received_field(facts);
    CHECK(field.find(long_recipient) != std::string::npos);
    for (std::size_t at = 0; at < field.size();) {
        const auto end = field.find("\r\n", at);
        CHECK(end - at <= 998);
        at = end + 2;
    }
}

TEST_CASE("dates are right at every edge of the calendar") {
    struct row {
        std::int64_t seconds;
        std::string_view date;
    };
    constexpr auto rows = std::to_array<row>({
        {0, "Thu, 1 Jan 1970 00:00:00 +0000"},
        {-1, "Wed, 31 Dec 1969 23:59:59 +0000"},
        {951'782'400, "Tue, 29 Feb 2000 00:00:00 +0000"},
        {1'709'251'199, "Thu, 29 Feb 2024 23:59:59 +0000"},
        {1'709'251'200, "Fri, 1 Mar 2024 00:00:00 +0000"},
        {2'147'483'647, "Tue, 19 Jan 2038 03:14:07 +0000"},
        {2'147'483'648, "Tue, 19 Jan 2038 03:14:08 +0000"},
        {4'107'542'400, "Mon, 1 Mar 2100 00:00:00 +0000"}, // 2100 is no leap year
        {253'402'300'799, "Fri, 31 Dec 9999 23:59:59 +0000"},
    });
    for (const auto& each : rows) CHECK(mail_date(each.seconds) == each.date);
}

TEST_CASE("the protocol's name says extensions, TLS and UTF-8") {
    struct row {
        greeting_kind greeting;
        bool tls, utf8;
        std::string_view name;
    };
    constexpr auto rows = std::to_array<row>({
        {greeting_kind::none, false, false, "SMTP"},
        {greeting_kind::helo, false, false, "SMTP"},
        {greeting_kind::helo, true, false, "SMTP"},
        {greeting_kind::ehlo, false, false, "ESMTP"},
        {greeting_kind::ehlo, true, false, "ESMTPS"},
        {greeting_kind::ehlo, false, true, "UTF8SMTP"},
        {greeting_kind::ehlo, true, true, "UTF8SMTPS"},
    });
    for (const auto& each : rows) CHECK(with_protocol(each.greeting, each.tls, each.utf8) == each.name);
}
