// A ledger in memory for tests: the same answers as the LMDB one (it passes the same contract), and failing
// on demand.
#pragma once

#include "storage/tables/ledger.hpp"

#include <algorithm>

namespace postern::testing {

class memory_ledger final : public storage::ledger {
  public:
    // What every call from now on answers; nullopt = works again.
    std::optional<storage::storage_errc> failure;

    bool add(storage::ledger_row row) override {
        auto fit = kept_form(std::move(row));
        if (!fit) {
            ++dropped_;
            return false;
        }
        gathered_.push_back(std::move(*fit));
        return true;
    }
    std::uint64_t dropped() const override { return dropped_; }
    result<void> flush() override {
        if (failure) return *failure;
        for (auto& row : gathered_) {
            const auto behind = std::ranges::upper_bound(rows_, row.time, {}, &storage::ledger_row::time);
            rows_.insert(behind, std::move(row));
        }
        gathered_.clear();
        return {};
    }
    result<storage::ledger_swept> sweep(std::int64_t now, std::int64_t keep, std::size_t limit) override {
        if (failure) return *failure;
        storage::ledger_swept swept;
        const auto is_due = [&] { return !rows_.empty() && rows_.front().time <= now - keep; };
        for (; swept.removed < limit && is_due(); ++swept.removed) rows_.erase(rows_.begin());
        swept.more = is_due();
        return swept;
    }
    result<std::vector<storage::ledger_found>> find(const std::optional<protocol::address>& whom,
                                                    std::int64_t since, std::string_view position,
                                                    std::size_t limit) const override {
        if (failure) return *failure;
        std::vector<storage::ledger_found> found;
        for (std::size_t at = 0; at < rows_.size() && found.size() < limit; ++at) {
            const auto& row = rows_[rows_.size() - 1 - at];
            std::string place = std::to_string(at + 1'000'000);
            if (row.time < since || !is_of(row, whom) || (!position.empty() && place <= position)) continue;
            found.push_back({row, std::move(place)});
        }
        return found;
    }

  private:
    static std::string folded(const std::optional<protocol::address>& one) {
        return one ? one->folded() : std::string();
    }
    static bool is_of(const storage::ledger_row& row, const std::optional<protocol::address>& whom) {
        return folded(whom) == folded(row.sender) || (row.recipient && folded(whom) == folded(row.recipient));
    }

    std::vector<storage::ledger_row> gathered_, rows_;
    std::uint64_t dropped_ = 0;
};

} // namespace postern::testing
