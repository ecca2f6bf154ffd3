// NFKC is libunistring's; what it leaves that looks like a dot or a slash is folded here. A name that is not
// UTF-8 keeps its odd octets: an extension in ASCII is seen all the same.
#include "protocol/mime/names.hpp"

#include "protocol/mime/decoder.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <uninorm.h>
#include <unistr.h>

namespace postern::protocol::mime {
namespace {

constexpr std::size_t variants_max = 16;

struct freed {
    void operator()(std::uint8_t* text) const { std::free(text); } // NOLINT: allocated by libunistring
};

std::string folded_utf8(const std::string& text) {
    std::size_t size = 0;
    const std::unique_ptr<std::uint8_t, freed> made(u8_normalize(
        UNINORM_NFKC, reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), nullptr, &size));
    return made ? std::string(reinterpret_cast<const char*>(made.get()), size) : text;
}

// Octets that are no UTF-8 stay between what is.
std::string folded(const std::string& text) {
    if (is_ascii(text)) return text;
    if (is_valid_utf8(text)) return folded_utf8(text);
    std::string out, good;
    const auto* octets = reinterpret_cast<const std::uint8_t*>(text.data());
    for (std::size_t at = 0; at < text.size();) {
        ucs4_t point = 0;
        const int length = u8_mbtoucr(&point, octets + at, text.size() - at);
        const auto used = static_cast<std::size_t>(std::max(length, 1));
        if (length > 0) {
            good.append(text, at, used);
        } else {
            if (!good.empty()) out += folded_utf8(good);
            good.clear();
            out += text[at];
        }
        at += used;
    }
    return good.empty() ? out : out + folded_utf8(good);
}

struct range {
    std::uint32_t first, last;
};
// Controls (C1 too), and what has no width or turns the direction of writing: Unicode's default-ignorables.
constexpr std::array unseen{range{0x00, 0x1f},     range{0x7f, 0x9f},      range{0xad, 0xad},
                            range{0x34f, 0x34f},   range{0x61c, 0x61c},    range{0x115f, 0x1160},
                            range{0x17b4, 0x17b5}, range{0x180b, 0x180f},  range{0x200b, 0x200f},
                            range{0x2028, 0x202e}, range{0x2060, 0x206f},  range{0x3164, 0x3164},
                            range{0xfe00, 0xfe0f}, range{0xfeff, 0xfeff},  range{0xffa0, 0xffa0},
                            range{0xfff0, 0xfffb}, range{0xe0000, 0xe0fff}};
// Dots and slashes that NFKC leaves as they are.
constexpr std::uint32_t ideographic_stop = 0x3002, division_slash = 0x2215, fraction_slash = 0x2044;

bool is_unseen(std::uint32_t point) {
    return std::any_of(unseen.begin(), unseen.end(),
                       [&](const range& one) { return one.first <= point && point <= one.last; });
}

// Without unseen characters; octets that are no UTF-8 stay.
std::string cleaned(const std::string& text) {
    std::string out;
    const auto* octets = reinterpret_cast<const std::uint8_t*>(text.data());
    for (std::size_t at = 0; at < text.size();) {
        ucs4_t point = 0;
        const int length = u8_mbtoucr(&point, octets + at, text.size() - at);
        const auto used = static_cast<std::size_t>(std::max(length, 1));
        if (length <= 0)
            out += text[at];
        else if (point == ideographic_stop)
            out += '.';
        else if (point == division_slash || point == fraction_slash)
            out += '/';
        else if (!is_unseen(point))
            out.append(text, at, used);
        at += used;
    }
    return out;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view leading = " \t\"'<", trailing = " \t.\"'>;,";
    const auto first = text.find_first_not_of(leading);
    if (first == std::string_view::npos) return {};
    text.remove_prefix(first);
    return text.substr(0, text.find_last_not_of(trailing) + 1);
}

class collector {
  public:
    void add(std::string_view name) {
        const std::string one(trimmed(name));
        if (names_.size() < variants_max && std::find(names_.begin(), names_.end(), one) == names_.end())
            names_.push_back(one);
    }
    // Folders, drives and streams.
    void add_all(const std::string& text) {
        const std::string clean = cleaned(folded(text));
        const std::string_view name(clean);
        const auto last = name.substr(std::min(name.size(), name.find_last_of("/\\", name.npos) + 1));
        add(last);
        for (const auto at : {last.find(':'), last.rfind(':')}) {
            if (at == std::string_view::npos) continue;
            add(last.substr(0, at));
            add(last.substr(at + 1));
        }
        if (name.size() != last.size() && name.find('\\') != std::string_view::npos)
            add(name.substr(name.rfind('/') + 1)); // "\" is a letter elsewhere
    }
    std::vector<std::string> take() { return std::move(names_); }

  private:
    std::vector<std::string> names_;
};

} // namespace

std::vector<std::string> normalised_names(std::string_view raw) {
    collector names;
    std::vector<std::string> readings{std::string(raw)};
    if (raw.find('%') != std::string_view::npos) {
        std::string decoded = decode_percent(raw);
        if (decoded != raw) readings.push_back(std::move(decoded));
    }
    for (const std::string& reading : readings) {
        names.add_all(reading);
        for (const char end : {'\0', '\r', '\n'}) // where a C string or a line ends
            if (const auto at = reading.find(end); at != std::string::npos)
                names.add_all(reading.substr(0, at));
    }
    return names.take();
}

} // namespace postern::protocol::mime
