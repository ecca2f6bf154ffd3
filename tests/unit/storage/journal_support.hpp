// A queue with a small journal before it.
#pragma once

#include "queue_support.hpp"
#include "tests/support/failing_files.hpp"

#include <catch2/catch.hpp>
#include <fstream>

namespace postern::testing {

inline constexpr std::uint64_t small_ring = 64 * 1024;

struct journaled_queue {
    temporary_folder folder;
    failing_files files;
    storage::queue::options with{.map_size = 1 << 26, .journal_octets = small_ring};
    std::unique_ptr<storage::queue> opened;

    journaled_queue() { reopen(); }
    void reopen() {
        opened.reset();
        auto made = storage::queue::open(files, folder.path(), with);
        REQUIRE(made.has_value());
        opened = std::move(*made);
    }
    bool keep(std::uint64_t id, std::size_t size = 100) {
        const auto insert = insert_of(id, size);
        return opened->keep({&insert, 1}).has_value();
    }
    bool has(std::uint64_t id, std::size_t size = 100) const {
        const auto found = opened->find({id});
        REQUIRE(found.has_value());
        return *found && same(**found, message_of(id, size)) &&
               stored_body(*opened, **found) == body_of(id, size);
    }
    std::string path() const { return folder.path() + "/journal"; }
    void change(std::size_t at, char to) const {
        std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(at));
        file.put(to);
        REQUIRE(file.good());
    }
};

} // namespace postern::testing
