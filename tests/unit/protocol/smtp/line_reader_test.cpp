// The strict line reader: what ends a line, what never does, the limits to the octet, and that splits change
// nothing.
#include "protocol/smtp/line_reader.hpp"

#include <catch2/catch.hpp>
#include <tuple>
#include <vector>

using postern::protocol::line_reader;
using postern::protocol::line_status;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

struct event {
    line_status status;
    std::size_t end; // octets of the whole stream consumed when it was said
    std::string line;
    bool operator==(const event&) const = default;
};

std::ostream& operator<<(std::ostream& out, const event& e) {
    return out << static_cast<int>(e.status) << '@' << e.end << ':' << e.line;
}

bool is_final(line_status status) {
    return status == line_status::bare_line_end || status == line_status::endless;
}

// Feeds the pieces one after another, each until it is used up, to the first outcome that closes the
// connection.
std::vector<event> read_all(line_reader& reader, const std::vector<std::string_view>& pieces) {
    std::vector<event> events;
    std::size_t end = 0;
    for (std::string_view piece : pieces) {
        const std::string own(piece); // dies before the next piece comes
        for (std::string_view rest = own; !rest.empty();) {
            const auto outcome = reader.feed(rest);
            REQUIRE(outcome.consumed > 0);
            REQUIRE(outcome.consumed <= rest.size());
            rest.remove_prefix(outcome.consumed);
            end += outcome.consumed;
            if (outcome.status == line_status::need_more) {
                CHECK(rest.empty());
                continue;
            }
            events.push_back({outcome.status, end, std::string(outcome.line)});
            if (is_final(outcome.status)) return events;
        }
    }
    return events;
}

std::vector<event> read_whole(std::string_view input, std::size_t limit) {
    line_reader reader(limit);
    return read_all(reader, {input});
}

std::vector<std::string_view> bytewise(std::string_view input) {
    std::vector<std::string_view> pieces;
    for (std::size_t i = 0; i < input.size(); ++i) pieces.push_back(input.substr(i, 1));
    return pieces;
}

void check_splits(std::string_view input, std::size_t limit) {
    const auto whole = read_whole(input, limit);
    line_reader reader(limit);
    CHECK(read_all(reader, bytewise(input)) == whole);
    for (std::size_t cut = 0; cut <= input.size(); ++cut) {
        CAPTURE(cut);
        reader.reset();
        CHECK(read_all(reader, {input.substr(0, cut), input.substr(cut)}) == whole);
    }
}

} // namespace

TEST_CASE("only CRLF ends a line, at any split", "[line_reader]") {
    struct row {
        std::string_view input;
        std::vector<event> events;
    };
    const auto r = GENERATE(values<row>({
        {"NOOP\r\n", {{line_status::complete, 6, "NOOP"}}},
        {"\r\n", {{line_status::complete, 2, ""}}},
        {"\r\n\r\n", {{line_status::complete, 2, ""}, {line_status::complete, 4, ""}}},
        {"a\r\nbc\r\nd", {{line_status::complete, 3, "a"}, {line_status::complete, 7, "bc"}}},
        {"NOOP", {}},
        {"NOOP\r", {}},
        {"NOOP\n", {{line_status::bare_line_end, 5, "NOOP"}}},
        {"\n", {{line_status::bare_line_end, 1, ""}}},
        {"NOOP\rQUIT\r\n", {{line_status::bare_line_end, 6, "NOOP"}}},
        {"MAIL FROM:<a@s.test>\n RCPT TO:<b@d.test>\r\n",
         {{line_status::bare_line_end, 21, "MAIL FROM:<a@s.test>"}}},
        {"NOOP\r\r\n", {{line_status::bare_line_end, 6, "NOOP"}}},
        {"NOOP\r\0\n"sv, {{line_status::bare_line_end, 6, "NOOP"}}},
        {"NOOP\n\r\n", {{line_status::bare_line_end, 5, "NOOP"}}},
        {"a\r\nb\rc\r\n", {{line_status::complete, 3, "a"}, {line_status::bare_line_end, 6, "b"}}},
        {"a\r\n\nb\r\n", {{line_status::complete, 3, "a"}, {line_status::bare_line_end, 4, ""}}},
        {"NO\0OP\r\n"sv, {{line_status::complete, 7, "NO\0OP"s}}}, // the command's grammar refuses it
        {"\xff\x80\x85\r\n", {{line_status::complete, 5, "\xff\x80\x85"}}}, // 0x85 (NEL) ends nothing
        {"a\xe2\x80\xa8z\r\n", {{line_status::complete, 7, "a\xe2\x80\xa8z"}}},
        {"a\vb\fc\r\n", {{line_status::complete, 7, "a\vb\fc"}}},
    }));
    CAPTURE(r.input);
    CHECK(read_whole(r.input, 2048) == r.events);
    check_splits(r.input, 2048);
}

TEST_CASE("the limit counts the CRLF and holds to the octet", "[line_reader]") {
    const std::size_t limit = GENERATE(16U, 512U, 2048U);
    const std::string exact(limit - 2, 'x');
    CHECK(read_whole(exact + "\r\n", limit) == std::vector<event>{{line_status::complete, limit, exact}});
    CHECK(read_whole(exact + "y\r\n", limit) ==
          std::vector<event>{{line_status::too_long, limit + 1, exact + "y"}});
    CHECK(read_whole(exact + "yz!\r\n", limit) ==
          std::vector<event>{{line_status::too_long, limit + 3, exact + "yz"}});
}

