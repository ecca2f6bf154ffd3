// LMDB behind owned objects: an environment (one folder), its tables, transactions and cursors; every MDB_*
// code becomes a storage_errc. Internal to storage/. Rules that the caller keeps: an environment is opened
// once per process and never used across fork; a write transaction stays on the thread that began it; a read
// transaction is begun, copied from and ended at once, because the file grows for as long as an old one
// lives. Views returned by get() and cursors point into the map: they end with the transaction, and with its
// next write.
#pragma once

#include "protocol/result.hpp"
#include "storage/errc.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;

namespace postern::storage::lmdb {

// The storage_errc for what an LMDB function returned: one of its own codes or an errno. Never call it with
// 0.
storage_errc error_of(int code);

inline constexpr std::size_t key_max = 511; // octets; a longer or empty key is `invalid`

using table = unsigned int; // a handle, valid for the environment's life once the transaction that opened it
                            // is committed

enum class access {
    read,
    write,
};
enum class when_absent {
    fail, // not_found
    make,
};
enum class put_mode {
    replace,
    insert, // exists when the key is there
    append, // the key is usually above all others: faster then, right in any case; exists when it is there
};

struct key_value {
    std::string_view key, value;
};

class environment;

// Ends by commit(), or is undone on destruction.
class transaction {
  public:
    transaction(transaction&& other) noexcept;
    transaction& operator=(transaction&&) = delete;
    ~transaction();

    result<table> open_table(const char* name, when_absent absent);
    result<std::optional<std::string_view>> get(table in, std::string_view key) const;
    result<void> put(table in, std::string_view key, std::string_view value, put_mode mode);
    result<bool> remove(table in, std::string_view key); // false: it was not there
    result<std::uint64_t> entries(table in) const;
    // Durable when it returns; after an error nothing of the transaction is visible, and it has ended either
    // way.
    result<void> commit();

  private:
    friend class environment;
    friend class cursor;
    transaction(environment& owner, MDB_txn* handle) : owner_(&owner), handle_(handle) {}

    environment* owner_; // outlives the transaction
    MDB_txn* handle_;
};

// Walks a table in key order. Lives no longer than its transaction. nullopt = past the end.
class cursor {
  public:
    static result<cursor> open(const transaction& within, table in);
    cursor(cursor&& other) noexcept;
    cursor& operator=(cursor&&) = delete;
    ~cursor();

    result<std::optional<key_value>> first();
    result<std::optional<key_value>> last();
    result<std::optional<key_value>> next();
    result<std::optional<key_value>> seek(std::string_view key); // the first entry whose key is >= `key`

  private:
    explicit cursor(MDB_cursor* handle) : handle_(handle) {}
    result<std::optional<key_value>> move(int operation, std::string_view key);

    MDB_cursor* handle_;
};

struct environment_options {
    access mode = access::write;
    when_absent absent =
        when_absent::make; // what to do when the folder holds no environment; one to read is never made
    std::uint64_t map_size = std::uint64_t{1} << 40; // a bound, not an allocation
    unsigned tables = 8;
    unsigned readers = 512; // read transactions at once, over all processes; one more is `busy`
};

class environment {
  public:
    // The folder must exist. Every commit is flushed. The file is checked first (lmdb_check.hpp), because
    // LMDB itself would crash on one that was cut or overwritten: that is `corrupt`.
    static result<std::unique_ptr<environment>> open(const std::string& folder,
                                                     const environment_options& with);
    ~environment();

    result<transaction> begin_read();
    result<transaction> begin_write(); // waits for another process's or thread's write transaction to end
    // LMDB gives an environment up when its meta page could not be written: close it and open it again.
    bool given_up() const { return given_up_.load(std::memory_order_relaxed); }
    result<void> flush();              // what others, or an environment that was given up, wrote to the file
    result<void> clear_dead_readers(); // slots of processes that died in a read transaction
    result<std::uint64_t> octets_in_use() const;
    std::uint64_t map_size() const { return map_size_; }
    // Octets that could still be written, before the map is full: what was never used, and, counted only when
    // that is less than `enough`, what was freed.
    result<std::uint64_t> room(std::uint64_t enough);
    // Octets within the file that were freed and that no reader holds back: the next writes go there and need
    // no disk. Counts no further than `enough`.
    result<std::uint64_t> freed(std::uint64_t enough);

  private:
    friend class transaction;
    environment(MDB_env* handle, std::uint64_t map_size) : handle_(handle), map_size_(map_size) {}
    result<transaction> begin(unsigned flags);
    result<void> close_on_exec();
    result<void> check_pages();

    MDB_env* handle_;
    std::uint64_t map_size_;
    std::atomic<bool> given_up_{false};
};

} // namespace postern::storage::lmdb
