// Makes and opens the queue's folders. A new queue is made under another name and gets its own in one step,
// so that a data.mdb that is empty or absent under that name is always damage and never "a new queue":
// refused, not overwritten.
#include "storage/queue_impl.hpp"
#include "storage/spool_file.hpp"

namespace postern::storage {
namespace {

constexpr const char* unfinished = "queue.new";

bool is_error(const result<void>& outcome, storage_errc code) { return !outcome && outcome.error() == code; }

// The folder is there, so what is missing in it was there too.
boost::system::error_code corrupt_if_absent(boost::system::error_code error) {
    return error == storage_errc::not_found ? storage_errc::corrupt : error;
}

result<void> make_if_absent(file_env& files, const file_handle& folder, const std::string& name) {
    const auto made = files.make_folder(&folder, name);
    if (is_error(made, storage_errc::exists)) return {};
    return made;
}

result<void> remove_if_present(file_env& files, const file_handle& folder, const std::string& name) {
    const auto removed = files.remove(folder, name);
    if (is_error(removed, storage_errc::not_found)) return {};
    return removed;
}

result<void> write_new_environment(const std::string& folder, const lmdb::environment_options& with) {
    lmdb::environment_options making = with;
    making.absent = lmdb::when_absent::make;
    const auto made = lmdb::environment::open(folder, making);
    if (!made) return made.error();
    auto begun = (*made)->begin_write();
    if (!begun) return begun.error();
    const auto tables = open_queue_tables(*begun, lmdb::when_absent::make);
    if (!tables) return tables.error();
    queue_tables all = *tables;
    if (const auto packs = open_pack_tables(*begun, lmdb::when_absent::make, all); !packs) return packs;
    if (const auto tries = open_history_table(*begun, lmdb::when_absent::make, all); !tries) return tries;
    if (const auto written = write_queue_format(*begun, *tables); !written) return written;
    return begun->commit();
}

// Whatever a crash left under the unfinished name holds no mail.
result<void> make_queue(file_env& files, const file_handle& state, const std::string& state_dir,
                        const lmdb::environment_options& with) {
    if (const auto made = make_if_absent(files, state, unfinished); !made) return made;
    const auto folder = files.open_folder(&state, unfinished, folder_links::refuse);
    if (!folder) return folder.error();
    for (const char* name : {"data.mdb", "lock.mdb"}) {
        if (const auto removed = remove_if_present(files, *folder, name); !removed) return removed;
    }
    const auto written = write_new_environment(state_dir + "/" + unfinished, with);
    if (!written) return written;
    if (const auto flushed = files.sync_folder(*folder); !flushed) return flushed;
    return files.rename(state, unfinished, state, "queue");
}

// All subfolders now and flushed at every start, so that no session has to make one or to wonder whether it
// is durable.
result<file_handle> make_bodies(file_env& files, const file_handle& state) {
    if (const auto made = make_if_absent(files, state, "bodies"); !made) return made.error();
    auto bodies = files.open_folder(&state, "bodies", folder_links::follow);
    if (!bodies) return bodies;
    for (std::size_t i = 0; i < body_subfolders; ++i) {
        const auto made = make_if_absent(files, *bodies, body_subfolder(i));
        if (!made) return made.error();
    }
    if (const auto flushed = files.sync_folder(*bodies); !flushed) return flushed.error();
    return bodies;
}

// Whether a file below `bodies` has the name and place of a message's.
result<bool> holds_bodies(file_env& files, const file_handle& bodies) {
    bool found = false;
    for (std::size_t i = 0; i < body_subfolders && !found; ++i) {
        const std::string subfolder = body_subfolder(i);
        const auto folder = files.open_folder(&bodies, subfolder, folder_links::refuse);
        if (!folder) return {boost::system::in_place_error, folder.error()};
        const auto listed = files.list(*folder, [&](const std::string& name) {
            const auto id = queue_id::parse(name);
            const auto pack = pack_of_name(name);
            found = (id && body_path(*id) == subfolder + "/" + name) ||
                    (pack && pack_path(*pack) == subfolder + "/" + name);
            return !found;
        });
        if (!listed) return {boost::system::in_place_error, listed.error()};
    }
    return found;
}

// Recovery takes what the queue doesn't name for nobody's: with a new queue that would be every body there
// is.
result<void> make_queue_if_absent(file_env& files, const file_handle& state, const file_handle& bodies,
                                  const std::string& state_dir, const lmdb::environment_options& with) {
    const auto present = files.facts(&state, "queue");
    if (present) return {};
    if (present.error() != storage_errc::not_found) return present.error();
    const auto journaled = journal::is_there(files, state);
    if (!journaled) return journaled.error();
    const auto bereft = holds_bodies(files, bodies);
    if (!bereft) return bereft.error();
    if (*bereft || *journaled) return storage_errc::incomplete;
    return make_queue(files, state, state_dir, with);
}

// To the queue of an earlier version. Without room for them large bodies are refused, and no tries are kept,
// until the next start.
void add_tables(lmdb::environment& to, queue_tables& tables) {
    queue_tables all = tables;
    auto begun = to.begin_write();
    if (!begun || !open_pack_tables(*begun, lmdb::when_absent::make, all)) return;
    if (!open_history_table(*begun, lmdb::when_absent::make, all)) return;
    if (begun->commit()) tables = all;
}

// The state folder may just have been made. Its parent may be closed to us: then it isn't ours to flush.
result<void> flush_entries(file_env& files, const file_handle& state) {
    if (const auto flushed = files.sync_folder(state); !flushed) return flushed;
    const auto parent = files.open_folder(&state, "..", folder_links::follow);
    if (!parent && parent.error() == storage_errc::permission) return {};
    if (!parent) return parent.error();
    return files.sync_folder(*parent);
}

} // namespace

bool queue::impl::is_in_place() const {
    const auto opened = files.facts(&state, ".");
    const auto found = files.facts(nullptr, state_dir + "/.");
    return opened && found && opened->device == found->device && opened->inode == found->inode;
}

result<void> queue::impl::open_environment() {
    auto opened = lmdb::environment::open(folder(), with);
    if (!opened) return corrupt_if_absent(opened.error());
    auto begun = (*opened)->begin_read();
    if (!begun) return begun.error();
    auto found = open_queue_tables(*begun, lmdb::when_absent::fail);
    if (!found) return corrupt_if_absent(found.error());
    const auto packs = open_pack_tables(*begun, lmdb::when_absent::fail, *found);
    if (!packs && packs.error() != storage_errc::not_found) return packs;
    const auto tries = open_history_table(*begun, lmdb::when_absent::fail, *found);
    if (!tries && tries.error() != storage_errc::not_found) return tries;
    if (const auto known = check_queue_format(*begun, *found); !known) return known;
    if (const auto kept = begun->commit(); !kept) return kept; // keeps the handles of the tables
    // A write that failed may have left in memory what isn't on the disk; nothing may be built on that.
    if (with.mode == lmdb::access::write) {
        if (const auto flushed = (*opened)->flush(); !flushed) return flushed;
        if (!packs || !tries) add_tables(**opened, *found);
    }
    environment = std::move(*opened);
    tables = *found;
    return {};
}

result<std::unique_ptr<queue>> queue::open(file_env& files, const std::string& state_dir, options with) {
    auto inner = std::make_unique<impl>(files, state_dir);
    inner->with.map_size = with.map_size;
    auto state = files.open_folder(nullptr, state_dir, folder_links::follow);
    if (!state) return state.error();
    inner->state = std::move(*state);
    auto bodies = make_bodies(files, inner->state);
    if (!bodies) return bodies.error();
    inner->bodies = std::move(*bodies);
    const auto made = make_queue_if_absent(files, inner->state, inner->bodies, state_dir, inner->with);
    if (!made) return made.error();
    if (const auto flushed = flush_entries(files, inner->state); !flushed) return flushed.error();
    if (const auto opened = inner->open_environment(); !opened) return opened.error();
    if (const auto opened = inner->open_journal(with); !opened) return opened.error();
    return std::unique_ptr<queue>(new queue(std::move(inner)));
}

result<bool> queue::is_there(file_env& files, const std::string& state_dir) {
    const auto present = files.facts(nullptr, state_dir + "/queue");
    if (!present && present.error() != storage_errc::not_found)
        return {boost::system::in_place_error, present.error()};
    return {boost::system::in_place_value, present.has_value()};
}

result<std::unique_ptr<queue>> queue::open_for_reading(file_env& files, const std::string& state_dir) {
    auto inner = std::make_unique<impl>(files, state_dir);
    inner->with.mode = lmdb::access::read;
    auto state = files.open_folder(nullptr, state_dir, folder_links::follow);
    if (!state) return state.error();
    inner->state = std::move(*state);
    if (const auto present = files.facts(&inner->state, "queue"); !present) return present.error();
    auto bodies = files.open_folder(&inner->state, "bodies", folder_links::follow);
    if (!bodies) return bodies.error();
    inner->bodies = std::move(*bodies);
    if (const auto opened = inner->open_environment(); !opened) return opened.error();
    if (const auto looked = inner->look_into_journal(); !looked) return looked.error();
    return std::unique_ptr<queue>(new queue(std::move(inner)));
}

} // namespace postern::storage
