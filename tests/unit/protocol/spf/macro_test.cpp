// Macro-strings by themselves. What they become inside a record is the business of cases/macros.txt.
#include "protocol/spf/macro.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace postern::protocol;
using namespace postern::protocol::spf;

namespace {

const macro_values usual{.local = "strong-bad",
                         .sender_domain = "email.example.com",
                         .domain = "email.example.com",
                         .helo = "mx.example.org",
                         .validated = "mx.example.org",
                         .client = *ip_address::parse("192.0.2.3")};

} // namespace

TEST_CASE("a macro-string becomes what RFC 7208 §7.4 says", "[spf]") {
    struct row {
        std::string_view text, name;
    };
    const auto r = GENERATE(values<row>({
        {"%{s}", "strong-bad@email.example.com"},
        {"%{o}", "email.example.com"},
        {"%{d3}", "email.example.com"},
        {"%{d2}", "example.com"},
        {"%{d1}", "com"},
        {"%{dr}", "com.example.email"},
        {"%{d2r}", "example.email"},
        {"%{l-}", "strong.bad"},
        {"%{lr-}", "bad.strong"},
        {"%{l1r-}", "strong"},
        {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
        {"%{p}", "mx.example.org"},
        {"%{h1r}", "mx"},
        {"%{H}%%%_%-x.y.", "mx.example.org% %20x.y"},
        {"plain.name", "plain.name"},
        {"", ""},
    }));
    CAPTURE(r.text);
    CHECK(expand(r.text, usual) == r.name);
}

TEST_CASE("no macro-string makes more than a name", "[spf]") {
    const std::string local(4000, 'x');
    const std::string dotted = [] {
        std::string made;
        for (int i = 0; i < 2000; ++i) made += "ab.";
        return made;
    }();
    macro_values long_values = usual;
    long_values.local = local;
    long_values.helo = dotted;
    std::string many;
    while (many.size() < 4000) many += "%{h}%{L}.%{hr}";
    for (const std::string& text :
         std::vector<std::string>{"%{l}", "%{L}.x", "%{h}", "%{h}y", "%{h1}.%{l}.z.", many}) {
        const std::string name = expand(text, long_values);
        CHECK(name.size() <= expanded_name_max);
    }
    CHECK(expand("%{h}y", long_values).size() == 253); // "ab." 84 times and "y"
    CHECK(expand("%{l}.tail.test", long_values) == "tail.test");
    CHECK(expand("%{l}", long_values).empty());
}

TEST_CASE("a cut name is what whole expansion and then removing labels gives", "[spf]") {
    for (std::size_t label = 1; label <= 63; ++label) {
        macro_values values = usual;
        const std::string helo = std::string(label, 'a') + ".b";
        values.helo = helo;
        for (std::size_t count = 1; count < 300; count += 7) {
            std::string text;
            std::string whole;
            for (std::size_t i = 0; i < count; ++i) {
                text += "%{h}.";
                whole += helo + ".";
            }
            text += "test.";
            whole += "test";
            while (whole.size() > expanded_name_max) whole.erase(0, whole.find('.') + 1);
            REQUIRE(expand(text, values) == whole);
        }
    }
}

TEST_CASE("a value may have more parts than a name", "[spf]") {
    macro_values values = usual;
    const std::string local(140, '-'); // 141 empty parts
    values.local = local;
    CHECK(expand("%{l-}x", values).size() == 141);
    CHECK(expand("%{l127-}x", values).size() == 127);
    CHECK(expand("%{l130-}x", values).size() == 130);
    CHECK(expand("%{l200-}x", values).size() == 141);
}

TEST_CASE("macros are found by their letter alone", "[spf]") {
    CHECK(uses_macro("%{p}", 'p'));
    CHECK(uses_macro("a.%{d}.%{P2r-}", 'p'));
    CHECK_FALSE(uses_macro("p.%{d}", 'p'));
    CHECK_FALSE(uses_macro("%%{p}", 'p'));
    CHECK_FALSE(uses_macro("%_p%-p", 'p'));
    CHECK(uses_macro("%%%{p}", 'p'));
    CHECK_FALSE(uses_macro("", 'p'));
}

TEST_CASE("every octet but visible ASCII is refused in a macro-string", "[spf]") {
    for (int octet = 0; octet < 256; ++octet) {
        const std::string text = std::string("a") + static_cast<char>(octet) + "b";
        CAPTURE(octet);
        const bool visible = octet > 0x20 && octet < 0x7f && octet != '%';
        CHECK(check_macro_string(text).has_value() != visible);
        CHECK(check_domain_spec(text + ".test").has_value() != visible);
    }
}
