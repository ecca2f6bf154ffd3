// A greylist in memory for tests: the same answers as the LMDB one (it passes the same contract), and failing
// on demand.
#pragma once

#include "storage/tables/greylist.hpp"

#include <map>

namespace postern::testing {

class memory_greylist final : public storage::greylist {
  public:
    // What every call from now on answers; nullopt = works again.
    std::optional<storage::storage_errc> failure;

    result<storage::greylist_answer> attempt(const storage::greylist_key& key, std::int64_t now,
                                             const storage::greylist_terms& terms) override {
        if (failure) return *failure;
        if (!can_be_key(key)) return storage::storage_errc::invalid;
        const auto judged = judge_now(key, now, terms);
        put(key, judged.entry);
        return judged.answer;
    }
    result<storage::greylist_answer> look(const storage::greylist_key& key, std::int64_t now,
                                          const storage::greylist_terms& terms) const override {
        if (failure) return *failure;
        if (!can_be_key(key)) return storage::storage_errc::invalid;
        return judge_now(key, now, terms).answer;
    }
    result<void> allow(const storage::greylist_key& key, std::int64_t now) override {
        if (failure) return *failure;
        if (!can_be_key(key)) return storage::storage_errc::invalid;
        put(key, {now, now});
        return {};
    }
    result<bool> remove(const storage::greylist_key& key) override {
        if (failure) return *failure;
        return entries_.erase(position_of(key)) == 1;
    }
    result<void> flush() override {
        if (failure) return *failure;
        return {};
    }
    result<storage::greylist_swept> sweep(std::int64_t now, const storage::greylist_terms& terms,
                                          std::size_t limit) override {
        if (failure) return *failure;
        storage::greylist_swept swept;
        for (auto at = entries_.begin(); at != entries_.end();) {
            auto& entry = at->second.entry;
            entry.first = std::min(entry.first, now);
            if (entry.last_pass) entry.last_pass = std::min(*entry.last_pass, now);
            const bool expired = expiry_of(entry, terms) <= now;
            swept.more = swept.more || (expired && swept.removed == limit);
            const bool goes = expired && swept.removed < limit;
            swept.removed += goes ? 1 : 0;
            at = goes ? entries_.erase(at) : std::next(at);
        }
        return swept;
    }
    result<std::vector<storage::greylist_row>> list(std::string_view position,
                                                    std::size_t limit) const override {
        if (failure) return *failure;
        std::vector<storage::greylist_row> rows;
        for (auto at = entries_.upper_bound(position); at != entries_.end() && rows.size() < limit; ++at)
            rows.push_back(at->second);
        return rows;
    }

  private:
    storage::greylist_judgement judge_now(const storage::greylist_key& key, std::int64_t now,
                                          const storage::greylist_terms& terms) const {
        const auto found = entries_.find(position_of(key));
        return judge(found == entries_.end() ? std::nullopt : std::optional(found->second.entry), now, terms);
    }
    static bool can_be_key(const storage::greylist_key& key) {
        return key.sender.size() <= storage::greylist_sender_max &&
               key.sender.find('\0') == std::string::npos;
    }
    static std::string position_of(const storage::greylist_key& key) {
        std::string position(1, key.client.is_v4() ? '4' : '6');
        for (const auto octet : key.client.bytes()) position.push_back(static_cast<char>(octet));
        return position + key.sender;
    }
    void put(const storage::greylist_key& key, const storage::greylist_entry& entry) {
        const auto position = position_of(key);
        entries_[position] = {key, entry, position};
    }

    std::map<std::string, storage::greylist_row, std::less<>> entries_;
};

} // namespace postern::testing
