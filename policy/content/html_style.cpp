#include "policy/content/html_style.hpp"

#include "protocol/smtp/grammar.hpp"

namespace postern::policy::content {
namespace {

// Lower case, without blanks: styles are compared as they are usually written.
std::string squeezed(std::string_view text) {
    std::string made;
    for (const char c : text)
        if (c != ' ' && !protocol::is_control(c)) made += protocol::to_lower(c);
    return made;
}

std::string color_of(std::string_view text) {
    std::string made = squeezed(text);
    if (const auto end = made.find("!important"); end != std::string::npos) made.resize(end);
    if (made == "white" || made == "#fff" || made == "rgb(255,255,255)") return "#ffffff";
    if (made == "black" || made == "#000" || made == "rgb(0,0,0)") return "#000000";
    if (made.size() == 4 && made.front() == '#')
        return {'#', made[1], made[1], made[2], made[2], made[3], made[3]};
    return made;
}

// "0", "0px", "1px", "0.1em", "0%"
bool is_tiny(std::string_view length) {
    if (length.empty() || (!protocol::is_digit(length.front()) && length.front() != '.')) return false;
    const auto unit = length.find_first_not_of("0123456789.");
    const auto number = length.substr(0, unit);
    const auto what = unit == std::string_view::npos ? std::string_view() : length.substr(unit);
    if (number.find_first_not_of("0.") == std::string_view::npos) return true;
    return number == "1" && (what.starts_with("px") || what.starts_with("pt") || what.empty());
}

void take(std::string_view name, std::string_view value, style_change& to) {
    if (name == "display") to.hides |= value.starts_with("none");
    if (name == "visibility") to.hides |= value.starts_with("hidden");
    if (name == "font-size") to.hides |= is_tiny(value);
    if (name == "opacity") to.hides |= value == "0" || value == "0.0" || value.starts_with("0!");
    if (name == "color") to.color = color_of(value);
    if (name == "background-color") to.background = color_of(value);
    // What a picture or a gradient looks like nobody knows here: then the text counts as seen.
    if (name == "background") to.background = color_of(value.find('(') < value.find("rgb(") ? "?" : value);
}

} // namespace

style_change read_style(std::string_view style, std::string_view color, std::string_view bgcolor) {
    style_change made;
    made.color = color_of(color);
    made.background = color_of(bgcolor);
    const std::string text = squeezed(style);
    for (std::string_view left = text; !left.empty();) {
        const auto end = left.find(';');
        const auto one = left.substr(0, end);
        left = end == std::string_view::npos ? std::string_view() : left.substr(end + 1);
        if (const auto colon = one.find(':'); colon != std::string_view::npos)
            take(one.substr(0, colon), one.substr(colon + 1), made);
    }
    return made;
}

} // namespace postern::policy::content
