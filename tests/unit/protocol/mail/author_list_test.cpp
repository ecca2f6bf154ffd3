// Who a From field names, spelling by spelling, and what is no answer.
#include "protocol/mail/author_list.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;
using fault = author_fault;

namespace {

// "a@b c@d" of the authors, or the fault.
std::string seen(const postern::result<std::vector<address>, author_fault>& found) {
    if (!found) return "! " + std::string(fault_text(found.error()));
    std::string text;
    for (const auto& one : *found) text += (text.empty() ? "" : " ") + one.to_string();
    return text;
}
std::string no(author_fault what) { return "! " + std::string(fault_text(what)); }

std::string of_header(std::string_view header) {
    header_scan scan;
    scan.feed(header);
    scan.end();
    return seen(authors_of(scan));
}

struct spelling {
    std::string_view value;
    std::string authors;
};

} // namespace

TEST_CASE("well-formed spellings of From name their authors") {
    const std::string own = "jan@firma.cz";
    const spelling rows[] = {
        {"jan@firma.cz", own},
        {" jan@firma.cz ", own},
        {"\tjan@firma.cz", own},
        {"<jan@firma.cz>", own},
        {"< jan@firma.cz >", own},
        {"Jan <jan@firma.cz>", own},
        {"Jan<jan@firma.cz>", own},
        {"Jan Novak <jan@firma.cz>", own},
        {"J. Novak <jan@firma.cz>", own},
        {"J.N. <jan@firma.cz>", own},
        {"\"Jan Novak\" <jan@firma.cz>", own},
        {"\"Novak, Jan\" <jan@firma.cz>", own},
        {"\"Jan \\\"Honza\\\" Novak\" <jan@firma.cz>", own},
        {"\"v@bank.test\" <jan@firma.cz>", own},
        {"\"<v@bank.test>\" <jan@firma.cz>", own},
        {"\"a\"\"b\" <jan@firma.cz>", own},
        {"\"\" <jan@firma.cz>", own},
        {"=?utf-8?q?Jan_Nov=C3=A1k?= <jan@firma.cz>", own},
        {"=?utf-8?b?SmFuIE5vdsOhaw==?= <jan@firma.cz>", own},
        {"=?utf-8?q?Nov=C3=A1k=2C_Jan?= <jan@firma.cz>", own},
        {"\"=?utf-8?q?Jan?=\" <jan@firma.cz>", own},
        {"Jan Nov\xc3\xa1k <jan@firma.cz>", own},
        {"jan@firma.cz (Jan Novak)", own},
        {"(Jan) jan@firma.cz", own},
        {"(v@bank.test) jan@firma.cz (a (nested (one)))", own},
        {"jan@firma.cz (a \\) in it)", own},
        {"Jan (he) Novak (she) <jan@firma.cz> (it)", own},
        {"jan@FIRMA.cz", own},
        {"\"jan\"@firma.cz", own},
        {"<\"jan\"@firma.cz>", own},
        {"\"jan novak\"@firma.cz", "\"jan novak\"@firma.cz"},
        {"<\"a>b\"@firma.cz>", "\"a>b\"@firma.cz"},
        {"\"a@b\"@firma.cz", "\"a@b\"@firma.cz"},
        {"jan@[192.0.2.1]", "jan@[192.0.2.1]"},
        {"Jan <jan@[IPv6:2001:db8::1]>", "jan@[IPv6:2001:db8::1]"},
        {"jan@firma.cz, eva@firma.cz", "jan@firma.cz eva@firma.cz"},
        {"jan@firma.cz,eva@firma.cz", "jan@firma.cz eva@firma.cz"},
        {"Jan <jan@firma.cz>, \"Eva, K\" <eva@firma.cz>", "jan@firma.cz eva@firma.cz"},
        {"v@bank.test,<x@f.test>", "v@bank.test x@f.test"},
        {"Us: jan@firma.cz;", own},
        {"Us: jan@firma.cz, Eva <eva@firma.cz>;", "jan@firma.cz eva@firma.cz"},
        {"\"v@bank.test\": jan@firma.cz;", own},
        {"Us: jan@firma.cz;, eva@firma.cz", "jan@firma.cz eva@firma.cz"},
        {"Jan\r\n <jan@firma.cz>", own},
        {"\xc5\xbe@firma.cz", "\xc5\xbe@firma.cz"},
        {"jan@h\xc3\xa1\xc4\x8d.cz", "jan@xn--h-ufa6k.cz"},
        {"Jan\xf0\x9f\x98\x80 <jan@firma.cz>", own},
    };
    for (const auto& [value, authors] : rows) {
        INFO(value);
        CHECK(seen(parse_authors(value)) == authors);
    }
}

