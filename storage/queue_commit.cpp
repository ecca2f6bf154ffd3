// Writing the queue: one transaction and one flush for a batch. The instruction at which messages become ours
// lies inside transaction::commit (docs/spool-states.md). Files of removed bodies go only after it, since a
// record must never name a file that is gone.
#include "storage/pack_writer.hpp"

#include <algorithm>

namespace postern::storage {
namespace {

// Room on the disk and in the map that messages may not take, and half of it not updates either: an update or
// a removal copies pages before it frees any.
constexpr std::uint64_t room_kept = 1024 * 1024;

struct room_request {
    std::uint64_t octets = 0;
    std::uint64_t kept = 0; // for what must always be possible
    bool inserts = false;
};

room_request room_for(operation_list batch, std::uint64_t map_size) {
    room_request request;
    for (const queue_operation* operation : batch) {
        request.octets += room_needed(*operation);
        request.inserts = request.inserts || std::holds_alternative<insert_message>(*operation);
    }
    const std::uint64_t kept = std::min(room_kept, map_size / 8);
    request.kept = request.inserts ? kept : kept / 2;
    return request;
}

queue_id highest_inserted(operation_list batch) {
    queue_id highest;
    for (const queue_operation* operation : batch) {
        if (const auto* insert = std::get_if<insert_message>(operation)) {
            highest = std::max(highest, insert->message.id);
        } else if (const auto* settle = std::get_if<settle_message>(operation)) {
            for (const auto& notice : settle->notices) highest = std::max(highest, notice.message.id);
        }
    }
    return highest;
}

// One that is there was taken over before a start, or by a transaction whose outcome nobody knew.
result<void> take_over(lmdb::transaction& within, const queue_tables& tables, const message_rows& message) {
    const auto there = within.get(tables.messages, id_key(message.id));
    if (!there) return there.error();
    if (*there) return {};
    const auto put = put_rows(within, tables, message, lmdb::put_mode::append);
    if (put || put.error() != storage_errc::exists) return put;
    return put_rows(within, tables, message, lmdb::put_mode::replace); // over what was left without a message
}

result<void> take_over(lmdb::transaction& within, const queue_tables& tables, const journal_debt& owed) {
    const auto taken_over = read_journal_position(within, tables);
    if (!taken_over) return taken_over.error();
    queue_id highest;
    for (const journal_frame* frame : owed.frames) {
        if (frame->end() <= *taken_over) continue; // by a transaction that was told to have failed
        for (const message_rows& message : frame->messages()) {
            if (const auto taken = take_over(within, tables, message); !taken) return taken;
            highest = std::max(highest, message.id);
        }
    }
    if (highest.value != 0) {
        if (const auto raised = raise_highest_id(within, tables, highest); !raised) return raised;
    }
    return owed.end == 0 ? result<void>() : write_journal_position(within, tables, owed.end);
}

result<void> write_batch(lmdb::environment& environment, const queue_tables& tables, const journal_debt& owed,
                         operation_list batch, batch_files& files) {
    files.gone.clear();
    auto begun = environment.begin_write();
    if (!begun) return begun.error();
    if (const auto taken = take_over(*begun, tables, owed); !taken) return taken;
    for (const queue_operation* operation : batch) {
        if (const auto applied = apply_operation(*begun, tables, *operation, files); !applied) return applied;
    }
    if (const queue_id highest = highest_inserted(batch); highest.value != 0) {
        if (const auto raised = raise_highest_id(*begun, tables, highest); !raised) return raised;
    }
    return begun->commit();
}

// LMDB gives out the pages that a transaction freed only to the one after the next. In a full map nothing
// would follow the removals, and their room would never come back: this commits something that changes
// nothing.
result<void> write_nothing(lmdb::environment& environment, const queue_tables& tables) {
    auto begun = environment.begin_write();
    if (!begun) return begun.error();
    if (const auto written = write_queue_format(*begun, tables); !written) return written;
    return begun->commit();
}

bool brings_mail(const queue_operation* operation) {
    const auto* settle = std::get_if<settle_message>(operation);
    return std::holds_alternative<insert_message>(*operation) ||
           (settle != nullptr && !settle->notices.empty());
}

// A file that can't be removed now is an orphan: it costs space until recovery finds it, and no message.
void remove_bodies(file_env& files, const file_handle& bodies, std::span<const std::string> paths) {
    for (const std::string& path : paths) (void)files.remove(bodies, path);
}

} // namespace

result<void> queue::impl::replace_given_up() {
    if (environment && !environment->given_up()) return {};
    const std::unique_lock alone(replacing);
    environment.reset();
    if (!is_in_place()) return storage_errc::io; // the path would lead to another queue
    return open_environment();
}

// A batch of removals is always tried.
result<void> queue::impl::check_room(operation_list batch, std::uint64_t owed) const {
    room_request request = room_for(batch, environment->map_size());
    if (request.octets == 0) return {};
    request.octets += owed;
    const auto in_map = environment->room(request.octets + request.kept);
    if (!in_map) return in_map.error();
    if (*in_map < request.octets + request.kept) return storage_errc::map_full;
    if (!request.inserts) return {};
    const auto on_disk = room_on_disk(request.octets + room_kept);
    if (!on_disk) return on_disk.error();
    if (*on_disk < request.octets + room_kept) return storage_errc::no_space;
    return {};
}

result<void> queue::impl::write(const journal_debt& owed, operation_list batch, batch_files& with_files) {
    const std::shared_lock held(replacing);
    if (const auto room = check_room(batch, owed.room); !room) return room;
    pack_writer packs(files, bodies);
    if (const auto packed = packs.write(batch, with_files.packed); !packed) return packed;
    packs.keep(); // what follows may run out of memory with an outcome that nobody knows
    auto written = write_batch(*environment, tables, owed, batch, with_files);
    if (!written && written.error() == storage_errc::map_full && write_nothing(*environment, tables)) {
        // no flush failed: the map ended before any
        written = write_batch(*environment, tables, owed, batch, with_files);
    }
    if (!written) packs.drop();
    return written;
}

result<void> queue::impl::write(const journal_debt& owed, operation_list batch) {
    if (const auto usable = replace_given_up(); !usable) {
        if (!owed.frames.empty()) debts.note_outcome(usable.error());
        return usable;
    }
    batch_files with_files;
    const auto written = write(owed, batch, with_files);
    // With a batch it may be that one's fault.
    if (!owed.frames.empty() && (written || batch.empty() || !is_of_one(written.error())))
        debts.note_outcome(written ? boost::system::error_code() : written.error());
    if (written) {
        remove_bodies(files, bodies, with_files.gone);
        debts.settle(owed);
        before->release(debts.settled());
    } else {
        (void)replace_given_up(); // at once, for the readers; if it fails the next commit tries again
    }
    return written;
}

bool queue::impl::has_room(std::uint64_t octets) const {
    const std::shared_lock held(replacing);
    if (!environment) return false;
    const auto in_map = environment->room(octets), on_disk = room_on_disk(octets);
    return in_map && *in_map >= octets && on_disk && *on_disk >= octets;
}

// All at once where there is room for that, else as far as it goes: a single frame is always tried.
result<void> queue::impl::pay(const journal_debt& owed) {
    const std::size_t count = owed.frames.size();
    if (count <= 1 || has_room(owed.room)) {
        const auto written = write(owed, {});
        // LMDB calls a write that a full disk cut short an I/O error.
        if (written || count <= 1 || is_of_one(written.error())) return written;
    }
    const auto [first, rest] = owed.halves();
    if (const auto paid = pay(first); !paid) return paid;
    return pay(rest);
}

// What the journal holds must not fail with the batch, nor the batch with it, and a removal may make the room
// that it needs; new mail must not take that room. After any other error nothing is taken apart: the disk is
// at fault, for all. While nothing can be taken over only take_over(), a commit of nothing, tries it.
result<void> queue::impl::commit(operation_list batch) {
    if (with.mode == lmdb::access::read) return storage_errc::read_only;
    const journal_debt owed = debts.all();
    if (batch.empty()) return owed.end == 0 ? result<void>() : pay(owed);
    if (!debts.failing) {
        const auto written = write(owed, batch);
        const bool separable = !written && (is_of_one(written.error()) || is_full(written.error()));
        if (!separable || owed.frames.empty()) return written;
        (void)pay(owed);
    }
    if (debts.failing && std::ranges::any_of(batch, brings_mail)) return debts.failure();
    return write({}, batch);
}

result<std::vector<const queue_operation*>> checked(std::span<const queue_operation> batch) {
    std::vector<const queue_operation*> operations;
    operations.reserve(batch.size());
    for (const queue_operation& operation : batch) {
        if (const auto storable = check_operation(operation); !storable) return storable.error();
        operations.push_back(&operation);
    }
    return operations;
}

result<void> queue::commit(std::span<const queue_operation> batch) {
    const auto operations = checked(batch);
    if (!operations) return operations.error();
    return impl_->commit(*operations);
}

} // namespace postern::storage
