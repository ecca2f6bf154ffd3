// The tables of the queue's LMDB environment and what one operation does to them. Internal to storage/.
//   messages  id                     -> what stays as it came (encode_message)
//   states    id                     -> the recipients' changing parts and the time due (encode_states)
//   bodies    id                     -> the body, when it is inline
//   packed    id                     -> the pack with its body, and the offset there
//   packs     pack, id               -> nothing; a pack stays while it has an entry
//   history   id                     -> what was tried for it (encode_history); only where something waits
//   due       time due, id           -> nothing; only messages with a waiting recipient
//   meta      "format", "highest id", "journal" -> a number of 8 octets; the last one is the position in the
//             journal up to which the tables have everything
// Ids and numbers are big-endian in keys and in meta, so that they sort by value.
#pragma once

#include "storage/lmdb.hpp"
#include "storage/queue.hpp"

#include <map>

namespace postern::storage {

inline constexpr std::uint64_t queue_format = 2; // 1: without a journal before it

struct queue_tables {
    lmdb::table messages = 0, states = 0, bodies = 0, due = 0, meta = 0;
    // 0: a queue of an earlier version, without room for them.
    lmdb::table packed = 0, packs = 0, history = 0;
};

struct packed_place {
    queue_id pack;
    std::uint64_t offset = 0;
};
using packed_places = std::map<queue_id, packed_place>;

// What a batch has to do with files.
struct batch_files {
    packed_places packed;          // where the bodies of its messages in pieces are
    std::vector<std::string> gone; // paths below bodies: nobody's once the transaction is committed
};
std::uint64_t octets_of(std::span<const std::string> pieces);

// A message of both its records.
result<queued_message> decode_records(queue_id id, std::string_view record, std::string_view states);

// What the fixed front of a states record says, without reading the rest (queue_record.cpp).
struct states_head {
    std::optional<std::int64_t> due;
    std::size_t recipients = 0;
    bool delay_told = false, held = false, given_up = false;
};
result<states_head> decode_states_head(std::string_view record);
// An error that is one record's own; any other is the whole queue's trouble.
bool is_damage(const boost::system::error_code& error);

result<queue_tables> open_queue_tables(lmdb::transaction& within, lmdb::when_absent absent);
// The two of packs, into `tables`: an earlier version made none.
result<void> open_pack_tables(lmdb::transaction& within, lmdb::when_absent absent, queue_tables& tables);
// Likewise that of tries.
result<void> open_history_table(lmdb::transaction& within, lmdb::when_absent absent, queue_tables& tables);
result<std::vector<delivery_try>> read_history(const lmdb::transaction& within, const queue_tables& tables,
                                               queue_id id);
// nullopt: it isn't in a pack.
result<std::optional<packed_place>> read_place(const lmdb::transaction& within, const queue_tables& tables,
                                               queue_id id);
result<void> lengthen_history(lmdb::transaction& within, const queue_tables& tables,
                              const queued_message& message); // by its fresh tries
std::uint64_t history_octets(const queued_message& message);  // that this may take
// A message with its body in this pack; nullopt: there is none.
result<std::optional<queue_id>> any_in_pack(const lmdb::transaction& within, const queue_tables& tables,
                                            queue_id pack);
// newer_format or corrupt when this program can't work on it.
result<void> check_queue_format(const lmdb::transaction& within, const queue_tables& tables);
result<std::uint64_t> read_queue_format(const lmdb::transaction& within, const queue_tables& tables);
result<void> write_queue_format(lmdb::transaction& within, const queue_tables& tables);

std::string id_key(queue_id id);
std::string due_key(due_message entry);
result<queue_id> id_of_key(std::string_view key); // corrupt when it isn't one
result<due_message> due_of_key(std::string_view key);
result<queue_id> read_highest_id(const lmdb::transaction& within, const queue_tables& tables);

// nullopt: there is no such record.
result<std::optional<states_head>> read_states_head(const lmdb::transaction& within,
                                                    const queue_tables& tables, std::string_view key);

// invalid or too_large when the operation asks for something that can't be stored; no table is touched.
result<void> check_operation(const queue_operation& operation);
result<void> apply_operation(lmdb::transaction& within, const queue_tables& tables,
                             const queue_operation& operation, batch_files& files);
result<void> raise_highest_id(lmdb::transaction& within, const queue_tables& tables, queue_id to);
struct message_rows;
// exists: one of its records is there. Not with put_mode::replace.
result<void> put_rows(lmdb::transaction& within, const queue_tables& tables, const message_rows& message,
                      lmdb::put_mode mode);
result<std::uint64_t> read_journal_position(const lmdb::transaction& within, const queue_tables& tables);
result<void> write_journal_position(lmdb::transaction& within, const queue_tables& tables,
                                    std::uint64_t position);
// Of the trees that a message changes, in octets: new leaves in five tables, and copies of the pages above
// them.
inline constexpr std::uint64_t tree_octets_per_message = std::uint64_t{12} * 4096;
// Octets of the map that an operation may take, copies of the tree's pages included, by a wide estimate; 0
// for a removal.
std::uint64_t room_needed(const queue_operation& operation);

} // namespace postern::storage
