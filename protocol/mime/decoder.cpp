// Base64: other octets are skipped; padding ends a quantum and decoding goes on behind it, as in clients that
// join blocks. Quoted-printable: a "=" that begins nothing stays as it is.
#include "protocol/mime/decoder.hpp"

#include <array>

namespace postern::protocol::mime {
namespace {

constexpr unsigned char no_sextet = 64;

constexpr std::array<unsigned char, 256> sextets = [] {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::array<unsigned char, 256> table{};
    table.fill(no_sextet);
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        table[static_cast<unsigned char>(alphabet[i])] = static_cast<unsigned char>(i);
    return table;
}();

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// `mark` and two hexadecimal digits become an octet.
std::string decode_hex(std::string_view text, char mark) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool whole = text[i] == mark && text.size() - i > 2 && hex_digit(text[i + 1]) >= 0 &&
                           hex_digit(text[i + 2]) >= 0;
        out += whole ? static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])) : text[i];
        if (whole) i += 2;
    }
    return out;
}

} // namespace

std::string_view name_of(encoding how) {
    switch (how) {
    case encoding::identity: return "identity";
    case encoding::base64: return "base64";
    case encoding::quoted_printable: return "quoted-printable";
    }
    return {};
}

void transfer_decoder::feed(std::string_view octets, std::string& out) {
    switch (how_) {
    case encoding::identity: out += octets; return;
    case encoding::base64: feed_base64(octets, out); return;
    case encoding::quoted_printable: feed_quoted(octets, out); return;
    }
}

void transfer_decoder::finish(std::string& out) {
    if (how_ == encoding::base64) {
        if (sextets_ != 0 || padding_ != 0) faulty_ = true;
        end_quantum(out);
    }
    if (!held_.empty()) {
        faulty_ = faulty_ || held_ != "="; // a soft break without its line end
        if (held_ != "=") out += held_;
        held_.clear();
    }
}

// Whole quanta and the line ends between them, from the beginning of one: how many octets of them there are.
std::size_t transfer_decoder::feed_quanta(std::string_view octets, std::string& out) {
    char some[768]; // NOLINT: filled before it is read
    std::size_t filled = 0;
    const auto* at = reinterpret_cast<const unsigned char*>(octets.data());
    const auto* const begin = at;
    const auto* const end = at + octets.size();
    while (end - at >= 4) {
        const unsigned a = sextets[at[0]], b = sextets[at[1]], c = sextets[at[2]], d = sextets[at[3]];
        if ((a | b | c | d) >= no_sextet) {
            if (*at != '\r' && *at != '\n') break;
            ++at;
            continue;
        }
        const unsigned bits = a << 18U | b << 12U | c << 6U | d;
        some[filled] = static_cast<char>(bits >> 16U);
        some[filled + 1] = static_cast<char>(bits >> 8U & 0xffU);
        some[filled + 2] = static_cast<char>(bits & 0xffU);
        filled += 3;
        at += 4;
        if (filled < sizeof some) continue;
        out.append(some, filled);
        filled = 0;
    }
    out.append(some, filled);
    return std::size_t(at - begin);
}

void transfer_decoder::feed_base64(std::string_view octets, std::string& out) {
    while (!octets.empty()) {
        // Behind padding each octet is a fault.
        if (sextets_ == 0 && padding_ == 0 && (!padded_ || faulty_))
            octets.remove_prefix(feed_quanta(octets, out));
        if (octets.empty()) return;
        const char c = octets.front();
        octets.remove_prefix(1);
        const unsigned sextet = sextets[static_cast<unsigned char>(c)];
        if (sextet != no_sextet) {
            faulty_ = faulty_ || padded_; // something behind the end
            padding_ = 0;
            bits_ = bits_ << 6U | sextet;
            if (++sextets_ == 4) end_quantum(out);
        } else if (c == '=') {
            if (sextets_ >= 2) {
                padding_ = 3 - sextets_;
                padded_ = true;
                end_quantum(out);
            } else if (sextets_ == 0 && padding_ > 0) {
                --padding_;
            } else {
                faulty_ = true;
                end_quantum(out);
            }
        } else if (c != '\r' && c != '\n' && !is_blank(c)) {
            faulty_ = true;
        }
    }
}

// The whole octets of what has gathered.
void transfer_decoder::end_quantum(std::string& out) {
    const std::uint32_t bits = bits_ << 6U * (4 - sextets_);
    if (sextets_ >= 2) out += static_cast<char>(bits >> 16U & 0xffU);
    if (sextets_ >= 3) out += static_cast<char>(bits >> 8U & 0xffU);
    if (sextets_ == 4) out += static_cast<char>(bits & 0xffU);
    sextets_ = 0;
    bits_ = 0;
}

void transfer_decoder::feed_quoted(std::string_view octets, std::string& out) {
    while (!octets.empty()) {
        if (held_.empty()) {
            const auto at = octets.find('=');
            out += octets.substr(0, at);
            if (at == std::string_view::npos) return;
            octets.remove_prefix(at);
            held_ = "=";
        } else {
            quoted_octet(octets.front(), out);
        }
        octets.remove_prefix(1);
    }
}

// One octet behind a "=".
void transfer_decoder::quoted_octet(char c, std::string& out) {
    const char last = held_.back();
    if (last == '\r' && c == '\n') { // a soft break, blanks before the line end or not
        held_.clear();
        return;
    }
    if (held_.size() == 1 || is_blank(last)) {
        if (c == '\n') return held_.clear();
        const bool may_go_on = c == '\r' || is_blank(c) || (held_.size() == 1 && hex_digit(c) >= 0);
        if (may_go_on && held_.size() < decoder_held) {
            held_ += c;
            return;
        }
    } else if (held_.size() == 2 && hex_digit(last) >= 0 && hex_digit(c) >= 0) {
        out += static_cast<char>(hex_digit(last) * 16 + hex_digit(c));
        held_.clear();
        return;
    }
    faulty_ = true;
    out += held_;
    held_.clear();
    if (c == '=')
        held_ = "=";
    else
        out += c;
}

std::string decode_base64(std::string_view text) {
    std::string out;
    transfer_decoder decoder(encoding::base64);
    decoder.feed(text, out);
    decoder.finish(out);
    return out;
}

std::string decode_q(std::string_view text) {
    std::string blanks(text);
    for (char& c : blanks)
        if (c == '_') c = ' ';
    return decode_hex(blanks, '=');
}

std::string decode_percent(std::string_view text) { return decode_hex(text, '%'); }

} // namespace postern::protocol::mime
