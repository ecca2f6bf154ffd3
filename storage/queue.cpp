// Reading the queue. Every function copies what it wants inside one short read transaction: a view into
// LMDB's map that outlived it would show other messages' octets.
#include "storage/queue_impl.hpp"
#include "storage/spool_file.hpp"

#include <algorithm>

namespace postern::storage {
namespace {

result<queued_message> read_message(const lmdb::transaction& within, const queue_tables& tables, queue_id id,
                                    std::string_view record) {
    const auto states = within.get(tables.states, id_key(id));
    if (!states) return states.error();
    if (!*states) return storage_errc::corrupt;
    return decode_records(id, record, **states);
}

// Those from the key `from` on that are due at `until` or before.
result<void> collect_due(lmdb::cursor& walk, std::string_view from, std::int64_t until, std::size_t limit,
                         std::vector<due_message>& into) {
    for (auto entry = walk.seek(from); into.size() < limit; entry = walk.next()) {
        if (!entry) return entry.error();
        if (!*entry) return {};
        const auto message = due_of_key((*entry)->key);
        if (!message) return message.error();
        if (message->due > until) return {};
        into.push_back(*message);
    }
    return {};
}

class inline_body final : public body_reader {
  public:
    explicit inline_body(std::string octets) : octets_(std::move(octets)) {}
    result<std::size_t> read(std::span<char> into) override {
        const std::size_t count = octets_.copy(into.data(), into.size(), at_);
        at_ += count;
        return count;
    }

  private:
    std::string octets_;
    std::size_t at_ = 0;
};

// A file that ends before the record says is damage, never a shorter message.
class file_body final : public body_reader {
  public:
    file_body(file_env& files, file_handle file, std::uint64_t size)
        : files_(files), file_(std::move(file)), left_(size) {}
    result<std::size_t> read(std::span<char> into) override {
        const auto wanted = std::min<std::uint64_t>(into.size(), left_);
        if (wanted == 0) return std::size_t{0};
        const auto count = files_.read(file_, into.first(static_cast<std::size_t>(wanted)));
        if (!count) return count;
        if (*count == 0) return storage_errc::corrupt;
        left_ -= *count;
        return count;
    }

