// Signatures are those of the formats' own documents, and of libarchive's readers where there are none.
#include "policy/content/magic.hpp"

#include "policy/content/zip_records.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace postern::policy::content {
namespace {

using namespace std::string_view_literals;

struct signature {
    std::size_t at;
    std::string_view octets;
    container what;
    std::string_view label;
};

constexpr std::array signatures{
    signature{0, "PK\3\4"sv, container::zip, "zip"},
    signature{0, "PK\5\6"sv, container::zip, "zip"},
    signature{0, "PK\7\10PK\3\4"sv, container::zip, "zip"},
    signature{0, "PK00PK\3\4"sv, container::zip, "zip"},
    signature{0, "Rar!\x1a\7\0"sv, container::rar, "rar"},
    signature{0, "Rar!\x1a\7\1\0"sv, container::rar, "rar5"},
    signature{0, "7z\xbc\xaf\x27\x1c"sv, container::seven_zip, "7z"},
    signature{0, "MSCF\0\0\0\0"sv, container::cab, "cab"},
    signature{0, "070701"sv, container::cpio, "cpio"},
    signature{0, "070702"sv, container::cpio, "cpio"},
    signature{0, "070707"sv, container::cpio, "cpio"},
    signature{0, "xar!"sv, container::xar, "xar"},
    signature{0, "!<arch>\n"sv, container::ar, "ar"},
    signature{0, "\x78\x9f\x3e\x22"sv, container::tnef, "tnef"},
    signature{0, "\x1f\x8b\x08"sv, container::compressed, "gzip"},
    signature{0, "BZh"sv, container::compressed, "bzip2"},
    signature{0, "\xfd\x37zXZ\0"sv, container::compressed, "xz"},
    signature{0, "\x28\xb5\x2f\xfd"sv, container::compressed, "zstd"},
    signature{1, "\x2a\x4d\x18"sv, container::compressed, "zstd"}, // a skippable frame
    signature{0, "\x04\x22\x4d\x18"sv, container::compressed, "lz4"},
    signature{0, "\x02\x21\x4c\x18"sv, container::compressed, "lz4"},
    signature{0, "\x1f\x9d"sv, container::compressed, "compress"},
    signature{0, "LZIP"sv, container::compressed, "lzip"},
    signature{0, "\xed\xab\xee\xdb"sv, container::compressed, "rpm"},
    signature{32769, "CD001"sv, container::iso, "iso"},
    signature{32769, "BEA01"sv, container::unknown, "udf"},
    signature{7, "**ACE**"sv, container::unknown, "ace"},
    signature{0, "ITSF\3\0\0\0"sv, container::unknown, "chm"},
    signature{0, "MSWIM\0\0\0"sv, container::unknown, "wim"},
    signature{20, "\xdc\xa7\xc4\xfd"sv, container::unknown, "zoo"},
    signature{0, "SIT!"sv, container::unknown, "stuffit"},
    signature{0, "StuffIt "sv, container::unknown, "stuffit"},
    signature{0, "ALZ\1"sv, container::unknown, "alz"},
    signature{0, "EGGA"sv, container::unknown, "egg"},
    signature{0, "\x89LZO\0"sv, container::unknown, "lzop"},
    signature{0, "LRZI"sv, container::unknown, "lrzip"},
    signature{0, "conectix"sv, container::unknown, "vhd"},
    signature{0, "vhdxfile"sv, container::unknown, "vhdx"},
};

// POSIX.1 ustar, and the older ones that have no magic: the header's sum.
bool is_tar(std::string_view octets) {
    constexpr std::size_t block = 512, sum_at = 148, sum_size = 8;
    if (octets.size() < block) return false;
    unsigned told = 0, plain = 0;
    bool digits = false;
    for (const char c : octets.substr(sum_at, sum_size)) {
        if (c >= '0' && c <= '7') {
            told = told * 8 + static_cast<unsigned>(c - '0');
            digits = true;
        } else if (digits) {
            break;
        }
    }
    int with_sign = 0;
    for (std::size_t i = 0; i < block; ++i) {
        const char c = i >= sum_at && i < sum_at + sum_size ? ' ' : octets[i];
        plain += static_cast<unsigned char>(c);
        with_sign += static_cast<signed char>(c);
    }
    return digits && (told == plain || static_cast<int>(told) == with_sign);
}

bool is_lha(std::string_view octets) {
    return octets.size() > 21 && octets[2] == '-' && octets[6] == '-' &&
           (octets.substr(3, 2) == "lh" || octets.substr(3, 2) == "lz" || octets.substr(3, 2) == "pm");
}

bool is_arj(std::string_view octets) {
    const auto size = zip_number(octets, 2, 2);
    return octets.starts_with("\x60\xea") && size >= 30 && size <= 2600 && octets.size() > size;
}

bool is_binary_cpio(std::string_view octets) {
    const auto name = zip_number(octets, 20, 2);
    return octets.size() > 26 && octets.starts_with("\xc7\x71") && name > 1 && name <= 1024;
}

// It has no signature: the properties of every encoder, a dictionary that is a power of two (or its half
// more), and a size below 2^40 or an unknown one.
bool is_lzma(std::string_view octets) {
    if (octets.size() < 14 || octets[0] != '\x5d') return false;
    const auto dictionary = zip_number(octets, 1, 4), size = zip_number(octets, 5, 8);
    const bool round = dictionary >= 4096 && (dictionary & (dictionary - 1)) == 0;
    return round && (size == ~std::uint64_t(0) || size < (std::uint64_t(1) << 40U)) && octets[13] == 0;
}

bool is_disk(std::string_view octets) {
    return octets.size() >= 1024 && octets.substr(510, 2) == "\x55\xaa" &&
           (octets.substr(54, 3) == "FAT" || octets.substr(82, 5) == "FAT32" ||
            octets.substr(3, 4) == "NTFS" || octets.substr(512, 8) == "EFI PART");
}

std::optional<recognised> at_beginning(std::string_view octets) {
    for (const signature& one : signatures) {
        if (octets.size() < one.at || octets.substr(one.at, one.octets.size()) != one.octets) continue;
        const auto first = static_cast<unsigned char>(octets[0]);
        if (one.at == 1 && (first & 0xf0U) != 0x50) continue;
        const bool sure =
            one.label != "bzip2" || octets.substr(4, 6) == "1AY&SY"; // an empty one has no block
        return recognised{one.what, one.label, 0, sure};
    }
    if (is_tar(octets)) return recognised{container::tar, "tar", 0, true};
    if (is_lha(octets)) return recognised{container::lha, "lha", 0, true};
    if (is_arj(octets)) return recognised{container::unknown, "arj", 0, true};
    if (is_binary_cpio(octets)) return recognised{container::cpio, "cpio", 0, false};
    if (is_lzma(octets)) return recognised{container::compressed, "lzma", 0, false};
    if (octets.size() > 512 && octets.substr(octets.size() - 512, 8) == "conectix")
        return recognised{container::unknown, "vhd", 0, true};
    if (is_disk(octets)) return recognised{container::unknown, "disk image", 0, true};
    return std::nullopt;
}

bool begins_cabinet(std::string_view octets) { // its size, and no set bits where none are allowed
    const auto size = zip_number(octets, 8, 4);
    return size >= 36 && size <= octets.size() && zip_number(octets, 12, 4) == 0 &&
           zip_number(octets, 20, 4) == 0 && octets.size() > 25 && octets[25] == 1;
}

// An archive behind something else, be that a container of another kind: unpackers look for their own
// signature, by the name that the file has.
void add_embedded(std::string_view octets, container first, std::vector<recognised>& to) {
    constexpr std::size_t most = 8, of_each = 4;
    for (const signature& one : signatures) {
        if (one.at != 0 || one.what == first ||
            (one.what != container::rar && one.what != container::seven_zip && one.what != container::cab))
            continue;
        std::size_t found = 0;
        for (auto at = octets.find(one.octets, 1); at != octets.npos && found < of_each && to.size() < most;
             at = octets.find(one.octets, at + 1)) {
            if (one.what == container::cab && !begins_cabinet(octets.substr(at))) continue;
            to.push_back({one.what, one.label, at, false});
            ++found;
        }
    }
}

// Whether a directory's end is there; behind it, as far as `slack` octets.
bool has_zip_end(std::string_view octets, std::size_t slack) {
    const auto from = octets.size() - std::min(octets.size(), slack);
    for (auto at = octets.find(zip_end_sign, from); at != octets.npos;
         at = octets.find(zip_end_sign, at + 1)) {
        const auto end = read_zip_end(octets, at);
        if (!end) continue;
        const auto start = end->above - std::min<std::uint64_t>(end->above, end->size);
        if (read_zip_central(octets, start) || read_zip_central(octets, end->offset)) return true;
    }
    return false;
}

bool has_zip_header(std::string_view octets) {
    for (auto at = octets.find(zip_local_sign); at != octets.npos; at = octets.find(zip_local_sign, at + 1))
        if (find_zip_header(octets, at)) return true;
    return false;
}

} // namespace

