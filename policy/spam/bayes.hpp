// How likely the words of a message make it junk, after what was learned: Robinson's estimate for each word,
// Fisher's method over those that say most (G. Robinson, "A Statistical Approach to the Spam Problem", Linux
// Journal 107, 2003). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace postern::policy::spam {

// Messages of each sort that a word was in; or that were learned.
struct word_counts {
    std::uint64_t spam = 0, ham = 0;
    bool operator==(const word_counts&) const = default;
};

inline constexpr std::uint64_t learned_least = 50; // messages of each sort, before any word says something
inline constexpr std::size_t words_most = 150;     // that are weighed
inline constexpr std::size_t words_least = 8;      // that were met before; fewer say nothing

// 0 (surely wanted) to 1 (surely junk), 0.5 = can't tell; nullopt: too little was learned, or of this message
// too little is known. `words`: those of the message, in any order.
std::optional<double> junk_likelihood(std::span<const word_counts> words, const word_counts& learned);

} // namespace postern::policy::spam
