// Compares the index of times due with the records, a page of either at a time, each in a short transaction
// of its own. What the records say counts; a record that can't be read says nothing, and its entries stay.
#include "storage/queue_impl.hpp"

namespace postern::storage {
namespace {

constexpr std::size_t entries_at_once = 1000;

struct correction {
    enum class kind { add, remove } what;
    std::string key;
};

struct page_of_corrections {
    std::vector<correction> wanted;
    std::string last; // the key that the page ended with; "" = there was no entry
};

// The due time that the records of a message give: nullopt when there is no such message or none waits.
result<std::optional<std::int64_t>> due_by_records(const lmdb::transaction& within,
                                                   const queue_tables& tables, queue_id id) {
    const std::string key = id_key(id);
    const auto message = within.get(tables.messages, key);
    if (!message) return {boost::system::in_place_error, message.error()};
    if (!*message) return std::optional<std::int64_t>();
    const auto head = read_states_head(within, tables, key);
    if (!head) return {boost::system::in_place_error, head.error()};
    if (!*head) return {boost::system::in_place_error, make_error_code(storage_errc::corrupt)};
    return (*head)->due;
}

// Of the message with this key: an entry to add when it has none.
result<std::optional<correction>> missing_entry(const lmdb::transaction& within, const queue_tables& tables,
                                                std::string_view key) {
    const auto id = id_of_key(key);
    if (!id) return id.error();
    const auto due = due_by_records(within, tables, *id);
    if (!due) return due.error();
    if (!*due) return std::optional<correction>();
    const std::string wanted = due_key({**due, *id});
    const auto present = within.get(tables.due, wanted);
    if (!present) return present.error();
    if (*present) return std::optional<correction>();
    return std::optional<correction>(correction{correction::kind::add, wanted});
}

// The entry with this key, when it is none of ours or no record has its time.
result<std::optional<correction>> stray_entry(const lmdb::transaction& within, const queue_tables& tables,
                                              std::string_view key) {
    const correction removal{correction::kind::remove, std::string(key)};
    const auto entry = due_of_key(key);
    if (!entry) return std::optional<correction>(removal);
    const auto due = due_by_records(within, tables, entry->id);
    if (!due) return due.error();
    if (*due && **due == entry->due) return std::optional<correction>();
    return std::optional<correction>(removal);
}

using judgement = result<std::optional<correction>> (*)(const lmdb::transaction&, const queue_tables&,
                                                        std::string_view);

result<page_of_corrections> judge_page(const lmdb::transaction& within, const queue_tables& tables,
                                       lmdb::table of, std::string_view after, judgement judge) {
    page_of_corrections page;
    auto walk = lmdb::cursor::open(within, of);
    if (!walk) return walk.error();
    auto entry = walk->seek(after);
    for (std::size_t count = 0; count < entries_at_once; ++count, entry = walk->next()) {
        if (!entry) return entry.error();
        if (!*entry) break;
        page.last = (*entry)->key;
        const auto found = judge(within, tables, (*entry)->key);
        if (!found && !is_damage(found.error())) return found.error();
        if (found && *found) page.wanted.push_back(**found);
    }
    return page;
}

result<void> apply_corrections(lmdb::environment& environment, const queue_tables& tables,
                               std::span<const correction> wanted) {
    auto begun = environment.begin_write();
    if (!begun) return begun.error();
    for (const correction& each : wanted) {
        if (each.what == correction::kind::add) {
            const auto added = begun->put(tables.due, each.key, {}, lmdb::put_mode::replace);
            if (!added) return added;
        } else if (const auto removed = begun->remove(tables.due, each.key); !removed) {
            return removed.error();
        }
    }
    return begun->commit();
}

// A full disk must not refuse the start: deliveries make room.
result<void> put_right(lmdb::environment& environment, const queue_tables& tables,
                       std::span<const correction> wanted, due_repairs& repairs) {
    if (wanted.empty()) return {};
    const auto applied = apply_corrections(environment, tables, wanted);
    if (!applied && applied.error() != storage_errc::no_space && applied.error() != storage_errc::map_full) {
        return applied;
    }
    for (const correction& each : wanted) {
        auto& count = each.what == correction::kind::add ? repairs.added : repairs.removed;
        ++(applied ? count : repairs.left);
    }
    return {};
}

} // namespace

result<due_repairs> queue::repair_due() {
    if (impl_->with.mode == lmdb::access::read) return storage_errc::read_only;
    due_repairs repairs;
    const std::pair<lmdb::table, judgement> walks[] = {{impl_->tables.messages, missing_entry},
                                                       {impl_->tables.due, stray_entry}};
    for (const auto& [of, judge] : walks) {
        for (std::string after;;) {
            const auto page = impl_->read([&](const lmdb::transaction& within) {
                return judge_page(within, impl_->tables, of, after, judge);
            });
            if (!page) return page.error();
            if (page->last.empty()) break;
            const auto done = put_right(*impl_->environment, impl_->tables, page->wanted, repairs);
            if (!done) return done.error();
            after = page->last + '\0'; // the key after it
        }
    }
    return repairs;
}

} // namespace postern::storage
