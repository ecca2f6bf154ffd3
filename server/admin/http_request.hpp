// A request as pages see it, and the words in it that need care: hosts and origins, languages, forms. Pure;
// no part of it is ever trusted for more than it is.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace postern::server {

inline constexpr std::size_t http_body_max = 4096; // octets of a form
inline constexpr std::size_t form_fields_max = 16;

enum class http_method { get, head, post };

struct http_request {
    http_method method = http_method::get;
    std::string path;
    std::string query; // without its "?"
    std::string host;  // as sent, with its port
    std::string origin, fetch_site, accept_language, content_type;
    std::string body;         // of post
    bool on_loopback = false; // only this machine can ask
};

// A name that isn't this machine's, asked for where only this machine can ask, is a web page in its browser
// that had its own name resolved to here (DNS rebinding). An address, or no name at all, is nobody's trick.
bool is_asked_for_here(std::string_view host);
std::string_view host_name(std::string_view host_and_port);

// "https://a.example/path": scheme and host (with a port), and the path ("/" when there is none).
struct web_place {
    std::string origin; // "https://a.example"
    std::string host;   // "a.example"
    std::string path;
};
web_place place_of(std::string_view url);

// Did a form of our own page send it? Browsers say so (Fetch Metadata, else Origin); what says neither is no
// browser, and carries nobody's rights along. `own` is the origin that the page has.
bool is_sent_by_own_page(const http_request& request, std::string_view own);

// application/x-www-form-urlencoded. A field that is given twice counts once, as first given; more than
// form_fields_max, or a broken escape: no fields at all.
using form_fields = std::map<std::string, std::string, std::less<>>;
form_fields parse_form(std::string_view text);

// The first of `known` that the reader prefers; "" = none of them.
std::string_view preferred_language(std::string_view accept_language,
                                    const std::vector<std::string_view>& known);

// Text of HTML, between quotes too.
std::string html_escaped(std::string_view text);

} // namespace postern::server
