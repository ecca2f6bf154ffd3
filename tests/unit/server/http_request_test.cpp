// The words of a request that need care, and the reader of requests itself.
#include "server/admin/http_request.hpp"

#include <catch2/catch.hpp>

using namespace postern::server;

TEST_CASE("a form is read once, whole or not at all") {
    const auto form = parse_form("t=a%20b+c&do=yes&t=other&empty=&flag&%78=%C5%BE");
    CHECK(form.at("t") == "a b c");
    CHECK(form.at("do") == "yes");
    CHECK(form.at("empty").empty());
    CHECK(form.contains("flag"));
    CHECK(form.at("x") == "\xc5\xbe");
    CHECK(parse_form("").empty());
    CHECK(parse_form("&&").empty());
    for (const auto* broken : {"a=%", "a=%4", "a=%zz", "%=1", "a=1&b=%f"}) CHECK(parse_form(broken).empty());
    std::string many;
    for (int i = 0; i < 17; ++i) many += "f" + std::to_string(i) + "=1&";
    CHECK(parse_form(many).empty());
}

TEST_CASE("where a URL leads") {
    const auto place = place_of("https://Mail.Example.CZ/identity");
    CHECK((place.origin == "https://mail.example.cz" && place.host == "mail.example.cz" &&
           place.path == "/identity"));
    CHECK(place_of("http://a.test:8080").path == "/");
    CHECK(place_of("http://a.test:8080").host == "a.test:8080");
    CHECK(place_of("null").origin.empty());
    CHECK(host_name("a.test:80") == "a.test");
    CHECK(host_name("[::1]") == "[::1]");
    CHECK(host_name("[::1]:80") == "[::1]");
    CHECK(is_asked_for_here("127.0.0.1:8025"));
    CHECK(is_asked_for_here("localhost"));
    CHECK_FALSE(is_asked_for_here("evil.test:8025"));
}

TEST_CASE("a form that another page sends is told apart") {
    struct row {
        const char* host;
        const char* origin;
        const char* site;
        bool own;
    };
    const row rows[] = {
        {"mail.firma.cz", "https://mail.firma.cz", "same-origin", true},
        {"mail.firma.cz", "null", "same-origin", true},
        {"mail.firma.cz", "", "", true}, // no browser
        {"mail.firma.cz", "https://mail.firma.cz", "", true},
        {"127.0.0.1:8026", "http://127.0.0.1:8026", "", true},
        {"mail.firma.cz", "null", "", false},
        {"mail.firma.cz", "null", "cross-site", false},
        {"mail.firma.cz", "https://evil.test", "cross-site", false},
        {"mail.firma.cz", "https://evil.test", "", false},
        {"mail.firma.cz", "https://mail.firma.cz", "cross-site", false},
        {"mail.firma.cz", "https://mail.firma.cz", "same-site", false},
        {"mail.firma.cz", "http://mail.firma.cz", "", false},
        {"mail.firma.cz", "https://mail.firma.cz.evil.test", "", false},
        {"evil.test", "http://evil.test", "", false}, // its name was made to lead here
        {"127.0.0.1:8026", "http://127.0.0.1:9999", "", false},
    };
    for (const auto& [host, origin, site, own] : rows) {
        http_request request;
        request.host = host;
        request.origin = origin;
        request.fetch_site = site;
        INFO(host << " " << origin << " " << site);
        CHECK(is_sent_by_own_page(request, "https://mail.firma.cz") == own);
    }
}

TEST_CASE("the language that a reader prefers, of those there are") {
    CHECK(preferred_language("cs-CZ,cs;q=0.9,en;q=0.8", {"en", "cs"}) == "cs");
    CHECK(preferred_language("de, en;q=0.5, cs;q=0.7", {"en", "cs"}) == "cs");
    CHECK(preferred_language("en-US", {"en", "cs"}) == "en");
    CHECK(preferred_language("cs;q=0, en;q=0.1", {"en", "cs"}) == "en");
    CHECK(preferred_language("de", {"en", "cs"}).empty());
    CHECK(preferred_language("", {"en", "cs"}).empty());
    CHECK(preferred_language(",,;q=,cs;q=x", {"en", "cs"}).empty());
}

TEST_CASE("nothing is markup") { CHECK(html_escaped("<script>\"'&\n") == "&lt;script&gt;&quot;&#39;&amp;?"); }
