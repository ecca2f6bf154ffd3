// The tables of rates in LMDB and what one write transaction does to them. Internal to storage/tables/.
//   rows  key                               -> when it expires (five octets), then the value
//   meta  "format", "secret", "rows" + sort -> the version, the key of digests, how many rows of that sort
#pragma once

#include "storage/lmdb.hpp"
#include "storage/tables/rates.hpp"

#include <map>
#include <span>

namespace postern::storage {

struct rates_tables {
    lmdb::table rows{}, meta{};
    sip_key secret{};
};
result<rates_tables> open_rates_tables(lmdb::transaction& within, lmdb::when_absent absent);

// A row's octets, and what is in them. What is not of our form has expired.
std::string encode_rates_row(std::string_view value, std::int64_t expires);
std::int64_t rates_expiry(std::string_view octets);
std::string_view rates_value(std::string_view octets);

// One write transaction with the counts of rows that it changes. Undone on destruction, unless commit() was
// called.
class rates_writer {
  public:
    static result<rates_writer> begin(lmdb::environment& within, const rates_tables& tables); // borrowed

    result<void> write(const std::string& key, const std::optional<std::string>& octets); // nullopt: remove
    result<bool> remove(std::string_view key);
    // Of the sorts that were written. `chance` is where to look next; it changes with each use.
    result<void> make_room(std::span<const rates_cap> caps, std::uint64_t& chance);
    // Goes on after `position`, which is empty when it has come round. True: it hasn't.
    result<bool> sweep(std::string& position, std::int64_t now, std::size_t limit);
    result<void> commit();

  private:
    rates_writer(lmdb::transaction within, const rates_tables& tables)
        : within_(std::move(within)), tables_(&tables) {}
    result<std::uint64_t*> count_of(char sort);
    result<bool> evict_one(char sort, std::uint64_t chance);

    lmdb::transaction within_;
    const rates_tables* tables_;
    std::map<char, std::uint64_t> counts_; // of the sorts that were touched
};

} // namespace postern::storage
