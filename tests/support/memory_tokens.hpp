// What was learned, in memory: for tests of what uses it, and to hold the contract against.
#pragma once

#include "storage/tables/tokens.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace postern::testing {

class memory_tokens final : public storage::tokens {
  public:
    result<storage::tokens_found> find(std::string_view owner,
                                       std::span<const std::uint64_t> hashes) const override {
        if (!is_sound(hashes)) return storage::storage_errc::invalid;
        storage::tokens_found made;
        made.counts.resize(hashes.size());
        const auto known = owners_.find(std::string(owner));
        if (known == owners_.end()) return made;
        made.messages = known->second.messages;
        for (std::size_t at = 0; at < hashes.size(); ++at)
            if (const auto word = known->second.words.find(hashes[at]); word != known->second.words.end())
                made.counts[at] = word->second.counts;
        return made;
    }
    result<storage::lesson_answer> learn(std::string_view owner, storage::lesson as, std::string_view digest,
                                         std::span<const std::uint64_t> hashes, std::int64_t day) override {
        if (digest.empty() || digest.size() > storage::digest_max || !is_sound(hashes))
            return storage::storage_errc::invalid;
        auto& mine = owners_[std::string(owner)];
        const auto before = mine.lessons.find(std::string(digest));
        const bool known = before != mine.lessons.end();
        if (known && before->second == as) return storage::lesson_answer::known;
        mine.lessons[std::string(digest)] = as;
        add(mine.messages, as, known);
        for (const auto token : hashes) {
            add(mine.words[token].counts, as, known);
            mine.words[token].day = day;
        }
        return known ? storage::lesson_answer::moved : storage::lesson_answer::learned;
    }
    result<bool> forget(std::string_view owner) override { return owners_.erase(std::string(owner)) > 0; }

  private:
    struct word {
        storage::token_counts counts;
        std::int64_t day = 0;
    };
    struct taught {
        storage::token_counts messages;
        std::map<std::uint64_t, word> words;
        std::map<std::string, storage::lesson> lessons;
    };
    static bool is_sound(std::span<const std::uint64_t> hashes) {
        return hashes.size() <= storage::tokens_at_once &&
               std::set<std::uint64_t>(hashes.begin(), hashes.end()).size() == hashes.size();
    }
    static void add(storage::token_counts& to, storage::lesson as, bool moved) {
        auto& mine = as == storage::lesson::spam ? to.spam : to.ham;
        auto& other = as == storage::lesson::spam ? to.ham : to.spam;
        ++mine;
        if (moved && other > 0) --other;
    }
    std::map<std::string, taught> owners_;
};

} // namespace postern::testing
