// Octets of words of one charset are joined before they are converted, since senders cut characters in two.
#include "protocol/mime/encoded_word.hpp"

#include "protocol/mime/charset.hpp"
#include "protocol/mime/decoder.hpp"
#include "protocol/smtp/grammar.hpp"

#include <optional>

namespace postern::protocol::mime {
namespace {

struct word {
    std::string_view charset;
    char encoding = 0; // 'b' or 'q'
    std::string_view text;
    std::size_t length = 0; // octets, "=?" and "?=" included
};

// The encoded word at the front of `text`, which starts with "=?".
std::optional<word> read_word(std::string_view text) {
    const auto charset_end = text.find('?', 2); // each word has one: to find it is linear for all of them
    if (charset_end == std::string_view::npos || text.size() < charset_end + 3) return {};
    word read;
    read.charset = text.substr(2, charset_end - 2);
    read.charset = read.charset.substr(0, read.charset.find('*')); // a language (RFC 2231 §5)
    read.encoding = to_lower(text[charset_end + 1]);
    if ((read.encoding != 'b' && read.encoding != 'q') || text[charset_end + 2] != '?') return {};
    const auto start = charset_end + 3;
    const auto end = text.find("?=", start); // a "?" alone is part of it: Mozilla, GMime
    read.text = text.substr(start, end == std::string_view::npos ? end : end - start);
    read.length = end == std::string_view::npos ? text.size() : end + 2; // one that nobody ended is cut short
    return read;
}

bool only_blanks(std::string_view text) {
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

} // namespace

bool has_encoded_word(std::string_view text) { return text.find("=?") != std::string_view::npos; }

std::string decode_encoded_words(std::string_view text) { return decode_encoded_words(text, &to_utf8); }
std::string decode_encoded_words(std::string_view text, quanta how) {
    return decode_encoded_words(text, &to_utf8, how);
}

std::string decode_encoded_words(std::string_view text, charset_reader convert, quanta how) {
    std::string out, gathered; // of one charset, not yet converted
    std::string_view charset;
    transfer_decoder quantum(encoding::base64); // of words that share theirs
    const auto end_quantum = [&] {
        quantum.finish(gathered);
        quantum = transfer_decoder(encoding::base64);
    };
    const auto flush = [&] {
        end_quantum();
        out += convert(charset, gathered);
        gathered.clear();
    };
    bool after_word = false;
    while (!text.empty()) {
        const auto at = text.find("=?");
        const auto before = text.substr(0, at);
        if (!after_word || !only_blanks(before) || at == std::string_view::npos) {
            flush();
            out += before;
        }
        if (at == std::string_view::npos) break;
        text.remove_prefix(at);
        const auto read = read_word(text);
        if (!read) {
            flush();
            if (after_word) out += only_blanks(before) ? before : std::string_view();
            out += "=";
            text.remove_prefix(1);
            after_word = false;
            continue;
        }
        if (!equals_ignoring_case(charset, read->charset)) flush();
        charset = read->charset;
        if (read->encoding == 'q' || how == quanta::of_each_word) end_quantum();
        if (read->encoding == 'b')
            quantum.feed(read->text, gathered);
        else
            gathered += decode_q(read->text);
        text.remove_prefix(read->length);
        after_word = true;
    }
    flush();
    return out;
}

} // namespace postern::protocol::mime
