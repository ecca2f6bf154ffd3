#include "policy/content/phrase_finder.hpp"

#include "policy/content/folded_text.hpp"
#include "policy/content/text_decoding.hpp"

#include <algorithm>

namespace postern::policy::content {
namespace {

using protocol::scan::phrase_place;

std::uint64_t edge(std::uint32_t from, char octet) {
    return static_cast<std::uint64_t>(from) << 8U | static_cast<unsigned char>(octet);
}

bool begins_word(std::string_view text) {
    return !text.empty() && is_word_character(first_character(text).point);
}

bool ends_word(std::string_view text) {
    auto at = text.size();
    while (at > 0 && (static_cast<unsigned char>(text[at - 1]) & 0xc0U) == 0x80U) --at;
    return at > 0 && is_word_character(first_character(text.substr(at - 1)).point);
}

// Scripts without blanks have no words to stand between.
bool is_ideograph_at(std::string_view text) {
    return !text.empty() && is_ideograph(first_character(text).point);
}

bool is_apart(std::string_view text, std::size_t begin, std::size_t end) {
    const auto phrase = text.substr(begin, end - begin);
    const bool free = is_ideograph_at(phrase);
    const bool front = free || !begins_word(phrase) || !ends_word(text.substr(0, begin));
    const bool back = free || !ends_word(phrase) || !begins_word(text.substr(end));
    return front && back;
}

} // namespace

phrase_finder::phrase_finder(std::span<const protocol::scan::phrase> phrases) : nodes_(1) {
    const auto count = std::min(phrases.size(), protocol::scan::phrases_max);
    found_.resize(count);
    for (std::size_t at = 0; at < count; ++at) {
        places_.push_back(phrases[at].where);
        const auto text = std::string_view(phrases[at].text).substr(0, protocol::scan::text_max);
        add(static_cast<std::uint16_t>(at), fold(utf8_of("utf-8", text)).text);
    }
    link();
}

std::uint32_t phrase_finder::child(std::uint32_t of, char octet) const {
    if (of == 0) return roots_[static_cast<unsigned char>(octet)];
    const auto at = edges_.find(edge(of, octet));
    return at == edges_.end() ? 0 : at->second;
}

std::uint32_t phrase_finder::step(std::uint32_t from, char octet) const {
    for (;;) {
        if (const auto to = child(from, octet); to != 0 || from == 0) return to;
        from = nodes_[from].fails_to;
    }
}

void phrase_finder::add(std::uint16_t index, std::string_view folded) {
    if (folded.empty()) return;
    std::uint32_t at = 0;
    for (const char octet : folded) {
        auto to = child(at, octet);
        if (to == 0) {
            to = static_cast<std::uint32_t>(nodes_.size());
            nodes_.emplace_back().length = static_cast<std::uint16_t>(nodes_[at].length + 1);
            (at == 0 ? roots_[static_cast<unsigned char>(octet)] : edges_[edge(at, octet)]) = to;
        }
        at = to;
    }
    nodes_[at].ends.push_back(index);
}

// By length: what a beginning falls back to is shorter.
void phrase_finder::link() {
    struct link_of {
        std::uint32_t from, to;
        char octet;
    };
    std::vector<link_of> links;
    for (const auto& [key, to] : edges_)
        links.push_back({static_cast<std::uint32_t>(key >> 8U), to, static_cast<char>(key & 0xffU)});
    std::sort(links.begin(), links.end(),
              [&](const link_of& a, const link_of& b) { return nodes_[a.to].length < nodes_[b.to].length; });
    for (const auto& one : links) {
        const auto back = step(nodes_[one.from].fails_to, one.octet);
        nodes_[one.to].fails_to = back;
        nodes_[one.to].next_ending = nodes_[back].ends.empty() ? nodes_[back].next_ending : back;
    }
}

void phrase_finder::note(std::uint32_t at, std::string_view text, std::size_t end, phrase_place place) {
    if (nodes_[at].ends.empty()) at = nodes_[at].next_ending;
    for (; at != 0; at = nodes_[at].next_ending) {
        if (!is_apart(text, end - nodes_[at].length, end)) continue;
        for (const auto index : nodes_[at].ends)
            if (places_[index] == phrase_place::anywhere || places_[index] == place) found_[index] = true;
    }
}

void phrase_finder::look(std::string_view folded, phrase_place place) {
    if (places_.empty()) return;
    std::uint32_t at = 0;
    for (std::size_t end = 0; end < folded.size();) {
        at = step(at, folded[end++]);
        if (at != 0) note(at, folded, end, place);
    }
}

std::vector<std::uint16_t> phrase_finder::found() const {
    std::vector<std::uint16_t> indices;
    for (std::size_t at = 0; at < found_.size(); ++at)
        if (found_[at]) indices.push_back(static_cast<std::uint16_t>(at));
    return indices;
}

} // namespace postern::policy::content
