// The end of data and nothing else ends it: every sequence that servers have taken for it, at every split,
// checked against a reference that reads one octet at a time.
#include "protocol/smtp/data_decoder.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

using postern::protocol::chunk_decoder;
using postern::protocol::content_facts;
using postern::protocol::data_decoder;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

struct decoded {
    std::string body;
    std::size_t consumed = 0;
    bool finished = false;
    bool bare = false, nul = false, eight_bit = false;
    std::uint64_t longest = 0, size = 0;
    bool operator==(const decoded&) const = default;
};

std::ostream& operator<<(std::ostream& out, const decoded& d) {
    return out << '"' << d.body << "\" consumed " << d.consumed << (d.finished ? " finished" : "")
               << (d.bare ? " bare" : "") << (d.nul ? " nul" : "") << (d.eight_bit ? " 8bit" : "")
               << " longest " << d.longest << " size " << d.size;
}

void take_facts(decoded& result, const content_facts& facts) {
    result.bare = facts.bare_line_end;
    result.nul = facts.nul;
    result.eight_bit = facts.eight_bit;
    result.longest = facts.longest_line;
    result.size = facts.size;
}

decoded decode(const std::vector<std::string_view>& pieces) {
    data_decoder decoder;
    decoded result;
    for (const std::string_view piece : pieces) {
        if (result.finished) break;
        const std::string own(piece);
        const auto outcome = decoder.feed(own, result.body, data_decoder::keep::store);
        result.consumed += outcome.consumed;
        result.finished = outcome.finished;
        if (!outcome.finished) REQUIRE(outcome.consumed == own.size());
    }
    take_facts(result, decoder.facts());
    return result;
}

// The same, told in the plainest way: cut into lines at CRLF, look at each.
decoded reference(std::string_view input) {
    decoded result;
    std::size_t from = 0;
    const auto judge = [&](std::string_view line, bool ended) {
        if (line.starts_with('.')) line.remove_prefix(1);
        result.body += line;
        if (ended) result.body += "\r\n";
        const bool cr_waits = !ended && line.ends_with('\r');
        if (cr_waits) line.remove_suffix(1);
        result.longest = std::max<std::uint64_t>(result.longest, line.size());
        if (line.find_first_of("\r\n") != std::string_view::npos) result.bare = true;
    };
    while (!result.finished) {
        const std::size_t crlf = input.find("\r\n", from);
        const bool ended = crlf != std::string_view::npos;
        const std::string_view line = input.substr(from, crlf - from);
        from = ended ? crlf + 2 : input.size();
        result.finished = ended && line == ".";
        if (!result.finished) judge(line, ended);
        if (!ended) break;
    }
    if (!result.finished && input.ends_with("\r\n.\r"))
        result.body.pop_back(); // may be the end: not yet content
    if (!result.finished && input == ".\r") result.body.clear();
    result.consumed = from;
    const std::string_view taken = input.substr(0, from);
    result.size = result.body.size();
    result.nul = taken.find('\0') != std::string_view::npos;
    for (const char c : taken) result.eight_bit |= static_cast<unsigned char>(c) >= 0x80;
    return result;
}

std::vector<std::string_view> bytewise(std::string_view input) {
    std::vector<std::string_view> pieces;
    for (std::size_t i = 0; i < input.size(); ++i) pieces.push_back(input.substr(i, 1));
    return pieces;
}

void check_splits(std::string_view input) {
    const decoded whole = decode({input});
    CHECK(whole == reference(input));
    CHECK(decode(bytewise(input)) == whole);
    for (std::size_t cut = 0; cut <= input.size(); ++cut) {
        CAPTURE(cut);
        CHECK(decode({input.substr(0, cut), input.substr(cut)}) == whole);
    }
}

} // namespace

