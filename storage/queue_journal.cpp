// The journal before the tables: what keep() promised is owed until a transaction has taken it over, in
// memory for the tables' thread and in the file for the next start.
#include "storage/pack_writer.hpp"

#include <algorithm>

namespace postern::storage {

namespace {

std::uint64_t room_for_rows(const journal_frame& frame) {
    return frame.octets().size() + frame.messages().size() * tree_octets_per_message;
}

} // namespace

std::pair<journal_debt, journal_debt> journal_debt::halves() const {
    const auto middle = frames.begin() + static_cast<std::ptrdiff_t>(frames.size() / 2);
    journal_debt first{{frames.begin(), middle}}, rest{{middle, frames.end()}, end};
    first.end = first.frames.back()->end();
    for (const journal_frame* frame : first.frames) first.room += room_for_rows(*frame);
    rest.room = room - first.room;
    return {std::move(first), std::move(rest)};
}

journal_debt journal_debts::all() const {
    const std::lock_guard lock(mutex_);
    journal_debt owed;
    owed.frames.reserve(frames_.size());
    for (const journal_frame& frame : frames_) owed.frames.push_back(&frame);
    owed.room = room_;
    if (end_ > settled_) owed.end = end_;
    return owed;
}

void journal_debts::add(entry&& one, std::set<queue_id>&& ids, const std::function<void()>& first) noexcept {
    const std::lock_guard lock(mutex_);
    first();
    end_ = one.back().end();
    room_ += room_for_rows(one.back());
    ids_.merge(ids);
    frames_.splice(frames_.end(), one);
}

void journal_debts::note_end(std::uint64_t end) {
    const std::lock_guard lock(mutex_);
    end_ = std::max(end_, end);
}

void journal_debts::settle(const journal_debt& taken) {
    entry gone; // freed without the lock
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < taken.frames.size(); ++i) {
        for (const message_rows& message : frames_.front().messages()) ids_.erase(message.id);
        room_ -= room_for_rows(frames_.front());
        gone.splice(gone.end(), frames_, frames_.begin());
    }
    settled_ = std::max(settled_, taken.end);
}

void journal_debts::note_outcome(boost::system::error_code outcome) {
    const std::lock_guard lock(mutex_);
    failure_ = outcome;
    failing = outcome.failed();
}

boost::system::error_code journal_debts::failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
}

bool journal_debts::has(queue_id id) const {
    const std::lock_guard lock(mutex_);
    return ids_.contains(id);
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

journal_debts::entry one_debt(journal_frame frame) {
    journal_debts::entry one;
    one.push_back(std::move(frame));
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

// What can't be taken over now, the disk being full, waits for room, as it would have had the server gone on.
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
    return taken || !is_damage(taken.error()) ? result<void>() : taken;
}

// Again when a server took frames over meanwhile: the place of the next one may have been used again.
result<void> queue::impl::look_into_journal() {
    constexpr int attempts = 3;
    std::uint64_t seen_from = UINT64_MAX;
    for (int i = 0; i < attempts; ++i) {
        const auto position =
            read([&](const lmdb::transaction& within) { return read_journal_position(within, tables); });
        if (!position) return position.error();
        if (*position == seen_from) return {};
        seen_from = *position;
        auto frames = journal(files, state, state_dir, 0).look(*position);
        if (!frames) return frames.error();
        seen.clear();
        seen_frames = std::move(*frames);
        for (const journal_frame& frame : seen_frames)
            for (const message_rows& message : frame.messages()) seen.emplace(message.id, &message);
    }
    return {};
}

result<std::optional<queued_message>> queue::impl::find_seen(queue_id id) const {
    const auto found = seen.find(id);
    if (found == seen.end()) return std::optional<queued_message>();
    auto message = decode_records(id, found->second->record, found->second->states);
    if (!message) return message.error();
    return std::optional<queued_message>(std::move(*message));
}

result<void> queue::impl::check_new(operation_list inserts) const {
    const std::shared_lock held(replacing);
    if (!environment) return storage_errc::io;
    for (const queue_operation* operation : inserts) // before the tables are asked: it may go there meanwhile
        if (debts.has(std::get<insert_message>(*operation).message.id)) return storage_errc::exists;
    if (const auto room = check_room(inserts, debts.room()); !room) return room;
    const auto begun = environment->begin_read();
    if (!begun) return begun.error();
    for (const queue_operation* operation : inserts) {
        const auto& insert = std::get<insert_message>(*operation);
        if (!insert.pieces.empty() && tables.packed == 0) return storage_errc::no_space;
        const auto there = begun->get(tables.messages, id_key(insert.message.id));
        if (!there) return there.error();
        if (*there) return storage_errc::exists;
    }
    return {};
}

result<std::uint64_t> queue::impl::keep(operation_list inserts, const std::function<void()>& durable) {
    if (const auto storable = check_new(inserts); !storable) return storable.error();
    pack_writer packs(files, bodies);
    packed_places places;
    if (const auto packed = packs.write(inserts, places); !packed) return packed.error();
    auto owed = one_debt(journal_frame(inserts, places));
    journal_frame& frame = owed.back();
    auto ids = ids_of(frame);
    if (ids.size() != inserts.size()) return storage_errc::exists;
    const auto appended = before->append(frame);
    if (appended) {
        packs.keep();
        const std::uint64_t end = frame.end();
        debts.add(std::move(owed), std::move(ids), durable);
        return end;
    }
    // In this order: another journal is begun where the tables say that they have everything.
    if (frame.is_sealed()) {
        debts.note_end(frame.end());
        before->give_up(frame);
    }
    return appended.error();
}

result<std::uint64_t> queue::keep(std::span<const queue_operation> inserts,
                                  const std::function<void()>& durable) {
    if (!can_keep() || inserts.empty()) return storage_errc::busy;
    const auto is_insert = [](const auto& each) { return std::holds_alternative<insert_message>(each); };
    if (!std::ranges::all_of(inserts, is_insert)) return storage_errc::invalid;
    const auto operations = checked(inserts);
    if (!operations) return operations.error();
    return impl_->keep(*operations, durable);
}

bool queue::can_keep() const { return impl_->before && impl_->before->is_usable() && !impl_->debts.failing; }

void queue::renew_journal() {
    if (!impl_->before->is_usable() && impl_->debts.is_settled())
        impl_->before->make_again(impl_->debts.settled());
}

result<void> queue::take_over() { return impl_->commit({}); }
std::uint64_t queue::kept() const { return impl_->debts.end(); }
std::uint64_t queue::taken_over() const { return impl_->debts.settled(); }
bool queue::owes() const { return !impl_->debts.is_settled(); }
bool queue::owes(queue_id id) const { return impl_->debts.has(id); }
bool queue::has_lost_journal() const { return impl_->before && impl_->before->is_lost(); }
const journal_found& queue::found_in_journal() const { return impl_->found_in_journal; }

} // namespace postern::storage
