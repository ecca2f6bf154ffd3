// The ledger in LMDB. Rows gather in memory as octets; flush() writes them in batches, each in a transaction
// of its own behind the room that was made for it. Lock order: file_lock_ before gathered_lock_; add() never
// waits for a disk.
#include "storage/lmdb_tables.hpp"
#include "storage/tables/ledger_tables.hpp"

#include <algorithm>
#include <deque>
#include <iterator>
#include <mutex>

namespace postern::storage {
namespace {

constexpr std::uint64_t octets_min = std::uint64_t{1} << 20;
constexpr std::uint64_t page_octets = 4096;
constexpr std::size_t steps_a_row = 2; // removals in a transaction for each row that it is for

// A transaction copies each page that it touches, and the copies are free again only two transactions later:
// so its size follows the map's.
std::size_t batch_for(std::uint64_t map_octets) {
    return static_cast<std::size_t>(
        std::clamp<std::uint64_t>(map_octets / page_octets / 256, 4, std::uint64_t{4096}));
}

using entries = std::deque<ledger_entry>;

class lmdb_ledger final : public ledger {
  public:
    lmdb_ledger(std::string state_dir, const ledger_limits& limits)
        : state_dir_(std::move(state_dir)), map_octets_(limits.octets), unwritten_max_(limits.unwritten),
          batch_(batch_for(limits.octets)) {}

    result<void> open();
    bool add(ledger_row row) override;
    std::uint64_t dropped() const override;
    result<void> flush() override;
    result<ledger_swept> sweep(std::int64_t now, std::int64_t keep, std::size_t limit) override;
    result<std::vector<ledger_found>> find(const std::optional<protocol::address>& whom, std::int64_t since,
                                           std::string_view position, std::size_t limit) const override;

  private:
    result<void> use_file();
    result<std::size_t> write_batch();
    result<void> write_all();

