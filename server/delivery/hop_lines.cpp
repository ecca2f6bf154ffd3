#include "server/delivery/hop_lines.hpp"

namespace postern::server {

bool hop_lines::may_park(const conf::relay_hop& hop) const {
    const auto found = lines_.find(hop.to_string());
    return parked_.size() < parked_max &&
           (found == lines_.end() || found->second.waiting.size() < of_hop_max);
}

void hop_lines::add(const conf::relay_hop& hop, storage::queue_id id) {
    auto& line = lines_[hop.to_string()];
    line.hop = hop;
    line.waiting.insert(id);
}

void hop_lines::park(const conf::relay_hop& hop, storage::queue_id id) {
    add(hop, id);
    parked_.insert(id);
}

void hop_lines::overflow(const conf::relay_hop& hop) {
    auto& line = lines_[hop.to_string()];
    line.hop = hop;
    line.overflowed = true;
}

std::vector<conf::relay_hop> hop_lines::hops() const {
    std::vector<conf::relay_hop> made;
    made.reserve(lines_.size());
    for (const auto& [name, line] : lines_) made.push_back(line.hop);
    return made;
}

std::optional<storage::queue_id> hop_lines::pop(const conf::relay_hop& hop) {
    const auto found = lines_.find(hop.to_string());
    if (found == lines_.end() || found->second.waiting.empty()) return std::nullopt;
    auto& line = found->second;
    const auto id = *line.waiting.begin();
    line.waiting.erase(line.waiting.begin());
    parked_.erase(id);
    if (line.waiting.empty() && !line.overflowed) lines_.erase(found);
    return id;
}

void hop_lines::clear(const conf::relay_hop& hop) {
    const auto found = lines_.find(hop.to_string());
    if (found == lines_.end()) return;
    for (const auto id : found->second.waiting) parked_.erase(id);
    lines_.erase(found);
}

bool hop_lines::drained(const conf::relay_hop& hop) {
    const auto found = lines_.find(hop.to_string());
    if (found == lines_.end() || !found->second.waiting.empty() || !found->second.overflowed) return false;
    lines_.erase(found);
    return true;
}

} // namespace postern::server
