// What is not of our form in here is no trouble: a row that can't be read is not found, and goes when its
// time has come.
#include "storage/tables/ledger_tables.hpp"

#include "storage/big_endian.hpp"
#include "storage/lmdb_tables.hpp"

#include <algorithm>
#include <utility>

namespace postern::storage {
namespace {

using boost::system::in_place_error;

constexpr std::uint64_t format_version = 1;

result<ledger_tables> open_in(lmdb::transaction& within, lmdb::when_absent absent) {
    ledger_tables tables;
    const auto opened = lmdb::open_tables(
        within, {{"rows", tables.rows}, {"by_whom", tables.by_whom}, {"meta", tables.meta}}, absent);
    if (!opened) return opened.error();
    if (const auto version = lmdb::format_in(within, tables.meta, format_version); !version)
        return version.error();
    return tables;
}

} // namespace

result<ledger_tables> open_ledger_tables(lmdb::environment& in) { return lmdb::open_or_make(in, open_in); }

result<std::optional<std::string>> oldest_stamp(const lmdb::transaction& within,
                                                const ledger_tables& tables) {
    auto at = lmdb::cursor::open(within, tables.rows);
    if (!at) return {in_place_error, at.error()};
    const auto first = at->first();
    if (!first) return {in_place_error, first.error()};
    return *first ? std::optional(std::string((*first)->key)) : std::nullopt;
}

result<ledger_writer> ledger_writer::begin(lmdb::environment& in, const ledger_tables& tables) {
    auto begun = in.begin_write();
    if (!begun) return begun.error();
    const auto next = lmdb::number_or_zero(*begun, tables.meta, "next");
    if (!next) return next.error();
    const auto octets = lmdb::number_or_zero(*begun, tables.meta, "octets");
    if (!octets) return octets.error();
    return ledger_writer(std::move(*begun), tables, *next, *octets);
}

result<void> ledger_writer::put(const ledger_entry& entry) {
    std::string stamp = make_stamp(entry.time, next_++);
    auto put = within_.put(tables_.rows, stamp, entry.value, lmdb::put_mode::append);
    while (!put && put.error() == storage_errc::exists) { // the next number was damaged: it is above this
        stamp = make_stamp(entry.time, next_++);
        put = within_.put(tables_.rows, stamp, entry.value, lmdb::put_mode::append);
    }
    if (!put) return put;
    octets_ += entry.octets();
    const std::string place = inverted(stamp);
    const auto placed = within_.put(tables_.by_whom, entry.recipient + place, {}, lmdb::put_mode::replace);
    if (!placed || entry.sender == entry.recipient) return placed;
    return within_.put(tables_.by_whom, entry.sender + place, {}, lmdb::put_mode::replace);
}

// The count never wraps: a damaged one would otherwise remove every row.
result<void> ledger_writer::remove(const std::string& stamp) {
    const auto value = within_.get(tables_.rows, stamp);
    if (!value) return value.error();
    const auto row = *value ? decode_ledger_row(**value) : std::nullopt;
    if (row) {
        const auto entry = encode_ledger_row(*row);
        octets_ -= std::min<std::uint64_t>(octets_, entry.octets());
        for (const auto& prefix : {entry.recipient, entry.sender})
            if (const auto gone = within_.remove(tables_.by_whom, prefix + inverted(stamp)); !gone)
                return gone.error();
    }
    const auto gone = within_.remove(tables_.rows, stamp);
    if (!gone) return gone.error();
    return {};
}

result<bool> ledger_writer::make_room(std::uint64_t octets, std::size_t steps) {
    for (; octets_ > octets; --steps) {
        if (steps == 0) return false;
        const auto first = oldest();
        if (!first) return {in_place_error, first.error()};
        if (!*first) {
            octets_ = 0; // what the count says can't be
            break;
        }
        if (const auto gone = remove(**first); !gone) return {in_place_error, gone.error()};
    }
    return true;
}

result<void> ledger_writer::commit() {
    const std::pair<const char*, std::uint64_t> numbers[] = {
        {"format", format_version}, {"next", next_}, {"octets", octets_}};
    for (const auto& [name, value] : numbers)
        if (auto put = within_.put(tables_.meta, name, big_endian_octets(value), lmdb::put_mode::replace);
            !put)
            return put;
    return within_.commit();
}

} // namespace postern::storage
