// What a pattern means, the slow and plain way: a table of every part of the pattern against every part of
// the text, by characters. For tests to compare with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postern::testing {

inline std::vector<std::string> characters_of(std::string_view text) {
    std::vector<std::string> characters;
    for (const char c : text) {
        const bool goes_on = (static_cast<unsigned char>(c) & 0xc0U) == 0x80;
        if (goes_on && !characters.empty())
            characters.back() += c;
        else
            characters.emplace_back(1, c);
    }
    return characters;
}

inline bool glob_model(std::string_view pattern, std::string_view text) {
    const auto parts = characters_of(pattern);
    const auto characters = characters_of(text);
    std::vector<bool> before(characters.size() + 1, false); // of the parts so far: which fronts of the text
    before[0] = true;
    for (const auto& part : parts) {
        std::vector<bool> after(characters.size() + 1, false);
        if (part == "*") after[0] = before[0];
        for (std::size_t i = 1; i <= characters.size(); ++i)
            after[i] = part == "*" ? after[i - 1] || before[i]
                                   : before[i - 1] && (part == "?" || part == characters[i - 1]);
        before = after;
    }
    return before.back();
}

} // namespace postern::testing
