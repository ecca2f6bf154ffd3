// Changes to the tables of a queue that nobody has open, as damage would make them.
#pragma once

#include "storage/queue_tables.hpp"

#include <catch2/catch.hpp>

namespace postern::testing {

// `change` gets the transaction and the tables, and is committed.
template <class Change> void change_tables(const std::string& state_dir, Change change) {
    const auto opened = storage::lmdb::environment::open(state_dir + "/queue", {});
    REQUIRE(opened.has_value());
    auto begun = (*opened)->begin_write();
    REQUIRE(begun.has_value());
    auto tables = storage::open_queue_tables(*begun, storage::lmdb::when_absent::fail);
    REQUIRE(tables.has_value());
    REQUIRE(storage::open_history_table(*begun, storage::lmdb::when_absent::make, *tables));
    change(*begun, *tables);
    REQUIRE(begun->commit());
}

} // namespace postern::testing
