// Mailboxes and paths: what RFC 5321 and 6531 allow, one spelling for one mailbox, and every trick refused.
#include "protocol/smtp/address.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

std::string label_domain(std::size_t length) {
    std::string domain;
    while (domain.size() + 64 < length) domain += std::string(63, 'a') + '.';
    return domain + std::string(length - domain.size(), 'b');
}

parse_errc path_error(std::string_view text, path_kind kind, unicode non_ascii) {
    const auto path = parse_path(text, kind, non_ascii);
    CAPTURE(text);
    REQUIRE(path.has_error());
    CHECK(path.error().offset <= text.size());
    return path.error().what;
}

} // namespace

TEST_CASE("one mailbox has one spelling", "[address]") {
    struct row {
        std::string_view text, local, domain, written, folded;
    };
    const auto r = GENERATE(values<row>({
        {"u@d.test", "u", "d.test", "u@d.test", "u@d.test"},
        {"User.Name@D.Test", "User.Name", "d.test", "User.Name@d.test", "user.name@d.test"},
        {"\"u\"@d.test", "u", "d.test", "u@d.test", "u@d.test"},
        {"\"\\u\\s\\e\\r\"@d.test", "user", "d.test", "user@d.test", "user@d.test"},
        {"\"a.b\"@d.test", "a.b", "d.test", "a.b@d.test", "a.b@d.test"},
        {"\"a b\"@d.test", "a b", "d.test", "\"a b\"@d.test", "\"a b\"@d.test"},
        {"\"A..B\"@d.test", "A..B", "d.test", "\"A..B\"@d.test", "\"a..b\"@d.test"},
        {"\".a\"@d.test", ".a", "d.test", "\".a\"@d.test", "\".a\"@d.test"},
        {"\"a.\"@d.test", "a.", "d.test", "\"a.\"@d.test", "\"a.\"@d.test"},
        {"\"a\\\"b\\\\c\"@d.test", "a\"b\\c", "d.test", "\"a\\\"b\\\\c\"@d.test", "\"a\\\"b\\\\c\"@d.test"},
        {"\"v@f.test\"@d.test", "v@f.test", "d.test", "\"v@f.test\"@d.test", "\"v@f.test\"@d.test"},
        {"\"<>\"@d.test", "<>", "d.test", "\"<>\"@d.test", "\"<>\"@d.test"},
        {"\" \"@d.test", " ", "d.test", "\" \"@d.test", "\" \"@d.test"},
        {"o'brien@d.test", "o'brien", "d.test", "o'brien@d.test", "o'brien@d.test"},
        {"a+tag@d.test", "a+tag", "d.test", "a+tag@d.test", "a+tag@d.test"},
        {"v%f.test@d.test", "v%f.test", "d.test", "v%f.test@d.test", "v%f.test@d.test"},
        {"f.test!v@d.test", "f.test!v", "d.test", "f.test!v@d.test", "f.test!v@d.test"},
        {"/etc/passwd@d.test", "/etc/passwd", "d.test", "/etc/passwd@d.test", "/etc/passwd@d.test"},
        {"-oQ/t@d.test", "-oQ/t", "d.test", "-oQ/t@d.test", "-oq/t@d.test"},
        {"|sh@d.test", "|sh", "d.test", "|sh@d.test", "|sh@d.test"},
        {"${run{x}}@d.test", "${run{x}}", "d.test", "${run{x}}@d.test", "${run{x}}@d.test"},
        {"#&*=?^_`~@d.test", "#&*=?^_`~", "d.test", "#&*=?^_`~@d.test", "#&*=?^_`~@d.test"},
        {"u@[127.0.0.1]", "u", "[127.0.0.1]", "u@[127.0.0.1]", "u@[127.0.0.1]"},
        {"u@[ipv6:2001:DB8::1]", "u", "[IPv6:2001:db8::1]", "u@[IPv6:2001:db8::1]", "u@[ipv6:2001:db8::1]"},
        {"\xc3\xbc@b\xc3\xbc.test", "\xc3\xbc", "xn--b-eha.test", "\xc3\xbc@xn--b-eha.test",
         "\xc3\xbc@xn--b-eha.test"},
        {"\xc3\x9c@d.test", "\xc3\x9c", "d.test", "\xc3\x9c@d.test", "\xc3\xbc@d.test"},
        {"u\xcc\x88@d.test", "\xc3\xbc", "d.test", "\xc3\xbc@d.test", "\xc3\xbc@d.test"}, // NFD
        {"U\xcc\x88@d.test", "\xc3\x9c", "d.test", "\xc3\x9c@d.test", "\xc3\xbc@d.test"},
        {"\"\xc3\xbc x\"@d.test", "\xc3\xbc x", "d.test", "\"\xc3\xbc x\"@d.test", "\"\xc3\xbc x\"@d.test"},
        {"\xd0\x9f\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0@d.test", "\xd0\x9f\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0",
         "d.test", "\xd0\x9f\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0@d.test",
         "\xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0@d.test"},
        {"\xe2\x84\xaa@d.test", "K", "d.test", "K@d.test", "k@d.test"}, // the Kelvin sign
        {"a\xcd\xbe"
         "b@d.test",
         "a;b", "d.test", "\"a;b\"@d.test", "\"a;b\"@d.test"}, // the Greek question mark
        {"\xc3\x9f@d.test", "\xc3\x9f", "d.test", "\xc3\x9f@d.test",
         "\xc3\x9f@d.test"}, // not ss: another person
    }));
    CAPTURE(r.text);
    const auto parsed = parse_address(r.text);
    REQUIRE(parsed.has_value());
    CHECK(parsed->local == r.local);
    CHECK(parsed->domain == r.domain);
    CHECK(parsed->to_string() == r.written);
    CHECK(parsed->folded() == (r.domain.starts_with('[') ? to_lower(r.written) : r.folded));

    const auto again = parse_address(parsed->to_string());
    REQUIRE(again.has_value());
    CHECK(*again == *parsed);

    const std::string path = '<' + std::string(r.text) + '>';
    for (const path_kind kind : {path_kind::forward, path_kind::reverse}) {
        const auto as_path = parse_path(path + " SIZE=1", kind, unicode::allow);
        REQUIRE(as_path.has_value());
        CHECK(as_path->mailbox == *parsed);
        CHECK(as_path->length == path.size());
        CHECK(as_path->utf8 == !is_ascii(r.local));
    }
}

