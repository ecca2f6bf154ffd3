// What a queue holds, for the files that implement it: queue.cpp (reading), queue_open.cpp, queue_commit.cpp.
// Nobody else's.
#pragma once

#include "storage/journal.hpp"

#include <list>
#include <mutex>
#include <set>
#include <shared_mutex>

namespace postern::storage {

using operation_list = std::span<const queue_operation* const>;

inline bool is_full(const boost::system::error_code& error) {
    return error == storage_errc::map_full || error == storage_errc::no_space;
}

// The operations, each of which check_operation() lets pass; else what it says of the first one that it
// doesn't.
result<std::vector<const queue_operation*>> checked(std::span<const queue_operation> batch);

// What the journal holds and the tables have not taken over.
struct journal_debt {
    std::vector<const journal_frame*> frames; // theirs who made the list stay until settle()
    std::uint64_t end = 0;  // of all that the journal was asked for; 0: the tables need not say
    std::uint64_t room = 0; // that they may need in the tables
    std::pair<journal_debt, journal_debt> halves() const;
};

class journal_debts {
  public:
    using entry = std::list<journal_frame>;
    void begin_at(std::uint64_t settled) { end_ = settled_ = settled; } // before anything else
    journal_debt all() const;
    // `first` is called before anybody can take it over, and whoever asks meanwhile waits.
    void add(entry&& one, std::set<queue_id>&& ids, const std::function<void()>& first = [] {}) noexcept;
    void note_end(std::uint64_t end); // of a frame that may or may not be in the journal, and isn't owed
    void settle(const journal_debt& taken);
    bool has(queue_id id) const;
    bool is_settled() const; // the tables say that they have all of it
    queue_id highest() const;
    std::uint64_t room() const;
    std::uint64_t end() const;
    std::uint64_t settled() const; // the position up to which the tables have everything
    // Of the last try to take over.
    void note_outcome(boost::system::error_code outcome);
    boost::system::error_code failure() const;

    std::atomic<bool> failing{false};

  private:
    mutable std::mutex mutex_;
    entry frames_;
    std::set<queue_id> ids_;
    std::uint64_t room_ = 0, end_ = 0, settled_ = 0;
    boost::system::error_code failure_;
};

struct queue::impl {
    file_env& files; // lives as long as the program
    std::string state_dir;
    lmdb::environment_options with{.absent = lmdb::when_absent::fail};
    file_handle state, bodies;
    // Held shared by whoever uses `environment`, alone by commit() when it replaces one that LMDB gave up:
    // LMDB must not be closed under a reader, nor opened twice in a process.
    mutable std::shared_mutex replacing;
    std::unique_ptr<lmdb::environment>
        environment; // null: it could not be opened again; the next commit tries
    queue_tables tables;
    std::unique_ptr<journal> before; // null: opened for reading
    // Opened for reading: what was in the journal then. It may have come into the tables since, and gone.
    std::vector<journal_frame> seen_frames;
    std::map<queue_id, const message_rows*> seen;
    journal_debts debts;
    journal_found found_in_journal;

    std::string folder() const { return state_dir + "/queue"; }
    impl(file_env& with_files, std::string in) : files(with_files), state_dir(std::move(in)) {}
    result<void> open_environment();
    bool is_in_place() const;
    result<std::uint64_t>
    room_on_disk(std::uint64_t enough) const; // as queue::room(), `replacing` being held
    result<void> replace_given_up();
    result<void> check_room(operation_list batch, std::uint64_t owed) const;
    result<void> write(const journal_debt& owed, operation_list batch, batch_files& with_files);
    result<void> write(const journal_debt& owed, operation_list batch);
    bool has_room(std::uint64_t octets) const;
    result<void> pay(const journal_debt& owed);
    result<void> commit(operation_list batch); // each was checked; takes over what the journal holds
    result<void> open_journal(const options& with_journal);
    result<void> look_into_journal();
    result<std::optional<queued_message>> find_seen(queue_id id) const; // nullopt: it isn't there
    result<std::uint64_t> keep(operation_list inserts, const std::function<void()>& durable);
    result<void> check_new(operation_list inserts) const;

    // Runs `use` in a read transaction of its own; what it returns must be a copy.
    template <class Use> auto read(Use use) const -> decltype(use(std::declval<const lmdb::transaction&>())) {
        const std::shared_lock held(replacing);
        if (!environment) return storage_errc::io;
        const auto begun = environment->begin_read();
        if (!begun) return begun.error();
        return use(*begun);
    }
};

} // namespace postern::storage