    const std::string state_dir_;
    const std::uint64_t map_octets_;
    const std::size_t unwritten_max_, batch_;
    mutable std::mutex file_lock_; // the file, by one thread of this process at a time
    std::unique_ptr<lmdb::environment> kept_;
    ledger_tables tables_;
    entries leaving_; // what flush() writes
    mutable std::mutex gathered_lock_;
    entries gathered_;
    std::size_t gathered_octets_ = 0; // of them, and of what is leaving
    std::uint64_t dropped_ = 0;
};

std::size_t memory_of(const ledger_entry& entry) {
    return sizeof entry + entry.sender.size() + entry.recipient.size() + entry.value.size();
}

result<void> lmdb_ledger::open() {
    auto kept = lmdb::open_in(state_dir_, "ledger", {.map_size = map_octets_});
    if (!kept) return kept.error();
    const auto tables = open_ledger_tables(**kept);
    if (!tables) return tables.error();
    kept_ = std::move(*kept);
    tables_ = *tables;
    return {};
}

// LMDB gives an environment up when its meta page could not be written: then it is opened anew.
result<void> lmdb_ledger::use_file() {
    if (kept_ && !kept_->given_up()) return {};
    kept_.reset();
    if (auto opened = open(); !opened) return opened;
    return kept_->flush();
}

bool lmdb_ledger::add(ledger_row row) {
    const auto fit = kept_form(std::move(row));
    auto entry = fit ? encode_ledger_row(*fit) : ledger_entry{};
    const std::lock_guard hold(gathered_lock_);
    const std::size_t octets = memory_of(entry);
    if (!fit || gathered_octets_ + octets > unwritten_max_) {
        ++dropped_;
        return false;
    }
    gathered_.push_back(std::move(entry));
    gathered_octets_ += octets;
    return true;
}

std::uint64_t lmdb_ledger::dropped() const {
    const std::lock_guard hold(gathered_lock_);
    return dropped_;
}

// The number of rows that were written. The oldest go first, in as many transactions as it takes: how much
// they fill, only they know.
result<std::size_t> lmdb_ledger::write_batch() {
    const std::size_t count = std::min(batch_, leaving_.size());
    std::uint64_t octets = 0;
    for (std::size_t i = 0; i < count; ++i) octets += leaving_[i].octets();
    const std::uint64_t fill_max = map_octets_ / 5 * 2;
    for (;;) {
        auto writer = ledger_writer::begin(*kept_, tables_);
        if (!writer) return writer.error();
        const auto has_room = writer->make_room(fill_max - std::min(fill_max, octets), steps_a_row * count);
        if (!has_room) return has_room.error();
        for (std::size_t i = 0; *has_room && i < count; ++i)
            if (auto put = writer->put(leaving_[i]); !put) return put.error();
        if (auto kept = writer->commit(); !kept) return kept.error();
        if (*has_room) return count;
    }
}

result<void> lmdb_ledger::write_all() {
    while (!leaving_.empty()) {
        const auto written = write_batch();
        if (!written) return written.error();
        std::size_t octets = 0;
        for (std::size_t i = 0; i < *written; ++i, leaving_.pop_front())
            octets += memory_of(leaving_.front());
        const std::lock_guard hold(gathered_lock_);
        gathered_octets_ -= octets;
    }
    return {};
}

// What could not be written stays where it is, before what comes meanwhile.
result<void> lmdb_ledger::flush() {
    const std::lock_guard alone(file_lock_);
    {
        const std::lock_guard hold(gathered_lock_);
        std::move(gathered_.begin(), gathered_.end(), std::back_inserter(leaving_));
        gathered_.clear();
    }
    if (leaving_.empty()) return {};
    if (auto usable = use_file(); !usable) return usable;
    return write_all();
}

// Asks in a read transaction first: a second in which nothing is due costs no write.
result<ledger_swept> lmdb_ledger::sweep(std::int64_t now, std::int64_t keep, std::size_t limit) {
    const std::lock_guard alone(file_lock_);
    if (auto usable = use_file(); !usable) return usable.error();
    const auto is_due = [&](const result<std::optional<std::string>>& stamp) {
        return stamp && *stamp && time_of_stamp(**stamp) <= now - keep;
    };
    ledger_swept swept;
    {
        const auto within = kept_->begin_read();
        if (!within) return within.error();
        const auto first = oldest_stamp(*within, tables_);
        if (!first) return first.error();
        if (!is_due(first)) return swept;
    }
    auto writer = ledger_writer::begin(*kept_, tables_);
    if (!writer) return writer.error();
    auto first = writer->oldest();
    const std::size_t steps = std::min(limit, steps_a_row * batch_);
    for (; swept.removed < steps && is_due(first); first = writer->oldest()) {
        if (auto gone = writer->remove(**first); !gone) return gone.error();
        ++swept.removed;
    }
    if (!first) return first.error();
    swept.more = is_due(first);
    if (auto kept = writer->commit(); !kept) return kept.error();
    return swept;
}

result<std::vector<ledger_found>> lmdb_ledger::find(const std::optional<protocol::address>& whom,
                                                    std::int64_t since, std::string_view position,
                                                    std::size_t limit) const {
    std::vector<ledger_found> found;
    const std::string prefix = whom_prefix(whom);
    if (prefix.size() > ledger_address_max + 1 || (!position.empty() && position.size() != stamp_octets))
        return found;
    const std::lock_guard alone(file_lock_);
    if (!kept_) return storage_errc::io; // given up, and not yet opened anew
    const auto within = kept_->begin_read();
    if (!within) return within.error();
    auto at = lmdb::cursor::open(*within, tables_.by_whom);
    if (!at) return at.error();
    std::string from = prefix + std::string(position);
    if (!position.empty()) from.push_back('\0'); // the first that is above
    auto place = at->seek(from);
    for (; place && *place && found.size() < limit; place = at->next()) {
        const auto key = (*place)->key;
        if (!key.starts_with(prefix)) break;
        const auto stamp = inverted(key.substr(prefix.size()));
        if (stamp.size() != stamp_octets) continue;
        if (time_of_stamp(stamp) < since) break;
        const auto value = within->get(tables_.rows, stamp);
        if (!value) return value.error();
        auto row = *value ? decode_ledger_row(**value) : std::nullopt;
        if (!row) continue;
        row->time = time_of_stamp(stamp);
        found.push_back({std::move(*row), inverted(stamp)});
    }
    if (!place) return place.error();
    return found;
}

} // namespace

result<std::unique_ptr<ledger>> open_lmdb_ledger(const std::string& state_dir, const ledger_limits& limits) {
    if (limits.octets < octets_min) return storage_errc::invalid;
    auto made = std::make_unique<lmdb_ledger>(state_dir, limits);
    if (auto opened = made->open(); !opened) return opened.error();
    return std::unique_ptr<ledger>(std::move(made));
}

} // namespace postern::storage
