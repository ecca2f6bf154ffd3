// The tries of messages that wait, in a table of their own: who lists messages doesn't read them, and one
// that is delivered at once never has any.
#include "storage/lmdb_tables.hpp"
#include "storage/queue_impl.hpp"

#include <algorithm>

namespace postern::storage {
namespace {

constexpr std::size_t entries_at_once = 1000;

struct page_of_ids {
    std::vector<queue_id> without_message;
    std::string last; // the key that the page ended with; "" = there was no entry
};

result<page_of_ids> orphans_of_history(const lmdb::transaction& within, const queue_tables& tables,
                                       std::string_view after) {
    page_of_ids page;
    auto walk = lmdb::cursor::open(within, tables.history);
    if (!walk) return walk.error();
    auto entry = walk->seek(after);
    for (std::size_t count = 0; count < entries_at_once; ++count, entry = walk->next()) {
        if (!entry) return entry.error();
        if (!*entry) break;
        page.last = (*entry)->key;
        const auto message = within.get(tables.messages, (*entry)->key);
        if (!message) return message.error();
        const auto id = id_of_key((*entry)->key);
        if (!*message && id) page.without_message.push_back(*id);
    }
    return page;
}

result<void> remove_history(lmdb::environment& environment, const queue_tables& tables,
                            std::span<const queue_id> of) {
    if (of.empty()) return {};
    auto begun = environment.begin_write();
    if (!begun) return begun.error();
    for (const queue_id id : of) {
        if (const auto removed = begun->remove(tables.history, id_key(id)); !removed) return removed.error();
    }
    return begun->commit();
}

} // namespace

result<void> open_history_table(lmdb::transaction& within, lmdb::when_absent absent, queue_tables& tables) {
    return lmdb::open_tables(within, {{"history", tables.history}}, absent);
}

result<std::vector<delivery_try>> read_history(const lmdb::transaction& within, const queue_tables& tables,
                                               queue_id id) {
    if (tables.history == 0) return std::vector<delivery_try>();
    const auto record = within.get(tables.history, id_key(id));
    if (!record) return record.error();
    if (!*record) return std::vector<delivery_try>();
    return decode_history(**record);
}

// One that can't be read is begun anew: it says nothing of where the mail has to go.
result<void> lengthen_history(lmdb::transaction& within, const queue_tables& tables,
                              const queued_message& message) {
    if (message.fresh_tries.empty() || tables.history == 0) return {};
    auto history = read_history(within, tables, message.id);
    if (!history && !is_damage(history.error())) return history.error();
    if (!history) history = std::vector<delivery_try>();
    add_tries(*history, message.fresh_tries);
    return within.put(tables.history, id_key(message.id), encode_history(*history), lmdb::put_mode::replace);
}

// Of the history that an update leads to, as if the tries before had been like these.
std::uint64_t history_octets(const queued_message& message) {
    std::uint64_t octets = 0;
    for (const delivery_try& one : message.fresh_tries) {
        const auto texts = one.server.size() + one.code.size() + one.text.size() + one.tls.size();
        octets += std::min<std::size_t>(one.number, tries_kept_max) * (32 + texts);
    }
    return std::min<std::uint64_t>(octets, history_octets_max);
}

result<void> queue::sweep_history() {
    if (impl_->with.mode == lmdb::access::read) return storage_errc::read_only;
    if (impl_->tables.history == 0) return {};
    for (std::string after;;) {
        const auto page = impl_->read([&](const lmdb::transaction& within) {
            return orphans_of_history(within, impl_->tables, after);
        });
        if (!page) return page.error();
        if (page->last.empty()) return {};
        const auto done = remove_history(*impl_->environment, impl_->tables, page->without_message);
        if (!done && done.error() != storage_errc::no_space && done.error() != storage_errc::map_full)
            return done;           // a full disk must not refuse the start
        after = page->last + '\0'; // the key after it
    }
}

} // namespace postern::storage
