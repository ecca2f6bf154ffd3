#include "policy/submission/account_record.hpp"

#include "storage/big_endian.hpp"

#include <algorithm>

namespace postern::policy {
namespace {

constexpr char version = 1;
constexpr std::size_t time_octets = 5, count_octets = 4, digest_octets = 8;
constexpr std::size_t window_octets = time_octets + count_octets;
constexpr std::size_t network_octets = digest_octets + time_octets;
constexpr std::uint64_t told_copies = 1, told_first_time = 2;

// In the order of the row.
constexpr counting_window account_record::* windows[] = {
    &account_record::copies,  &account_record::first_time, &account_record::first_time_hour,
    &account_record::settled, &account_record::failed,     &account_record::unwanted};
constexpr std::size_t head_octets = 1 + std::size(windows) * window_octets + 1 + time_octets;

void put_time(std::string& to, rate_seconds time) {
    storage::append_big_endian(to, static_cast<std::uint64_t>(std::max(time, rate_seconds{0})), time_octets);
}

std::uint64_t take(std::string_view& from, std::size_t octets) {
    const auto value = storage::big_endian(from.substr(0, octets));
    from.remove_prefix(octets);
    return value;
}

} // namespace

rate_seconds account_record::expires(rate_seconds now, rate_seconds hour) const {
    rate_seconds last = now;
    if (copies.is_open(now, hour)) last = std::max(last, copies.ends(now, hour));
    for (const auto window : windows)
        if ((this->*window).is_open(now, rate_day))
            last = std::max(last, (this->*window).ends(now, rate_day));
    for (const auto& network : networks) last = std::max(last, std::min(network.last, now) + rate_day);
    if (reported != 0) last = std::max(last, std::min(reported, now) + rate_day);
    return last;
}

std::string encode_account(const account_record& record) {
    std::string octets(1, version);
    octets.reserve(head_octets + record.networks.size() * network_octets);
    for (const auto window : windows) {
        put_time(octets, (record.*window).start);
        storage::append_big_endian(octets, (record.*window).count, count_octets);
    }
    storage::append_big_endian(
        octets, (record.told_of_copies ? told_copies : 0) | (record.told_of_first_time ? told_first_time : 0),
        1);
    put_time(octets, record.reported);
    for (const auto& network : record.networks) {
        storage::append_big_endian(octets, network.digest, digest_octets);
        put_time(octets, network.last);
    }
    return octets;
}

account_record decode_account(std::string_view octets) {
    account_record record;
    const bool is_ours = octets.size() >= head_octets && octets.front() == version &&
                         (octets.size() - head_octets) % network_octets == 0 &&
                         (octets.size() - head_octets) / network_octets <= networks_max;
    if (!is_ours) return record;
    octets.remove_prefix(1);
    for (const auto window : windows) {
        (record.*window).start = static_cast<rate_seconds>(take(octets, time_octets));
        (record.*window).count = static_cast<std::uint32_t>(take(octets, count_octets));
    }
    const auto told = take(octets, 1);
    record.told_of_copies = (told & told_copies) != 0;
    record.told_of_first_time = (told & told_first_time) != 0;
    record.reported = static_cast<rate_seconds>(take(octets, time_octets));
    while (!octets.empty()) {
        seen_network network;
        network.digest = take(octets, digest_octets);
        network.last = static_cast<rate_seconds>(take(octets, time_octets));
        record.networks.push_back(network);
    }
    return record;
}

} // namespace postern::policy
