// Keeps the tables in step. The key that the due index holds for a message is read from its states
// record, never computed from what the caller says, so that no entry can be left behind.
#include "storage/queue_tables.hpp"

#include "storage/big_endian.hpp"
#include "storage/journal_frame.hpp"
#include "storage/lmdb_tables.hpp"
#include "storage/spool_file.hpp"

#include <algorithm>

namespace postern::storage {
namespace {

constexpr std::string_view format_key = "format", highest_key = "highest id", journal_key_name = "journal";
constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63; // flipped, so that times before 1970 sort first

result<std::optional<std::uint64_t>> read_number(const lmdb::transaction& within, lmdb::table meta,
                                                 std::string_view name) {
    const auto found = within.get(meta, name);
    if (!found) return found.error();
    if (!*found) return std::optional<std::uint64_t>();
    if ((*found)->size() != number_octets) return storage_errc::corrupt;
    return std::optional<std::uint64_t>(big_endian(**found));
}

result<void> write_number(lmdb::transaction& within, lmdb::table meta, std::string_view name,
                          std::uint64_t value) {
    std::string octets;
    append_big_endian(octets, value);
    return within.put(meta, name, octets, lmdb::put_mode::replace);
}

result<void> put_due(lmdb::transaction& within, const queue_tables& tables, std::int64_t due, queue_id id) {
    return within.put(tables.due, due_key({due, id}), {}, lmdb::put_mode::replace);
}

result<void> remove_due(lmdb::transaction& within, const queue_tables& tables, std::int64_t due,
                        queue_id id) {
    const auto removed = within.remove(tables.due, due_key({due, id}));
    if (!removed) return removed.error();
    if (!*removed) return storage_errc::corrupt; // the index and the record tell different stories
    return {};
}

std::string pack_key(queue_id pack, queue_id id) { return id_key(pack) + id_key(id); }

result<void> put_place(lmdb::transaction& within, const queue_tables& tables, queue_id id,
                       const packed_place& place, lmdb::put_mode mode) {
    if (tables.packed == 0) return storage_errc::no_space;
    const auto& [pack, offset] = place;
    std::string value = id_key(pack);
    append_big_endian(value, offset);
    const auto put = within.put(tables.packed, id_key(id), value, mode);
    if (!put) return put;
    return within.put(tables.packs, pack_key(pack, id), {}, mode);
}

// True: it was in a pack. One that is empty now is nobody's.
result<bool> leave_pack(lmdb::transaction& within, const queue_tables& tables, queue_id id,
                        batch_files& files) {
    const auto place = read_place(within, tables, id);
    if (!place) return {boost::system::in_place_error, place.error()};
    if (!*place) return {boost::system::in_place_value, false};
    const queue_id pack = (*place)->pack;
    auto removed = within.remove(tables.packed, id_key(id));
    if (removed) removed = within.remove(tables.packs, pack_key(pack, id));
    if (!removed) return removed;
    const auto left = any_in_pack(within, tables, pack);
    if (!left) return {boost::system::in_place_error, left.error()};
    if (!*left) files.gone.push_back(pack_path(pack));
    return {boost::system::in_place_value, true};
}

result<void> apply(lmdb::transaction& within, const queue_tables& tables, const insert_message& wanted,
                   batch_files& files) {
    const queued_message& message = wanted.message;
    const std::string record = encode_message(message), states = encode_states(message);
    message_rows rows{message.id, due_time(message), {}, record, states, {}};
    if (!message.body_in_file) rows.body = wanted.body;
    if (!wanted.pieces.empty()) {
        const auto found = files.packed.find(message.id);
        if (found == files.packed.end()) return storage_errc::no_space;
        rows.place = found->second;
    }
    return put_rows(within, tables, rows, lmdb::put_mode::append);
}

result<void> apply(lmdb::transaction& within, const queue_tables& tables, const update_message& wanted,
                   batch_files&) {
    const queued_message& message = wanted.message;
    const std::string key = id_key(message.id);
    const auto before = read_states_head(within, tables, key);
    if (!before) return before.error();
    if (!*before) return {};
    if ((*before)->recipients != message.recipients.size()) return storage_errc::invalid;
    const auto was = (*before)->due, is = due_time(message);
    auto done = within.put(tables.states, key, encode_states(message), lmdb::put_mode::replace);
    if (done) done = lengthen_history(within, tables, message);
    if (was == is || !done) return done;
    if (was) done = remove_due(within, tables, *was, message.id);
    if (done && is) done = put_due(within, tables, *is, message.id);
    return done;
}

result<void> remove_records(lmdb::transaction& within, const queue_tables& tables,
                            const remove_message& wanted, batch_files& files) {
    const std::string key = id_key(wanted.id);
    const auto in_pack = leave_pack(within, tables, wanted.id, files);
    if (!in_pack && !(wanted.even_damaged && is_damage(in_pack.error()))) return in_pack.error();
    if (wanted.body_in_file && in_pack && !*in_pack) files.gone.push_back(body_path(wanted.id));
    for (const lmdb::table each : {tables.messages, tables.states, tables.bodies, tables.history}) {
        if (each == 0) continue;
        if (const auto removed = within.remove(each, key); !removed) return removed.error();
    }
    return {};
}

result<std::vector<std::string>> due_keys_of(const lmdb::transaction& within, const queue_tables& tables,
                                             queue_id id) {
    std::vector<std::string> keys;
    auto walk = lmdb::cursor::open(within, tables.due);
    if (!walk) return walk.error();
    for (auto entry = walk->first();; entry = walk->next()) {
        if (!entry) return entry.error();
        if (!*entry) return keys;
        const auto due = due_of_key((*entry)->key);
        if (due && due->id == id) keys.emplace_back((*entry)->key);
    }
}

result<void> remove_damaged(lmdb::transaction& within, const queue_tables& tables,
                            const remove_message& wanted, batch_files& files) {
    const auto keys = due_keys_of(within, tables, wanted.id);
    if (!keys) return keys.error();
    for (const std::string& key : *keys) {
        if (const auto removed = within.remove(tables.due, key); !removed) return removed.error();
    }
    return remove_records(within, tables, wanted, files);
}

// False: there is no such message.
result<bool> leave_index(lmdb::transaction& within, const queue_tables& tables, queue_id id) {
    const auto before = read_states_head(within, tables, id_key(id));
    if (!before) return {boost::system::in_place_error, before.error()};
    if (!*before) return {boost::system::in_place_value, false};
    if (!(*before)->due) return {boost::system::in_place_value, true};
    const auto done = remove_due(within, tables, *(*before)->due, id);
    if (!done) return {boost::system::in_place_error, done.error()};
    return {boost::system::in_place_value, true};
}

result<void> apply(lmdb::transaction& within, const queue_tables& tables, const remove_message& wanted,
                   batch_files& files) {
    const auto left = leave_index(within, tables, wanted.id);
    if (left && *left) return remove_records(within, tables, wanted, files);
    if (!left && !is_damage(left.error())) return left.error();
    if (wanted.even_damaged) return remove_damaged(within, tables, wanted, files);
    return left ? result<void>() : result<void>(left.error());
}

// Somebody may have taken the message away meanwhile: then there is nothing left to tell of.
result<void> apply(lmdb::transaction& within, const queue_tables& tables, const settle_message& wanted,
                   batch_files& files) {
    const auto before = read_states_head(within, tables, id_key(wanted.message.id));
    if (!before) return before.error();
    if (!*before) return {};
    for (const insert_message& notice : wanted.notices) {
        if (const auto inserted = apply(within, tables, notice, files); !inserted) return inserted;
    }
    if (wanted.remove)
        return apply(within, tables, remove_message{wanted.message.id, wanted.message.body_in_file}, files);
    return apply(within, tables, update_message{wanted.message}, files);
}

// Of all records, roughly; rounding up is room_needed's part.
std::uint64_t text_octets(const queued_message& message) {
    constexpr std::uint64_t numbers = 64;
    std::uint64_t octets = numbers + message.sender.size() + message.envelope_id.size() + message.helo.size();
    for (const queued_recipient& recipient : message.recipients) {
        octets += numbers + recipient.address.size() + recipient.original.size() + recipient.orcpt.size() +
                  recipient.last_reply.size();
    }
    return octets + history_octets(message);
}

bool texts_fit(const queued_message& message) {
    const auto fits = [](const std::string& text) { return text.size() <= record_text_max; };
    return fits(message.sender) && fits(message.envelope_id) && fits(message.session) &&
           fits(message.client) && fits(message.helo) && fits(message.protocol) &&
           std::ranges::all_of(message.recipients, [&](const queued_recipient& recipient) {
               return fits(recipient.address) && fits(recipient.original) && fits(recipient.orcpt);
           });
}

bool fits_in_pack(const insert_message& wanted) {
    return wanted.message.body_in_file && wanted.message.size <= packed_body_max &&
           octets_of(wanted.pieces) == wanted.message.size;
}

result<void> check(const insert_message& wanted) {
    const queued_message& message = wanted.message;
    if (message.recipients.size() > recipients_max || !texts_fit(message)) return storage_errc::too_large;
    if (wanted.body.size() > inline_body_max) return storage_errc::too_large;
    if (message.id.value == 0 || message.recipients.empty()) return storage_errc::invalid;
    if (wanted.body.size() != (message.body_in_file ? 0 : message.size)) return storage_errc::invalid;
    if (!wanted.pieces.empty() && !fits_in_pack(wanted)) return storage_errc::invalid;
    // A record that could not be read back would be a message lost after its acknowledgement.
    const auto read_back = decode_records(message.id, encode_message(message), encode_states(message));
    return read_back ? result<void>() : storage_errc::invalid;
}

result<void> check(const update_message& wanted) {
    if (wanted.message.recipients.size() > recipients_max) return storage_errc::too_large;
    return {};
}

result<void> check(const remove_message&) { return {}; }

result<void> check(const settle_message& wanted) {
    for (const insert_message& notice : wanted.notices) {
        if (const auto storable = check(notice); !storable) return storable;
        if (!notice.pieces.empty()) return storage_errc::invalid;
    }
    if (wanted.message.recipients.size() > recipients_max) return storage_errc::too_large;
    return {};
}

} // namespace

std::string id_key(queue_id id) {
    std::string key;
    append_big_endian(key, id.value);
    return key;
}

std::string due_key(due_message entry) {
    std::string key;
    append_big_endian(key, static_cast<std::uint64_t>(entry.due) ^ sign_bit);
    append_big_endian(key, entry.id.value);
    return key;
}

result<queue_id> id_of_key(std::string_view key) {
    if (key.size() != number_octets) return storage_errc::corrupt;
    return queue_id{big_endian(key)};
}

result<due_message> due_of_key(std::string_view key) {
    if (key.size() != 2 * number_octets) return storage_errc::corrupt;
    return due_message{static_cast<std::int64_t>(big_endian(key) ^ sign_bit),
                       queue_id{big_endian(key.substr(number_octets))}};
}

result<queue_tables> open_queue_tables(lmdb::transaction& within, lmdb::when_absent absent) {
    queue_tables tables;
    const auto opened = lmdb::open_tables(within,
                                          {{"messages", tables.messages},
                                           {"states", tables.states},
                                           {"bodies", tables.bodies},
                                           {"due", tables.due},
                                           {"meta", tables.meta}},
                                          absent);
    if (!opened) return opened.error();
    return tables;
}

result<void> open_pack_tables(lmdb::transaction& within, lmdb::when_absent absent, queue_tables& tables) {
    queue_tables opened = tables;
    const auto both = lmdb::open_tables(within, {{"packed", opened.packed}, {"packs", opened.packs}}, absent);
    if (both) tables = opened;
    return both;
}

result<std::optional<packed_place>> read_place(const lmdb::transaction& within, const queue_tables& tables,
                                               queue_id id) {
    if (tables.packed == 0) return std::optional<packed_place>();
    const auto found = within.get(tables.packed, id_key(id));
    if (!found) return found.error();
    if (!*found) return std::optional<packed_place>();
    if ((*found)->size() != 2 * number_octets) return storage_errc::corrupt;
    return std::optional<packed_place>(
        {queue_id{big_endian(**found)}, big_endian((*found)->substr(number_octets))});
}

result<std::optional<queue_id>> any_in_pack(const lmdb::transaction& within, const queue_tables& tables,
                                            queue_id pack) {
    if (tables.packs == 0) return std::optional<queue_id>();
    auto walk = lmdb::cursor::open(within, tables.packs);
    if (!walk) return walk.error();
    const std::string key = id_key(pack);
    const auto entry = walk->seek(key);
    if (!entry) return entry.error();
    if (!*entry || !(*entry)->key.starts_with(key)) return std::optional<queue_id>();
    const auto id = id_of_key((*entry)->key.substr(key.size()));
    if (!id) return id.error();
    return std::optional<queue_id>(*id);
}

result<std::uint64_t> read_queue_format(const lmdb::transaction& within, const queue_tables& tables) {
    const auto format = read_number(within, tables.meta, format_key);
    if (!format) return format.error();
    if (!*format || **format == 0) return storage_errc::corrupt;
    return **format;
}

result<void> check_queue_format(const lmdb::transaction& within, const queue_tables& tables) {
    const auto format = read_queue_format(within, tables);
    if (!format) return format.error();
    return *format > queue_format ? storage_errc::newer_format : result<void>();
}

result<void> write_queue_format(lmdb::transaction& within, const queue_tables& tables) {
    return write_number(within, tables.meta, format_key, queue_format);
}

result<queue_id> read_highest_id(const lmdb::transaction& within, const queue_tables& tables) {
    const auto highest = read_number(within, tables.meta, highest_key);
    if (!highest) return highest.error();
    return queue_id{highest->value_or(0)};
}

result<void> raise_highest_id(lmdb::transaction& within, const queue_tables& tables, queue_id to) {
    const auto before = read_highest_id(within, tables);
    if (!before) return before.error();
    if (*before >= to) return {};
    return write_number(within, tables.meta, highest_key, to.value);
}

result<queued_message> decode_records(queue_id id, std::string_view record, std::string_view states) {
    auto message = decode_message(id, record);
    if (!message) return message;
    if (const auto filled = decode_states(states, *message); !filled) return filled.error();
    return message;
}

result<void> put_rows(lmdb::transaction& within, const queue_tables& tables, const message_rows& message,
                      lmdb::put_mode mode) {
    const std::string key = id_key(message.id);
    auto done = within.put(tables.messages, key, message.record, mode);
    if (done) done = within.put(tables.states, key, message.states, mode);
    if (done && message.body) done = within.put(tables.bodies, key, *message.body, mode);
    if (done && message.place) done = put_place(within, tables, message.id, *message.place, mode);
    if (done && message.due) done = put_due(within, tables, *message.due, message.id);
    return done;
}

result<std::uint64_t> read_journal_position(const lmdb::transaction& within, const queue_tables& tables) {
    const auto position = read_number(within, tables.meta, journal_key_name);
    if (!position) return position.error();
    return position->value_or(0);
}

result<void> write_journal_position(lmdb::transaction& within, const queue_tables& tables,
                                    std::uint64_t position) {
    return write_number(within, tables.meta, journal_key_name, position);
}

bool is_damage(const boost::system::error_code& error) {
    return error == storage_errc::corrupt || error == storage_errc::newer_format;
}

result<std::optional<states_head>> read_states_head(const lmdb::transaction& within,
                                                    const queue_tables& tables, std::string_view key) {
    const auto record = within.get(tables.states, key);
    if (!record) return record.error();
    if (!*record) return std::optional<states_head>();
    const auto head = decode_states_head(**record);
    if (!head) return head.error();
    return std::optional<states_head>(*head);
}

result<void> check_operation(const queue_operation& operation) {
    return std::visit([](const auto& wanted) { return check(wanted); }, operation);
}

result<void> apply_operation(lmdb::transaction& within, const queue_tables& tables,
                             const queue_operation& operation, batch_files& files) {
    return std::visit([&](const auto& wanted) { return apply(within, tables, wanted, files); }, operation);
}

std::uint64_t room_needed(const queue_operation& operation) {
    constexpr std::uint64_t pages = tree_octets_per_message;
    if (const auto* insert = std::get_if<insert_message>(&operation)) {
        return pages + insert->body.size() + text_octets(insert->message);
    }
    if (const auto* update = std::get_if<update_message>(&operation)) {
        return pages + text_octets(update->message);
    }
    std::uint64_t room = 0;
    if (const auto* settle = std::get_if<settle_message>(&operation)) {
        if (!settle->remove) room += pages + text_octets(settle->message);
        for (const insert_message& notice : settle->notices) room += room_needed(notice);
    }
    return room;
}

} // namespace postern::storage
