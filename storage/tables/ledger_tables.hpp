// The ledger's LMDB tables and what one write transaction does to them. Internal to storage/tables/.
//   rows     stamp                               -> the row (ledger_codec.cpp)
//   by_whom  folded address NUL inverted stamp   -> nothing; a row stands here as its sender's and as its
//                                                   recipient's, once when they are the same
//   meta     "format", "next", "octets"          -> eight octets: the version, the next number, and what all
//                                                   rows fill
// A stamp is the time (five octets) and a number that is never used twice (six), so that rows sort by time
// and never meet. Inverted, each octet is its complement: an address's newest row is its first. Numbers are
// big-endian.
#pragma once

#include "storage/lmdb.hpp"
#include "storage/tables/ledger.hpp"

namespace postern::storage {

inline constexpr std::size_t stamp_octets = 11;

std::string make_stamp(std::int64_t time, std::uint64_t number); // a time below 0 is 0
std::int64_t time_of_stamp(std::string_view stamp);
std::string inverted(std::string_view stamp); // its own inverse

// "" and a NUL for <>.
std::string whom_prefix(const std::optional<protocol::address>& whom);

// A row as octets: what is put into each table. Only of a row in its kept_form().
struct ledger_entry {
    std::int64_t time = 0;
    std::string sender, recipient; // prefixes; equal where there is no recipient
    std::string value;

    std::size_t octets() const; // that it fills in the file, with what LMDB keeps beside it
};
ledger_entry encode_ledger_row(const ledger_row& row);
std::optional<ledger_row> decode_ledger_row(std::string_view value); // without its time; nullopt: damaged

struct ledger_tables {
    lmdb::table rows{}, by_whom{}, meta{};
};
result<ledger_tables> open_ledger_tables(lmdb::environment& in);

// The first row's stamp, nullopt when there is none.
result<std::optional<std::string>> oldest_stamp(const lmdb::transaction& within, const ledger_tables& tables);

// One write transaction. Undone on destruction, unless commit() was called.
class ledger_writer {
  public:
    static result<ledger_writer> begin(lmdb::environment& in, const ledger_tables& tables);

    result<void> put(const ledger_entry& entry);
    result<void> remove(const std::string& stamp);
    // Removes the oldest until all fills at most `octets`; false: that takes more than `steps`, and another
    // transaction.
    result<bool> make_room(std::uint64_t octets, std::size_t steps);
    result<std::optional<std::string>> oldest() const { return oldest_stamp(within_, tables_); }
    result<void> commit();

  private:
    ledger_writer(lmdb::transaction within, const ledger_tables& tables, std::uint64_t next,
                  std::uint64_t octets)
        : within_(std::move(within)), tables_(tables), next_(next), octets_(octets) {}

    lmdb::transaction within_;
    ledger_tables tables_;
    std::uint64_t next_, octets_;
};

} // namespace postern::storage
