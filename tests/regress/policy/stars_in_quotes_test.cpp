// "a*\*b"@d.test was kept as a**b@d.test, and read again it was another rule: one that `rule remove` with the
// text of `rule list` didn't find.
#include "policy/rule.hpp"

#include <catch2/catch.hpp>

using namespace postern::policy;

TEST_CASE("a rule whose stars come together when its quotes go has one spelling too", "[rules]") {
    for (const char* text : {R"("a??*\*6"@p)", R"("*\*"@d.test)", R"("a(*\*b"@d.test)"}) {
        const auto rule = parse_rule(text);
        REQUIRE(rule.has_value());
        const auto again = parse_rule(rule->text);
        REQUIRE(again.has_value());
        CHECK(again->text == rule->text);
        CHECK(again->shape == rule->shape);
        CHECK(again->key == rule->key);
    }
}
