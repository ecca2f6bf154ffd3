// The one place that calls LMDB for data. A C handle is freed exactly once: mdb_txn_commit frees its
// transaction even when it fails, and cursors of a read transaction must be closed by hand.
#include "storage/lmdb.hpp"

#include "storage/lmdb_check.hpp"

#include <lmdb.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <utility>

namespace postern::storage::lmdb {
namespace {

MDB_val value_of(std::string_view bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }

std::string_view view_of(const MDB_val& value) {
    return {static_cast<const char*>(value.mv_data), value.mv_size};
}

// LMDB tells of its readers in words: a line "PID THREAD TRANSACTION\n" each, "-" for one that doesn't read.
int note_oldest(const char* line, void* into) {
    std::string_view text(line);
    text = text.substr(0, text.find('\n'));
    text.remove_prefix(text.find_last_of(' ') + 1);
    std::size_t transaction = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), transaction);
    auto& oldest = *static_cast<std::size_t*>(into);
    if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size())
        oldest = std::min(oldest, transaction);
    return 0;
}

} // namespace

storage_errc error_of(int code) {
    switch (code) {
    case MDB_KEYEXIST: return storage_errc::exists;
    case MDB_NOTFOUND: return storage_errc::not_found;
    case MDB_PAGE_NOTFOUND:
    case MDB_CORRUPTED:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
    case MDB_PAGE_FULL:
    case MDB_CURSOR_FULL: return storage_errc::corrupt;
    case MDB_VERSION_MISMATCH: return storage_errc::newer_format;
    case MDB_MAP_FULL: return storage_errc::map_full;
    case MDB_READERS_FULL: return storage_errc::busy;
    case MDB_TXN_FULL: return storage_errc::too_large;
    case MDB_BAD_VALSIZE: return storage_errc::invalid;
    default: return code > 0 ? from_errno(code) : storage_errc::io;
    }
}

transaction::transaction(transaction&& other) noexcept
    : owner_(other.owner_), handle_(std::exchange(other.handle_, nullptr)) {}

transaction::~transaction() {
    if (handle_ != nullptr) mdb_txn_abort(handle_);
}

result<table> transaction::open_table(const char* name, when_absent absent) {
    MDB_dbi opened = 0;
    const int rc = mdb_dbi_open(handle_, name, absent == when_absent::make ? MDB_CREATE : 0, &opened);
    if (rc != MDB_SUCCESS) return error_of(rc);
    return opened;
}

result<std::optional<std::string_view>> transaction::get(table in, std::string_view key) const {
    MDB_val wanted = value_of(key);
    MDB_val found{};
    const int rc = mdb_get(handle_, in, &wanted, &found);
    if (rc == MDB_NOTFOUND) return std::optional<std::string_view>();
    if (rc != MDB_SUCCESS) return error_of(rc);
    return std::optional<std::string_view>(view_of(found));
}

result<void> transaction::put(table in, std::string_view key, std::string_view value, put_mode mode) {
    MDB_val name = value_of(key);
    MDB_val stored = value_of(value);
    int rc = MDB_KEYEXIST;
    // MDB_APPEND answers MDB_KEYEXIST for any key that isn't above the last one, so that answer proves
    // nothing by itself.
    if (mode == put_mode::append) rc = mdb_put(handle_, in, &name, &stored, MDB_APPEND);
    if (rc == MDB_KEYEXIST) {
        stored = value_of(value);
        rc = mdb_put(handle_, in, &name, &stored, mode == put_mode::replace ? 0 : MDB_NOOVERWRITE);
    }
    if (rc != MDB_SUCCESS) return error_of(rc);
    return {};
}

result<bool> transaction::remove(table in, std::string_view key) {
    MDB_val name = value_of(key);
    const int rc = mdb_del(handle_, in, &name, nullptr);
    if (rc == MDB_NOTFOUND) return false;
    if (rc != MDB_SUCCESS) return error_of(rc);
    return true;
}

