#include "protocol/mime/rtf.hpp"

#include <algorithm>

namespace postern::protocol::mime {
namespace {

// MS-OXRTFCP §2.1.2.1.
constexpr std::string_view initial =
    "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    "\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    "\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
static_assert(initial.size() == 207);

constexpr std::size_t header_size = 16;

} // namespace

rtf_decoder::rtf_decoder() : at_(initial.size()) {
    std::copy(initial.begin(), initial.end(), dictionary_.begin());
}

void rtf_decoder::feed(std::string_view octets, std::string& out) {
    const auto part = octets.substr(0, header_size - header_.size());
    header_ += part;
    octets.remove_prefix(part.size());
    if (form_ == form::none && header_.size() == header_size) read_header();
    if (form_ == form::plain) {
        out += octets;
        made_ += octets.size();
    }
    if (form_ != form::compressed) return;
    for (const char c : octets) step(static_cast<unsigned char>(c), out);
}

// Sizes of what follows and of the text, the form, a CRC that not all readers look at.
void rtf_decoder::read_header() {
    for (std::size_t at = 7; at >= 4; --at)
        announced_ = announced_ << 8U | static_cast<unsigned char>(header_[at]);
    const auto form = std::string_view(header_).substr(8, 4);
    form_ = form == "LZFu" ? form::compressed : form == "MELA" ? form::plain : form::unknown;
}

void rtf_decoder::step(unsigned char octet, std::string& out) {
    if (form_ == form::ended) return;
    if (bits_left_ == 0) {
        bits_ = octet;
        bits_left_ = 8;
        return;
    }
    const bool reference = (bits_ & 1U) != 0;
    if (reference && first_ < 0) {
        first_ = octet;
        return;
    }
    bits_ >>= 1U;
    --bits_left_;
    if (!reference) return put(static_cast<char>(octet), out);
    copy(static_cast<unsigned>(first_) << 8U | octet, out);
    first_ = -1;
}

void rtf_decoder::put(char c, std::string& out) {
    out += c;
    ++made_;
    dictionary_[at_] = c;
    at_ = (at_ + 1) % dictionary_.size();
}

// Twelve bits where, four how many; one to where the next octet goes is the end.
void rtf_decoder::copy(unsigned reference, std::string& out) {
    std::size_t from = reference >> 4U;
    if (from == at_) {
        form_ = form::ended;
        return;
    }
    for (unsigned left = (reference & 15U) + 2; left > 0; --left) {
        put(dictionary_[from], out);
        from = (from + 1) % dictionary_.size();
    }
}

} // namespace postern::protocol::mime