TEST_CASE("what is no mailbox is refused with its reason", "[address]") {
    struct row {
        std::string text;
        parse_errc what;
    };
    const auto r = GENERATE(values<row>({
        {"", parse_errc::empty},
        {"u", parse_errc::no_domain},
        {"u@", parse_errc::no_domain},
        {"\"v@f.test\"", parse_errc::no_domain},
        {"@d.test", parse_errc::syntax},
        {"\"\"@d.test", parse_errc::empty},
        {".u@d.test", parse_errc::syntax},
        {"u.@d.test", parse_errc::syntax},
        {"u..v@d.test", parse_errc::syntax},
        {".@d.test", parse_errc::syntax},
        {"u v@d.test", parse_errc::syntax},
        {" u@d.test", parse_errc::syntax},
        {"u @d.test", parse_errc::syntax},
        {"u@ d.test", parse_errc::bad_domain},
        {"u@d.test ", parse_errc::bad_domain},
        {"v@f.test@d.test", parse_errc::bad_domain},
        {"v@d.test.", parse_errc::bad_domain},
        {"v@d..test", parse_errc::bad_domain},
        {"v@my_host.test", parse_errc::bad_domain},
        {"v@xn--a", parse_errc::bad_domain},
        {"v@xn---", parse_errc::bad_domain},
        {"v@127.0.0.1", parse_errc::bad_domain},
        {"v@[127.0.0.1", parse_errc::bad_literal},
        {"v@[127.0.0.1]x", parse_errc::bad_literal},
        {"v@[d.test]", parse_errc::bad_literal},
        {";id;@d.test", parse_errc::syntax},
        {"a,b@d.test", parse_errc::syntax},
        {"a:b@d.test", parse_errc::syntax},
        {"a(b)@d.test", parse_errc::syntax},
        {"a\\b@d.test", parse_errc::syntax},
        {"<u@d.test>", parse_errc::syntax},
        {"a\"b\"@d.test", parse_errc::syntax},
        {"\"a\"b@d.test", parse_errc::syntax},
        {"\"a\".b@d.test", parse_errc::syntax},
        {"\"a@d.test", parse_errc::syntax},
        {"\"a\\\"@d.test", parse_errc::syntax},
        {"\"", parse_errc::syntax},
        {"\"a\r\n b\"@d.test", parse_errc::control},
        {"\"a\\\r\n b\"@d.test", parse_errc::control},
        {"\"a\tb\"@d.test", parse_errc::control},
        {"\"a\0b\"@d.test"s, parse_errc::control},
        {"\"a\\\0b\"@d.test"s, parse_errc::control},
        {"\"a\x7f\"@d.test", parse_errc::control},
        {"a\0b@d.test"s, parse_errc::control},
        {"\0@d.test"s, parse_errc::control},
        {"a\r\nRCPT TO:<b@d.test>", parse_errc::control},
        {"a\n@d.test", parse_errc::control},
        {"a@d\n.test", parse_errc::control},
        {"\xff@d.test", parse_errc::bad_utf8},
        {"\xc0\xaf@d.test", parse_errc::bad_utf8},
        {"\"\xc3\"@d.test", parse_errc::bad_utf8},
        {"a@\xff.test", parse_errc::bad_utf8},
        {"\"\\\xc3\xbc\"@d.test", parse_errc::syntax},
        {"a\xc2\x85"
         "b@d.test",
         parse_errc::control},                         // NEL
        {"a\xe2\x80\xa8@d.test", parse_errc::control}, // U+2028
        {"a\xe2\x80\xae@d.test", parse_errc::control}, // U+202E
    }));
    CAPTURE(r.text);
    const auto parsed = parse_address(r.text);
    REQUIRE(parsed.has_error());
    CHECK(parsed.error().what == r.what);
    CHECK(parsed.error().offset <= r.text.size());
    CHECK(parse_path('<' + r.text + '>', path_kind::forward, unicode::allow).has_error());
}

