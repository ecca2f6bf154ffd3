#include "policy/submission/guess_record.hpp"

#include "storage/big_endian.hpp"

#include <algorithm>

namespace postern::policy {
namespace {

constexpr char version = 1;
constexpr std::size_t time_octets = 5, digest_octets = 8;
constexpr std::size_t guess_octets = time_octets + digest_octets;
constexpr std::size_t head_octets = 2 + time_octets;

void put_time(std::string& to, rate_seconds time) {
    storage::append_big_endian(to, static_cast<std::uint64_t>(std::max(time, rate_seconds{0})), time_octets);
}

rate_seconds time_at(std::string_view octets, std::size_t at) {
    return static_cast<rate_seconds>(storage::big_endian(octets.substr(at, time_octets)));
}

} // namespace

void guess_record::add(std::uint64_t digest, rate_seconds now, rate_seconds window) {
    std::erase_if(wrong, [&](const guess& one) { return one.digest == digest || one.last + window <= now; });
    if (wrong.size() >= guesses_max) wrong.erase(wrong.begin());
    wrong.push_back({digest, now});
}

std::uint32_t guess_record::different(rate_seconds now, rate_seconds window) const {
    return static_cast<std::uint32_t>(
        std::ranges::count_if(wrong, [&](const guess& one) { return one.last + window > now; }));
}

rate_seconds guess_record::expires(rate_seconds now, rate_seconds window, rate_seconds trusted) const {
    rate_seconds last = now;
    if (!wrong.empty()) last = std::max(last, std::min(wrong.back().last, now) + window);
    if (last_good != 0) last = std::max(last, std::min(last_good, now) + trusted);
    return last;
}

std::string encode_guesses(const guess_record& record) {
    std::string octets{version, static_cast<char>(record.blocks)};
    octets.reserve(head_octets + record.wrong.size() * guess_octets);
    put_time(octets, record.last_good);
    for (const auto& one : record.wrong) {
        storage::append_big_endian(octets, one.digest);
        put_time(octets, one.last);
    }
    return octets;
}

guess_record decode_guesses(std::string_view octets) {
    guess_record record;
    const bool is_ours = octets.size() >= head_octets && octets.front() == version &&
                         (octets.size() - head_octets) % guess_octets == 0 &&
                         (octets.size() - head_octets) / guess_octets <= guesses_max;
    if (!is_ours) return record;
    record.blocks = static_cast<std::uint8_t>(octets[1]);
    record.last_good = time_at(octets, 2);
    for (auto at = head_octets; at < octets.size(); at += guess_octets)
        record.wrong.push_back({storage::big_endian(octets.substr(at)), time_at(octets, at + digest_octets)});
    return record;
}

} // namespace postern::policy