TEST_CASE("a smuggled end of data does not end it, at any split", "[data_decoder]") {
    const std::string_view smuggled = GENERATE(values<std::string_view>({
        "\n.\n"sv,
        "\r.\r"sv,
        "\r.\n"sv,
        "\n.\r"sv,
        "\n.\r\n"sv,
        "\r\n.\n"sv,
        "\r\n.\r\r"sv,
        "\r\n.\rx"sv,
        "\r.\r\n"sv,
        "\r\n\0.\r\n"sv,
        "\r\n.\0\r\n"sv,
        "\r\n.\r\0\n"sv,
        "\r\n\r.\r\n"sv,
        "\r\n.\r\r\n"sv,
        "\n\n.\r\n"sv,
        "\r\r.\r\r"sv,
        "\r\n.\n\r\n"sv,
    }));
    for (const std::string& before : {""s, "a"s, "Subject: x\r\n\r\nbody"s}) {
        const std::string input = before + std::string(smuggled) + "MAIL FROM:<v@f.test>\r\n";
        CAPTURE(input);
        const decoded result = decode({input});
        CHECK_FALSE(result.finished);
        CHECK(result.consumed == input.size());
        CHECK((result.bare || result.nul));
        check_splits(input);

        const std::string ended = input + ".\r\nQUIT\r\n"; // and the true end is still found
        CHECK(decode({ended}).finished);
        CHECK(decode({ended}).consumed == input.size() + 3);
        check_splits(ended);
    }
}

TEST_CASE("clean data is decoded to the octet, at any split", "[data_decoder]") {
    struct row {
        std::string_view input, body;
        std::uint64_t longest;
    };
    const auto [input, body, longest] = GENERATE(values<row>({
        {".\r\n"sv, ""sv, 0},
        {"\r\n.\r\n"sv, "\r\n"sv, 0},
        {"a\r\n.\r\n"sv, "a\r\n"sv, 1},
        {"..\r\n.\r\n"sv, ".\r\n"sv, 1},
        {"..x\r\n.\r\n"sv, ".x\r\n"sv, 2},
        {"...\r\n.\r\n"sv, "..\r\n"sv, 2},
        {".x\r\n.\r\n"sv, "x\r\n"sv, 1}, // a lone leading dot before text goes too (RFC 5321 §4.5.2)
        {"a\r\n. \r\n.\r\n"sv, "a\r\n \r\n"sv, 1},
        {"a\r\n.\t\r\n.\r\n"sv, "a\r\n\t\r\n"sv, 1},
        {"a.\r\n.b.\r\n.\r\n"sv, "a.\r\nb.\r\n"sv, 2},
        {"a\r\n\r\n\r\n.\r\n"sv, "a\r\n\r\n\r\n"sv, 1},
        {"Subject: x\r\n\r\nlonger line\r\n..\r\n.\r\n"sv, "Subject: x\r\n\r\nlonger line\r\n.\r\n"sv, 11},
    }));
    CAPTURE(input);
    const decoded result = decode({input});
    CHECK(result.finished);
    CHECK(result.consumed == input.size());
    CHECK(result.body == body);
    CHECK(result.size == body.size());
    CHECK(result.longest == longest);
    CHECK_FALSE(result.bare);
    CHECK_FALSE(result.nul);
    CHECK_FALSE(result.eight_bit);
    check_splits(input);
}

TEST_CASE("nothing after the end of data is consumed", "[data_decoder]") {
    const std::string_view after = GENERATE("QUIT\r\n"sv, ".\r\n"sv, "\r\n.\r\n"sv, "\0\xff\n"sv, "\n"sv);
    const std::string input = "a\r\n.\r\n" + std::string(after);
    const decoded result = decode({input});
    CHECK(result.finished);
    CHECK(result.consumed == 6);
    CHECK(result.body == "a\r\n");
    CHECK_FALSE((result.nul || result.eight_bit || result.bare)); // facts are of the message alone
}