std::vector<recognised> recognise(std::string_view octets) {
    std::vector<recognised> all;
    if (octets.size() < 4) return all;
    const auto first = at_beginning(octets);
    if (first) all.push_back(*first);
    // Of what holds other archives as they are, only an end that is the file's own counts.
    constexpr std::size_t end_and_comment = zip_end_size + 65'535;
    const auto what = first ? first->what : container::unknown;
    const bool zip = first ? what != container::zip && has_zip_end(octets, end_and_comment)
                           : has_zip_end(octets, octets.size()) || has_zip_header(octets);
    if (zip) all.push_back({container::zip, "zip", 0, false});
    add_embedded(octets, what, all);
    return all;
}

bool looks_like_message(std::string_view octets) {
    constexpr std::array known{"from"sv,       "to"sv,           "subject"sv,      "date"sv,    "received"sv,
                               "message-id"sv, "mime-version"sv, "return-path"sv,  "sender"sv,  "reply-to"sv,
                               "cc"sv,         "content-type"sv, "delivered-to"sv, "x-mailer"sv};
    constexpr std::size_t lines_max = 30, line_max = 1000;
    unsigned hits = 0;
    for (std::size_t line = 0; line < lines_max && !octets.empty() && hits < 2; ++line) {
        const auto end = octets.substr(0, line_max).find('\n');
        if (end == octets.npos && octets.size() > line_max) return false;
        const auto text = octets.substr(0, end);
        octets.remove_prefix(end == octets.npos ? octets.size() : end + 1);
        if (text.empty() || text == "\r") return false;
        if (text.front() == ' ' || text.front() == '\t' || (line == 0 && text.starts_with("From "))) continue;
        const auto colon = text.find(':');
        if (colon == 0 || colon == text.npos) return false;
        const auto name = protocol::to_lower(text.substr(0, colon));
        const auto printable = [](char c) { return c > ' ' && c < 127; };
        if (!std::all_of(name.begin(), name.end(), printable)) return false;
        hits += static_cast<unsigned>(std::count(known.begin(), known.end(), name));
    }
    return hits >= 2;
}

bool names_a_volume(std::string_view name) {
    const auto lower = protocol::to_lower(name);
    const auto dot = lower.rfind('.');
    if (dot == std::string::npos) return false;
    const std::string_view before = std::string_view(lower).substr(0, dot);
    const std::string_view last = std::string_view(lower).substr(dot + 1);
    const auto digits = [](std::string_view text) {
        return !text.empty() && std::all_of(text.begin(), text.end(), protocol::is_digit);
    };
    if (last == "rar") {
        const auto part = before.rfind(".part");
        return part != std::string_view::npos && digits(before.substr(part + 5));
    }
    if (last.size() == 3 && (last[0] == 'r' || last[0] == 'z')) return digits(last.substr(1));
    return last.size() == 3 && digits(last) &&
           (before.ends_with(".7z") || before.ends_with(".zip") || before.ends_with(".rar"));
}

} // namespace postern::policy::content
