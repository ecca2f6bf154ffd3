#include "protocol/mail/field_filter.hpp"

#include <catch2/catch.hpp>

using postern::protocol::field_filter;
using postern::protocol::field_name_pending_max;

namespace {

std::string filtered(std::string_view text, std::size_t piece) {
    field_filter filter("return-path");
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += piece) filter.feed(text.substr(at, piece), out);
    filter.finish(out);
    return out;
}

// In one piece, octet by octet, and cut in two at every place.
void check(std::string_view text, std::string_view expected) {
    INFO(text);
    CHECK(filtered(text, text.size() + 1) == expected);
    CHECK(filtered(text, 1) == expected);
    CHECK(filtered(text, 3) == expected);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        field_filter filter("return-path");
        std::string out;
        filter.feed(text.substr(0, cut), out);
        filter.feed(text.substr(cut), out);
        filter.finish(out);
        if (out != expected) FAIL("cut at " << cut << ": " << out);
    }
}

} // namespace

TEST_CASE("a Return-Path that came with the message is left out wherever the octets are cut", "[maildir]") {
    const struct {
        const char* name;
        const char* text;
        const char* expected;
    } rows[] = {
        {"first", "Return-Path: <a@b>\r\nTo: x\r\n\r\nhi\r\n", "To: x\r\n\r\nhi\r\n"},
        {"last", "To: x\r\nReturn-Path: <a@b>\r\n\r\nhi\r\n", "To: x\r\n\r\nhi\r\n"},
        {"several", "RETURN-PATH:\r\nA: 1\r\nreturn-path:<>\r\nB: 2\r\n\r\n", "A: 1\r\nB: 2\r\n\r\n"},
        {"folded", "A: 1\r\nReturn-Path:\r\n <a@b>\r\n\t(c)\r\nB: 2\r\n 3\r\n\r\n",
         "A: 1\r\nB: 2\r\n 3\r\n\r\n"},
        {"blanks before the colon", "Return-Path \t : <a@b>\r\nA: 1\r\n\r\n", "A: 1\r\n\r\n"},
        {"the colon on a folded line is no field name", "Return-Path\r\n : a\r\nA: 1\r\n\r\n",
         "Return-Path\r\n : a\r\nA: 1\r\n\r\n"},
        {"a field of a longer name", "Return-Path-X: 1\r\nReturn-Pat: 2\r\nX-Return-Path: 3\r\n\r\n",
         "Return-Path-X: 1\r\nReturn-Pat: 2\r\nX-Return-Path: 3\r\n\r\n"},
        {"in the body", "A: 1\r\n\r\nReturn-Path: <a@b>\r\n\r\nReturn-Path: <a@b>\r\n",
         "A: 1\r\n\r\nReturn-Path: <a@b>\r\n\r\nReturn-Path: <a@b>\r\n"},
        {"a body and no header", "\r\nReturn-Path: <a@b>\r\n", "\r\nReturn-Path: <a@b>\r\n"},
        {"nothing but the field", "Return-Path: <a@b>\r\n", ""},
        {"the field without an end", "A: 1\r\nReturn-Path: <a@b>", "A: 1\r\n"},
        {"a name that breaks off", "A: 1\r\nReturn-Pa", "A: 1\r\nReturn-Pa"},
        {"a message that ends with CR", "A: 1\r\n\r", "A: 1\r\n\r"},
        {"a line that starts with CR", "\rReturn-Path: a\r\nReturn-Path: b\r\n\r\n",
         "\rReturn-Path: a\r\n\r\n"},
        {"a folded line of a field that stays", "A: 1\r\n Return-Path: b\r\n\r\n",
         "A: 1\r\n Return-Path: b\r\n\r\n"},
        {"a folded line first of all", " x\r\nA: 1\r\n\r\n", " x\r\nA: 1\r\n\r\n"},
        {"bare LF", "Return-Path: a\nA: 1\n\nReturn-Path: b\n", "A: 1\n\nReturn-Path: b\n"},
        {"a blank line is a folded line", "Return-Path: a\r\n \r\nReturn-Path: b\r\n\r\n", "\r\n"},
        {"empty", "", ""},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        check(row.text, row.expected);
    }
}

TEST_CASE("endless blanks after the name Return-Path don't fill the memory", "[maildir]") {
    const std::string blanks(field_name_pending_max + 1, ' ');
    const std::string text = "Return-Path" + blanks + ": a\r\nA: 1\r\n\r\n";
    CHECK(filtered(text, 7) == "A: 1\r\n\r\n"); // a lenient reader may take it for the field
    const std::string shorter = "Return-Path" + std::string(100, ' ') + ": a\r\nA: 1\r\n\r\n";
    CHECK(filtered(shorter, 7) == "A: 1\r\n\r\n");
}

namespace {

std::string without_ours(std::string_view text, std::size_t piece) {
    const auto ours = std::make_shared<const std::vector<std::string>>(
        std::initializer_list<std::string>{"mx.d.test", "mx2.d.test"});
    field_filter filter("authentication-results", ours);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += piece) filter.feed(text.substr(at, piece), out);
    filter.finish(out);
    return out;
}

} // namespace

