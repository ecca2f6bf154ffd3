// What a server says, as replies: the same however it is cut, in bounds, and harmless to show. What is no
// reply ends the reading at the same octet.
#include "protocol/smtp/grammar.hpp"
#include "protocol/smtp/reply_reader.hpp"

#include "tests/fuzz/split.hpp"

#include <algorithm>

using namespace postern::protocol;
using namespace postern::fuzz;

namespace {

struct seen {
    std::vector<std::string> replies; // each with all that was learned of it
    std::size_t consumed = 0;
    bool malformed = false;
    bool operator==(const seen&) const = default;
};

std::string learned(const peer_reply& reply) {
    require(reply.code >= 200 && reply.code <= 599);
    require(reply.positive() + reply.temporary() + reply.permanent() == (reply.code / 100 == 3 ? 0 : 1));
    require(!reply.lines.empty() && reply.lines.size() <= reply_reader::lines_max);
    require(reply.enhanced.category == 0 || reply.enhanced.category == reply.code / 100);
    const auto text = reply.text();
    require(text.size() <= peer_reply::text_max && is_printable(text));
    require(text.starts_with(std::to_string(reply.code)));
    std::string all =
        text + " " + std::to_string(reply.enhanced.subject) + "." + std::to_string(reply.enhanced.detail);
    for (const auto& line : reply.lines) {
        require(line.size() <= reply_reader::line_octets_max && is_printable(line));
        all += "\n" + line;
    }
    return all;
}

seen read(std::string_view input, cut how) {
    reply_reader reader;
    seen made;
    for (const std::string& piece : pieces(input, how)) {
        for (std::string_view rest = piece; !rest.empty();) {
            const auto got = reader.feed(rest);
            require(got.consumed > 0 && got.consumed <= rest.size());
            made.consumed += got.consumed;
            rest.remove_prefix(got.consumed);
            if (got.what == reply_reader::status::complete) made.replies.push_back(learned(got.reply));
            require(got.what != reply_reader::status::complete || reader.at_start());
            require(got.what != reply_reader::status::need_more || rest.empty());
            made.malformed = got.what == reply_reader::status::malformed;
            if (made.malformed) return made;
        }
    }
    return made;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = as_text(data, size);
    const auto whole = read(input, cut::whole);
    for (const auto how : {cut::every_octet, cut::pseudo_random}) {
        const auto other = read(input, how);
        require(other.replies == whole.replies && other.malformed == whole.malformed);
    }
    return 0;
}