TEST_CASE("an error names its octet", "[address]") {
    struct row {
        std::string_view text;
        std::size_t offset;
    };
    const auto [text, offset] = GENERATE(values<row>({
        {"<u@d..test>", 5},
        {"<u v@d.test>", 2},
        {"<u>", 2},
        {"<u@a.test,b>", 5},
        {"<\"a\tb\"@d.test>", 3},
        {"<@a.test,@-b.test:u@d.test>", 10},
        {"<@a.test:u@-.test>", 11},
        {"u@d.test", 0},
        {"<u@d.test", 9},
    }));
    CAPTURE(text);
    const auto path = parse_path(text, path_kind::forward, unicode::allow);
    REQUIRE(path.has_error());
    CHECK(path.error().offset == offset);
}

TEST_CASE("limits hold to the octet", "[address]") {
    const std::string local64(64, 'l');
    CHECK(parse_address(local64 + "@d.test").has_value());
    CHECK(parse_address(local64 + "l@d.test").error().what == parse_errc::too_long);
    CHECK(parse_address('"' + std::string(62, 'l') + "\"@d.test").has_value());
    CHECK(parse_address('"' + std::string(63, 'l') + "\"@d.test").error().what == parse_errc::too_long);
    CHECK(parse_address(std::string(1 << 20, 'l') + "@d.test").error().what == parse_errc::too_long);

    const std::string label63(63, 'a');
    CHECK(parse_address("u@" + label63 + ".test").has_value());
    CHECK(parse_address("u@" + label63 + "a.test").error().what == parse_errc::bad_domain);

    const std::string path256 = '<' + local64 + '@' + label_domain(256 - 64 - 3) + '>';
    REQUIRE(path256.size() == 256);
    CHECK(parse_path(path256, path_kind::forward, unicode::allow).has_value());
    CHECK(parse_path(path256 + " SIZE=1", path_kind::forward, unicode::allow)->length == 256);
    const std::string path257 = '<' + local64 + '@' + label_domain(257 - 64 - 3) + '>';
    CHECK(path_error(path257, path_kind::forward, unicode::allow) == parse_errc::too_long);
    CHECK(path_error('<' + std::string(1 << 20, 'x'), path_kind::forward, unicode::allow) ==
          parse_errc::too_long);
}