TEST_CASE("fields that name us go, wherever the octets are cut; those of others stay") {
    const struct {
        const char* text;
        bool goes;
    } fields[] = {
        {"Authentication-Results: mx.d.test; spf=pass\r\n", true},
        {"authentication-RESULTS: MX.D.Test; spf=pass\r\n", true},
        {"Authentication-Results : mx.d.test;\r\n\tspf=pass\r\n", true},
        {"Authentication-Results:\r\n mx.d.test;\r\n spf=pass\r\n", true},
        {"Authentication-Results: mx.d.test 1; none\r\n", true},
        {"Authentication-Results: mx.d.test\r\n", true},
        {"Authentication-Results: (a comment) mx.d.test; none\r\n", true},
        {"Authentication-Results: \"mx.d.test\"; none\r\n", true},
        {"Authentication-Results: (c) MX.D.TEST/1 ; dmarc=pass\r\n", true},
        {"Authentication-Results: (;) mx.d.test; dmarc=pass\r\n", true},
        {"Authentication-Results: (a(b;)\\);\r\n ;) mx.d.test; dmarc=pass\r\n", true},
        {"Authentication-Results: \"m\\x.d.test\"; none\r\n", true},
        {"Authentication-Results: (\\(;) MX2.d.test; none\r\n", true},
        {"Authentication-Results: \"a;\" mx.d.test; none\r\n", true},
        {"Authentication-Results: mx2.d.test; dmarc=pass\r\n", true},
        {"Authentication-Results: (a) other.test; (b) smtp.mailfrom=mx.d.test\r\n", false},
        {"Authentication-Results: \"other.test\"; smtp.mailfrom=mx.d.test\r\n", false},
        {"Authentication-Results: mx-d.test; none\r\n", false},
        {"Authentication-Results: -mx.d.test; none\r\n", false},
        {"Authentication-Results: other.test; spf=pass smtp.mailfrom=mx.d.test\r\n", false},
        {"Authentication-Results: amx.d.test; none\r\n", false},
        {"Authentication-Results: mx.d.test.evil.test; none\r\n", false},
        {"Authentication-Results: mx.d.tes\r\n", false},
        {"X-Authentication-Results: mx.d.test; none\r\n", false},
        {"Received-SPF: pass mx.d.test; none\r\n", false},
    };
    for (const auto& [text, goes] : fields) {
        const std::string before = "Subject: x\r\n",
                          after = "To: y\r\n\r\nAuthentication-Results: mx.d.test; body\r\n";
        const std::string whole = before + text + after;
        const std::string wanted = before + (goes ? "" : text) + after;
        INFO(text);
        for (std::size_t piece = 1; piece <= whole.size(); ++piece)
            if (without_ours(whole, piece) != wanted)
                FAIL("in pieces of " << piece << ": " << without_ours(whole, piece));
    }
}

TEST_CASE("a field without an end is not held for ever") {
    const std::string endless = "Authentication-Results: " + std::string(100'000, 'x');
    CHECK(without_ours(endless, 7).empty());
    const std::string late = "Authentication-Results: " + std::string(5000, ' ') + "mx.d.test; none\r\n";
    CHECK(without_ours(late, 1000).empty()); // a reader may look further than we do
    const std::string commented =
        "Authentication-Results: (" + std::string(5000, 'x') + ") mx.d.test; none\r\n";
    CHECK(without_ours(commented, 1000).empty());
}

TEST_CASE("a header that ends within the field is whole") {
    CHECK(without_ours("Authentication-Results: mx.d.test", 3).empty());
    CHECK(without_ours("Authentication-Results: other.test", 3) == "Authentication-Results: other.test");
    CHECK(without_ours("Authentication-Resul", 3) == "Authentication-Resul");
}

TEST_CASE("marks of spam from outside go whoever they are of, and nothing else does") {
    const auto ours = std::make_shared<const std::vector<std::string>>(1, "mx.d.test");
    const std::string mark = "x-SPAM-flag : YES\r\n", status = "X-Spam-Status: No,\r\n\tscore=-9\r\n",
                      results = "Authentication-Results: mx.d.test; none\r\n",
                      others = "X-Spam-Flags: 1\r\nX-Spam-Statu: 2\r\nX-Spam: 3\r\nSubject: x\r\n",
                      rest = "\r\nX-Spam-Flag: NO\r\n" + results;
    const std::string whole = mark + results + others + status + mark + status + rest;
    for (std::size_t piece = 1; piece <= whole.size(); ++piece)
        for (const bool with_marks : {true, false}) {
            auto filters = postern::protocol::forged_fields(ours, with_marks);
            std::string out;
            for (std::size_t at = 0; at < whole.size(); at += piece)
                filters.feed(std::string_view(whole).substr(at, piece), out);
            CHECK(filters.in_body());
            filters.finish(out);
            const auto wanted = with_marks ? others + rest : mark + others + status + mark + status + rest;
            if (out != wanted) FAIL("in pieces of " << piece << ": " << out);
        }
}

TEST_CASE("a header that ends within a name passes all the filters") {
    auto filters = postern::protocol::forged_fields({}, true);
    std::string out;
    filters.feed("X-Spam-Fla", out);
    filters.finish(out);
    CHECK(out == "X-Spam-Fla");
}
