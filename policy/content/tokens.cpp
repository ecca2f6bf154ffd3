#include "policy/content/tokens.hpp"

#include "policy/content/folded_text.hpp"
#include "protocol/smtp/grammar.hpp"

#include <array>
#include <utility>

namespace postern::policy::content {
namespace {

constexpr std::size_t word_min = 3, word_max = 40; // characters

class token_hash {
  public:
    token_hash& add(std::string_view octets) {
        for (const char c : octets) {
            state_ ^= static_cast<unsigned char>(c);
            state_ *= 0x100000001b3U;
        }
        return *this;
    }
    std::uint64_t made() const { // mixed as MurmurHash3's fmix64
        std::uint64_t hash = state_ ^ state_ >> 33U;
        hash *= 0xff51afd7ed558ccdU;
        hash ^= hash >> 33U;
        hash *= 0xc4ceb9fe1a85ec53U;
        return hash ^ hash >> 33U;
    }

  private:
    std::uint64_t state_ = 0xcbf29ce484222325U;
};

token_hash beginning_of(char kind) {
    token_hash made;
    const char octets[] = {kind, ':'};
    return kind == '\0' ? made : made.add({octets, 2});
}

struct word {
    std::string_view text;
    std::size_t characters = 0;
};

// What holds a word together, or belongs to it as money and shares do: of ASCII as a table, for speed.
constexpr auto ascii_of_words = [] {
    std::array<bool, 128> is{};
    for (char c = 0;; ++c) {
        const char lower = protocol::to_lower(c);
        is[static_cast<std::size_t>(c)] =
            (lower >= 'a' && lower <= 'z') || protocol::is_digit(c) || c == '\'' || c == '$' || c == '%';
        if (c == 127) return is;
    }
}();
bool is_of_word(std::uint32_t point) {
    if (point < ascii_of_words.size()) return ascii_of_words[point];
    return is_word_character(point) || point == 0x20ac || point == 0xa3;
}

// Takes the next word off the front; an ideograph is one by itself.
word take_word(std::string_view& left) {
    word taken;
    std::size_t end = 0;
    while (end < left.size()) {
        const auto octet = static_cast<unsigned char>(left[end]);
        if (octet < ascii_of_words.size() && ascii_of_words[octet]) {
            ++end;
            ++taken.characters;
            continue;
        }
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

std::uint64_t hash_token(std::string_view token) { return token_hash().add(token).made(); }

bool token_set::is_new(std::uint64_t hash) {
    constexpr std::size_t places = 2 * protocol::scan::tokens_max;
    if (known_.empty()) known_.resize(places);
    auto at = static_cast<std::size_t>(hash) % places;
    for (; known_[at] != 0; at = (at + 1) % places)
        if (known_[at] == hash) return false;
    known_[at] = hash;
    return true;
}

void token_set::add(std::uint64_t hash) {
    if (hash != 0 && !full() && is_new(hash)) tokens_.push_back(hash);
}

void token_set::add_word(char kind, std::string_view text) { add(beginning_of(kind).add(text).made()); }

void token_set::add_text(char kind, std::string_view folded) {
    word before;
    token_hash hash_before;
    while (!full()) {
        const auto next = take_word(folded);
        if (next.characters == 0) return;
        const bool counts = next.characters >= word_min && next.characters <= word_max;
        const auto hash = beginning_of(kind).add(next.text);
        if (counts) add(hash.made());
        // A pair has one word at least that says something alone, or two ideographs.
        const bool ideographs =
            before.characters == 1 && next.characters == 1 && is_ideograph(first_character(next.text).point);
        const bool short_enough =
            before.characters > 0 && before.characters <= word_max && next.characters <= word_max;
        if (short_enough && (counts || before.characters >= word_min || ideographs))
            add(hash_before.add(" ").add(next.text).made());
        before = next;
        hash_before = hash;
    }
}

std::vector<std::uint64_t> token_set::take() {
    known_.clear();
    return std::exchange(tokens_, {});
}

} // namespace postern::policy::content
