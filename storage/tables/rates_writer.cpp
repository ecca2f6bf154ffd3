#include "storage/tables/rates_writer.hpp"

#include "storage/big_endian.hpp"
#include "storage/lmdb_tables.hpp"

#include <algorithm>
#include <unistd.h>

namespace postern::storage {
namespace {

using boost::system::in_place_error;

constexpr std::uint64_t format_version = 1;
constexpr std::size_t time_octets = 5;
constexpr std::int64_t time_max = (std::int64_t{1} << 40) - 1;
constexpr std::size_t looked_at_to_evict = 8;

std::string count_name(char sort) { return std::string("rows") + sort; }

result<sip_key> make_secret(lmdb::transaction& within, lmdb::table meta) {
    sip_key secret{};
    if (::getentropy(secret.data(), secret.size()) != 0) return storage_errc::io;
    const std::string_view octets(reinterpret_cast<const char*>(secret.data()), secret.size());
    const auto put = within.put(meta, "secret", octets, lmdb::put_mode::insert);
    if (!put) return {in_place_error, put.error()};
    return secret;
}

} // namespace

std::string encode_rates_row(std::string_view value, std::int64_t expires) {
    std::string octets;
    octets.reserve(time_octets + value.size());
    append_big_endian(octets, static_cast<std::uint64_t>(std::clamp(expires, std::int64_t{0}, time_max)),
                      time_octets);
    return octets.append(value);
}

std::int64_t rates_expiry(std::string_view octets) {
    return octets.size() < time_octets ? 0
                                       : static_cast<std::int64_t>(big_endian(octets.substr(0, time_octets)));
}

std::string_view rates_value(std::string_view octets) {
    return octets.substr(std::min(octets.size(), time_octets));
}

result<rates_tables> open_rates_tables(lmdb::transaction& within, lmdb::when_absent absent) {
    rates_tables tables;
    const auto opened = lmdb::open_tables(within, {{"rows", tables.rows}, {"meta", tables.meta}}, absent);
    if (!opened) return {in_place_error, opened.error()};
    if (const auto version = lmdb::format_in(within, tables.meta, format_version); !version)
        return {in_place_error, version.error()};
    const auto secret = within.get(tables.meta, "secret");
    if (!secret) return {in_place_error, secret.error()};
    if (*secret) {
        if ((*secret)->size() != tables.secret.size()) return storage_errc::corrupt;
        std::copy((*secret)->begin(), (*secret)->end(), tables.secret.begin());
        return tables;
    }
    if (absent == lmdb::when_absent::fail) return storage_errc::not_found;
    const auto made = make_secret(within, tables.meta);
    if (!made) return {in_place_error, made.error()};
    tables.secret = *made;
    const auto put =
        within.put(tables.meta, "format", big_endian_octets(format_version), lmdb::put_mode::replace);
    if (!put) return {in_place_error, put.error()};
    return tables;
}

result<rates_writer> rates_writer::begin(lmdb::environment& within, const rates_tables& tables) {
    auto begun = within.begin_write();
    if (!begun) return {in_place_error, begun.error()};
    return rates_writer(std::move(*begun), tables);
}

result<std::uint64_t*> rates_writer::count_of(char sort) {
    if (const auto known = counts_.find(sort); known != counts_.end()) return &known->second;
    const auto count = lmdb::number_or_zero(within_, tables_->meta, count_name(sort));
    if (!count) return {in_place_error, count.error()};
    return &counts_.emplace(sort, *count).first->second;
}

result<void> rates_writer::write(const std::string& key, const std::optional<std::string>& value) {
    if (!value) {
        const auto gone = remove(key);
        if (!gone) return gone.error();
        return {};
    }
    const auto before = within_.get(tables_->rows, key);
    if (!before) return before.error();
    const auto count = count_of(key.front());
    if (!count) return count.error();
    if (!*before) ++**count;
    return within_.put(tables_->rows, key, *value, lmdb::put_mode::replace);
}

// The count never wraps: a damaged one would otherwise push out every row.
result<bool> rates_writer::remove(std::string_view key) {
    const auto count = count_of(key.front());
    if (!count) return {in_place_error, count.error()};
    const auto gone = within_.remove(tables_->rows, key);
    if (gone && *gone && **count > 0) --**count;
    return gone;
}

result<bool> rates_writer::evict_one(char sort, std::uint64_t chance) {
    auto at = lmdb::cursor::open(within_, tables_->rows);
    if (!at) return {in_place_error, at.error()};
    const std::string first(1, sort);
    auto entry = at->seek(first + big_endian_octets(chance));
    std::optional<std::string> chosen;
    std::int64_t soonest = time_max + 1;
    bool wrapped = false;
    for (std::size_t looked = 0; looked < looked_at_to_evict; ++looked) {
        if (!entry) return {in_place_error, entry.error()};
        if (!*entry || (*entry)->key.front() != sort) {
            if (wrapped) break;
            wrapped = true;
            entry = at->seek(first);
            continue;
        }
        if (const auto expires = rates_expiry((*entry)->value); expires < soonest) {
            soonest = expires;
            chosen = std::string((*entry)->key);
        }
        entry = at->next();
    }
    if (!chosen) return false;
    return remove(*chosen);
}

result<void> rates_writer::make_room(std::span<const rates_cap> caps, std::uint64_t& chance) {
    for (const auto& cap : caps) {
        const auto touched = counts_.find(cap.sort);
        if (touched == counts_.end()) continue;
        while (touched->second > cap.rows) {
            chance = chance * 6364136223846793005U + 1442695040888963407U; // Knuth's, MMIX
            const auto gone = evict_one(cap.sort, chance);
            if (!gone) return gone.error();
            if (*gone) continue;
            touched->second = 0; // no row is there: the count was wrong
        }
    }
    return {};
}

// True: the end was not reached. An eviction or expiry costs its owner what it remembered, no more.
result<bool> rates_writer::sweep(std::string& position, std::int64_t now, std::size_t limit) {
    std::vector<std::string> due;
    bool more = true;
    {
        auto at = lmdb::cursor::open(within_, tables_->rows);
        if (!at) return {in_place_error, at.error()};
        auto entry = position.empty() ? at->first() : at->seek(position + '\0');
        std::size_t looked = 0;
        for (; entry && *entry && looked < limit; ++looked, entry = at->next()) {
            position = (*entry)->key;
            if (rates_expiry((*entry)->value) <= now) due.push_back(position);
        }
        if (!entry) return {in_place_error, entry.error()};
        more = entry->has_value();
    }
    if (!more) position.clear();
    for (const auto& key : due)
        if (const auto gone = remove(key); !gone) return gone;
    return more;
}

result<void> rates_writer::commit() {
    for (const auto& [sort, count] : counts_)
        if (auto put = within_.put(tables_->meta, count_name(sort), big_endian_octets(count),
                                   lmdb::put_mode::replace);
            !put)
            return put;
    return within_.commit();
}

} // namespace postern::storage
