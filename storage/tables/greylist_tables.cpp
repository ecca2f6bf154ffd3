// What is not of our form in here is no trouble: a pair whose entry can't be read is not known, and a row
// without its entry goes when sweeping comes by.
#include "storage/tables/greylist_tables.hpp"

#include "storage/big_endian.hpp"
#include "storage/lmdb_tables.hpp"

#include <algorithm>
#include <utility>

namespace postern::storage {
namespace {

using boost::system::in_place_error;

constexpr std::uint64_t format_version = 1;

std::string row_key(std::int64_t time, std::string_view octets) {
    return big_endian_octets(static_cast<std::uint64_t>(time)).append(octets);
}

std::int64_t time_of(std::string_view row) {
    return static_cast<std::int64_t>(std::min(big_endian(row), std::uint64_t{greylist_time_max} + 1));
}

std::string_view octets_of(std::string_view row) { return row.substr(std::min(row.size(), number_octets)); }

// A key twice, a time, an entry's value, and ten octets that LMDB keeps with each of the two nodes.
std::uint64_t cost_of(std::string_view octets) { return 2 * octets.size() + number_octets + 15 + 2 * 10; }

result<greylist_tables> open_in(lmdb::transaction& within, lmdb::when_absent absent) {
    greylist_tables tables;
    const auto opened = lmdb::open_tables(within,
                                          {{"entries", tables.entries},
                                           {"waiting", tables.waiting},
                                           {"passed", tables.passed},
                                           {"meta", tables.meta}},
                                          absent);
    if (!opened) return opened.error();
    if (const auto version = lmdb::format_in(within, tables.meta, format_version); !version)
        return version.error();
    return tables;
}

struct row_ends {
    std::optional<std::string> first, last;
};

result<row_ends> ends_of(const lmdb::transaction& within, lmdb::table rows) {
    auto at = lmdb::cursor::open(within, rows);
    if (!at) return at.error();
    row_ends ends;
    const auto first = at->first();
    if (!first) return first.error();
    if (*first) ends.first = (*first)->key;
    const auto last = at->last();
    if (!last) return last.error();
    if (*last) ends.last = (*last)->key;
    return ends;
}

} // namespace

result<greylist_tables> open_greylist_tables(lmdb::environment& within) {
    auto writing = within.begin_write();
    if (!writing) return writing.error();
    auto tables = open_in(*writing, lmdb::when_absent::make);
    if (!tables) return tables;
    const auto put =
        writing->put(tables->meta, "format", big_endian_octets(format_version), lmdb::put_mode::insert);
    if (!put && put.error() != storage_errc::exists) return put.error();
    if (auto kept = writing->commit(); !kept) return kept.error();
    return tables;
}

result<greylist_fill> read_greylist_fill(const lmdb::transaction& within, const greylist_tables& tables) {
    const auto waiting = lmdb::number_or_zero(within, tables.meta, "waiting");
    if (!waiting) return waiting.error();
    const auto passed = lmdb::number_or_zero(within, tables.meta, "passed");
    if (!passed) return passed.error();
    return greylist_fill{*waiting, *passed};
}

result<std::optional<greylist_due>> find_greylist_due(const lmdb::transaction& within,
                                                      const greylist_tables& tables, std::int64_t now,
                                                      const greylist_terms& terms) {
    const struct {
        lmdb::table rows;
        bool has_passed;
        std::int64_t lasts;
    } sorts[] = {{tables.waiting, false, terms.delay + terms.window}, {tables.passed, true, terms.window}};
    for (const auto& sort : sorts) {
        const auto ends = ends_of(within, sort.rows);
        if (!ends) return {in_place_error, ends.error()};
        if (ends->first && time_of(*ends->first) + sort.lasts <= now)
            return std::optional(greylist_due{*ends->first, sort.has_passed});
        if (ends->last && time_of(*ends->last) > now)
            return std::optional(greylist_due{*ends->last, sort.has_passed});
    }
    return std::optional<greylist_due>();
}

result<greylist_writer> greylist_writer::begin(lmdb::environment& within, const greylist_tables& tables) {
    auto begun = within.begin_write();
    if (!begun) return begun.error();
    const auto fill = read_greylist_fill(*begun, tables);
    if (!fill) return fill.error();
    return greylist_writer(std::move(*begun), tables, *fill);
}

lmdb::table greylist_writer::rows_of(const greylist_entry& entry) const {
    return entry.last_pass ? tables_.passed : tables_.waiting;
}

std::uint64_t& greylist_writer::fill_of(const greylist_entry& entry) {
    return entry.last_pass ? fill_.passed : fill_.waiting;
}

result<std::optional<greylist_stored>> greylist_writer::stored(std::string_view octets) const {
    if (octets.empty()) return std::optional<greylist_stored>();
    const auto value = within_.get(tables_.entries, octets);
    if (!value) return value.error();
    return *value ? decode_greylist_entry(**value) : std::nullopt;
}

result<void> greylist_writer::store(std::string_view octets, const std::optional<greylist_stored>& before,
                                    const greylist_stored& after) {
    const bool same_row = before && before->row == after.row &&
                          before->entry.last_pass.has_value() == after.entry.last_pass.has_value();
    if (before && !same_row)
        if (auto gone = forget(octets, *before); !gone) return gone;
    const auto put =
        within_.put(tables_.entries, octets, encode_greylist_entry(after), lmdb::put_mode::replace);
    if (!put || same_row) return put;
    fill_of(after.entry) += cost_of(octets);
    return within_.put(rows_of(after.entry), row_key(after.row, octets), {}, lmdb::put_mode::replace);
}

// The count never wraps: a damaged one would otherwise stop every newcomer.
result<void> greylist_writer::forget(std::string_view octets, const greylist_stored& before) {
    auto& fill = fill_of(before.entry);
    fill -= std::min(fill, cost_of(octets));
    const auto row = within_.remove(rows_of(before.entry), row_key(before.row, octets));
    if (!row) return row.error();
    const auto entry = within_.remove(tables_.entries, octets);
    if (!entry) return entry.error();
    return {};
}

result<void> greylist_writer::put(std::string_view octets, const greylist_entry& entry) {
    const auto before = stored(octets);
    if (!before) return before.error();
    const bool let_through_since =
        *before && !entry.last_pass && (*before)->entry.last_pass.value_or(entry.first - 1) >= entry.first;
    if (let_through_since) return {}; // by the operator, while this attempt waited to be written
    greylist_stored after{entry, entry.last_pass.value_or(entry.first)};
    if (*before && (*before)->entry.last_pass && entry.last_pass)
        after.row = std::min(after.row, (*before)->row);
    return store(octets, *before, after);
}

result<bool> greylist_writer::remove(std::string_view octets) {
    const auto before = stored(octets);
    if (!before) return {in_place_error, before.error()};
    if (!*before) return false;
    if (auto gone = forget(octets, **before); !gone) return {in_place_error, gone.error()};
    return true;
}

result<std::optional<greylist_stored>> greylist_writer::owner_of(const greylist_due& row) {
    auto owner = stored(octets_of(row.row));
    if (!owner) return owner;
    if (*owner && (*owner)->row == time_of(row.row) &&
        (*owner)->entry.last_pass.has_value() == row.has_passed)
        return owner;
    const auto gone = within_.remove(row.has_passed ? tables_.passed : tables_.waiting, row.row);
    if (!gone) return gone.error();
    return std::optional<greylist_stored>();
}

result<void> greylist_writer::make_room(std::uint64_t octets, std::size_t steps) {
    for (; steps > 0 && fill_.waiting + fill_.passed > octets; --steps) {
        const auto ends = ends_of(within_, tables_.waiting);
        if (!ends) return ends.error();
        if (!ends->first) return {};
        const auto owner = owner_of({*ends->first, false});
        if (!owner) return owner.error();
        if (!*owner) continue;
        if (auto gone = forget(octets_of(*ends->first), **owner); !gone) return gone;
    }
    return {};
}

result<std::size_t> greylist_writer::settle(const greylist_due& due, std::int64_t now,
                                            const greylist_terms& terms) {
    const std::string octets(octets_of(due.row));
    const auto before = owner_of(due);
    if (!before) return before.error();
    if (!*before) return std::size_t{0};
    greylist_entry entry = (*before)->entry;
    entry.first = std::min(entry.first, now);
    if (entry.last_pass) entry.last_pass = std::min(*entry.last_pass, now);
    const bool expired = expiry_of(entry, terms) <= now;
    const auto done = expired ? forget(octets, **before)
                              : store(octets, *before, {entry, entry.last_pass.value_or(entry.first)});
    if (!done) return done.error();
    return std::size_t{expired ? 1U : 0U};
}

result<void> greylist_writer::commit() {
    const std::pair<const char*, std::uint64_t> numbers[] = {{"waiting", fill_.waiting},
                                                             {"passed", fill_.passed}};
    for (const auto& [name, value] : numbers)
        if (auto put = within_.put(tables_.meta, name, big_endian_octets(value), lmdb::put_mode::replace);
            !put)
            return put;
    return within_.commit();
}

} // namespace postern::storage
