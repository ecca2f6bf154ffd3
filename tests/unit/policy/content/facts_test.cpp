#include "policy/content/folded_text.hpp"
#include "policy/content/inspect.hpp"
#include "policy/content/links.hpp"
#include "policy/content/mail_header.hpp"
#include "policy/content/text_decoding.hpp"
#include "protocol/smtp/grammar.hpp"
#include "tests/unit/policy/content/collected.hpp"

#include <catch2/catch.hpp>

namespace {

using namespace postern;
using namespace postern::policy::content;
using protocol::scan::phrase;
using protocol::scan::phrase_place;
using testing::facts_of;

std::vector<std::uint16_t> found_in(std::string_view text, const std::vector<phrase>& phrases,
                                    phrase_place place = phrase_place::body) {
    phrase_finder finder(phrases);
    finder.look(fold(text).text, place);
    return finder.found();
}
using indices = std::vector<std::uint16_t>;

TEST_CASE("text is the same text in each charset that mail is written in") {
    const struct {
        std::string_view charset, octets;
    } rows[] = {
        {"utf-8", "\xc5\xbelu\xc5\xa5ou\xc4\x8dk\xc3\xbd k\xc5\xaf\xc5\x88"},
        {"iso-8859-2", "\xbelu\xbbou\xe8k\xfd k\xf9\xf2"},
        {"windows-1250", "\x9elu\x9dou\xe8k\xfd k\xf9\xf2"},
        {"Windows-1250", "\x9elu\x9dou\xe8k\xfd k\xf9\xf2"},
        {"", "\xc5\xbelu\xc5\xa5ou\xc4\x8dk\xc3\xbd k\xc5\xaf\xc5\x88"},
        {"x-unknown", "\xc5\xbelu\xc5\xa5ou\xc4\x8dk\xc3\xbd k\xc5\xaf\xc5\x88"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.charset);
        CHECK(utf8_of(row.charset, row.octets) == "\u017elu\u0165ou\u010dk\u00fd k\u016f\u0148");
    }
    CHECK(utf8_of("koi8-r", "\xf0\xd2\xc9\xd7\xc5\xd4") == "\u041f\u0440\u0438\u0432\u0435\u0442");
    CHECK(utf8_of("windows-1251", "\xcf\xf0\xe8\xe2\xe5\xf2") == "\u041f\u0440\u0438\u0432\u0435\u0442");
    CHECK(utf8_of("iso-8859-1", "5 \x80") == "5 \u20ac");
    CHECK(utf8_of("iso-8859-15", "5 \xa4") == "5 \u20ac");
    CHECK(utf8_of("utf-16", std::string_view("\xff\xfe"
                                             "a\0b\0",
                                             6)) == "ab");
    CHECK(utf8_of("utf-16be", std::string_view("\0a\0b", 4)) == "ab");
    CHECK(utf8_of("", std::string_view("a\0b\0", 4)) == "ab");
}

TEST_CASE("whatever octets come, text is valid UTF-8") {
    std::string octets;
    for (int at = 0; at < 4096; ++at) octets += static_cast<char>(at * 151 % 256);
    for (const auto charset : {"", "utf-8", "utf-16", "utf-16le", "koi8-u", "windows-1253", "us-ascii", "x"})
        CHECK(protocol::is_valid_utf8(utf8_of(charset, octets)));
    CHECK(protocol::is_valid_utf8(utf8_of("utf-16le", std::string_view("\x00\xd8 a", 4))));
}

TEST_CASE("folded text is alike where it looks alike") {
    CHECK(fold("  Free\r\n\tMONEY \u00a0 now ").text == "free money now");
    CHECK(fold("\uff26\uff32\uff25\uff25 \U0001d427\U0001d428\U0001d430").text == "free now");
    CHECK(fold("v\u200bi\u00adagra").text == "viagra");
    CHECK(fold("\u017dLU\u0164OU\u010cK\u00dd").text == "\u017elu\u0165ou\u010dk\u00fd");
    CHECK(fold("").text.empty());
    CHECK(fold(std::string(10000, 'X')).text == std::string(10000, 'x'));
}

TEST_CASE("a phrase is found whatever case, blanks and line ends it comes in") {
    const std::vector<phrase> phrases = {{"Limited  Offer", phrase_place::anywhere}};
    CHECK(found_in("a LIMITED\r\n offer!", phrases) == indices{0});
    CHECK(found_in("limited offers", phrases).empty());
    CHECK(found_in("unlimited offer", phrases).empty());
    CHECK(found_in("(limited offer)", phrases) == indices{0});
    CHECK(found_in("limited of fer", phrases).empty());
}

TEST_CASE("a phrase within another one, or overlapping it, is found beside it") {
    const std::vector<phrase> phrases = {{"free money now", {}},
                                         {"money", phrase_place::anywhere},
                                         {"money now today", phrase_place::anywhere},
                                         {"now", phrase_place::subject},
                                         {"", phrase_place::anywhere},
                                         {"now!", phrase_place::anywhere},
                                         {"ow", phrase_place::anywhere}};
    CHECK(found_in("the free money now today", phrases) == indices{1, 2});
    CHECK(found_in("free money now!", phrases, phrase_place::subject) == indices{0, 1, 3, 5});
}

TEST_CASE("a word ends at letters of any script") {
    const std::vector<phrase> phrases = {{"v\u00fdhra", phrase_place::anywhere}};
    CHECK(found_in("V\u00ddHRA", phrases) == indices{0});
    CHECK(found_in("v\u00fdhra\u0159", phrases).empty());
    CHECK(found_in("\u017ev\u00fdhra", phrases).empty());
    const std::vector<phrase> chinese = {{"\u514d\u8d39", phrase_place::anywhere}};
    CHECK(found_in("\u73b0\u5728\u514d\u8d39\u5427", chinese) == indices{0});
}

TEST_CASE("as many long phrases as may be take no longer than a text is long") {
    std::vector<phrase> phrases;
    for (std::size_t at = 0; at < protocol::scan::phrases_max; ++at)
        phrases.push_back(
            {std::string(protocol::scan::text_max - 4, 'a') + std::to_string(at), phrase_place::anywhere});
    const auto text = std::string(1'000'000, 'a') + " " + phrases[7].text;
    CHECK(found_in(text, phrases) == indices{7});
}

TEST_CASE("a phrase is found across the pieces of a message, and in its subject") {
    const std::vector<phrase> phrases = {{"cheap watches", phrase_place::body},
                                         {"cheap watches", phrase_place::subject}};
    const std::string head =
        "From: a@example.org\nSubject: x\nContent-Transfer-Encoding: quoted-printable\n\n";
    for (const std::size_t piece : {1U, 7U, 4096U})
        CHECK(facts_of(head + "buy chea=\np wat=63hes here\n", phrases, 0, piece).phrases == indices{0});
    CHECK(facts_of("Subject: =?utf-8?b?Q2hlYXA=?=\n =?utf-8?q?_watches?=\n\nx\n", phrases).phrases ==
          indices{1});
}

TEST_CASE("HTML is read as it is seen") {
    CHECK(fold(read_html("v<b></b>i<!-- x -->a<span>gra</span><br>now&nbsp;<p>only&#33;").text).text ==
          "viagra now only!");
    CHECK(fold(read_html("a<style>p{}</style>b<script>if (a<b) '</p>'</script>c").text).text == "a b c");
    CHECK(fold(read_html("1 < 2 <3 & &amp; &unknown; &#x41;&#66;").text).text == "1 < 2 <3 & & &unknown; ab");
    CHECK(fold(read_html("<td>a</td><td>b</td>").text).text == "a b");
    CHECK(read_html("<p title=\"a > b\">x").text == " x");
}

TEST_CASE("text that a style hides is not text") {
    for (const std::string style :
         {"display:none", "DISPLAY : None !important", "visibility:hidden", "font-size:0px;color:red",
          "font-size:1px", "opacity:0", "color:#fff", "color:#123456;background-color:#123456"}) {
        CAPTURE(style);
        const auto seen = read_html("a<div style='" + style + "'>hid<b>den</b></div>b");
        CHECK(fold(seen.text).text == "a b");
        CHECK(seen.hidden == 6);
    }
    for (const std::string style : {"display:block", "font-size:10px", "color:red", "opacity:0.9",
                                    "color:#fff;background:#000", "background:url(x.png);color:white"})
        CHECK(read_html("<div style='" + style + "'>seen</div>").hidden == 0);
    CHECK(read_html("<table bgcolor=black><tr><td><font color=white>seen").hidden == 0);
    CHECK(read_html("<font color=WHITE>hidden").hidden == 6);
    CHECK(fold(read_html("<div hidden><div>x</div>y</div>z").text).text == "z");
}

TEST_CASE("deep, unended and odd HTML is read to its end") {
    std::string deep;
    for (int at = 0; at < 100'000; ++at) deep += "<div style=display:none>";
    CHECK(read_html(deep + "x").hidden == 1);
    CHECK(read_html("<" + std::string(100'000, '<')).text.size() == 100'001);
    CHECK(read_html("<a href='x").links.size() == 1);
    CHECK(read_html("x<!--").text == "x");
    CHECK(read_html("x<script>").script);
    CHECK(read_html("</").text == " ");
    CHECK(read_html("<p =x ='y' / = >z").text == " z");
}

TEST_CASE("links lead where a browser would go") {
    CHECK(host_of("HTTPS://User@WWW.Example.COM:8443/x@y").host == "www.example.com");
    CHECK(host_of("//example.com?x").host == "example.com");
    CHECK(host_of("mailto:a@b.example").host.empty());
    CHECK(host_of("http://3221225985/").numeric);
    CHECK(host_of("http://0xC0000201/").numeric);
    CHECK(host_of("http://[2001:db8::1]:80/").numeric);
    CHECK_FALSE(host_of("http://4chan.example/").numeric);
    CHECK(host_of("http://ex%61mple.com/").disguised);
    CHECK(registered_domain("a.b.example.co.uk") == "example.co.uk");
    CHECK(registered_domain("a.b.example.com") == "example.com");
    CHECK(registered_domain("co.uk") == "co.uk");
    CHECK(registered_domain("localhost") == "localhost");
    const auto links = links_in_text("a http://x.test/p?q) www.y.test, awww.no.test <https://z.test>", 10);
    REQUIRE(links.size() == 3);
    CHECK(links[0] == "http://x.test/p?q");
    CHECK(links[2] == "https://z.test");
}

TEST_CASE("dates are read as RFC 5322 and those before it write them") {
    CHECK(read_mail_date("Sun, 1 Mar 2026 12:00:00 +0000") == 1'772'366'400);
    CHECK(read_mail_date("1 Mar 2026 13:00:00 +0100 (CET)") == 1'772'366'400);
    CHECK(read_mail_date("Sun, 01 Mar 26 07:00 EST") == 1'772'366'400);
    CHECK(read_mail_date("Thu, 29 Feb 2024 00:00:00 GMT") == 1'709'164'800);
    CHECK(read_mail_date("Thu, 1 Jan 1970 00:00:00 -0000") == 0);
    for (const auto wrong : {"", "now", "32 Mar 2026 12:00:00 +0000", "1 Mar 2026 24:00:00 +0000",
                             "1 Foo 2026 12:00:00 +0000", "1 Mar 2026 12:00:00", "1 Mar 2026 12 +0000"})
        CHECK_FALSE(read_mail_date(wrong));
}

TEST_CASE("tokens are numbers that never change") {
    // Stored tables hold these: another value here forgets what was learned.
    CHECK(hash_token("") == 0xefd01f60ba992926U);
    CHECK(hash_token("viagra") == 0x133f6799f5817800U);
}

TEST_CASE("words, pairs and where they stand make tokens") {
    token_set set;
    set.add_text('\0', "the cheap watch is it");
    CHECK(set.take() == std::vector{hash_token("the"), hash_token("cheap"), hash_token("the cheap"),
                                    hash_token("watch"), hash_token("cheap watch"), hash_token("watch is")});
    set.add_text('s', "cheap");
    set.add_text('s', "cheap");
    CHECK(set.take() == std::vector{hash_token("s:cheap")});
    set.add_text('\0', "\u514d\u8d39\u5427");
    CHECK(set.take() == std::vector{hash_token("\u514d \u8d39"), hash_token("\u8d39 \u5427")});
    set.add_text('\0', std::string(41, 'x'));
    CHECK(set.take().empty());
}

TEST_CASE("no message makes more tokens than a report holds") {
    std::string body;
    for (int at = 0; at < 50'000; ++at) body += "word" + std::to_string(at) + "\n";
    const auto about = facts_of("Subject: first\n\n" + body);
    CHECK(about.tokens.size() == protocol::scan::tokens_max);
    CHECK(about.tokens.front() == hash_token("s:first"));
}

TEST_CASE("facts name the subject and the authors as a report may hold them") {
    const auto about = facts_of("From: Jan =?iso-8859-2?q?Nov=E1k?= <jan@example.org>, b@example.org\n"
                                "Subject: =?windows-1250?q?=9Elut=FD?= k\xc5\xaf\xc5\x88\n\nx\n");
    CHECK(about.authors == std::vector<std::string>{"jan@example.org", "b@example.org"});
    CHECK(about.subject == "\u017elut\u00fd k\u016f\u0148");
    const auto long_one = facts_of("Subject: " + std::string(5000, 'a') + "\n\nx\n");
    CHECK(long_one.subject.size() == protocol::scan::subject_max);
    const auto controls = facts_of("Subject: =?utf-8?q?a=0D=0AX:=20b?=\n\nx\n");
    CHECK(controls.subject == "a  X: b");
}

TEST_CASE("an inspection gives facts to an order that wants them, and to no other") {
    const std::string message = "From: a@example.org\r\nSubject: Cheap watches\r\n\r\nhello\r\n";
    protocol::scan::order asked;
    asked.id = 7;
    asked.milliseconds = 60'000;
    asked.phrases = {{"cheap watches", phrase_place::subject}};
    CHECK(inspect(message, asked, nullptr, "/dev/shm").about == protocol::scan::facts{});
    asked.facts = true;
    const auto made = inspect(message, asked, nullptr, "/dev/shm");
    CHECK(made.id == 7);
    CHECK(made.findings.empty());
    CHECK(made.about.subject == "Cheap watches");
    CHECK(made.about.phrases == indices{0});
}

TEST_CASE("of a long message the beginning is looked at") {
    std::string message = "Subject: x\r\n\r\n";
    while (message.size() < facts_octets_max + 1'000'000)
        message += "again and again the same line of words\r\n";
    const auto about = read_facts(message + "unheardof\r\n", {});
    CHECK(std::count(about.tokens.begin(), about.tokens.end(), hash_token("again")) == 1);
    CHECK(std::count(about.tokens.begin(), about.tokens.end(), hash_token("unheardof")) == 0);
}

TEST_CASE("the same message gives the same facts however it is cut") {
    const std::string message =
        "From: a@example.org\nMIME-Version: 1.0\n"
        "Content-Type: multipart/alternative; boundary=x\n\n"
        "--x\nContent-Type: text/plain; charset=iso-8859-2\n"
        "Content-Transfer-Encoding: quoted-printable\n\n"
        "=BElut=FD k=F9=F2 http://example.com/a\n--x\n"
        "Content-Type: text/html; charset=utf-8\n\n<p>yellow <b>horse</b></p>\n--x--\n";
    const auto whole = facts_of(message);
    for (const std::size_t piece : {1U, 3U, 11U}) CHECK(facts_of(message, {}, 0, piece) == whole);
    const auto has = [&](std::string_view token) {
        return std::count(whole.tokens.begin(), whole.tokens.end(), hash_token(token)) == 1;
    };
    CHECK(has("\u017elut\u00fd k\u016f\u0148"));
    CHECK(has("yellow horse"));
    CHECK(has("u:example.com"));
    CHECK(has("f:a@example.org"));
}

} // namespace
