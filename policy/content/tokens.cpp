#include "policy/content/tokens.hpp"

#include "policy/content/folded_text.hpp"

#include <string>
#include <utility>

namespace postern::policy::content {
namespace {

constexpr std::size_t word_min = 3, word_max = 40; // characters

struct word {
    std::string_view text;
    std::size_t characters = 0;
};

// What holds a word together, or belongs to it as money and shares do.
bool is_of_word(std::uint32_t point) {
    return is_word_character(point) || point == '\'' || point == '$' || point == '%' || point == 0x20ac ||
           point == 0xa3;
}

// Takes the next word off the front; an ideograph is one by itself.
word take_word(std::string_view& left) {
    word taken;
    std::size_t end = 0;
    while (end < left.size()) {
        const auto next = first_character(left.substr(end));
        const bool alone = is_ideograph(next.point);
        if (!is_of_word(next.point) || (alone && taken.characters > 0)) {
            if (taken.characters > 0) break;
            left.remove_prefix(end + next.length);
            end = 0;
            continue;
        }
        end += next.length;
        ++taken.characters;
        if (alone) break;
    }
    taken.text = left.substr(0, end);
    left.remove_prefix(end);
    return taken;
}

} // namespace

std::uint64_t hash_token(std::string_view token) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : token) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3U;
    }
    hash ^= hash >> 33U; // as MurmurHash3's fmix64
    hash *= 0xff51afd7ed558ccdU;
    hash ^= hash >> 33U;
    hash *= 0xc4ceb9fe1a85ec53U;
    return hash ^ hash >> 33U;
}

void token_set::add(std::string_view token) {
    if (full()) return;
    const auto hash = hash_token(token);
    if (known_.insert(hash).second) tokens_.push_back(hash);
}

void token_set::add_word(char kind, std::string_view text) {
    if (kind == '\0') return add(text);
    add(std::string{kind, ':'}.append(text));
}

void token_set::add_pair(char kind, std::string_view first, std::string_view second) {
    add_word(kind, std::string(first).append(1, ' ').append(second));
}

void token_set::add_text(char kind, std::string_view folded) {
    word before;
    while (!full()) {
        const auto next = take_word(folded);
        if (next.characters == 0) return;
        const bool counts = next.characters >= word_min && next.characters <= word_max;
        if (counts) add_word(kind, next.text);
        // A pair has one word at least that says something alone, or two ideographs.
        const bool ideographs =
            before.characters == 1 && next.characters == 1 && is_ideograph(first_character(next.text).point);
        const bool short_enough =
            before.characters > 0 && before.characters <= word_max && next.characters <= word_max;
        if (short_enough && (counts || before.characters >= word_min || ideographs))
            add_pair(kind, before.text, next.text);
        before = next;
    }
}

std::vector<std::uint64_t> token_set::take() {
    known_.clear();
    return std::exchange(tokens_, {});
}

} // namespace postern::policy::content
