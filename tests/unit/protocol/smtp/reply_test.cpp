// Replies on the wire: one code, lines that fit, and no octet of a peer's that could end or forge one.
#include "protocol/smtp/reply.hpp"

#include "protocol/smtp/grammar.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;
using namespace std::string_literals;

namespace {

std::string wire(const reply& what) {
    std::string out;
    append_reply(out, what);
    return out;
}

} // namespace

TEST_CASE("a reply is written as RFC 5321 wants it", "[reply]") {
    struct row {
        reply what;
        std::string wire, log;
    };
    const auto r = GENERATE(values<row>({
        {{250, {2, 0, 0}, "Ok"}, "250 2.0.0 Ok\r\n", "250 2.0.0 Ok"},
        {{220, {}, "mx.test ESMTP"}, "220 mx.test ESMTP\r\n", "220 mx.test ESMTP"},
        {{250, {}, "mx.test\nPIPELINING\nSIZE 1"},
         "250-mx.test\r\n250-PIPELINING\r\n250 SIZE 1\r\n",
         "250 mx.test PIPELINING SIZE 1"},
        {{550, {5, 7, 23}, "a\nb"}, "550-5.7.23 a\r\n550 5.7.23 b\r\n", "550 5.7.23 a b"},
        {{451, {4, 4, 3}, ""}, "451 4.4.3 \r\n", "451 4.4.3 "},
        {{250, {}, ""}, "250 \r\n", "250 "},
        {{250, {}, "a\n\nb"}, "250-a\r\n250-\r\n250 b\r\n", "250 a  b"},
        {{250, {2, 0, 0}, "a\r\n250 forged"},
         "250-2.0.0 a?\r\n250 2.0.0 250 forged\r\n",
         "250 2.0.0 a? 250 forged"},
        {{550, {5, 1, 1}, "<\x1b[31m\0\x7f\xff >"s}, "550 5.1.1 <?[31m??? >\r\n", "550 5.1.1 <?[31m??? >"},
        {{550, {5, 1, 1}, "<\xc3\xbc\xe2\x80\xa8>"}, "550 5.1.1 <\xc3\xbc?>\r\n", "550 5.1.1 <\xc3\xbc?>"},
        {{550, {5, 999, 999}, "x"}, "550 5.999.999 x\r\n", "550 5.999.999 x"},
    }));
    CHECK(wire(r.what) == r.wire);
    CHECK(reply_line(r.what) == r.log);
}

TEST_CASE("a reply line is 512 octets at most", "[reply]") {
    const std::string codes = "550 5.7.1 ";
    const std::string exact(512 - 2 - codes.size(), 'x');
    CHECK(wire({550, {5, 7, 1}, exact}) == codes + exact + "\r\n");
    const std::string cut = wire({550, {5, 7, 1}, exact + "y"});
    CHECK(cut.size() == 512);
    CHECK(cut.ends_with("x...\r\n"));
    CHECK(wire({250, {}, std::string(100000, 'x')}).size() == 512);
    for (std::size_t i = 490; i < 520; ++i) {
        const std::string line =
            wire({550, {5, 7, 1}, std::string(i, 'x') + "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"});
        CHECK(line.size() <= 512);
        CHECK(is_valid_utf8(line));
    }
}

TEST_CASE("each line of a long reply is cut by itself", "[reply]") {
    const std::string out =
        wire({550, {5, 7, 1}, std::string(600, 'x') + "\nshort\n" + std::string(600, 'y')});
    CHECK(out.size() == 512 + "550-5.7.1 short\r\n"s.size() + 512);
}

TEST_CASE("replies are appended to what is already to be sent", "[reply]") {
    std::string out = "250 2.0.0 Ok\r\n";
    append_reply(out, {250, {2, 0, 0}, std::string(600, 'x')});
    CHECK(out.size() == 14 + 512);
    append_reply(out, {354, {}, "End data with <CR><LF>.<CR><LF>"});
    CHECK(out.ends_with("\r\n354 End data with <CR><LF>.<CR><LF>\r\n"));
}

TEST_CASE("the first digit says what a reply means", "[reply]") {
    CHECK(reply{250, {}, ""}.positive());
    CHECK(reply{354, {}, ""}.positive());
    CHECK(reply{451, {}, ""}.temporary());
    CHECK(reply{550, {}, ""}.permanent());
    CHECK_FALSE(reply{451, {}, ""}.positive());
    CHECK_FALSE(reply{550, {}, ""}.temporary());
}

TEST_CASE("a log line is one line and bounded", "[reply]") {
    const std::string line = reply_line({550, {5, 7, 1}, std::string(5000, 'x') + "\n\"}\x1b"});
    CHECK(line.size() < 1100);
    CHECK(is_printable(line));
}