TEST_CASE("a session goes on after a line that was too long", "[line_reader]") {
    const std::string input = std::string(40, 'x') + "\r\nNOOP\r\n" + std::string(17, 'y') + "\r\nQUIT\r\n";
    const std::vector<event> expected{{line_status::too_long, 42, std::string(16, 'x')},
                                      {line_status::complete, 48, "NOOP"},
                                      {line_status::too_long, 67, std::string(16, 'y')},
                                      {line_status::complete, 73, "QUIT"}};
    CHECK(read_whole(input, 16) == expected);
    check_splits(input, 16);
}

TEST_CASE("splits around the limit change nothing", "[line_reader]") {
    for (std::size_t length = 12; length < 20; ++length) {
        for (const std::string_view end : {"\r\n"sv, "\n"sv, "\rx"sv, "\r\r\n"sv, ""sv, "\r"sv}) {
            CAPTURE(length, end);
            check_splits(std::string(length, 'x') + std::string(end) + "NOOP\r\n", 16);
        }
    }
}

TEST_CASE("a bare line end is noticed inside a line that is too long", "[line_reader]") {
    const std::string start(100, 'x');
    CHECK(read_whole(start + "\nMAIL\r\n", 16) ==
          std::vector<event>{{line_status::bare_line_end, 101, start.substr(0, 16)}});
    CHECK(read_whole(start + "\rMAIL\r\n", 16) ==
          std::vector<event>{{line_status::bare_line_end, 102, start.substr(0, 16)}});
    check_splits(start + "\nMAIL\r\n", 16);
}

TEST_CASE("an endless line is given up at one octet, however it comes", "[line_reader]") {
    const std::size_t limit = 16;
    const std::size_t ceiling = limit + line_reader::endless_slack;
    const std::string longest = std::string(ceiling - 2, 'x') + "\r\n";
    const std::string first(limit, 'x');
    CHECK(read_whole(longest, limit) == std::vector<event>{{line_status::too_long, ceiling, first}});
    for (const std::string& input : {"x" + longest, std::string(ceiling + 1, 'x'), std::string(1 << 20, 'x'),
                                     std::string(ceiling, 'x') + "\r\n"}) {
        const std::vector<event> expected{{line_status::endless, ceiling + 1, first}};
        CHECK(read_whole(input, limit) == expected);
        for (const std::size_t piece :
             {std::size_t{1}, std::size_t{7}, std::size_t{4096}, ceiling, ceiling + 1}) {
            CAPTURE(piece);
            std::vector<std::string_view> pieces;
            for (std::size_t i = 0; i < input.size(); i += piece)
                pieces.push_back(std::string_view(input).substr(i, piece));
            line_reader reader(limit);
            CHECK(read_all(reader, pieces) == expected);
        }
    }
}

TEST_CASE("an over-long line costs no more memory than the limit", "[line_reader]") {
    line_reader reader(2048);
    const std::string piece(4096, 'x');
    for (int i = 0; i < 16; ++i) {
        CHECK(reader.feed(piece).status == line_status::need_more);
        CHECK(reader.partial().size() == 2048);
    }
    CHECK(reader.feed(piece).status == line_status::endless);
}

TEST_CASE("a whole line in the input is not copied", "[line_reader]") {
    line_reader reader(2048);
    const std::string input = "EHLO client.test\r\nNOOP\r\n";
    const auto outcome = reader.feed(input);
    CHECK(outcome.line.data() == input.data());
    CHECK(reader.feed(std::string_view(input).substr(outcome.consumed)).line.data() == input.data() + 18);
}

TEST_CASE("the incomplete line can be looked at, and is gone when it is complete", "[line_reader]") {
    line_reader reader(2048);
    CHECK(reader.partial().empty());
    reader.feed("\x16\x03");
    CHECK(reader.partial() == "\x16\x03");
    reader.feed("\x01\r");
    CHECK(reader.partial() == "\x16\x03\x01");
    const auto outcome = reader.feed("\nX");
    CHECK(outcome.line == "\x16\x03\x01");
    CHECK(outcome.consumed == 1);
    CHECK(reader.partial().empty());
}

TEST_CASE("reset forgets a half line and its CR", "[line_reader]") {
    line_reader reader(2048);
    reader.feed("MAIL FROM:<a@\r");
    reader.reset();
    CHECK(reader.partial().empty());
    const auto outcome = reader.feed("NOOP\r\n");
    CHECK(outcome.status == line_status::complete);
    CHECK(outcome.line == "NOOP");
}

TEST_CASE("an empty input asks for more and loses nothing", "[line_reader]") {
    line_reader reader(2048);
    reader.feed("NOOP\r");
    CHECK(reader.feed("").status == line_status::need_more);
    CHECK(reader.feed("\n").line == "NOOP");
}

TEST_CASE("the limit can grow for one exchange and shrink again", "[line_reader]") {
    line_reader reader(16);
    reader.set_max_length(64);
    const std::string input = std::string(50, 'x') + "\r\n";
    CHECK(reader.feed(input).status == line_status::complete);
    reader.set_max_length(16);
    CHECK(reader.feed(input).status == line_status::too_long);
}
