// How the parts of a state folder that are LMDB environments come to be: folder, environment, tables.
#pragma once

#include "storage/lmdb.hpp"

#include <initializer_list>

namespace postern::storage::lmdb {

// The environment in <state_dir>/<name>. The folder is made when it is absent, and its entry is flushed
// before anything in it counts; slots of readers that died are free again.
result<std::unique_ptr<environment>> open_in(const std::string& state_dir, const std::string& name,
                                             const environment_options& with);

struct named_table {
    const char* name;
    table& handle; // set when it is open
};
result<void> open_tables(transaction& within, std::initializer_list<named_table> tables, when_absent absent);

// A number kept under a name as big_endian_octets(); 0 = absent, too.
result<std::uint64_t> number_or_zero(const transaction& within, table in, std::string_view name);

// The version of the format that the tables are in, as `meta` has it under "format"; 0 = none is written.
// Above `newest` it is newer_format.
result<std::uint64_t> format_in(const transaction& within, table meta, std::uint64_t newest);

// What `open` (of a transaction and when_absent) makes of the tables of an environment. Tables that are there
// already are opened without the write lock: a long import by a command must not hold up a start.
template <class Tables>
result<Tables> open_or_make(environment& in,
                            result<Tables> (*open)(transaction& within, when_absent absent)) {
    const auto opened = [&](result<transaction> within, when_absent absent) -> result<Tables> {
        if (!within) return within.error();
        auto tables = open(*within, absent);
        if (!tables) return tables;
        if (auto kept = within->commit(); !kept) return kept.error();
        return tables;
    };
    auto found = opened(in.begin_read(), when_absent::fail);
    if (found || found.error() != storage_errc::not_found) return found;
    return opened(in.begin_write(), when_absent::make);
}

} // namespace postern::storage::lmdb
