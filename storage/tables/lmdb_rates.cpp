// Rates in LMDB: get() looks into what has gathered, then into the file; flush() writes that out. Lock order:
// writing_now_ before gathered_lock_; no get() or put() waits for a disk's flush.
#include "storage/lmdb_tables.hpp"
#include "storage/tables/rates_writer.hpp"

#include <algorithm>
#include <mutex>
#include <unordered_map>

namespace postern::storage {
namespace {

using boost::system::in_place_error;

constexpr std::uint64_t octets_min = std::uint64_t{1} << 20;
constexpr std::size_t batch_max = 4096;

// nullopt as a value = to be removed.
using changes = std::unordered_map<std::string, std::optional<std::string>>;

class lmdb_rates final : public rates {
  public:
    lmdb_rates(std::unique_ptr<lmdb::environment> kept, const rates_tables& tables, rates_limits limits)
        : kept_(std::move(kept)), tables_(tables), limits_(std::move(limits)),
          chance_(sip_hash(tables.secret, "eviction")) {}

    result<std::optional<std::string>> get(std::string_view key) const override;
    result<void> put(std::string_view key, std::string_view value, std::int64_t expires) override;
    result<void> remove(std::string_view key) override;
    result<void> put_now(std::string_view key, std::string_view value, std::int64_t expires) override;
    result<bool> remove_now(std::string_view key) override;
    result<void> flush() override;
    result<bool> sweep(std::int64_t now, std::size_t limit) override;
    result<std::vector<rates_row>> list(std::string_view sort, std::string_view position,
                                        std::size_t limit) const override;
    const sip_key& secret() const override { return tables_.secret; }

  private:
    static bool is_sound(std::string_view key, std::string_view value = {}) {
        return !key.empty() && key.size() <= rates_key_max && value.size() <= rates_value_max;
    }
    result<void> gather(std::string_view key, std::optional<std::string> value);
    result<void> write_all(const changes& all);
    result<bool> is_due(std::int64_t now, std::size_t limit);

    std::unique_ptr<lmdb::environment> kept_;
    rates_tables tables_;
    rates_limits limits_;
    std::mutex writing_now_; // one writer of this process at a time
    std::uint64_t chance_;
    std::string swept_to_;
    mutable std::mutex gathered_lock_;
    changes gathered_; // since flush() began
    changes leaving_;  // what flush() writes; still asked until it is in the file
};

result<std::optional<std::string>> lmdb_rates::get(std::string_view key) const {
    if (!is_sound(key)) return storage_errc::invalid;
    const std::string wanted(key);
    {
        const std::lock_guard hold(gathered_lock_);
        for (const auto* all : {&gathered_, &leaving_}) {
            const auto found = all->find(wanted);
            if (found == all->end()) continue;
            if (!found->second) return std::optional<std::string>();
            return std::optional(std::string(rates_value(*found->second)));
        }
    }
    const auto within = kept_->begin_read();
    if (!within) return {in_place_error, within.error()};
    const auto value = within->get(tables_.rows, key);
    if (!value) return {in_place_error, value.error()};
    if (!*value) return std::optional<std::string>();
    return std::optional(std::string(rates_value(**value)));
}

result<void> lmdb_rates::gather(std::string_view key, std::optional<std::string> value) {
    std::string name(key);
    const std::lock_guard hold(gathered_lock_);
    if (gathered_.size() >= limits_.unwritten && !gathered_.contains(name)) return storage_errc::busy;
    gathered_[std::move(name)] = std::move(value);
    return {};
}

result<void> lmdb_rates::put(std::string_view key, std::string_view value, std::int64_t expires) {
    if (!is_sound(key, value)) return storage_errc::invalid;
    return gather(key, encode_rates_row(value, expires));
}

result<void> lmdb_rates::remove(std::string_view key) {
    if (!is_sound(key)) return storage_errc::invalid;
    return gather(key, std::nullopt);
}

result<void> lmdb_rates::put_now(std::string_view key, std::string_view value, std::int64_t expires) {
    if (!is_sound(key, value)) return storage_errc::invalid;
    const std::lock_guard alone(writing_now_);
    auto writer = rates_writer::begin(*kept_, tables_);
    if (!writer) return writer.error();
    const std::string name(key);
    if (auto put = writer->write(name, encode_rates_row(value, expires)); !put) return put;
    if (auto room = writer->make_room(limits_.caps, chance_); !room) return room;
    if (auto kept = writer->commit(); !kept) return kept;
    const std::lock_guard hold(gathered_lock_);
    gathered_.erase(name); // older than this
    return {};
}

result<bool> lmdb_rates::remove_now(std::string_view key) {
    if (!is_sound(key)) return storage_errc::invalid;
    const std::lock_guard alone(writing_now_);
    auto writer = rates_writer::begin(*kept_, tables_);
    if (!writer) return {in_place_error, writer.error()};
    const auto was_there = writer->remove(key);
    if (!was_there) return was_there;
    if (auto kept = writer->commit(); !kept) return {in_place_error, kept.error()};
    const std::lock_guard hold(gathered_lock_);
    const auto waiting = gathered_.find(std::string(key));
    const bool waited = waiting != gathered_.end() && waiting->second.has_value();
    if (waiting != gathered_.end()) gathered_.erase(waiting);
    return *was_there || waited;
}

// In key order, so that neighbours share pages.
result<void> lmdb_rates::write_all(const changes& all) {
    std::vector<changes::const_pointer> sorted;
    sorted.reserve(all.size());
    for (const auto& one : all) sorted.push_back(&one);
    std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->first < b->first; });
    for (std::size_t from = 0; from < sorted.size(); from += batch_max) {
        auto writer = rates_writer::begin(*kept_, tables_);
        if (!writer) return writer.error();
        const auto end = std::min(sorted.size(), from + batch_max);
        for (auto i = from; i < end; ++i)
            if (auto put = writer->write(sorted[i]->first, sorted[i]->second); !put) return put;
        if (auto room = writer->make_room(limits_.caps, chance_); !room) return room;
        if (auto kept = writer->commit(); !kept) return kept;
    }
    return {};
}

