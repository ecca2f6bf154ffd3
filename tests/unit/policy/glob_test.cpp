#include "policy/glob.hpp"
#include "tests/support/glob_model.hpp"

#include <catch2/catch.hpp>
#include <chrono>

using postern::policy::glob;
using postern::policy::glob_stretch_max;
using postern::testing::glob_model;

namespace {

bool matches(std::string_view pattern, std::string_view text) {
    const auto compiled = glob::compile(pattern);
    REQUIRE(compiled.has_value());
    return compiled->matches(text);
}

// Every text of up to `length` of these characters.
std::vector<std::string> texts_of(const std::vector<std::string>& characters, std::size_t length) {
    std::vector<std::string> texts{""};
    for (std::size_t from = 0; length > 0; --length) {
        const std::size_t end = texts.size();
        for (; from < end; ++from)
            for (const auto& c : characters) texts.push_back(texts[from] + c);
    }
    return texts;
}

} // namespace

TEST_CASE("a star is any run of characters and a question mark is one", "[glob]") {
    const struct {
        const char* pattern;
        const char* text;
        bool expected;
    } rows[] = {
        {"", "", true},           {"", "a", false},
        {"a", "a", true},         {"a", "ab", false},
        {"*", "", true},          {"*", "abc", true},
        {"?", "", false},         {"?", "a", true},
        {"?", "ab", false},       {"a*", "a", true},
        {"a*", "ba", false},      {"*a", "ba", true},
        {"*a", "ab", false},      {"a*a", "a", false},
        {"a*a", "aa", true},      {"a*a", "aba", true},
        {"*.cz", ".cz", true},    {"*.cz", "cz", false},
        {"a?c*", "abcd", true},   {"*b?d*", "abbcd", true},
        {"*ab*ab*", "ab", false}, {"*ab*ab*", "abab", true},
        {"a*b*c", "abcbc", true}, {"?*?", "a", false},
        {"*aab*", "aaab", true},  {"*a?a*", "abba", false},
        {"A", "a", false},        {"a.c", "abc", false},
    };
    for (const auto& row : rows) {
        INFO(row.pattern << " and " << row.text);
        CHECK(matches(row.pattern, row.text) == row.expected);
        CHECK(glob_model(row.pattern, row.text) == row.expected);
    }
}

TEST_CASE("a question mark is a whole character, not an octet of one", "[glob]") {
    CHECK(matches("p?íklad", "příklad"));
    CHECK(matches("?", "ž"));
    CHECK_FALSE(matches("??", "ž"));
    CHECK(matches("*?", "ž"));
    CHECK(matches("*?a*", "xža"));
    CHECK(matches("*a?*b", "ažb"));
    CHECK_FALSE(matches("*a??b*", "xažb"));
    CHECK(matches("*a?*", "až"));
    CHECK_FALSE(matches("*a?*?", "až"));
}

TEST_CASE("each short pattern matches what the plain model says", "[glob]") {
    const auto patterns = texts_of({"a", "b", "*", "?", "ž"}, 5);
    const auto texts = texts_of({"a", "b", "ž"}, 4);
    std::size_t wrong = 0;
    for (const auto& pattern : patterns) {
        const auto compiled = glob::compile(pattern);
        REQUIRE(compiled.has_value());
        for (const auto& text : texts)
            if (compiled->matches(text) != glob_model(pattern, text) ||
                (compiled->matches(text) && !compiled->may_match(glob::octets_in(text))))
                ++wrong;
    }
    CHECK(wrong == 0);
}

TEST_CASE("a pattern whose letters a text lacks is not tried on it", "[glob]") {
    const auto compiled = glob::compile("*ab?c*");
    REQUIRE(compiled.has_value());
    CHECK(compiled->may_match(glob::octets_in("cab")));
    CHECK_FALSE(compiled->may_match(glob::octets_in("cb")));
}

TEST_CASE("a stretch between two stars has its limit, and the ends have none", "[glob]") {
    const std::string longest(glob_stretch_max, 'a');
    const std::string long_end(300, 'b');
    CHECK(matches("*" + longest + "*", "x" + longest + "x"));
    CHECK_FALSE(matches("*" + longest + "*", longest.substr(1)));
    CHECK_FALSE(glob::compile("*" + longest + "a*").has_value());
    CHECK(matches(long_end + "*" + long_end, long_end + long_end));
    CHECK_FALSE(matches(long_end + "*" + long_end, long_end));
}

TEST_CASE("a pattern made to be tried again and again costs no more than its text is long", "[glob]") {
    std::string pattern;
    for (int i = 0; i < 100; ++i) pattern += "a*";
    pattern += "c";
    const std::string text = std::string(1'000'000, 'a') + "b";
    const auto compiled = glob::compile("*" + pattern + "*");
    REQUIRE(compiled.has_value());
    const auto start = std::chrono::steady_clock::now();
    CHECK_FALSE(compiled->matches(text));
    CHECK_FALSE(matches("*" + std::string(60, 'a') + "b?*", text)); // each place begins anew
    // A search that tries again would take hours; linear time is some ten milliseconds.
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
}
