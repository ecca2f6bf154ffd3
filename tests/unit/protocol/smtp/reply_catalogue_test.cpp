// The catalogue by the rules that every row obeys, and by values that a peer chose.
#include "protocol/smtp/reply_catalogue.hpp"

#include "protocol/smtp/grammar.hpp"

#include <array>
#include <catch2/catch.hpp>

using namespace postern::protocol;

namespace {

constexpr std::size_t reply_count = static_cast<std::size_t>(reply_id::last_) + 1;

reply reply_number(std::size_t i, std::string_view value = "x") {
    return make_reply(static_cast<reply_id>(i), {value, value, value, value});
}

std::string wire(const reply& what) {
    std::string out;
    append_reply(out, what);
    return out;
}

bool has_no_enhanced_code(reply_id what) { // RFC 2034 §4
    return what == reply_id::greeting || what == reply_id::helo_ok || what == reply_id::ehlo_ok ||
           what == reply_id::start_data || what == reply_id::answers_follow;
}

} // namespace

TEST_CASE("the class of the enhanced code is that of the reply, and is there where it may be") {
    for (std::size_t i = 0; i < reply_count; ++i) {
        const auto made = reply_number(i);
        INFO(reply_line(made));
        CHECK((made.code >= 211 && made.code <= 559));
        if (has_no_enhanced_code(static_cast<reply_id>(i)))
            CHECK(made.enhanced == enhanced_code{});
        else
            CHECK(made.enhanced.category == made.code / 100);
    }
}

TEST_CASE("421 and 221 close, and name the host that says 421") {
    for (std::size_t i = 0; i < reply_count; ++i) {
        const auto made = reply_number(i, "mx.d.test");
        INFO(reply_line(made));
        if (made.code == 421) CHECK(made.text.starts_with("mx.d.test "));
        if (made.code == 421 || made.code == 221) CHECK(made.close);
        if (made.positive() && made.code != 221) CHECK_FALSE(made.close);
    }
}

TEST_CASE("every reply is one line of printable ASCII with its holes filled") {
    for (std::size_t i = 0; i < reply_count; ++i) {
        const auto made = reply_number(i);
        INFO(made.text);
        CHECK_FALSE(made.text.empty());
        CHECK(made.text.find('{') == std::string::npos);
        CHECK(is_ascii(made.text));
        CHECK(is_printable(made.text));
        CHECK(wire(made).size() <= 512);
    }
}

TEST_CASE("a value that a peer chose cannot break the line, nor fill it") {
    using namespace std::string_literals;
    const auto hostile = std::to_array<std::string>({"a\r\n250 forged", "\n", "\r", "\0"s, "\x1b[2J", "\x7f",
                                                     "\xff\xfe", "\xe2\x80\xa8", "\xe2\x80\xae", "{}", "%s%n",
                                                     std::string(100'000, 'x'), std::string(100'000, '\n')});
    for (std::size_t i = 0; i < reply_count; ++i) {
        for (const auto& value : hostile) {
            const auto line = wire(reply_number(i, value));
            INFO(line);
            CHECK(line.size() <= 512);
            CHECK(line.find("\r\n") == line.size() - 2);
            CHECK(is_printable(std::string_view(line).substr(0, line.size() - 2)));
            CHECK(line[3] == ' ');
        }
    }
}