TEST_CASE("only a forwarder's local part may be longer than 64 octets", "[address]") {
    const auto padded = [](std::string front) {
        return front + std::string(200 - front.size(), 'l') + "@d.test";
    };
    for (const auto* front : {"SRS0=", "srs1=", "SRS0+", "SRS1-", "sRs0="}) {
        CHECK(is_rewritten_sender(front));
        CHECK(parse_address(padded(front))->local.size() == 200);
        CHECK(parse_path('<' + padded(front) + '>', path_kind::reverse, unicode::refuse).has_value());
        CHECK(parse_address('"' + padded(front).insert(200, "\"")).has_value());
        CHECK(parse_address(front + std::string(242, 'l') + "@d.test").has_value());
        CHECK(parse_address(front + std::string(243, 'l') + "@d.test").error().what == parse_errc::too_long);
    }
    for (const auto* front : {"SRS0", "SRS", "SRS2=", "SRS0_", "XSRS0=", ""}) {
        CHECK_FALSE(is_rewritten_sender(front));
        CHECK(parse_address(padded(front)).error().what == parse_errc::too_long);
    }
}

TEST_CASE("a path's limit counts what is dropped from it", "[address]") {
    const auto routed = [](std::size_t length) { return "<@" + label_domain(length - 12) + ":u@d.test>"; };
    REQUIRE(routed(256).size() == 256);
    CHECK(parse_path(routed(256), path_kind::forward, unicode::allow).has_value());
    CHECK(path_error(routed(257), path_kind::forward, unicode::allow) == parse_errc::too_long);
}

TEST_CASE("a form that grows past a limit when made canonical is refused", "[address]") {
    std::string many; // U+0958 decomposes in NFC: three octets become six
    for (int i = 0; i < 20; ++i) many += "\xe0\xa5\x98";
    CHECK(parse_address(many + "@d.test").error().what == parse_errc::too_long);

    std::string semicolons; // 32 of two octets, 32 of one within two quotes: still fits
    for (int i = 0; i < 32; ++i) semicolons += "\xcd\xbe";
    CHECK(parse_address(semicolons + "@d.test")->to_string().size() == 34 + 7);

    std::string domain; // a short U-label has a longer A-label
    for (int i = 0; i < 20; ++i)
        domain += "\xc3\xbc"
                  "a.";
    CHECK(parse_address(std::string(40, 'u') + '@' + domain + "test").has_value());
    CHECK(parse_address(std::string(60, 'u') + '@' + domain + "test").error().what == parse_errc::too_long);
}

TEST_CASE("the empty path is a sender only", "[path]") {
    const auto path = parse_path("<> BODY=8BITMIME", path_kind::reverse, unicode::refuse);
    REQUIRE(path.has_value());
    CHECK_FALSE(path->mailbox);
    CHECK(path->length == 2);
    CHECK_FALSE(path->utf8);
    CHECK(path_error("<>", path_kind::forward, unicode::refuse) == parse_errc::empty);
    CHECK(path_error("< >", path_kind::reverse, unicode::refuse) == parse_errc::syntax);
}

TEST_CASE("postmaster without a domain is a recipient only", "[path]") {
    for (const std::string_view text : {"<postmaster>", "<Postmaster>", "<POSTMASTER>"}) {
        const auto path = parse_path(text, path_kind::forward, unicode::refuse);
        REQUIRE(path.has_value());
        CHECK(*path->mailbox == address{"postmaster", ""});
        CHECK(path->mailbox->to_string() == "postmaster");
        CHECK(path->mailbox->folded() == "postmaster");
        CHECK_FALSE(path->mailbox->is_literal());
        CHECK(path->length == text.size());
        CHECK(path_error(text, path_kind::reverse, unicode::refuse) == parse_errc::no_domain);
    }
    CHECK(path_error("<postmaste>", path_kind::forward, unicode::refuse) == parse_errc::no_domain);
    CHECK(path_error("<postmasters>", path_kind::forward, unicode::refuse) == parse_errc::no_domain);
    CHECK(path_error("<@d.test:postmaster>", path_kind::forward, unicode::refuse) == parse_errc::no_domain);
}

