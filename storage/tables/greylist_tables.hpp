// The greylist's LMDB tables and what one write transaction does to them. Internal to storage/tables/.
//   entries  key octets                     -> first, last pass, row time: five octets each
//   waiting  first attempt, key octets      -> nothing; pairs that have not passed yet
//   passed   row time, key octets           -> nothing; pairs that have
//   meta     "format", "waiting", "passed"  -> eight octets: the version, and the octets that each sort fills
// Key octets are '4' and four octets or '6' and eight, then the sender; so a client's pairs stand together.
// Numbers are big-endian and sort by value. A pass writes its entry only: its row in `passed` stays where it
// is, at or before the last pass, until sweeping meets it there and moves it on.
#pragma once

#include "storage/lmdb.hpp"
#include "storage/tables/greylist.hpp"

namespace postern::storage {

inline constexpr std::int64_t greylist_time_max = (std::int64_t{1} << 40) - 2;

struct greylist_stored {
    greylist_entry entry;
    std::int64_t row = 0;
};

// Times must lie within 0 and greylist_time_max.
std::string encode_greylist_entry(const greylist_stored& stored);
std::optional<greylist_stored> decode_greylist_entry(std::string_view value); // nullopt: damaged

result<std::string> encode_greylist_key(const greylist_key& key); // invalid: can't be one
std::optional<greylist_key> decode_greylist_key(std::string_view octets);

struct greylist_tables {
    lmdb::table entries{}, waiting{}, passed{}, meta{};
};
result<greylist_tables> open_greylist_tables(lmdb::environment& within);

// What the pairs of each sort fill, in octets of keys and values and what LMDB keeps with them.
struct greylist_fill {
    std::uint64_t waiting = 0, passed = 0;
};
result<greylist_fill> read_greylist_fill(const lmdb::transaction& within, const greylist_tables& tables);

// The next thing that sweeping has to do.
struct greylist_due {
    std::string row; // its key in `waiting` or `passed`
    bool has_passed = false;
};
result<std::optional<greylist_due>> find_greylist_due(const lmdb::transaction& within,
                                                      const greylist_tables& tables, std::int64_t now,
                                                      const greylist_terms& terms);

// One write transaction. Undone on destruction, unless commit() was called.
class greylist_writer {
  public:
    static result<greylist_writer> begin(lmdb::environment& within, const greylist_tables& tables);

    result<void> put(std::string_view octets, const greylist_entry& entry);
    result<bool> remove(std::string_view octets);
    // Removes pairs that have not passed, the oldest first, until all fills at most `octets` or `steps` are
    // done.
    result<void> make_room(std::uint64_t octets, std::size_t steps);
    // Removes what has expired; moves on a row that lies behind its pair's last pass, or ahead of `now`.
    result<std::size_t> settle(const greylist_due& due, std::int64_t now, const greylist_terms& terms);
    result<std::optional<greylist_due>> find_due(std::int64_t now, const greylist_terms& terms) const {
        return find_greylist_due(within_, tables_, now, terms);
    }
    result<void> commit();
    const greylist_fill& fill() const { return fill_; }

  private:
    greylist_writer(lmdb::transaction within, const greylist_tables& tables, const greylist_fill& fill)
        : within_(std::move(within)), tables_(tables), fill_(fill) {}
    result<std::optional<greylist_stored>> stored(std::string_view octets) const;
    // The entry that a row belongs to; a row of none is removed.
    result<std::optional<greylist_stored>> owner_of(const greylist_due& row);
    result<void> store(std::string_view octets, const std::optional<greylist_stored>& before,
                       const greylist_stored& after);
    result<void> forget(std::string_view octets, const greylist_stored& before);
    lmdb::table rows_of(const greylist_entry& entry) const;
    std::uint64_t& fill_of(const greylist_entry& entry);

    lmdb::transaction within_;
    greylist_tables tables_;
    greylist_fill fill_;
};

} // namespace postern::storage
