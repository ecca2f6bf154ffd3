#include "server/dns_cache.hpp"

#include <algorithm>

namespace postern::server {
using policy::dns_try_later;
using protocol::dns_absent;
using protocol::dns_alias;
using protocol::dns_found;

namespace {

// An entry's nodes in list and table, its share of the buckets, and what the allocator adds.
constexpr std::size_t octets_beside = 192;

std::size_t octets_of_name(const protocol::dns_name& name) { return name.wire().size(); }

std::size_t octets_of_records(const protocol::dns_records& records) {
    std::size_t sum = records.addresses.size() * sizeof(protocol::ip_address);
    for (const auto& one : records.pointers) sum += sizeof one + octets_of_name(one);
    for (const auto& one : records.exchangers) sum += sizeof one + octets_of_name(one.exchange);
    for (const auto& one : records.texts) sum += sizeof one + one.size();
    for (const auto& one : records.services) sum += sizeof one + octets_of_name(one.target);
    for (const auto& one : records.tlsa) sum += sizeof one + one.data.size();
    return sum;
}

std::uint32_t* ttl_in(dns_known& known) {
    if (auto* found = std::get_if<dns_found>(&known)) return &found->ttl;
    if (auto* absent = std::get_if<dns_absent>(&known)) return &absent->ttl;
    if (auto* alias = std::get_if<dns_alias>(&known)) return &alias->ttl;
    return nullptr;
}

} // namespace

std::string key_of(const protocol::dns_question& question) {
    std::string key = question.name.key();
    const auto type = static_cast<std::uint16_t>(question.type);
    key.push_back(static_cast<char>(type >> 8U));
    key.push_back(static_cast<char>(type & 0xffU));
    return key;
}

std::size_t octets_of(const std::string& key, const dns_known& known) {
    std::size_t sum = octets_beside + sizeof known + key.size();
    if (const auto* found = std::get_if<dns_found>(&known))
        sum += octets_of_name(found->name) + octets_of_records(found->records);
    if (const auto* absent = std::get_if<dns_absent>(&known)) sum += octets_of_name(absent->name);
    if (const auto* alias = std::get_if<dns_alias>(&known)) sum += octets_of_name(alias->name);
    return sum;
}

std::chrono::seconds dns_cache::time_to_keep(const dns_known& known) const {
    using std::chrono::seconds;
    if (const auto* found = std::get_if<dns_found>(&known)) return seconds(std::min(found->ttl, limits_.ttl));
    if (const auto* alias = std::get_if<dns_alias>(&known)) return seconds(std::min(alias->ttl, limits_.ttl));
    if (const auto* absent = std::get_if<dns_absent>(&known))
        return seconds(std::min({absent->ttl, limits_.ttl, limits_.negative_ttl}));
    switch (std::get<dns_try_later>(known).why) {
    case dns_try_later::cause::answer:
    case dns_try_later::cause::silent: return limits_.failures;
    case dns_try_later::cause::no_server:
    case dns_try_later::cause::busy:
    case dns_try_later::cause::stopped: break;
    }
    return seconds(0);
}

std::optional<dns_known> dns_cache::find(const protocol::dns_question& question, time now) {
    const auto at = by_key_.find(key_of(question));
    if (at == by_key_.end()) return std::nullopt;
    const place kept = at->second;
    if (kept->until <= now) {
        remove(kept);
        return std::nullopt;
    }
    by_use_.splice(by_use_.begin(), by_use_, kept);
    dns_known known = kept->known;
    if (auto* ttl = ttl_in(known); ttl != nullptr)
        *ttl =
            static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(kept->until - now).count());
    return known;
}

void dns_cache::keep(const protocol::dns_question& question, const dns_known& known, time now) {
    std::string key = key_of(question);
    if (const auto before = by_key_.find(key); before != by_key_.end()) remove(before->second);
    const auto lasts = time_to_keep(known);
    const std::size_t octets = octets_of(key, known);
    if (lasts.count() == 0 || octets > limits_.octets || limits_.entries == 0) return;
    make_room(octets);
    by_use_.push_front({std::move(key), known, now + lasts, octets});
    by_key_.emplace(by_use_.front().key, by_use_.begin());
    octets_ += octets;
}

void dns_cache::set_limits(const dns_cache_limits& limits) {
    limits_ = limits;
    while (!by_use_.empty() && (octets_ > limits_.octets || entries() > limits_.entries))
        remove(std::prev(by_use_.end()));
}

void dns_cache::remove(place at) {
    octets_ -= at->octets;
    by_key_.erase(at->key);
    by_use_.erase(at);
}

void dns_cache::make_room(std::size_t octets) {
    while (!by_use_.empty() && (octets_ + octets > limits_.octets || entries() >= limits_.entries))
        remove(std::prev(by_use_.end()));
}

} // namespace postern::server