TEST_CASE("a spelling that mail programs read differently is a fault, not a guess") {
    const std::pair<std::string_view, author_fault> rows[] = {
        {"", fault::no_author},
        {"  ", fault::no_author},
        {"()", fault::no_author},
        {";", fault::no_author},
        {",", fault::no_author},
        {"undisclosed:;", fault::no_author},
        {"undisclosed: ;", fault::no_author},
        {"undisclosed:;, jan@firma.cz", fault::no_author},
        {"jan@firma.cz,", fault::no_author},
        {",jan@firma.cz", fault::no_author},
        {"jan@firma.cz,,eva@firma.cz", fault::no_author},
        {"Us: jan@firma.cz,;", fault::no_author},
        {"Jan", fault::no_address},
        {"Jan Novak", fault::no_address},
        {"=?utf-8?b?SmFuIDxqYW5AZmlybWEuY3o+?=", fault::no_address},
        {"Jan, eva@firma.cz", fault::no_address},
        {"Novak, Jan <jan@firma.cz>", fault::no_address},
        {"<>", fault::bad_address},
        {"<jan>", fault::bad_address},
        {"jan@", fault::bad_address},
        {"@firma.cz", fault::no_author},
        {"<@firma.cz>", fault::bad_address},
        {"<@f.test,@x:v@bank.test>", fault::bad_address},
        {"<@f.test:v@bank.test>", fault::bad_address},
        {"@f.test:v@bank.test", fault::no_author},
        {"<v@bank.test>\\,<x@f.test>", fault::leftover},
        {"<x@f.test>v@bank.test", fault::leftover},
        {"<x@f.test> <v@bank.test>", fault::leftover},
        {"<<x@f.test>>", fault::bad_address},
        {"<x@f.test <v@bank.test>>", fault::bad_address},
        {"x@f.test <v@bank.test>", fault::leftover},
        {"x@f.test v@bank.test", fault::leftover},
        {"Jan jan@firma.cz", fault::leftover},
        {"x@f.test@bank.test", fault::leftover},
        {"<x@f.test@bank.test>", fault::bad_address},
        {"jan@firma.cz;", fault::leftover},
        {"jan@firma.cz; eva@firma.cz", fault::leftover},
        {"jan @firma.cz", fault::leftover},
        {"jan@ firma.cz", fault::bad_address},
        {"<jan @firma.cz>", fault::bad_address},
        {"<jan@ firma.cz>", fault::bad_address},
        {"jan . novak@firma.cz", fault::leftover},
        {"<jan . novak@firma.cz>", fault::bad_address},
        {"<jan@firma . cz>", fault::bad_address},
        {"jan(c)@firma.cz", fault::leftover},
        {"<jan(c)@firma.cz>", fault::bad_address},
        {"<jan@firma.cz(c)>", fault::bad_address},
        {"<(c)jan@firma.cz>", fault::bad_address},
        {".jan@firma.cz", fault::bad_address},
        {"jan.@firma.cz", fault::bad_address},
        {"jan@firma..cz", fault::bad_address},
        {"jan@firma.cz.", fault::bad_address},
        {"jan@-firma.cz", fault::bad_address},
        {"=?utf-8?q?v?=@bank.test", fault::bad_address},
        {"<=?utf-8?q?v=40bank.test?=@firma.cz>", fault::bad_address},
        {"=?utf-8?b?dkBiYW5rLnRlc3QA?==?utf-8?q?=00?=@firma.cz", fault::bad_octet},
        {"=?utf-8?q?v=40bank.test=00?= <jan@firma.cz>", fault::bad_octet},
        {"=?utf-8?q?v=40bank.test=0A?= <jan@firma.cz>", fault::bad_octet},
        {"\"=?utf-8?b?AA==?=\" <jan@firma.cz>", fault::bad_octet},
        {"\"Jan <jan@firma.cz>", fault::unclosed},
        {"Jan\\\" <jan@firma.cz>", fault::leftover},
        {"\"Jan\\", fault::unclosed},
        {"<jan@firma.cz", fault::unclosed},
        {"jan@firma.cz>", fault::leftover},
        {"(jan@firma.cz", fault::unclosed},
        {"jan@firma.cz (open", fault::unclosed},
        {"jan@firma.cz )", fault::leftover},
        {"((((((((( )))))))))  jan@firma.cz", fault::unclosed},
        {"Us: jan@firma.cz", fault::unclosed},
        {"Us: Them: jan@firma.cz;;", fault::leftover},
        {"Us: jan@firma.cz;;", fault::leftover},
        {": jan@firma.cz;", fault::no_author},
        {"jan@[192.0.2.1", fault::unclosed},
        {"jan@[192.0.2.1]x", fault::leftover},
        {"jan@[no]", fault::bad_address},
        {"[x] <jan@firma.cz>", fault::no_author},
        {"Jan [x] <jan@firma.cz>", fault::leftover},
        {"Jan\nBcc: v@bank.test", fault::bad_octet},
        {"jan@firma.cz\r\nBcc: v@bank.test", fault::bad_octet},
        {"jan@firma.cz\r\n", fault::bad_octet},
        {"Jan\x1b[31m <jan@firma.cz>", fault::bad_octet},
        {"Jan\xff <jan@firma.cz>", fault::bad_octet},
        {"Jan\xe2\x80\xa8 <jan@firma.cz>", fault::bad_octet},
        {"Jan\xe2\x80\xae <jan@firma.cz>", fault::bad_octet},
        {std::string_view("jan@firma.cz\0x", 14), fault::bad_octet},
    };
    for (const auto& [value, what] : rows) {
        INFO(value);
        CHECK(seen(parse_authors(value)) == no(what));
    }
}