  private:
    file_env& files_;
    file_handle file_;
    std::uint64_t left_;
};

} // namespace

queue::queue(std::unique_ptr<impl> inner) : impl_(std::move(inner)) {}
queue::~queue() = default;

result<std::optional<queued_message>> queue::find(queue_id id) const {
    return impl_->read([&](const lmdb::transaction& within) -> result<std::optional<queued_message>> {
        const auto record = within.get(impl_->tables.messages, id_key(id));
        if (!record) return record.error();
        if (!*record) return impl_->find_seen(id);
        auto message = read_message(within, impl_->tables, id, **record);
        if (!message) return message.error();
        return std::optional<queued_message>(std::move(*message));
    });
}

result<std::unique_ptr<body_reader>> queue::open_body(const queued_message& message) const {
    if (message.body_in_file) {
        const auto place = place_of(message.id);
        if (!place) return place.error();
        auto file = impl_->files.open_file(&impl_->bodies, place->path, open_mode::read);
        if (!file) return file.error();
        if (place->offset != 0) {
            if (const auto there = impl_->files.seek(*file, place->offset); !there) return there.error();
        }
        return std::unique_ptr<body_reader>(new file_body(impl_->files, std::move(*file), message.size));
    }
    return impl_->read([&](const lmdb::transaction& within) -> result<std::unique_ptr<body_reader>> {
        const auto body = within.get(impl_->tables.bodies, id_key(message.id));
        if (!body) return body.error();
        const auto seen = impl_->seen.find(message.id);
        if (!*body && seen != impl_->seen.end() && seen->second->body)
            return std::unique_ptr<body_reader>(new inline_body(std::string(*seen->second->body)));
        if (!*body) return storage_errc::not_found;
        if ((*body)->size() != message.size) return storage_errc::corrupt;
        return std::unique_ptr<body_reader>(new inline_body(std::string(**body)));
    });
}

result<std::vector<delivery_try>> queue::history(queue_id id) const {
    return impl_->read(
        [&](const lmdb::transaction& within) { return read_history(within, impl_->tables, id); });
}

result<body_place> queue::place_of(queue_id id) const {
    return impl_->read([&](const lmdb::transaction& within) -> result<body_place> {
        auto place = read_place(within, impl_->tables, id);
        if (!place) return place.error();
        const auto seen = impl_->seen.find(id);
        if (!*place && seen != impl_->seen.end()) *place = seen->second->place;
        if (!*place) return body_place{body_path(id)};
        return body_place{pack_path((*place)->pack), (*place)->offset, false};
    });
}

result<std::optional<queue_id>> queue::any_in_pack(queue_id pack) const {
    return impl_->read(
        [&](const lmdb::transaction& within) { return storage::any_in_pack(within, impl_->tables, pack); });
}

result<std::unique_ptr<spool_file>> queue::create_body(queue_id id) const {
    return spool_file::create(impl_->files, impl_->bodies, body_path(id));
}

bool queue::is_in_place() const { return impl_->is_in_place(); }
const file_handle& queue::bodies() const { return impl_->bodies; }

namespace {

// The first time due behind this one.
std::string key_behind(due_message entry) {
    ++entry.id.value; // at its end the entries of the next second follow all the same
    return due_key(entry);
}

} // namespace

result<std::vector<due_message>> queue::due_after(due_message after, std::int64_t now,
                                                  std::size_t limit) const {
    return impl_->read([&](const lmdb::transaction& within) -> result<std::vector<due_message>> {
        std::vector<due_message> found;
        auto walk = lmdb::cursor::open(within, impl_->tables.due);
        if (!walk) return walk.error();
        if (const auto read = collect_due(*walk, key_behind(after), now, limit, found); !read)
            return read.error();
        return found;
    });
}

result<std::optional<std::int64_t>> queue::next_due(due_message after) const {
    return impl_->read([&](const lmdb::transaction& within) -> result<std::optional<std::int64_t>> {
        auto walk = lmdb::cursor::open(within, impl_->tables.due);
        if (!walk) return walk.error();
        const auto entry = walk->seek(key_behind(after));
        if (!entry) return entry.error();
        if (!*entry) return std::optional<std::int64_t>();
        const auto message = due_of_key((*entry)->key);
        if (!message) return message.error();
        return std::optional<std::int64_t>(message->due);
    });
}

namespace {

result<void> add_to(queue_page& page, queue_id id, result<queued_message> message) {
    if (message)
        page.messages.push_back(std::move(*message));
    else if (is_damage(message.error()))
        page.unreadable.push_back(id);
    else
        return message.error();
    page.last = id;
    return {};
}

} // namespace

// What only the journal has goes between what the tables have, by its id.
result<queue_page> queue::list(queue_id after, std::size_t limit) const {
    return impl_->read([&](const lmdb::transaction& within) -> result<queue_page> {
        queue_page found;
        if (after.value == UINT64_MAX) return found;
        auto walk = lmdb::cursor::open(within, impl_->tables.messages);
        if (!walk) return walk.error();
        auto entry = walk->seek(id_key({after.value + 1}));
        auto seen = impl_->seen.upper_bound(after);
        for (std::size_t count = 0; count < limit; ++count) {
            if (!entry) return entry.error();
            std::optional<queue_id> id;
            if (*entry) {
                const auto in_tables = id_of_key((*entry)->key);
                if (!in_tables) return in_tables.error();
                id = *in_tables;
            }
            const bool only_seen = seen != impl_->seen.end() && (!id || seen->first < *id);
            if (!only_seen && !id) break;
            if (only_seen) {
                auto message = impl_->find_seen(seen->first);
                const auto added =
                    add_to(found, seen->first,
                           message ? result<queued_message>(std::move(**message)) : message.error());
                if (!added) return added.error();
                ++seen;
                continue;
            }
            const auto added = add_to(found, *id, read_message(within, impl_->tables, *id, (*entry)->value));
            if (!added) return added.error();
            if (seen != impl_->seen.end() && seen->first == *id) ++seen;
            entry = walk->next();
        }
        return found;
    });
}

result<queue_id> queue::highest_id() const {
    return impl_->read([&](const lmdb::transaction& within) -> result<queue_id> {
        const auto highest = read_highest_id(within, impl_->tables);
        if (!highest) return highest;
        return std::max(*highest, impl_->debts.highest());
    });
}

result<queue_totals> queue::totals() const {
    return impl_->read([&](const lmdb::transaction& within) -> result<queue_totals> {
        const auto messages = within.entries(impl_->tables.messages);
        if (!messages) return messages.error();
        std::uint64_t all = *messages;
        for (const auto& [id, rows] : impl_->seen) {
            const auto there = within.get(impl_->tables.messages, id_key(id));
            if (!there) return there.error();
            if (!*there) ++all;
        }
        const auto octets = impl_->environment->octets_in_use();
        if (!octets) return octets.error();
        return queue_totals{all, *octets};
    });
}

result<std::uint64_t> queue::impl::room_on_disk(std::uint64_t enough) const {
    const auto free = files.free_bytes(state_dir);
    if (!free || *free >= enough) return free;
    if (!environment) return storage_errc::io;
    const auto within = environment->freed(enough - *free);
    if (!within) return within;
    return *free + *within;
}

result<std::uint64_t> queue::room(std::uint64_t enough) const {
    const std::shared_lock held(impl_->replacing);
    return impl_->room_on_disk(enough);
}

result<void> queue::clear_dead_readers() const {
    const std::shared_lock held(impl_->replacing);
    if (!impl_->environment) return storage_errc::io;
    return impl_->environment->clear_dead_readers();
}

} // namespace postern::storage