result<std::uint64_t> transaction::entries(table in) const {
    MDB_stat found{};
    const int rc = mdb_stat(handle_, in, &found);
    if (rc != MDB_SUCCESS) return error_of(rc);
    return static_cast<std::uint64_t>(found.ms_entries);
}

result<void> transaction::commit() {
    const int rc = mdb_txn_commit(std::exchange(handle_, nullptr));
    if (rc == MDB_SUCCESS) return {};
    (void)owner_->begin_read(); // only asks whether LMDB still lets anybody in; begin() keeps the answer
    return error_of(rc);
}

result<cursor> cursor::open(const transaction& within, table in) {
    MDB_cursor* opened = nullptr;
    const int rc = mdb_cursor_open(within.handle_, in, &opened);
    if (rc != MDB_SUCCESS) return error_of(rc);
    return cursor(opened);
}

cursor::cursor(cursor&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}

cursor::~cursor() {
    if (handle_ != nullptr) mdb_cursor_close(handle_);
}

result<std::optional<key_value>> cursor::move(int operation, std::string_view key) {
    MDB_val name = value_of(key);
    MDB_val found{};
    const int rc = mdb_cursor_get(handle_, &name, &found, static_cast<MDB_cursor_op>(operation));
    if (rc == MDB_NOTFOUND) return std::optional<key_value>();
    if (rc != MDB_SUCCESS) return error_of(rc);
    return std::optional<key_value>(key_value{view_of(name), view_of(found)});
}

result<std::optional<key_value>> cursor::first() { return move(MDB_FIRST, {}); }
result<std::optional<key_value>> cursor::last() { return move(MDB_LAST, {}); }
result<std::optional<key_value>> cursor::next() { return move(MDB_NEXT, {}); }

result<std::optional<key_value>> cursor::seek(std::string_view key) {
    if (key.empty()) return first();
    return move(MDB_SET_RANGE, key);
}

result<std::unique_ptr<environment>> environment::open(const std::string& folder,
                                                       const environment_options& with) {
    MDB_env* made = nullptr;
    int rc = mdb_env_create(&made);
    if (rc != MDB_SUCCESS) return error_of(rc);
    std::unique_ptr<environment> opened(new environment(made, with.map_size));
    rc = mdb_env_set_mapsize(made, with.map_size);
    if (rc == MDB_SUCCESS) rc = mdb_env_set_maxdbs(made, with.tables);
    if (rc == MDB_SUCCESS) rc = mdb_env_set_maxreaders(made, with.readers);
    if (rc != MDB_SUCCESS) return error_of(rc);
    // MDB_NOTLS: without it a second read transaction in one thread is MDB_BAD_RSLOT.
    const unsigned flags = with.mode == access::read ? MDB_NOTLS | MDB_RDONLY : MDB_NOTLS;
    const auto sane = check_meta_pages(folder + "/data.mdb");
    const bool may_make = with.mode == access::write && with.absent == when_absent::make;
    if (!sane && !(may_make && sane.error() == storage_errc::not_found)) return sane.error();
    rc = mdb_env_open(made, folder.c_str(), flags, 0600);
    if (rc != MDB_SUCCESS) return error_of(rc);
    if (const auto closing = opened->close_on_exec(); !closing) return closing.error();
    if (const auto sound = opened->check_pages(); !sound) return sound.error();
    return opened;
}

// Outside of any transaction: one would keep pages from being used again for as long as the walk lasts, and
// for ever if the process died in it. Whoever overtakes a few walks in turn writes all the time, and has
// checked the file when it opened it.
result<void> environment::check_pages() {
    constexpr int attempts = 3;
    bool damage_seen = false;
    mdb_filehandle_t data_file{};
    if (const int rc = mdb_env_get_fd(handle_, &data_file); rc != MDB_SUCCESS) return error_of(rc);
    for (int i = 0; i < attempts; ++i) {
        const auto found = check_newest_snapshot(data_file);
        if (!found) return found.error();
        if (*found == snapshot::sound) return {};
        if (*found == snapshot::damaged && std::exchange(damage_seen, true)) return storage_errc::corrupt;
    }
    return {};
}

