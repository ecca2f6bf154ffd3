// What a reader sees of HTML, and what it has that a reader does not see. No browser: tags that join words
// are joined ("v<b></b>iagra"), tags that part them part, styles are looked at for what hides text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postern::policy::content {

struct html_link {
    std::string to;    // href, entities decoded
    std::string shown; // the text between <a> and </a>, cut
};

struct html_text {
    std::string text; // UTF-8, what is seen; a blank where a block begins or ends
    std::vector<html_link> links;
    std::size_t hidden = 0;  // octets of text that a style hides
    std::size_t visible = 0; // octets of text beside blanks
    unsigned pictures = 0;
    bool form = false, script = false;
};

inline constexpr std::size_t html_links_max = 500;

// `utf8` is valid. Linear; what is open is remembered to a depth of 64.
html_text read_html(std::string_view utf8);

// "&amp;", "&#39;", "&#x27;" and the names that mail uses; others stay as they are.
std::string decode_entities(std::string_view text);

} // namespace postern::policy::content
