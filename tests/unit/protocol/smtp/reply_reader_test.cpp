// What a server may say, and what it may not (CL-04, CL-05).
#include "protocol/smtp/reply_reader.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;
using status = reply_reader::status;

namespace {

struct seen {
    status what = status::need_more;
    peer_reply reply;
    std::size_t consumed = 0;
};

// In pieces of `size` octets.
seen read(std::string_view input, std::size_t size) {
    reply_reader reader;
    seen made;
    while (made.what == status::need_more && made.consumed < input.size()) {
        auto got = reader.feed(input.substr(made.consumed, size));
        made.consumed += got.consumed;
        made.what = got.what;
        made.reply = std::move(got.reply);
    }
    return made;
}

} // namespace

TEST_CASE("replies are read whole, wherever they are cut", "[reply_reader]") {
    struct row {
        std::string input;
        std::uint16_t code;
        enhanced_code enhanced;
        std::vector<std::string> lines;
        std::size_t rest;
    };
    const row rows[] = {
        {"250 Ok\r\n", 250, {}, {"Ok"}, 0},
        {"250\r\n", 250, {}, {""}, 0},
        {"250 \r\n", 250, {}, {""}, 0},
        {"550 5.1.1 no such user\r\n", 550, {5, 1, 1}, {"5.1.1 no such user"}, 0},
        {"250 5.1.1 contradicts itself\r\n", 250, {}, {"5.1.1 contradicts itself"}, 0},
        {"450 4.2.1\r\n", 450, {4, 2, 1}, {"4.2.1"}, 0},
        {"450 4.2222.1 x\r\n", 450, {}, {"4.2222.1 x"}, 0},
        {"250-a\r\n250-b\r\n250 c\r\nmore", 250, {}, {"a", "b", "c"}, 4},
        {"220 one\r\n250-two\r\n", 220, {}, {"one"}, 9},
        {"550-5.\r\n550 5.7\r\n", 550, {}, {"5.", "5.7"}, 0},
        {"550 5.7.1\r\n", 550, {5, 7, 1}, {"5.7.1"}, 0},
        {"599 x\r\n", 599, {}, {"x"}, 0},
    };
    for (const auto& row : rows) {
        for (const std::size_t size : {std::size_t{1}, std::size_t{2}, std::size_t{3}, row.input.size()}) {
            CAPTURE(row.input, size);
            const auto got = read(row.input, size);
            CHECK(got.what == status::complete);
            CHECK(got.reply.code == row.code);
            CHECK(got.reply.enhanced == row.enhanced);
            CHECK(got.reply.lines == row.lines);
            CHECK(got.consumed == row.input.size() - row.rest);
        }
    }
}

TEST_CASE("what can't be a reply is a fault", "[reply_reader][CL-05]") {
    const std::string many = [] {
        std::string lines;
        for (int i = 0; i < 200; ++i) lines += "250-a\r\n";
        return lines + "250 b\r\n";
    }();
    for (const std::string& input :
         {std::string("25x Ok\r\n"), std::string("2500 x\r\n"), std::string("25\r\n"), std::string("\r\n"),
          std::string("hello\r\n"), std::string("199 x\r\n"), std::string("600 x\r\n"),
          std::string("354x\r\n"), std::string("250-a\r\n251 b\r\n"), std::string("250-a\r\n\r\n"),
          std::string("250 a\n"), std::string("250 a\rb\r\n"), std::string("250 a\0b\r\n", 9),
          std::string("250_a\r\n"), many, "250 " + std::string(3000, 'x') + "\r\n",
          std::string(1'000'000, '2')}) {
        for (const std::size_t size : {std::size_t{1}, std::size_t{7}, input.size()}) {
            CAPTURE(input.substr(0, 40), size);
            CHECK(read(input, size).what == status::malformed);
        }
    }
}

TEST_CASE("a reply's text can be shown: printable, one line, bounded", "[reply_reader][IN-03]") {
    std::string input;
    for (int i = 0; i < 90; ++i) input += "550-5.7.1 \x1b[2J bad\x7f \xff" + std::string(500, 'y') + "\r\n";
    input += "550 5.7.1 end\r\n";
    const auto text = read(input, input.size()).reply.text();
    CHECK(text.size() <= peer_reply::text_max);
    CHECK(text.starts_with("550 5.7.1 ?[2J bad? ?"));
    CHECK(text.find('\x1b') == std::string::npos);
}
