// What a queue holds, for the files that implement it: queue.cpp (reading), queue_open.cpp, queue_commit.cpp.
// Nobody else's.
#pragma once

#include "storage/queue_tables.hpp"

#include <mutex>
#include <shared_mutex>

namespace postern::storage {

using operation_list = std::span<const queue_operation* const>;

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

    std::string folder() const { return state_dir + "/queue"; }
    impl(file_env& with_files, std::string in) : files(with_files), state_dir(std::move(in)) {}
    result<void> open_environment();
    bool is_in_place() const;
    result<std::uint64_t>
    room_on_disk(std::uint64_t enough) const; // as queue::room(), `replacing` being held
    result<void> replace_given_up();
    result<void> check_room(operation_list batch) const;
    result<void> write(operation_list batch, batch_files& with_files);
    result<void> commit(operation_list batch); // each was checked

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
