#include "server/admin/http_request.hpp"

#include "conf/settings.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>

namespace postern::server {

namespace {

constexpr std::size_t escaped_max = 4096;

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = protocol::to_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::optional<std::string> decoded(std::string_view text) {
    std::string made;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            made += text[at] == '+' ? ' ' : text[at];
            continue;
        }
        const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
        const int low = high >= 0 ? hex_digit(text[at + 2]) : -1;
        if (low < 0) return std::nullopt;
        made += static_cast<char>(high * 16 + low);
        at += 2;
    }
    return made;
}

// "q=0.5" of "cs;q=0.5", in thousandths; 1000 without one.
int weight_of(std::string_view parameters) {
    const auto at = parameters.find("q=");
    if (at == std::string_view::npos) return 1000;
    const std::string number(parameters.substr(at + 2, 5));
    const double value = std::strtod(number.c_str(), nullptr);
    return value >= 0 && value <= 1 ? static_cast<int>(value * 1000) : 0;
}

} // namespace

std::string_view host_name(std::string_view host) {
    const bool has_port = !host.empty() && host.back() != ']' && host.find(':') != std::string_view::npos;
    return has_port ? host.substr(0, host.rfind(':')) : host;
}

bool is_asked_for_here(std::string_view host) {
    if (host.empty() || conf::parse_endpoint(host)) return true;
    const auto name = host_name(host);
    return name == "localhost" || conf::parse_endpoint(std::string(name) + ":0").has_value();
}

web_place place_of(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme == std::string_view::npos) return {};
    const auto slash = url.find('/', scheme + 3);
    const auto origin = protocol::to_lower(url.substr(0, slash));
    return {origin, origin.substr(scheme + 3),
            slash == std::string_view::npos ? "/" : std::string(url.substr(slash))};
}

bool is_sent_by_own_page(const http_request& request, std::string_view own) {
    if (!request.fetch_site.empty() && request.fetch_site != "same-origin" && request.fetch_site != "none")
        return false;
    // A page that sends no referrer has its forms say "null".
    if (request.origin == "null") return !request.fetch_site.empty();
    if (request.origin.empty()) return true;
    const auto origin = place_of(request.origin);
    if (!own.empty() && origin.origin == own) return true;
    return is_asked_for_here(request.host) && origin.host == protocol::to_lower(request.host);
}

form_fields parse_form(std::string_view text) {
    form_fields made;
    while (!text.empty()) {
        const auto end = text.find('&');
        const auto pair = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (pair.empty()) continue;
        const auto equals = pair.find('=');
        auto name = decoded(pair.substr(0, equals));
        auto value = decoded(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1));
        if (!name || !value || made.size() == form_fields_max) return {};
        made.emplace(std::move(*name), std::move(*value));
    }
    return made;
}

std::string_view preferred_language(std::string_view accepted, const std::vector<std::string_view>& known) {
    std::string_view best;
    int best_weight = 0;
    while (!accepted.empty()) {
        const auto end = accepted.find(',');
        const auto item = trim(accepted.substr(0, end));
        accepted.remove_prefix(end == std::string_view::npos ? accepted.size() : end + 1);
        const auto semicolon = item.find(';');
        const auto tag = protocol::to_lower(trim(item.substr(0, semicolon)));
        const int weight =
            weight_of(semicolon == std::string_view::npos ? std::string_view() : item.substr(semicolon));
        const auto language = std::string_view(tag).substr(0, tag.find('-'));
        const auto found = std::find(known.begin(), known.end(), language);
        if (found == known.end() || weight <= best_weight) continue;
        best = *found;
        best_weight = weight;
    }
    return best;
}

std::string html_escaped(std::string_view text) {
    std::string made;
    for (const char c : protocol::printable(text, escaped_max)) switch (c) {
        case '&': made += "&amp;"; break;
        case '<': made += "&lt;"; break;
        case '>': made += "&gt;"; break;
        case '"': made += "&quot;"; break;
        case '\'': made += "&#39;"; break;
        default: made += c;
        }
    return made;
}

} // namespace postern::server
