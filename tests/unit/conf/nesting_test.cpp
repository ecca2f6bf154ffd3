#include "conf/nesting.hpp"

#include "conf/load.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace postern::conf;

namespace {

std::string dotted(std::size_t parts) {
    std::string key = "a";
    for (std::size_t i = 1; i < parts; ++i) key += ".a";
    return key;
}

} // namespace

TEST_CASE("a key may have sixteen parts and no more, wherever it stands") {
    CHECK_FALSE(too_many_key_parts(dotted(16) + " = 1"));
    for (const std::string& text :
         std::vector<std::string>{dotted(17) + " = 1", "[" + dotted(17) + "]",
                                  "x = {y = 1, " + dotted(17) + " = 1}", "x = [{" + dotted(17) + " = 1}]"}) {
        CAPTURE(text);
        CHECK(too_many_key_parts(text));
    }
    const std::string quoted_parts = "\"a\".'a'.\"a\" . " + dotted(15);
    CHECK(too_many_key_parts(quoted_parts));
}

TEST_CASE("dots in texts, comments and numbers are no parts of keys") {
    const std::string dots(100, '.');
    for (const std::string& text : std::vector<std::string>{
             "x = \"" + dots + "\"", "x = '" + dots + "'", "# " + dots, "x = \"\"\"\n" + dots + "\n\"\"\"",
             "x = '''" + dots + "'''",
             "x = [1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5]",
             "x = \"\\\"" + dots + "\"", "x = \"\"\"\\\"\"\"" + dots + "\"\"\""}) {
        CAPTURE(text);
        CHECK_FALSE(too_many_key_parts(text));
    }
}

TEST_CASE("quotes can't hide a long key from the count") {
    for (const std::string& before :
         std::vector<std::string>{"x = {s = \"\"\"a\"\"\"\", ", "x = {s = \"\"\"a\"\"\"\"\", ",
                                  "x = {s = '''a'''', ", "x = {s = \"\", ", "x = {s = '\\', ",
                                  "s = \"unended\n", "s = 'a'\n", "s = \"\\\\\"\n", "# \"\n", "s = '\"'\n"}) {
        CAPTURE(before);
        CHECK(too_many_key_parts(before + dotted(17) + " = 1"));
    }
}

TEST_CASE("the place of a long key is its line and column") {
    const auto found = too_many_key_parts("a = 1\n\n  " + dotted(17) + " = 1\n");
    REQUIRE(found);
    CHECK(found->line == 3);
    CHECK(found->column == 34);
}

TEST_CASE("a file made to run off the stack is a finding like any other") {
    std::string tables = "x = ";
    for (int i = 0; i < 250; ++i) tables += "{" + dotted(16) + " = ";
    tables += "1" + std::string(250, '}') + "\n";
    const std::string hostile[] = {
        dotted(500'000) + " = 1\n",
        "[" + dotted(500'000) + "]\n",
        "a = " + std::string(1'000'000, '['),
        "a = " + std::string(500'000, '[') + std::string(500'000, ']'),
        tables, // accepted by the parser: sixteen parts in each of 250 inline tables
    };
    for (const auto& text : hostile) {
        const auto result = load_text(text, "x.toml");
        CHECK_FALSE(result.ok());
        CHECK_FALSE(result.findings.empty());
    }
}
