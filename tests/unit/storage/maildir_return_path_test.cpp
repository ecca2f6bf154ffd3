#include "storage/return_path_filter.hpp"

#include <catch2/catch.hpp>

using postern::storage::return_path_filter;
using postern::storage::return_path_pending_max;

namespace {

std::string filtered(std::string_view text, std::size_t piece) {
    return_path_filter filter;
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
        return_path_filter filter;
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
    const std::string blanks(return_path_pending_max + 1, ' ');
    const std::string text = "Return-Path" + blanks + ": a\r\nA: 1\r\n\r\n";
    CHECK(filtered(text, 7) == text);
    const std::string shorter = "Return-Path" + std::string(100, ' ') + ": a\r\nA: 1\r\n\r\n";
    CHECK(filtered(shorter, 7) == "A: 1\r\n\r\n");
}
