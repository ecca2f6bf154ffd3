#include "server/destination_counts.hpp"

#include <algorithm>

namespace postern::server {
namespace {

constexpr std::uint64_t idle_weight = 10; // tries that are no reason to give up a place

bool has_more_in_line(const destination_status& a, const destination_status& b) {
    const auto of_a = a.waiting + a.in_flight, of_b = b.waiting + b.in_flight;
    return of_a != of_b ? of_a > of_b : a.name < b.name;
}

void add_what_is_seen(destination_status& to, const destination_status& seen) {
    to.waiting += seen.waiting;
    to.in_flight += seen.in_flight;
    to.connections_allowed += seen.connections_allowed;
    to.failures = std::max(to.failures, seen.failures);
    to.retry_at = std::max(to.retry_at, seen.retry_at);
    if (!seen.last_error.empty()) to.last_error = seen.last_error;
}

} // namespace

std::string_view destination_of(const storage::queued_recipient& to) {
    if (to.route == storage::recipient_route::local) return "local";
    return std::string_view(to.address).substr(to.address.rfind('@') + 1);
}

void destination_counts::halve_weights() {
    for (auto& [name, one] : names_) one.weight /= 2;
    std::erase_if(names_, [](const auto& entry) { return !entry.second.shown && entry.second.weight == 0; });
}

// Null: there are too many names.
destination_counts::watched* destination_counts::watch(std::string_view name) {
    if (const auto found = names_.find(name); found != names_.end()) return &found->second;
    if (names_.size() >= watched_max) halve_weights();
    if (names_.size() >= watched_max) return nullptr;
    auto& made = names_[std::string(name)];
    made.shown = shown_ < shown_max;
    if (made.shown) ++shown_;
    return &made;
}

void destination_counts::add(std::string_view name, result what) {
    const std::scoped_lock held(lock_);
    auto* one = watch(name);
    if (one != nullptr) ++one->weight;
    (one != nullptr && one->shown ? one->counts : other_).add(what);
}

// Whoever loses its place begins again at 0 when it comes back: what it had was told, and is nobody's again.
void destination_counts::give_places() {
    std::vector<watched*> shown, others;
    for (auto& [name, one] : names_) (one.shown ? shown : others).push_back(&one);
    std::ranges::sort(shown, {}, &watched::weight);
    std::ranges::sort(others, std::greater<>(), &watched::weight);
    for (std::size_t i = 0; i < std::min(shown.size(), others.size()); ++i) {
        if (others[i]->weight <= std::max(2 * shown[i]->weight, idle_weight)) break;
        shown[i]->shown = false;
        others[i]->shown = true;
        others[i]->counts = {};
    }
}

std::vector<destination_status> destination_counts::read() {
    const std::scoped_lock held(lock_);
    give_places();
    std::vector<std::pair<std::uint64_t, destination_status>> rows;
    const auto row_of = [](std::string_view name, const tally& counts) {
        destination_status row;
        row.name = name;
        row.delivered = counts.delivered;
        row.deferred = counts.deferred;
        row.failed = counts.failed;
        return row;
    };
    for (const auto& [name, one] : names_)
        if (one.shown) rows.emplace_back(one.weight, row_of(name, one.counts));
    std::ranges::sort(rows, [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second.name < b.second.name;
    });
    std::vector<destination_status> made;
    for (auto& [weight, row] : rows) made.push_back(std::move(row));
    made.push_back(row_of(other_destinations, other_));
    return made;
}

std::vector<destination_status> merge_destinations(std::vector<destination_status> counted,
                                                   const std::vector<destination_status>& seen,
                                                   std::size_t most) {
    destination_status other;
    other.name = other_destinations;
    if (!counted.empty() && counted.back().name == other_destinations) {
        other = std::move(counted.back());
        counted.pop_back();
    }
    std::vector<destination_status> rest;
    for (const auto& one : seen) {
        const auto known = std::ranges::find(counted, one.name, &destination_status::name);
        if (known != counted.end())
            add_what_is_seen(*known, one);
        else
            rest.push_back(one);
    }
    std::ranges::sort(rest, has_more_in_line);
    for (auto& one : rest) {
        if (counted.size() < most)
            counted.push_back(std::move(one));
        else
            add_what_is_seen(other, one);
    }
    other.retry_at = 0; // of many nothing of the kind can be said
    other.failures = other.connections_allowed = 0;
    other.last_error.clear();
    counted.push_back(std::move(other));
    return counted;
}

} // namespace postern::server
