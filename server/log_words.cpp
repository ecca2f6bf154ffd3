#include "server/log_words.hpp"

#include "protocol/smtp/grammar.hpp"

namespace postern::server {

namespace {

bool is_plain(std::string_view text) {
    for (const char c : text)
        if (c < ' ' || c > '~') return false; // octets above 127 are negative or above '~'
    return true;
}

bool is_key_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

// The '=' of a "key=" becomes ':' except in the query of a URL, where it can't be taken for a field of the
// line.
void defuse_keys(std::string& out, std::size_t start) {
    std::size_t key = start;
    for (std::size_t i = start; i < out.size(); ++i) {
        if (is_key_character(out[i])) continue;
        const bool in_query = key > start && (out[key - 1] == '?' || out[key - 1] == '&');
        if (out[i] == '=' && !in_query) out[i] = ':';
        key = i + 1;
    }
}

} // namespace

void add_printable(std::string& out, std::string_view text, std::size_t max_length) {
    if (text.size() <= max_length && is_plain(text))
        out += text;
    else
        out += protocol::printable(text, max_length);
}

void add_bracketed(std::string& out, std::string_view text, std::size_t max_length) {
    out += '<';
    const std::size_t start = out.size();
    add_printable(out, text, max_length);
    for (std::size_t i = start; i < out.size(); ++i)
        if (out[i] == '<' || out[i] == '>' || out[i] == ' ') out[i] = '?';
    out += '>';
}

void add_token(std::string& out, std::string_view text) {
    const std::size_t start = out.size();
    add_printable(out, text, log_name_max);
    for (std::size_t i = start; i < out.size(); ++i)
        if (out[i] == ' ' || out[i] == '<' || out[i] == '>' || out[i] == '=') out[i] = '?';
}

void add_reply(std::string& out, std::string_view text) {
    const std::size_t start = out.size();
    add_printable(out, text, log_reply_max);
    defuse_keys(out, start);
}

} // namespace postern::server
