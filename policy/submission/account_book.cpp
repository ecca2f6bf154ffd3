#include "policy/submission/account_book.hpp"

#include "storage/big_endian.hpp"

#include <algorithm>

namespace postern::policy {
namespace {

using boost::system::in_place_error;

constexpr char account_sort = 'a', recipient_sort = 'r';
constexpr std::size_t digest_octets = 8;
constexpr unsigned wide_v4 = 24, wide_v6 = 48;

std::string recipient_key(const storage::rates& rows, std::string_view account, std::uint64_t whom) {
    std::string key(1, recipient_sort);
    storage::append_big_endian(key, storage::sip_hash(rows.secret(), account));
    storage::append_big_endian(key, whom);
    return key;
}

} // namespace

std::string row_key(const storage::rates& rows, char sort, std::string_view name) {
    std::string key(1, sort);
    storage::append_big_endian(key, storage::sip_hash(rows.secret(), name));
    return key.append(name);
}

std::string_view name_in(std::string_view row_key) {
    return row_key.substr(std::min(row_key.size(), 1 + digest_octets));
}

protocol::ip_address network_of(const protocol::ip_address& address, unsigned v4_bits, unsigned v6_bits) {
    const auto bytes = address.bytes();
    std::array<std::uint8_t, 16> kept{};
    unsigned left = address.is_v4() ? v4_bits : v6_bits;
    for (std::size_t i = 0; i < bytes.size() && left > 0; ++i) {
        const unsigned bits = std::min(left, 8U);
        kept[i] = static_cast<std::uint8_t>(bytes[i] & 0xff << (8 - bits));
        left -= bits;
    }
    if (address.is_v4()) return protocol::ip_address::v4(std::span(kept).first<4>());
    return protocol::ip_address::v6(std::span<const std::uint8_t, 16>(kept));
}

std::mutex& account_book::lock_of(std::string_view account) const {
    return locks_[storage::sip_hash(rows_.secret(), account) % locks_.size()];
}

result<account_record> account_book::look(std::string_view account) const {
    const auto row = rows_.get(row_key(rows_, account_sort, account));
    if (!row) return {in_place_error, row.error()};
    return *row ? decode_account(**row) : account_record();
}

result<void> account_book::change(std::string_view account, rate_seconds now, rate_seconds hour,
                                  const std::function<bool(account_record&)>& how) {
    const auto key = row_key(rows_, account_sort, account);
    const std::lock_guard alone(lock_of(account));
    const auto row = rows_.get(key);
    if (!row) return row.error();
    auto record = *row ? decode_account(**row) : account_record();
    if (!how(record)) return {};
    if (record == account_record()) return rows_.remove(key);
    return rows_.put(key, encode_account(record), record.expires(now, hour));
}

std::uint64_t account_book::digest_of(std::string_view account, std::string_view recipient) const {
    std::string both(account);
    both.push_back('\0');
    return storage::sip_hash(rows_.secret(), both.append(recipient));
}

result<std::optional<rate_seconds>> account_book::last_written_to(std::string_view account,
                                                                  std::uint64_t whom) const {
    const auto row = rows_.get(recipient_key(rows_, account, whom));
    if (!row) return {in_place_error, row.error()};
    if (!*row || (*row)->size() != storage::number_octets) return std::optional<rate_seconds>();
    return std::optional(static_cast<rate_seconds>(storage::big_endian(**row)));
}

result<void> account_book::remember(std::string_view account, std::uint64_t whom, rate_seconds now,
                                    rate_seconds keep) {
    return rows_.put(recipient_key(rows_, account, whom),
                     storage::big_endian_octets(static_cast<std::uint64_t>(now)), now + keep);
}

std::uint64_t account_book::digest_of_network(const protocol::ip_address& client) const {
    return storage::sip_hash(rows_.secret(), network_of(client, wide_v4, wide_v6).to_string());
}

} // namespace postern::policy
