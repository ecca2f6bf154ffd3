// The greylist in LMDB. An attempt looks into what has gathered, then into the file, and leaves its entry
// with what has gathered; flush() writes that out in batches. Lock order: writing_now_ before gathered_lock_;
// no attempt waits for a disk's flush.
#include "storage/lmdb_tables.hpp"
#include "storage/tables/greylist_tables.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <unordered_map>

namespace postern::storage {
namespace {

using boost::system::in_place_error;

constexpr std::uint64_t octets_min = std::uint64_t{1} << 20;
constexpr std::uint64_t page_octets = 4096;

// A transaction copies each page that it touches, and the copies are free again only two transactions later:
// so its size follows the map's.
std::size_t batch_for(std::uint64_t map_octets) {
    return static_cast<std::size_t>(
        std::clamp<std::uint64_t>(map_octets / page_octets / 256, 4, std::uint64_t{4096}));
}

using entries_by_key = std::unordered_map<std::string, greylist_entry>;

class lmdb_greylist final : public greylist {
  public:
    lmdb_greylist(std::unique_ptr<lmdb::environment> kept, const greylist_tables& tables,
                  const greylist_limits& limits)
        : kept_(std::move(kept)), tables_(tables), unwritten_max_(limits.unwritten),
          fill_max_(limits.octets / 5 * 2), batch_(batch_for(limits.octets)) {}

    result<greylist_answer> attempt(const greylist_key& key, std::int64_t now,
                                    const greylist_terms& terms) override;
    result<greylist_answer> look(const greylist_key& key, std::int64_t now,
                                 const greylist_terms& terms) const override;
    result<void> allow(const greylist_key& key, std::int64_t now) override;
    result<bool> remove(const greylist_key& key) override;
    result<void> flush() override;
    result<greylist_swept> sweep(std::int64_t now, const greylist_terms& terms, std::size_t limit) override;
    result<std::vector<greylist_row>> list(std::string_view position, std::size_t limit) const override;

    result<void> note_crowd();

  private:
    using batch = std::vector<entries_by_key::const_pointer>;

    result<std::optional<greylist_entry>> find(const std::string& octets) const;
    greylist_judgement judge_now(const std::optional<greylist_entry>& known, std::int64_t now,
                                 const greylist_terms& terms) const;
    result<void> write(const batch& entries);
    result<void> write_all(const entries_by_key& entries);
    result<void> commit(greylist_writer& writer);
    void ungather(const std::string& octets);

    std::unique_ptr<lmdb::environment> kept_;
    greylist_tables tables_;
    std::size_t unwritten_max_;
    std::uint64_t fill_max_;
    std::size_t batch_;
    std::atomic<bool> crowded_{false};
    std::mutex writing_now_; // one writer of this process at a time
    mutable std::mutex gathered_lock_;
    entries_by_key gathered_; // since flush() began
    entries_by_key leaving_;  // what flush() writes; still asked until it is in the file
};

std::int64_t storable(std::int64_t time) { return std::clamp(time, std::int64_t{0}, greylist_time_max); }

// With gathered_lock_ held.
result<std::optional<greylist_entry>> lmdb_greylist::find(const std::string& octets) const {
    for (const auto* entries : {&gathered_, &leaving_})
        if (const auto found = entries->find(octets); found != entries->end())
            return std::optional(found->second);
    const auto within = kept_->begin_read();
    if (!within) return within.error();
    const auto value = within->get(tables_.entries, octets);
    if (!value) return value.error();
    const auto stored = *value ? decode_greylist_entry(**value) : std::nullopt;
    return stored ? std::optional(stored->entry) : std::nullopt;
}

greylist_judgement lmdb_greylist::judge_now(const std::optional<greylist_entry>& known, std::int64_t now,
                                            const greylist_terms& terms) const {
    auto judged = judge(known, storable(now), terms);
    if (judged.answer == greylist_answer::first && crowded_) judged.answer = greylist_answer::pass_crowd;
    return judged;
}

result<greylist_answer> lmdb_greylist::look(const greylist_key& key, std::int64_t now,
                                            const greylist_terms& terms) const {
    const auto octets = encode_greylist_key(key);
    if (!octets) return octets.error();
    const std::lock_guard hold(gathered_lock_);
    const auto known = find(*octets);
    if (!known) return known.error();
    return judge_now(*known, now, terms).answer;
}

result<greylist_answer> lmdb_greylist::attempt(const greylist_key& key, std::int64_t now,
                                               const greylist_terms& terms) {
    const auto octets = encode_greylist_key(key);
    if (!octets) return octets.error();
    const std::lock_guard hold(gathered_lock_);
    const auto known = find(*octets);
    if (!known) return known.error();
    const auto judged = judge_now(*known, now, terms);
    if (*known == judged.entry || judged.answer == greylist_answer::pass_crowd) return judged.answer;
    if (gathered_.size() < unwritten_max_ || gathered_.contains(*octets)) gathered_[*octets] = judged.entry;
    return judged.answer;
}

void lmdb_greylist::ungather(const std::string& octets) {
    const std::lock_guard hold(gathered_lock_);
    gathered_.erase(octets);
}

result<void> lmdb_greylist::allow(const greylist_key& key, std::int64_t now) {
    const auto octets = encode_greylist_key(key);
    if (!octets) return octets.error();
    const std::lock_guard alone(writing_now_);
    auto writer = greylist_writer::begin(*kept_, tables_);
    if (!writer) return writer.error();
    const auto time = storable(now);
    if (auto put = writer->put(*octets, {time, time}); !put) return put;
    if (auto kept = commit(*writer); !kept) return kept;
    ungather(*octets); // what an attempt left meanwhile is older than this
    return {};
}

result<bool> lmdb_greylist::remove(const greylist_key& key) {
    const auto octets = encode_greylist_key(key);
    if (!octets) return false;
    const std::lock_guard alone(writing_now_);
    auto writer = greylist_writer::begin(*kept_, tables_);
    if (!writer) return {in_place_error, writer.error()};
    const auto was_there = writer->remove(*octets);
    if (!was_there) return was_there;
    if (auto kept = commit(*writer); !kept) return {in_place_error, kept.error()};
    const std::lock_guard hold(gathered_lock_);
    return gathered_.erase(*octets) == 1 || *was_there;
}

result<void> lmdb_greylist::commit(greylist_writer& writer) {
    const auto fill = writer.fill();
    if (auto kept = writer.commit(); !kept) return kept;
    crowded_ = fill.passed > fill_max_ / 8 * 7;
    return {};
}

result<void> lmdb_greylist::note_crowd() {
    const auto within = kept_->begin_read();
    if (!within) return within.error();
    const auto fill = read_greylist_fill(*within, tables_);
    if (!fill) return fill.error();
    crowded_ = fill->passed > fill_max_ / 8 * 7;
    return {};
}

result<void> lmdb_greylist::write(const batch& entries) {
    auto writer = greylist_writer::begin(*kept_, tables_);
    if (!writer) return writer.error();
    for (const auto* entry : entries)
        if (auto put = writer->put(entry->first, entry->second); !put) return put;
    if (auto room = writer->make_room(fill_max_, 2 * batch_); !room) return room;
    return commit(*writer);
}

// In key order, so that neighbours share pages.
result<void> lmdb_greylist::write_all(const entries_by_key& entries) {
    batch sorted;
    sorted.reserve(entries.size());
    for (const auto& entry : entries) sorted.push_back(&entry);
    std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->first < b->first; });
    for (std::size_t from = 0; from < sorted.size(); from += batch_) {
        const auto begin = sorted.begin() + static_cast<std::ptrdiff_t>(from);
        const auto count = std::min(batch_, sorted.size() - from);
        if (auto kept = write(batch(begin, begin + static_cast<std::ptrdiff_t>(count))); !kept) return kept;
    }
    return {};
}

