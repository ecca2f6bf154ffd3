// The queue: one LMDB environment with the envelope, the state of each recipient, the time it is due and, up
// to inline_body_max, the body; larger bodies are files made durable before the transaction that names them:
// one for each (spool_file.hpp), or one for those of a batch that came whole in memory (pack_writer.hpp).
// commit() is called by one writer thread only: everything given to it becomes durable with one flush, or
// nothing does. Readers may be any thread or process; each call begins, copies and ends its own read
// transaction. docs/spool-states.md lists every state.
#pragma once

#include "protocol/result.hpp"
#include "storage/file_env.hpp"
#include "storage/queue_id.hpp"
#include "storage/try_history.hpp"

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace postern::storage {

inline constexpr std::size_t inline_body_max = 64 * 1024;
inline constexpr std::size_t packed_body_max = 256 * 1024; // octets that a body in a pack may have

enum class recipient_route : std::uint8_t { local = 0, outside = 1 };
enum class recipient_state : std::uint8_t {
    waiting = 0, // to be tried at next_try
    delivered = 1,
    failed = 2, // given up; kept until somebody was told
    aside = 3,  // failed, and nobody may be told: kept for the operator, looked at again at next_try
    untold = 4, // failed, and the sender has been told of so much that this waits: told at next_try
};
// Is the sender who the message says? A notice to a forged one would go to a stranger.
enum class sender_proof : std::uint8_t {
    unknown = 0, // nobody looked
    proved = 1,  // it was authenticated, or SPF passed
    unproved = 2,
};

struct queued_recipient {
    std::string address;  // final: after aliases; "local@domain"
    std::string original; // the RCPT it came from, as the client wrote it
    std::string orcpt;    // RFC 3461, "" when absent
    std::uint8_t notify = 0;
    recipient_route route = recipient_route::local;
    bool junk = false; // its copy goes into the Junk folder
    // What changes:
    recipient_state state = recipient_state::waiting;
    std::uint16_t tries = 0;
    std::int64_t next_try = 0; // unix seconds
    std::string last_reply;    // "4.2.0 ..."; at most last_reply_max octets
};
// Neither delivered nor failed: something is left to do.
inline bool is_open(const queued_recipient& to) {
    return to.state != recipient_state::delivered && to.state != recipient_state::failed;
}
inline constexpr std::size_t last_reply_max = 512;
inline constexpr std::size_t result_fields_max = 8 * 1024;

struct queued_message {
    queue_id id;
    std::int64_t arrived = 0; // unix microseconds
    std::uint64_t size = 0;   // octets of the stored body, trace header included
    bool body_in_file = false;
    bool smtputf8 = false;
    std::uint8_t body_type = 0; // protocol::body_type
    std::uint8_t ret = 0;       // protocol::dsn_return
    std::string sender;         // "" = "<>"
    std::string envelope_id;
    std::string session; // id of the session that brought it, for the log
    std::string client;  // IP address
    std::string helo;
    std::string protocol; // "ESMTPS"
    sender_proof proof = sender_proof::unknown;
    std::string account; // the mailbox, folded, of who authenticated; "" = nobody did
    // What was found once the body was stored: whole header fields with CRLF, at most result_fields_max
    // octets. Whoever hands the message on puts them in front of the body; `size` doesn't count them.
    std::string result_fields;
    std::vector<queued_recipient> recipients;
    // What changes:
    bool delay_told = false; // the sender knows that it waits
    bool held = false;       // the operator's: not tried until released
    bool given_up = false;   // the operator's: tried no more, its sender is to be told
    // Made since it was read. Not in its records: an update puts them behind its history.
    std::vector<delivery_try> fresh_tries{};
};

// The record codec, pure: length-prefixed, versioned, bounded; any octets decode to a record or to corrupt /
// newer_format. Two records make a message, so that a delivery rewrites only what changes: encode_message
// holds what stays as it came, encode_states the recipients' changing parts with the time the message is due.
std::string encode_message(const queued_message& message);
std::string encode_states(const queued_message& message); // a longer last_reply is cut
result<queued_message> decode_message(queue_id id,
                                      std::string_view record); // its recipients are as new: waiting, untried
result<void> decode_states(std::string_view record,
                           queued_message& into); // corrupt unless made for as many recipients
inline constexpr std::size_t recipients_max = 100'000;
inline constexpr std::size_t record_text_max = 1024 * 1024; // octets of any one text
// The earliest next_try of a recipient that waits, is set aside or is to be told of; nullopt when there is
// none, or the message is held.
std::optional<std::int64_t> due_time(const queued_message& message);

// What the writer can be asked for. Applied in the order given.
struct insert_message { // fails with exists when the id is taken, and the batch with it; needs a recipient
                        // and an id above 0
    queued_message message;
    std::string body; // empty when body_in_file, else exactly message.size octets
    // With body_in_file: its octets in order, to be put into a pack; none: it has a file of its own.
    std::vector<std::string> pieces = {};
};
struct update_message { // the recipients' changing parts, and when the message is due again; nothing when it
                        // is gone
    queued_message message;
};
struct remove_message { // nothing when it is gone
    queue_id id;
    bool body_in_file = false; // the file is removed after the flush
    // An operator's: also when its records can't be read or the times due don't have it where they say. Then
    // it costs a walk over all times due.
    bool even_damaged = false;
};
// What came of an attempt, with the notices that it causes: all of it or nothing, so that no sender is told
// twice, and none is not told.
struct settle_message {
    queued_message message;
    bool remove = false; // it leaves the queue; else as update_message
    std::vector<insert_message> notices;
};
using queue_operation = std::variant<insert_message, update_message, remove_message, settle_message>;
// An error that comes of one operation's own content or of its own records: it says nothing of the others,
// and would come again.
bool is_of_one(const boost::system::error_code& error);

struct due_message {
    std::int64_t due = 0; // unix seconds
    queue_id id;
};
inline constexpr due_message before_all{std::numeric_limits<std::int64_t>::min(), {}};

// The file that holds a body, and where in it.
struct body_place {
    std::string path; // below <state_dir>/bodies
    std::uint64_t offset = 0;
    bool alone = true; // no other body may be in it
};

struct queue_page {
    std::vector<queued_message> messages;
    std::vector<queue_id> unreadable; // their records are damaged, or a later version's
    std::optional<queue_id> last;     // of either; nullopt = there was none above `after`
};

// What was put right in the index of times due. `left`: could not be written, the disk or the map being full.
struct due_repairs {
    std::uint64_t added = 0, removed = 0, left = 0;
};

// What a start found in the journal.
struct journal_found {
    std::uint64_t messages = 0; // that the tables didn't have
    std::uint64_t gaps = 0;     // octets between them that are none: never answered, or damaged since
};

struct queue_totals {
    std::uint64_t messages = 0;
    std::uint64_t octets = 0; // of the LMDB file in use
};

// Reads a body in order, wherever it lies.
class body_reader {
  public:
    virtual ~body_reader() = default;
    virtual result<std::size_t> read(std::span<char> into) = 0; // 0 = end
};

class spool_file;
inline constexpr std::size_t journal_batch_max =
    4 * 1024 * 1024; // octets of bodies that keep() takes at once

class queue {
  public:
    struct options {
        std::uint64_t map_size = std::uint64_t{1} << 40;
        std::uint64_t journal_octets = 32 * 1024 * 1024; // 0: none
    };
    // Opens or makes <state_dir>/queue and <state_dir>/bodies. The writer must hold the state lock
    // (state_lock.hpp). Takes over what a crash left in the journal. incomplete: bodies or a journal without
    // their queue, which a new one would make everybody's orphans.
    static result<std::unique_ptr<queue>> open(file_env& files, const std::string& state_dir, options with);
    // For the sub-commands: reads beside a running server or without one, what is in the journal too;
    // not_found when there is no queue yet.
    static result<std::unique_ptr<queue>> open_for_reading(file_env& files, const std::string& state_dir);
    // False: there is none yet.
    static result<bool> is_there(file_env& files, const std::string& state_dir);
    ~queue();

    // One transaction, one flush. On failure nothing of the batch is in the queue; the caller answers 4xx to
    // all of it. Messages are refused (map_full, no_space) while there is still room to update and remove
    // others. A batch without messages that fails so may pass in smaller parts.
    result<void> commit(std::span<const queue_operation> batch);
    // The same for operations that have nothing to do with each other: one transaction when all goes well;
    // else one that can't be stored fails alone, and what makes room doesn't fail with what needs it. The
    // outcome of each, in their order; timed_out: memory ran out, and it may have been written or not.
    // std::bad_alloc: nothing was tried.
    std::vector<boost::system::error_code> commit_each(std::span<const queue_operation> batch);

    // New messages, durable when it returns without an error, after one flush: in the journal. They are in
    // the queue, for whoever reads it, with the next commit or take_over(); the number tells when
    // (taken_over()), and grows from above 0. By one thread, which may be another than that of the commits.
    // After an error, whatever it is, commit_each() is to be asked for them: the journal may be full, or
    // there is none.
    // `durable`, which must not throw nor ask this queue for anything, is called in between: when they are
    // durable, and before anybody can see them in the queue.
    result<std::uint64_t>
    keep(std::span<const queue_operation> inserts, const std::function<void()>& durable = [] {});
    bool can_keep() const; // any thread; else keep() would be in vain
    // Everything that was kept, into the tables. By the thread of the commits; after an error it stays kept.
    result<void> take_over();
    std::uint64_t kept() const;       // the number of what was kept last. Any thread
    std::uint64_t taken_over() const; // what has this number or a lower one is in the queue. Any thread
    // Makes a journal if there is none that works, nothing is owed, and the disk has room. By the thread of
    // the commits; it may take a second.
    void renew_journal();
    bool owes() const;             // something is kept, and not in the queue. Any thread
    bool owes(queue_id id) const;  // this one
    bool has_lost_journal() const; // it failed, and there is no other yet. Any thread
    const journal_found& found_in_journal() const;

    // A file for a body above inline_body_max, in the folder that the queue has open: a record must find it
    // there, whatever was mounted since. Any thread.
    result<std::unique_ptr<spool_file>> create_body(queue_id id) const;
    // False: `state_dir` has become another folder's path, by a mount or a rename. The queue goes on with the
    // folder that it has open, but who starts on the path would not find what it accepts.
    bool is_in_place() const;
    const file_handle& bodies() const; // for recovery

    // Makes the index of times due say what the records say: an entry that is missing would keep its message
    // for ever. For recovery, before anything else commits.
    result<due_repairs> repair_due();

    result<std::optional<queued_message>> find(queue_id id) const;
    result<std::unique_ptr<body_reader>> open_body(const queued_message& message) const;
    // What was tried in vain so far, and with what; empty when there is nothing, or no such message.
    result<std::vector<delivery_try>> history(queue_id id) const;
    // Of messages that are gone: an earlier version, which knows no history, took them away. For recovery.
    result<void> sweep_history();
    // Of a message with its body in a file.
    result<body_place> place_of(queue_id id) const;
    // A message with its body in this pack; nullopt: there is none.
    result<std::optional<queue_id>> any_in_pack(queue_id pack) const;
    // Messages due at `now` or before and behind `after`, earliest first; equal times are in the order of
    // ids.
    result<std::vector<due_message>> due_after(due_message after, std::int64_t now, std::size_t limit) const;
    // When the earliest message is due, or the earliest behind `after`; nullopt when there is none.
    result<std::optional<std::int64_t>> next_due(due_message after = before_all) const;
    // Up to `limit` messages with ids above `after`, in the order of arrival.
    result<queue_page> list(queue_id after, std::size_t limit) const;
    result<queue_id> highest_id() const; // ever handed out, as far as the queue knows
    result<queue_totals> totals() const;
    // Octets that messages of at most inline_body_max may still take: what the disk of the state folder has
    // free, and, counted only when that is less than `enough`, what is free within the queue's file, which
    // never shrinks.
    result<std::uint64_t> room(std::uint64_t enough) const;
    // Frees what a process that died while reading holds; at the start and every few minutes, or the file
    // grows.
    result<void> clear_dead_readers() const;

  private:
    struct impl;
    explicit queue(std::unique_ptr<impl> inner);
    std::unique_ptr<impl> impl_;
};

} // namespace postern::storage
