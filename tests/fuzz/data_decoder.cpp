// DATA and BDAT octets: the same body, facts and end however the input is split; the end is CRLF.CRLF and the
// first there is; what is stored without a fault has no bare line end; discarding changes nothing but the
// body.
#include "protocol/smtp/data_decoder.hpp"

#include "tests/fuzz/split.hpp"

using namespace postern::protocol;
using namespace postern::fuzz;

namespace {

struct decoded {
    std::string body;
    std::size_t consumed = 0;
    bool finished = false;
    bool bare = false, nul = false, eight_bit = false;
    std::uint64_t longest = 0, size = 0;
    bool operator==(const decoded&) const = default;

    void take(const content_facts& facts) {
        bare = facts.bare_line_end;
        nul = facts.nul;
        eight_bit = facts.eight_bit;
        longest = facts.longest_line;
        size = facts.size;
    }
};

decoded decode(std::string_view input, cut how, data_decoder::keep what) {
    data_decoder decoder;
    decoded result;
    for (const std::string& piece : pieces(input, how)) {
        if (result.finished) break;
        const auto outcome = decoder.feed(piece, result.body, what);
        require(outcome.consumed <= piece.size());
        require(outcome.finished || outcome.consumed == piece.size());
        result.consumed += outcome.consumed;
        result.finished = outcome.finished;
    }
    result.take(decoder.facts());
    return result;
}

decoded decode_chunks(std::string_view input, cut how) {
    chunk_decoder decoder;
    for (const std::string& piece : pieces(input, how)) decoder.feed(piece);
    decoder.finish();
    decoded result;
    result.take(decoder.facts());
    return result;
}

bool has_bare_line_end(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n') return true;
        if (text[i] != '\r') continue;
        if (i + 1 == text.size() || text[i + 1] != '\n') return true;
        ++i;
    }
    return false;
}

// Where the data ends: the first CRLF.CRLF, or .CRLF at the very start.
std::size_t true_end(std::string_view input) {
    if (input.starts_with(".\r\n")) return 3;
    const std::size_t end = input.find("\r\n.\r\n");
    return end == std::string_view::npos ? std::string_view::npos : end + 5;
}

void check_data(std::string_view input) {
    const decoded whole = decode(input, cut::whole, data_decoder::keep::store);
    require(decode(input, cut::every_octet, data_decoder::keep::store) == whole);
    require(decode(input, cut::pseudo_random, data_decoder::keep::store) == whole);
    decoded discarded = decode(input, cut::pseudo_random, data_decoder::keep::discard);
    require(discarded.body.empty());
    discarded.body = whole.body;
    require(discarded == whole);

    const std::size_t end = true_end(input);
    require(whole.finished == (end != std::string_view::npos));
    require(whole.consumed == (whole.finished ? end : input.size()));
    require(whole.size == whole.body.size());
    require(whole.nul == (whole.body.find('\0') != std::string::npos));
    if (whole.finished) require(whole.bare == has_bare_line_end(whole.body));
    if (whole.finished) require(whole.body.empty() || whole.body.ends_with("\r\n"));
}

void check_chunks(std::string_view input) {
    const decoded whole = decode_chunks(input, cut::whole);
    require(decode_chunks(input, cut::every_octet) == whole);
    require(decode_chunks(input, cut::pseudo_random) == whole);
    require(whole.size == input.size());
    require(whole.bare == has_bare_line_end(input));
    require(whole.nul == (input.find('\0') != std::string_view::npos));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    check_data(as_text(data, size));
    check_chunks(as_text(data, size));
    return 0;
}