// After a failure everything is gathered again, under what came meanwhile: the next call tries it anew.
result<void> lmdb_greylist::flush() {
    const std::lock_guard alone(writing_now_);
    {
        const std::lock_guard hold(gathered_lock_);
        leaving_.swap(gathered_);
    }
    const auto kept = write_all(leaving_);
    entries_by_key done; // freed without the lock
    const std::lock_guard hold(gathered_lock_);
    if (!kept) gathered_.merge(leaving_);
    done.swap(leaving_);
    return kept;
}

// Asks in a read transaction first: a second in which nothing is due costs no write.
result<greylist_swept> lmdb_greylist::sweep(std::int64_t now, const greylist_terms& terms,
                                            std::size_t limit) {
    greylist_swept swept;
    const std::lock_guard alone(writing_now_);
    {
        const auto within = kept_->begin_read();
        if (!within) return within.error();
        const auto due = find_greylist_due(*within, tables_, storable(now), terms);
        if (!due) return due.error();
        if (!*due) return swept;
    }
    auto writer = greylist_writer::begin(*kept_, tables_);
    if (!writer) return writer.error();
    auto due = writer->find_due(storable(now), terms);
    const std::size_t steps = std::min(limit, 2 * batch_);
    for (std::size_t step = 0; due && *due && step < steps; ++step) {
        const auto removed = writer->settle(**due, storable(now), terms);
        if (!removed) return removed.error();
        swept.removed += *removed;
        due = writer->find_due(storable(now), terms);
    }
    if (!due) return due.error();
    swept.more = due->has_value();
    if (auto kept = commit(*writer); !kept) return kept.error();
    return swept;
}

result<std::vector<greylist_row>> lmdb_greylist::list(std::string_view position, std::size_t limit) const {
    std::vector<greylist_row> rows;
    if (position.size() >= lmdb::key_max) return rows;
    const auto within = kept_->begin_read();
    if (!within) return within.error();
    auto at = lmdb::cursor::open(*within, tables_.entries);
    if (!at) return at.error();
    std::string from(position);
    if (!from.empty()) from.push_back('\0'); // the first that is above
    auto entry = at->seek(from);
    for (; entry && *entry && rows.size() < limit; entry = at->next()) {
        const auto key = decode_greylist_key((*entry)->key);
        const auto stored = decode_greylist_entry((*entry)->value);
        if (key && stored) rows.push_back({*key, stored->entry, std::string((*entry)->key)});
    }
    if (!entry) return entry.error();
    return rows;
}

} // namespace

result<std::unique_ptr<greylist>> open_lmdb_greylist(const std::string& state_dir,
                                                     const greylist_limits& limits) {
    if (limits.octets < octets_min) return storage_errc::invalid;
    auto kept = lmdb::open_in(state_dir, "greylist", {.map_size = limits.octets});
    if (!kept) return kept.error();
    const auto tables = open_greylist_tables(**kept);
    if (!tables) return tables.error();
    auto opened = std::make_unique<lmdb_greylist>(std::move(*kept), *tables, limits);
    if (auto noted = opened->note_crowd(); !noted) return noted.error();
    return std::unique_ptr<greylist>(std::move(opened));
}

} // namespace postern::storage
