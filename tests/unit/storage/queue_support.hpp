// Messages for the queue's tests, made from an id so that a test can tell whether each octet came back.
#pragma once

#include "storage/queue.hpp"
#include "tests/support/temporary_folder.hpp"

namespace postern::testing {

inline storage::queued_message message_of(std::uint64_t id, std::size_t body_size = 100,
                                          std::int64_t next_try = 1000) {
    storage::queued_message message;
    message.id = {id};
    message.arrived = 1'700'000'000'000'000 + static_cast<std::int64_t>(id);
    message.size = body_size;
    message.body_type = 1;
    message.sender = "sender" + std::to_string(id) + "@example.org";
    message.session = "S" + std::to_string(id);
    message.client = "192.0.2.1";
    message.helo = "client.example.org";
    message.protocol = "ESMTPS";
    storage::queued_recipient recipient;
    recipient.address = "user" + std::to_string(id) + "@example.net";
    recipient.original = "alias@example.net";
    recipient.next_try = next_try;
    message.recipients.push_back(recipient);
    return message;
}

inline std::string body_of(std::uint64_t id, std::size_t size) {
    std::string body(size, '\0');
    for (std::size_t i = 0; i < size; ++i) body[i] = static_cast<char>((i * 31 + id * 7) & 0xff);
    return body;
}

inline storage::queue_operation insert_of(std::uint64_t id, std::size_t body_size = 100,
                                          std::int64_t next_try = 1000) {
    return storage::insert_message{message_of(id, body_size, next_try), body_of(id, body_size)};
}

inline storage::queue_operation removal_of(std::uint64_t id) { return storage::remove_message{{id}}; }

inline result<void> commit_one(storage::queue& into, const storage::queue_operation& operation) {
    return into.commit({&operation, 1});
}

inline std::string read_all(storage::body_reader& from) {
    std::string all, piece(1000, '\0');
    for (;;) {
        const auto count = from.read(piece);
        if (!count) return "error: " + count.error().message();
        if (*count == 0) return all;
        all.append(piece, 0, *count);
    }
}

inline std::string stored_body(const storage::queue& in, const storage::queued_message& message) {
    const auto body = in.open_body(message);
    return body ? read_all(**body) : "error: " + body.error().message();
}

// Equal in every field: two messages are equal when their records are.
inline bool same(const storage::queued_message& a, const storage::queued_message& b) {
    return a.id == b.id && storage::encode_message(a) == storage::encode_message(b) &&
           storage::encode_states(a) == storage::encode_states(b);
}

inline std::unique_ptr<storage::queue> open_queue(const std::string& state_dir,
                                                  std::uint64_t map_size = std::uint64_t{1} << 30) {
    auto opened = storage::queue::open(storage::system_files(), state_dir, {map_size});
    return opened ? std::move(*opened) : nullptr;
}

} // namespace postern::testing