// After a failure everything is gathered again, under what came meanwhile: the next call tries it anew.
result<void> lmdb_rates::flush() {
    const std::lock_guard alone(writing_now_);
    {
        const std::lock_guard hold(gathered_lock_);
        if (gathered_.empty()) return {};
        leaving_.swap(gathered_);
    }
    const auto kept = write_all(leaving_);
    changes done; // freed without the lock
    const std::lock_guard hold(gathered_lock_);
    if (!kept) gathered_.merge(leaving_);
    done.swap(leaving_);
    return kept;
}

// In a read transaction first: rows of which none is due cost no write.
result<bool> lmdb_rates::is_due(std::int64_t now, std::size_t limit) {
    const auto within = kept_->begin_read();
    if (!within) return {in_place_error, within.error()};
    auto at = lmdb::cursor::open(*within, tables_.rows);
    if (!at) return {in_place_error, at.error()};
    auto entry = swept_to_.empty() ? at->first() : at->seek(swept_to_ + '\0');
    std::string last = swept_to_;
    for (std::size_t looked = 0; entry && *entry && looked < limit; ++looked, entry = at->next()) {
        if (rates_expiry((*entry)->value) <= now) return true;
        last = (*entry)->key;
    }
    if (!entry) return {in_place_error, entry.error()};
    swept_to_ = *entry ? last : std::string();
    return false;
}

result<bool> lmdb_rates::sweep(std::int64_t now, std::size_t limit) {
    const std::lock_guard alone(writing_now_);
    const auto due = is_due(now, limit);
    if (!due) return due;
    if (!*due) return !swept_to_.empty();
    auto writer = rates_writer::begin(*kept_, tables_);
    if (!writer) return {in_place_error, writer.error()};
    const auto more = writer->sweep(swept_to_, now, limit);
    if (!more) return more;
    if (auto kept = writer->commit(); !kept) return {in_place_error, kept.error()};
    return more;
}

result<std::vector<rates_row>> lmdb_rates::list(std::string_view sort, std::string_view position,
                                                std::size_t limit) const {
    std::vector<rates_row> rows;
    if (!is_sound(sort) || position.size() > rates_key_max) return rows;
    const auto within = kept_->begin_read();
    if (!within) return {in_place_error, within.error()};
    auto at = lmdb::cursor::open(*within, tables_.rows);
    if (!at) return {in_place_error, at.error()};
    auto entry = at->seek(position.empty() ? std::string(sort) : std::string(position) + '\0');
    for (; entry && *entry && rows.size() < limit; entry = at->next()) {
        if (!(*entry)->key.starts_with(sort)) break;
        rows.push_back({std::string((*entry)->key), std::string(rates_value((*entry)->value)),
                        rates_expiry((*entry)->value)});
    }
    if (!entry) return {in_place_error, entry.error()};
    return rows;
}

} // namespace

result<std::unique_ptr<rates>> open_lmdb_rates(const std::string& state_dir, const rates_limits& limits) {
    if (limits.octets < octets_min) return storage_errc::invalid;
    auto kept = lmdb::open_in(state_dir, "rates", {.map_size = limits.octets});
    if (!kept) return kept.error();
    const auto tables = lmdb::open_or_make<rates_tables>(**kept, &open_rates_tables);
    if (!tables) return tables.error();
    return std::unique_ptr<rates>(std::make_unique<lmdb_rates>(std::move(*kept), *tables, limits));
}

} // namespace postern::storage
