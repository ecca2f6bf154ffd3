// Any message on its way to a server without 8BITMIME: what comes out has seven bits, is the same however the
// message is cut, and needs no second time.
#include "protocol/mime/seven_bit.hpp"
#include "protocol/smtp/grammar.hpp"

#include "tests/fuzz/split.hpp"

using namespace postern::fuzz;
using postern::protocol::is_ascii;
using postern::protocol::mime::seven_bit_writer;

namespace {

struct converted {
    bool done = false;
    std::string text;
    bool operator==(const converted&) const = default;
};

converted convert(std::string_view message, cut how) {
    seven_bit_writer writer;
    converted made;
    for (const std::string& piece : pieces(message, how))
        if (!writer.feed(piece, made.text)) break;
    made.done = writer.refusal().empty() && writer.finish(made.text);
    require(made.done == writer.refusal().empty());
    require(is_ascii(made.text));
    if (!made.done) made.text.clear(); // how much went before depends on the pieces
    return made;
}

// Only CRLF ends a line: nothing else is given to it.
std::string lines_of(std::string_view input) {
    std::string made;
    for (const char c : input) {
        if (c == '\r' || c == '\0') continue;
        if (c == '\n') made += '\r';
        made += c;
    }
    return made;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string message = lines_of(as_text(data, size));
    const auto whole = convert(message, cut::whole);
    require(whole == convert(message, cut::every_octet));
    require(whole == convert(message, cut::pseudo_random));
    if (!whole.done) return 0;
    const auto again = convert(whole.text, cut::whole);
    require(again.done && again.text == whole.text);
    return 0;
}