TEST_CASE("faults are remembered whichever octet they are", "[data_decoder]") {
    struct row {
        std::string_view input;
        bool bare, nul, eight_bit;
    };
    const auto r = GENERATE(values<row>({
        {"Subject: a\rFrom: <v@d.test>\r\n.\r\n"sv, true, false, false},
        {"X: a\nBcc: v\r\n.\r\n"sv, true, false, false},
        {"a\0b\r\n.\r\n"sv, false, true, false},
        {"\0\r\n.\r\n"sv, false, true, false},
        {"gr\xc3\xbc\xc3\x9f\r\n.\r\n"sv, false, false, true},
        {"\x80\r\n.\r\n"sv, false, false, true},
        {"\x7f\r\n.\r\n"sv, false, false, false},
        {"\r\r\n.\r\n"sv, true, false, false},
        {"\n\r\n.\r\n"sv, true, false, false},
    }));
    CAPTURE(r.input);
    const decoded result = decode({r.input});
    CHECK(result.finished);
    CHECK(result.bare == r.bare);
    CHECK(result.nul == r.nul);
    CHECK(result.eight_bit == r.eight_bit);
    check_splits(r.input);
}

TEST_CASE("a CR that waits for its LF is not yet a fault", "[data_decoder]") {
    data_decoder decoder;
    std::string body;
    decoder.feed("a\r", body, data_decoder::keep::store);
    CHECK_FALSE(decoder.facts().bare_line_end);
    decoder.feed("b", body, data_decoder::keep::store);
    CHECK(decoder.facts().bare_line_end);
    CHECK(body == "a\rb");
}

TEST_CASE("discarded data is judged as stored data is", "[data_decoder]") {
    const std::string input = "big\r\n..x\r\ny\n.\nNOOP\r\n\xff\0\r\n.\r\nQUIT\r\n"s;
    data_decoder decoder;
    std::string body = "kept from before";
    const auto outcome = decoder.feed(input, body, data_decoder::keep::discard);
    const decoded stored = decode({input});
    CHECK(body == "kept from before");
    CHECK(outcome.finished);
    CHECK(outcome.consumed == stored.consumed);
    CHECK(decoder.facts().size == stored.size);
    CHECK(decoder.facts().longest_line == stored.longest);
    CHECK(decoder.facts().bare_line_end);
    CHECK(decoder.facts().nul);
    CHECK(decoder.facts().eight_bit);
}

TEST_CASE("storing can stop in mid-message", "[data_decoder]") {
    data_decoder decoder;
    std::string body;
    decoder.feed("first\r\n", body, data_decoder::keep::store);
    decoder.feed("second\r\n", body, data_decoder::keep::discard);
    CHECK(decoder.feed(".\r\n", body, data_decoder::keep::discard).finished);
    CHECK(body == "first\r\n");
    CHECK(decoder.facts().size == 15);
}

TEST_CASE("long lines are measured without their CRLF and their stuffed dot", "[data_decoder]") {
    const std::size_t length = GENERATE(998U, 999U, 2048U, 65536U, 1000000U);
    const std::string line(length, 'x');
    for (const std::string& input :
         {line + "\r\n.\r\n", "." + line + "\r\n.\r\n", "a\r\n" + line + "\r\nb\r\n.\r\n"}) {
        const decoded result = decode({input});
        CHECK(result.finished);
        CHECK(result.longest == length);
    }
    data_decoder decoder;
    std::string body;
    decoder.feed(line, body, data_decoder::keep::store);
    CHECK(decoder.facts().longest_line == length); // known before the line ends
}

TEST_CASE("an empty input changes nothing", "[data_decoder]") {
    CHECK(decode({"", "a\r", "", "\n.", "", "\r", "", "\n"}) == decode({"a\r\n.\r\n"}));
}

