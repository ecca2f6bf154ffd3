#include "bench/load/tally.hpp"

#include <algorithm>

namespace postern::bench {

std::string_view name_of(stage where) {
    switch (where) {
    case stage::connect: return "connect";
    case stage::greeting: return "greeting";
    case stage::ehlo: return "EHLO";
    case stage::starttls: return "STARTTLS";
    case stage::handshake: return "handshake";
    case stage::mail: return "MAIL";
    case stage::rcpt: return "RCPT";
    case stage::data: return "DATA";
    case stage::content: return "content";
    case stage::quit: return "QUIT";
    case stage::idle: return "idle";
    }
    return "";
}

void tally::count_done(steady::time_point now) {
    ++done;
    ended = now;
    const auto at = static_cast<std::size_t>((now - started) / slot);
    if (at >= done_in_slot.size()) done_in_slot.resize(at + 1);
    ++done_in_slot[at];
}

void tally::count_trouble(stage where, unsigned code, std::string_view text) {
    auto& entry = troubles[{where, code}];
    if (entry.count++ == 0) entry.first = text.substr(0, 500);
}

void tally::add(const tally& other) {
    done += other.done;
    failed += other.failed;
    octets += other.octets;
    connections += other.connections;
    handshakes += other.handshakes;
    offered += other.offered;
    resumed += other.resumed;
    for (const auto& [where, what] : other.troubles) {
        auto& entry = troubles[where];
        if (entry.count == 0) entry.first = what.first;
        entry.count += what.count;
    }
    to_greeting.add(other.to_greeting);
    to_final.add(other.to_final);
    to_handshake.add(other.to_handshake);
    whole.add(other.whole);
    if (done_in_slot.size() < other.done_in_slot.size()) done_in_slot.resize(other.done_in_slot.size());
    for (std::size_t i = 0; i < other.done_in_slot.size(); ++i) done_in_slot[i] += other.done_in_slot[i];
    started = std::min(started, other.started);
    ended = std::max(ended, other.ended);
    all_open = std::max(all_open, other.all_open);
}

double tally::seconds() const { return std::chrono::duration<double>(ended - started).count(); }

} // namespace postern::bench
