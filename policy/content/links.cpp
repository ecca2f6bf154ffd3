#include "policy/content/links.hpp"

#include "protocol/net/ip_address.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>

namespace postern::policy::content {
namespace {

constexpr std::size_t url_max = 2048; // octets that are looked at

constexpr std::string_view shorteners[] = {
    "bit.ly",   "buff.ly",     "clck.ru", "cutt.ly",     "goo.gl",    "is.gd",  "ow.ly",
    "rb.gy",    "rebrand.ly",  "s.id",    "shorturl.at", "t.co",      "t.ly",   "tiny.cc",
    "tiny.one", "tinyurl.com", "urlz.fr", "v.gd",        "shorte.st", "adf.ly", "bl.ink",
};

constexpr std::string_view freemails[] = {
    "aol.com",   "atlas.cz",  "centrum.cz",     "centrum.sk",  "email.cz",   "gmail.com",   "gmx.com",
    "gmx.de",    "gmx.net",   "googlemail.com", "hotmail.com", "icloud.com", "inbox.lv",    "live.com",
    "mail.com",  "mail.ru",   "msn.com",        "outlook.com", "post.cz",    "proton.me",   "protonmail.com",
    "qq.com",    "seznam.cz", "tutanota.com",   "volny.cz",    "web.de",     "yahoo.co.jp", "yahoo.co.uk",
    "yahoo.com", "yahoo.fr",  "yandex.com",     "yandex.ru",   "ymail.com",  "zoho.com",    "163.com",
    "126.com",   "azet.sk",   "zoznam.sk",
};

template <std::size_t N> bool is_among(const std::string_view (&list)[N], std::string_view what) {
    return std::find(std::begin(list), std::end(list), what) != std::end(list);
}

bool ends_url(char c) {
    return protocol::is_control(c) || c == ' ' || c == '"' || c == '\'' || c == '<' || c == '>' || c == ')' ||
           c == ']' || c == '}' || c == '\\';
}

bool starts_with_ignoring_case(std::string_view text, std::string_view with) {
    return text.size() >= with.size() && protocol::equals_ignoring_case(text.substr(0, with.size()), with);
}

// "http://", "https://", "//" or nothing; npos for another scheme.
std::size_t after_scheme(std::string_view url) {
    for (const std::string_view scheme : {"http://", "https://", "ftp://", "//"})
        if (starts_with_ignoring_case(url, scheme)) return scheme.size();
    return starts_with_ignoring_case(url, "www.") ? 0 : std::string_view::npos;
}

// "192.0.2.1", and what browsers take for it: "3221225985", "0xC0000201", "0300.0.2.1".
bool is_number(std::string_view host) {
    if (host.starts_with('[')) return true;
    if (host.empty() || host.size() > 40) return false;
    const auto last = host.substr(host.rfind('.') + 1); // npos + 1 is 0
    if (last.empty()) return false;
    if (last.starts_with("0x"))
        return last.find_first_not_of("0123456789abcdef", 2) == std::string_view::npos;
    return std::all_of(last.begin(), last.end(), protocol::is_digit);
}

} // namespace

link_host host_of(std::string_view url) {
    link_host made;
    url = url.substr(0, url_max);
    while (!url.empty() && (url.front() == ' ' || protocol::is_control(url.front()))) url.remove_prefix(1);
    const auto begin = after_scheme(url);
    if (begin == std::string_view::npos) return made;
    auto authority = url.substr(begin);
    authority = authority.substr(0, authority.find_first_of("/?#\\"));
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        made.disguised = true;
        authority.remove_prefix(at + 1);
    }
    const auto port = authority.starts_with('[') ? authority.find(']') : authority.find(':');
    if (port != std::string_view::npos)
        authority = authority.substr(0, authority.starts_with('[') ? port + 1 : port);
    if (authority.find('%') != std::string_view::npos) made.disguised = true;
    made.host = protocol::to_lower(authority);
    while (made.host.ends_with('.')) made.host.pop_back();
    made.numeric = is_number(made.host);
    return made;
}

std::string_view registered_domain(std::string_view host) {
    constexpr std::string_view seconds[] = {"co",  "com", "org", "net", "ac",  "gov",
                                            "edu", "or",  "ne",  "go",  "gob", "nom"};
    std::size_t begin = host.size();
    for (int label = 0; label < 3; ++label) {
        const auto dot = begin == 0 ? std::string_view::npos : host.rfind('.', begin - 1);
        if (dot == std::string_view::npos) return host;
        const auto this_label = host.substr(dot + 1, begin - dot - 1);
        const bool is_country = host.size() - host.rfind('.') == 3;
        if (label == 2 || (label == 1 && !(is_country && is_among(seconds, this_label))))
            return host.substr(dot + 1);
        begin = dot;
    }
    return host;
}

bool is_shortener(std::string_view domain) { return is_among(shorteners, domain); }
bool is_freemail(std::string_view domain) { return is_among(freemails, domain); }

std::vector<std::string_view> links_in_text(std::string_view text, std::size_t most) {
    std::vector<std::string_view> links;
    for (std::size_t at = 0; at < text.size() && links.size() < most;) {
        const char first = protocol::to_lower(text[at]);
        if (first != 'h' && first != 'w' && first != 'f') {
            ++at;
            continue;
        }
        const bool may_begin = at == 0 || !protocol::is_atext(text[at - 1]) || text[at - 1] == '=';
        const auto rest = text.substr(at);
        const auto begin = may_begin ? after_scheme(rest.substr(0, 8)) : std::string_view::npos;
        if (begin == std::string_view::npos) {
            ++at;
            continue;
        }
        std::size_t length = 0;
        while (length < rest.size() && length < url_max && !ends_url(rest[length])) ++length;
        links.push_back(rest.substr(0, length));
        at += length;
    }
    return links;
}

} // namespace postern::policy::content