TEST_CASE("a list has an end") {
    std::string many = "a@b.cz";
    for (std::size_t i = 1; i < authors_max; ++i) many += ",a@b.cz";
    CHECK(parse_authors(many).has_value());
    CHECK(seen(parse_authors(many + ",a@b.cz")) == no(fault::too_long));
}

TEST_CASE("the fields of a header: one From, spelled as it must be, and its Sender") {
    const std::string rest = "To: x@y.test\r\n\r\nFrom: v@bank.test\r\n";
    const spelling rows[] = {
        {"From: jan@firma.cz\r\n", "jan@firma.cz"},
        {"FROM:jan@firma.cz\r\n", "jan@firma.cz"},
        {"from:\r\n jan@firma.cz\r\n", "jan@firma.cz"},
        {"From: Jan\r\n\t<jan@firma.cz>\r\n", "jan@firma.cz"},
        {"Subject: x\r\n", no(fault::no_field)},
        {"X-From: jan@firma.cz\r\n", no(fault::no_field)},
        {"From: <x@f.test>\r\nFrom: <v@bank.test>\r\n", no(fault::two_fields)},
        {"From: <x@f.test>\r\nfrom : <v@bank.test>\r\n", no(fault::two_fields)},
        {"From : <x@f.test>\r\n", no(fault::bad_name)},
        {"From\t: <x@f.test>\r\n", no(fault::bad_name)},
        {" From: <x@f.test>\r\nFrom: <v@bank.test>\r\n", no(fault::broken_header)},
        {"From\r\n : <x@f.test>\r\nFrom: <v@bank.test>\r\n", no(fault::broken_header)},
        {"From: <x@f.test>\r\nFrom\r\n : <v@bank.test>\r\n", no(fault::broken_header)},
        {"From: <x@f.test>\r\nno field\r\n", no(fault::broken_header)},
        {"From: \r\n", no(fault::no_author)},
        {"From: jan@firma.cz\r\nSender: eva@firma.cz\r\n", "jan@firma.cz eva@firma.cz"},
        {"From: jan@firma.cz\r\nSender: jan@firma.cz\r\n", "jan@firma.cz"},
        {"Sender: v@bank.test\r\nFrom: jan@firma.cz\r\n", "jan@firma.cz v@bank.test"},
        {"From: jan@firma.cz\r\nSender: a@b.cz\r\nSender: c@d.cz\r\n", no(fault::two_fields)},
        {"From: jan@firma.cz\r\nSender: a@b.cz, c@d.cz\r\n", no(fault::many_senders)},
        {"From: jan@firma.cz\r\nSender: us: a@b.cz;\r\n", no(fault::many_senders)},
        {"From: jan@firma.cz\r\nSender :a@b.cz\r\n", no(fault::bad_name)},
    };
    for (const auto& [fields, authors] : rows) {
        INFO(fields);
        CHECK(of_header(std::string(fields) + rest) == authors);
    }
    CHECK(of_header("From: jan@firma.cz\r\n") == "jan@firma.cz"); // the message ends within the header
}

TEST_CASE("a From longer than what is kept is no answer, a long one is") {
    std::string folded = "From: ";
    while (folded.size() < 7000) folded += std::string(70, 'n') + "\r\n ";
    CHECK(of_header(folded + "<jan@firma.cz>\r\n\r\n") == "jan@firma.cz");
    while (folded.size() < header_scan::author_field_max + 500) folded += std::string(70, 'n') + "\r\n ";
    CHECK(of_header(folded + "<jan@firma.cz>\r\n\r\n") == no(fault::too_long));
    const std::string one_line = "From: jan@firma.cz (" + std::string(1100, 'c') + "), v@bank.test\r\n\r\n";
    CHECK(of_header(one_line) == no(fault::too_long));
}
