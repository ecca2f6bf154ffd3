// The journal before the tables: what keep() promised is owed until a transaction has taken it over, in
// memory for the tables' thread and in the file for the next start.
#include "storage/pack_writer.hpp"

#include <algorithm>

namespace postern::storage {

journal_debt journal_debts::all() const {
    const std::lock_guard lock(mutex_);
    journal_debt owed;
    owed.frames.reserve(frames_.size());
    for (const entry& one : frames_) owed.frames.push_back(&one.frame);
    owed.room = room_;
    if (end_ > settled_) owed.end = end_;
    return owed;
}

void journal_debts::add(std::list<entry>&& one, std::set<queue_id>&& ids) noexcept {
    const std::lock_guard lock(mutex_);
    end_ = one.back().frame.end();
    room_ += one.back().room;
    ids_.merge(ids);
    frames_.splice(frames_.end(), one);
}

void journal_debts::note_end(std::uint64_t end) {
    const std::lock_guard lock(mutex_);
    end_ = std::max(end_, end);
}

void journal_debts::settle(const journal_debt& taken) {
    std::list<entry> gone; // freed without the lock
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < taken.frames.size(); ++i) {
        for (const message_rows& message : frames_.front().frame.messages()) ids_.erase(message.id);
        room_ -= frames_.front().room;
        gone.splice(gone.end(), frames_, frames_.begin());
    }
    settled_ = std::max(settled_, taken.end);
}

bool journal_debts::has(queue_id id) const {
    const std::lock_guard lock(mutex_);
    return ids_.contains(id);
}

bool journal_debts::none() const {
    const std::lock_guard lock(mutex_);
    return frames_.empty();
}

bool journal_debts::is_settled() const {
    const std::lock_guard lock(mutex_);
    return frames_.empty() && settled_ == end_;
}

queue_id journal_debts::highest() const {
    const std::lock_guard lock(mutex_);
    return ids_.empty() ? queue_id{} : *ids_.rbegin();
}

std::uint64_t journal_debts::room() const {
    const std::lock_guard lock(mutex_);
    return room_;
}

std::uint64_t journal_debts::end() const {
    const std::lock_guard lock(mutex_);
    return end_;
}

std::uint64_t journal_debts::settled() const {
    const std::lock_guard lock(mutex_);
    return settled_;
}

namespace {

std::uint64_t room_for_rows(const journal_frame& frame) {
    constexpr std::uint64_t pages = 12 * 4096; // as room_needed() has it
    return frame.octets().size() + frame.messages().size() * pages;
}

std::list<journal_debts::entry> one_debt(journal_frame frame) {
    const std::uint64_t room = room_for_rows(frame);
    std::list<journal_debts::entry> one;
    one.push_back({std::move(frame), room});
    return one;
}

result<void> raise_format(lmdb::environment& environment, const queue_tables& tables) {
    auto begun = environment.begin_write();
    if (!begun) return begun.error();
    const auto format = read_queue_format(*begun, tables);
    if (!format) return format.error();
    if (*format == queue_format) return {};
    if (const auto written = write_queue_format(*begun, tables); !written) return written;
    return begun->commit();
}

std::set<queue_id> ids_of(const journal_frame& frame) {
    std::set<queue_id> ids;
    for (const message_rows& message : frame.messages()) ids.insert(message.id);
    return ids;
}

} // namespace

// What can't be taken over because the disk is full waits for room, as it would have had the server gone on.
result<void> queue::impl::open_journal(const options& with_journal) {
    const auto position =
        read([&](const lmdb::transaction& within) { return read_journal_position(within, tables); });
    if (!position) return position.error();
    debts.begin_at(*position);
    // An earlier version would not read the journal, and must not open this queue. With no room to say so
    // there is no journal until the next start.
    const auto raised = raise_format(*environment, tables);
    if (!raised && !is_full(raised.error())) return raised;
    before = std::make_unique<journal>(files, state, state_dir, raised ? with_journal.journal_octets : 0);
    if (!raised) return {};
    auto found = before->open(*position);
    if (!found) return found.error();
    found_in_journal.gaps = found->gaps;
    for (journal_frame& frame : found->frames) {
        found_in_journal.messages += frame.messages().size();
        auto ids = ids_of(frame);
        debts.add(one_debt(std::move(frame)), std::move(ids));
    }
    const auto taken = commit({});
    return taken || is_full(taken.error()) ? result<void>() : taken;
}

result<void> queue::impl::check_new(operation_list inserts) const {
    const std::shared_lock held(replacing);
    if (!environment) return storage_errc::io;
    if (const auto room = check_room(inserts, debts.room()); !room) return room;
    const auto begun = environment->begin_read();
    if (!begun) return begun.error();
    for (const queue_operation* operation : inserts) {
        const queue_id id = std::get<insert_message>(*operation).message.id;
        const auto there = begun->get(tables.messages, id_key(id));
        if (!there) return there.error();
        if (*there || debts.has(id)) return storage_errc::exists;
    }
    return {};
}

result<std::uint64_t> queue::impl::keep(operation_list inserts) {
    if (const auto storable = check_new(inserts); !storable) return storable.error();
    pack_writer packs(files, bodies);
    packed_places places;
    if (const auto packed = packs.write(inserts, places); !packed) return packed.error();
    auto owed = one_debt(journal_frame(inserts, places));
    journal_frame& frame = owed.back().frame;
    auto ids = ids_of(frame);
    if (ids.size() != inserts.size()) return storage_errc::exists;
    const auto appended = before->append(frame);
    if (appended) {
        packs.keep();
        const std::uint64_t end = frame.end();
        debts.add(std::move(owed), std::move(ids));
        return end;
    }
    if (frame.is_sealed()) debts.note_end(frame.end());
    return appended.error();
}

result<std::uint64_t> queue::keep(std::span<const queue_operation> inserts) {
    if (!can_keep() || inserts.empty()) return storage_errc::busy;
    std::vector<const queue_operation*> operations;
    operations.reserve(inserts.size());
    for (const queue_operation& operation : inserts) {
        if (!std::holds_alternative<insert_message>(operation)) return storage_errc::invalid;
        if (const auto storable = check_operation(operation); !storable) return storable.error();
        operations.push_back(&operation);
    }
    return impl_->keep(operations);
}

bool queue::can_keep() const { return impl_->before && impl_->before->is_usable() && !impl_->debts.failing; }

void queue::renew_journal() {
    if (!impl_->before->is_usable() && impl_->debts.is_settled())
        impl_->before->make_again(impl_->debts.settled());
}

result<void> queue::take_over() { return impl_->commit({}); }
std::uint64_t queue::kept() const { return impl_->debts.end(); }
std::uint64_t queue::taken_over() const { return impl_->debts.settled(); }
bool queue::owes() const { return !impl_->debts.none(); }
const journal_found& queue::found_in_journal() const { return impl_->found_in_journal; }

} // namespace postern::storage