TEST_CASE("hostile octets take time in proportion to their number", "[data_decoder]") {
    // Quadratic scanning would take minutes for these; the test's own time limit is the assertion.
    for (const char* unit : {"\r", "\n", "\r.", "\n.", ".\r\n", "\r\n.."}) {
        std::string input;
        while (input.size() < 4'000'000) input += unit;
        data_decoder decoder;
        std::string body;
        for (std::string_view rest = input; !rest.empty();) {
            rest.remove_prefix(decoder.feed(rest, body, data_decoder::keep::discard).consumed);
        }
        chunk_decoder chunks;
        chunks.feed(input);
        CHECK(chunks.facts().size == input.size());
    }
}

TEST_CASE("any mixture of the octets that matter is decoded as the reference does", "[data_decoder]") {
    std::mt19937 random(20240601);
    constexpr std::string_view alphabet("\r\n.a\0\xff\r\n\r\n.", 11);
    for (int round = 0; round < 3000; ++round) {
        std::string input;
        const std::size_t length = random() % 24;
        while (input.size() < length) input += alphabet[random() % alphabet.size()];
        CAPTURE(input);
        const decoded whole = decode({input});
        REQUIRE(whole == reference(input));
        REQUIRE(decode(bytewise(input)) == whole);
        const std::size_t cut = length == 0 ? 0 : random() % length;
        REQUIRE(decode({std::string_view(input).substr(0, cut), std::string_view(input).substr(cut)}) ==
                whole);
    }
}

// BDAT

namespace {

decoded check_chunks(const std::vector<std::string_view>& pieces) {
    chunk_decoder decoder;
    for (const std::string_view piece : pieces) decoder.feed(piece);
    decoder.finish();
    decoded result;
    take_facts(result, decoder.facts());
    return result;
}

} // namespace

TEST_CASE("chunks are judged as one message, at any split", "[chunk_decoder]") {
    struct row {
        std::string_view input;
        bool bare, nul, eight_bit;
        std::uint64_t longest;
    };
    const auto r = GENERATE(values<row>({
        {""sv, false, false, false, 0},
        {"abc"sv, false, false, false, 3},
        {"abc\r\n"sv, false, false, false, 3},
        {"a\r\n.\r\nRSET\r\n"sv, false, false, false, 4},
        {"..a\r\n"sv, false, false, false, 3}, // dots stay
        {".\r\n"sv, false, false, false, 1},
        {"a\nb\r\nc\r\n\r\n"sv, true, false, false, 3},
        {"a\rb\r\n"sv, true, false, false, 3},
        {"ab\r"sv, true, false, false, 3},
        {"\r"sv, true, false, false, 1},
        {"\n"sv, true, false, false, 1},
        {"\r\r\n"sv, true, false, false, 1},
        {"\n\r"sv, true, false, false, 2},
        {"\r\na\0\r\n"sv, false, true, false, 2},
        {"\x80\r\n"sv, false, false, true, 1},
    }));
    CAPTURE(r.input);
    const decoded whole = check_chunks({r.input});
    CHECK(whole == decoded{"", 0, false, r.bare, r.nul, r.eight_bit, r.longest, r.input.size()});
    CHECK(check_chunks(bytewise(r.input)) == whole);
    for (std::size_t cut = 0; cut <= r.input.size(); ++cut) {
        CHECK(check_chunks({r.input.substr(0, cut), r.input.substr(cut)}) == whole);
        CHECK(check_chunks({r.input.substr(0, cut), "", r.input.substr(cut)}) == whole);
    }
}

TEST_CASE("a CR at the end of one chunk belongs to the LF of the next", "[chunk_decoder]") {
    chunk_decoder decoder;
    decoder.feed("abc\r");
    CHECK_FALSE(decoder.facts().bare_line_end);
    decoder.feed("\n");
    decoder.finish();
    CHECK_FALSE(decoder.facts().bare_line_end);
    CHECK(decoder.facts().longest_line == 3);
    CHECK(decoder.facts().size == 5);
}

TEST_CASE("finishing twice counts one CR once", "[chunk_decoder]") {
    chunk_decoder decoder;
    decoder.feed("ab\r");
    decoder.finish();
    decoder.finish();
    CHECK(decoder.facts().longest_line == 3);
}