// LMDB leaves its data file open across exec: a program that we start could read and write everybody's mail.
result<void> environment::close_on_exec() {
    mdb_filehandle_t data_file{};
    if (const int rc = mdb_env_get_fd(handle_, &data_file); rc != MDB_SUCCESS) return error_of(rc);
    if (::fcntl(data_file, F_SETFD, FD_CLOEXEC) != 0) return from_errno(errno);
    return {};
}

environment::~environment() { mdb_env_close(handle_); }

result<transaction> environment::begin(unsigned flags) {
    MDB_txn* begun = nullptr;
    int rc = mdb_txn_begin(handle_, nullptr, flags, &begun);
    if (rc == MDB_READERS_FULL && clear_dead_readers()) rc = mdb_txn_begin(handle_, nullptr, flags, &begun);
    if (rc == MDB_PANIC) given_up_ = true;
    if (rc != MDB_SUCCESS) return error_of(rc);
    return transaction(*this, begun);
}

result<transaction> environment::begin_read() { return begin(MDB_RDONLY); }
result<transaction> environment::begin_write() { return begin(0); }

result<void> environment::flush() {
    if (const int rc = mdb_env_sync(handle_, 1); rc != MDB_SUCCESS) return error_of(rc);
    return {};
}

result<void> environment::clear_dead_readers() {
    int cleared = 0;
    const int rc = mdb_reader_check(handle_, &cleared);
    if (rc != MDB_SUCCESS) return error_of(rc);
    return {};
}

result<std::uint64_t> environment::octets_in_use() const {
    MDB_envinfo info{};
    MDB_stat stat{};
    int rc = mdb_env_info(handle_, &info);
    if (rc == MDB_SUCCESS) rc = mdb_env_stat(handle_, &stat);
    if (rc != MDB_SUCCESS) return error_of(rc);
    return (static_cast<std::uint64_t>(info.me_last_pgno) + 1) * stat.ms_psize;
}

result<std::uint64_t> environment::room(std::uint64_t enough) {
    const auto used = octets_in_use();
    if (!used) return used;
    const std::uint64_t unused = map_size_ > *used ? map_size_ - *used : 0;
    if (unused >= enough) return unused;
    const auto again = freed(enough - unused);
    if (!again) return again;
    return unused + *again;
}

// LMDB's table 0 lists the freed pages: the key is the transaction that freed them, the value a count and as
// many page numbers.
result<std::uint64_t> environment::freed(std::uint64_t enough) {
    MDB_stat stat{};
    std::size_t oldest = SIZE_MAX; // whose snapshot is still read; asked before there is one of our own
    int rc = mdb_env_stat(handle_, &stat);
    if (rc == MDB_SUCCESS) rc = mdb_reader_list(handle_, note_oldest, &oldest);
    if (rc < 0) return error_of(rc);
    const auto begun = begin_read();
    if (!begun) return begun.error();
    auto freed = cursor::open(*begun, 0);
    if (!freed) return freed.error();
    std::uint64_t octets = 0;
    for (auto entry = freed->first(); octets < enough; entry = freed->next()) {
        if (!entry) return entry.error();
        if (!*entry) break;
        std::size_t by = 0;
        std::size_t pages = 0;
        const auto& [key, value] = **entry;
        if (key.size() != sizeof by || value.size() < sizeof pages) return storage_errc::corrupt;
        std::memcpy(&by, key.data(), sizeof by);
        std::memcpy(&pages, value.data(), sizeof pages);
        if (by >= oldest) break;
        octets += std::uint64_t{pages} * stat.ms_psize;
    }
    return octets;
}

} // namespace postern::storage::lmdb