TEST_CASE("a source route is read and dropped", "[path]") {
    struct row {
        std::string_view text;
        std::string mailbox; // empty: refused
    };
    const auto r = GENERATE(values<row>({
        {"<@a.test:u@d.test>", "u@d.test"},
        {"<@a.test,@f.test:u@d.test>", "u@d.test"},
        {"<@d.test:v@f.test>", "v@f.test"}, // whether v@f.test is ours is then asked, not d.test
        {"<@a.test:\"a:b,c@\"@d.test>", "\"a:b,c@\"@d.test"},
        {"<@[192.0.2.1]:u@d.test>", "u@d.test"},
        {"<@a.test>", ""},
        {"<@a.test:>", ""},
        {"<@a.test,u@d.test>", ""},
        {"<@a.test,:u@d.test>", ""},
        {"<@a.test,,@b.test:u@d.test>", ""},
        {"<@:u@d.test>", ""},
        {"<@a.test::u@d.test>", ""},
        {"<@a.test:@b.test:u@d.test>", ""},
        {"<@a_b.test:u@d.test>", ""},
        {"<@a.test, @b.test:u@d.test>", ""},
        {"<@a\0.test:u@d.test>"sv, ""},
        {"<@", ""},
        {"<@>", ""},
    }));
    CAPTURE(r.text);
    const auto path = parse_path(r.text, path_kind::forward, unicode::allow);
    CHECK(path.has_value() == !r.mailbox.empty());
    if (path.has_value()) {
        CHECK(path->mailbox->to_string() == r.mailbox);
        CHECK(path->length == r.text.size());
    }
}

TEST_CASE("a path ends at its own bracket", "[path]") {
    struct row {
        std::string_view text;
        std::size_t length; // 0: refused
    };
    const auto [text, length] = GENERATE(values<row>({
        {"<a@s.test>SIZE=1", 10}, // the parameters are then refused for lack of a space
        {"<a@s.test>>", 10},
        {"<\"a>b\"@s.test>", 14},
        {"<\"a\\\">\"@s.test>", 15},
        {"a@s.test", 0},
        {" <a@s.test>", 0},
        {"<<a@s.test>>", 0},
        {"<a@s.test", 0},
        {"<\"a@s.test>", 0},
        {"<", 0},
        {"", 0},
        {">", 0},
        {"<a@s.test\0>"sv, 0},
        {"<a@s.test\r\n>", 0},
    }));
    CAPTURE(text);
    const auto path = parse_path(text, path_kind::reverse, unicode::allow);
    CHECK(path.has_value() == (length != 0));
    if (path.has_value()) CHECK(path->length == length);
}

TEST_CASE("UTF-8 needs SMTPUTF8 wherever it stands", "[path]") {
    for (const std::string_view text : {"<\xc3\xbc@s.test>", "<\"\xc3\xbc\"@s.test>", "<u@\xc3\xbc.test>",
                                        "<@\xc3\xbc.test:u@s.test>", "<\xff@s.test>"}) {
        CHECK(path_error(text, path_kind::reverse, unicode::refuse) == parse_errc::needs_smtputf8);
    }
    CHECK(parse_path("<u@\xc3\xbc.test>", path_kind::reverse, unicode::allow)->utf8 ==
          false); // an A-label will do
    CHECK(parse_path("<\xc3\xbc@s.test>", path_kind::reverse, unicode::allow)->utf8 == true);
    CHECK(
        parse_path("<u@s.test> \xc3\xbc", path_kind::reverse, unicode::refuse).has_value()); // not the path's
}

TEST_CASE("folding is for look-ups and forgives case alone", "[address]") {
    const auto folded = [](std::string_view text) { return parse_address(text)->folded(); };
    CHECK(folded("Info@D.test") == folded("INFO@d.TEST"));
    CHECK(folded("\xc3\x9c@d.test") == folded("u\xcc\x88@d.test"));
    CHECK(folded("\xce\x91@d.test") == folded("\xce\xb1@d.test"));
    CHECK(folded("a.b@d.test") != folded("ab@d.test"));
    CHECK(folded("a+b@d.test") != folded("a@d.test"));
    CHECK(folded("\xd0\xb0@d.test") != folded("a@d.test")); // Cyrillic a
    CHECK(folded("\"a@d.test\"@d.test") != folded("a@d.test"));
}
