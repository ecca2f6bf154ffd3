// What the style of an element does to the text in it.
#pragma once

#include <string>
#include <string_view>

namespace postern::policy::content {

struct style_change {
    bool hides = false;     // not shown, or too small or too faint to be seen
    std::string color;      // "" = as around it; "#rrggbb" or a name, lower case
    std::string background; // likewise
};

// `style`: the attribute of that name; `color` and `bgcolor`: the old attributes, may be empty.
style_change read_style(std::string_view style, std::string_view color, std::string_view bgcolor);

} // namespace postern::policy::content
