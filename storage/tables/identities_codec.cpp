#include "storage/tables/identities_codec.hpp"

#include "storage/big_endian.hpp"

#include <algorithm>

namespace postern::storage {
namespace {

constexpr char value_version = 1;
constexpr std::size_t digest_octets = std::tuple_size_v<token_digest>;

void put_time(std::string& to, std::int64_t time) { append_big_endian(to, static_cast<std::uint64_t>(time)); }
std::int64_t time_at(std::string_view value, std::size_t offset) {
    return static_cast<std::int64_t>(big_endian(value.substr(offset)));
}

result<void> check_version(std::string_view value) {
    if (value.empty() || value[0] == 0) return storage_errc::corrupt;
    if (value[0] != value_version) return storage_errc::newer_format;
    return {};
}

} // namespace

std::string pair_key(std::string_view first, std::string_view second) {
    std::string key;
    key.reserve(first.size() + 1 + second.size());
    key.append(first).push_back('\0');
    return key.append(second);
}

result<key_pair> split_pair(std::string_view key) {
    const auto end = key.find('\0');
    if (end == std::string_view::npos || end + 1 == key.size()) return storage_errc::corrupt;
    return key_pair{key.substr(0, end), key.substr(end + 1)};
}

std::string encode_identity(const kept_identity& kept) {
    std::string value{value_version, static_cast<char>(kept.record.state)};
    put_time(value, kept.record.created);
    put_time(value, kept.record.expires);
    return value.append(kept.digest.data(), kept.digest.size());
}

result<kept_identity> decode_identity(std::string_view key, std::string_view value) {
    if (auto known = check_version(value); !known) return known.error();
    const auto names = split_pair(key);
    if (!names) return names.error();
    if (value.size() != 2 + 2 * number_octets + digest_octets) return storage_errc::corrupt;
    const auto state = static_cast<identity_state>(value[1]);
    if (state < identity_state::pending || state > identity_state::declined) return storage_errc::corrupt;
    kept_identity made;
    made.record = {std::string(names->first), std::string(names->second), state, time_at(value, 2),
                   time_at(value, 2 + number_octets)};
    std::copy_n(value.end() - digest_octets, digest_octets, made.digest.begin());
    return made;
}

std::string encode_token(const token_record& token) {
    std::string value{value_version, static_cast<char>(token.purpose)};
    put_time(value, token.expires);
    return value += pair_key(token.account, token.address);
}

result<token_record> decode_token(std::string_view value) {
    if (auto known = check_version(value); !known) return known.error();
    if (value.size() < 2 + number_octets) return storage_errc::corrupt;
    const auto purpose = static_cast<token_purpose>(value[1]);
    if (purpose < token_purpose::ask || purpose > token_purpose::manage) return storage_errc::corrupt;
    const auto names = split_pair(value.substr(2 + number_octets));
    if (!names) return names.error();
    return token_record{purpose, std::string(names->first), std::string(names->second), time_at(value, 2)};
}

std::string told_key(std::string_view account) { return std::string(1, 'l').append(account); }

std::string encode_use(const foreign_use& use) {
    std::string value(1, value_version);
    append_big_endian(value, use.times);
    put_time(value, use.last);
    return value;
}

result<foreign_use> decode_use(std::string_view key, std::string_view value) {
    if (auto known = check_version(value); !known) return known.error();
    const auto names = split_pair(key);
    if (!names) return names.error();
    if (value.size() != 1 + 2 * number_octets) return storage_errc::corrupt;
    return foreign_use{std::string(names->first), std::string(names->second), false,
                       big_endian(value.substr(1)), time_at(value, 1 + number_octets)};
}

std::string encode_times(const std::vector<std::int64_t>& times) {
    std::string value;
    const auto left_out = times.size() > mail_times_max ? times.size() - mail_times_max : 0;
    for (auto i = left_out; i < times.size(); ++i) put_time(value, times[i]);
    return value;
}

result<std::vector<std::int64_t>> decode_times(std::string_view value) {
    if (value.size() % number_octets != 0) return storage_errc::corrupt;
    std::vector<std::int64_t> times;
    for (std::size_t at = 0; at < value.size(); at += number_octets) times.push_back(time_at(value, at));
    return times;
}

bool same_digest(const token_digest& a, const token_digest& b) {
    unsigned char differs = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        differs = static_cast<unsigned char>(
            differs | (static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i])));
    return differs == 0;
}

} // namespace postern::storage
