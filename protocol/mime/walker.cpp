// The message is an entity of depth 0. Octets go down a tree of sinks, one for each open reading; what they
// cost is counted, so that no shape of message costs more than a constant for each octet.
#include "protocol/mime/walker.hpp"

#include "protocol/mime/names.hpp"
#include "protocol/mime/walk.hpp"

#include <utility>

namespace postern::protocol::mime {

part_id walk::begin(part begun) {
    if (given_up_) return 0;
    if (parts_ == bounds_.parts) {
        report(begun.parent, finding::too_many_parts);
        given_up_ = true;
        return 0;
    }
    begun.id = ++parts_;
    told_.begin_part(begun);
    return begun.id;
}

void walk::report(part_id id, finding what) {
    const std::uint64_t mark = std::uint64_t(id) + 1;
    if (std::exchange(last_reported_[static_cast<std::size_t>(what)], mark) != mark) told_.found(id, what);
}

void walk::report(part_id id, const findings& all) {
    for (unsigned i = 0; i < finding_count; ++i)
        if (all.test(i)) report(id, static_cast<finding>(i));
}

void walk::tell_names(part_id id, name_source source, std::string_view raw, unsigned& told) {
    if (told >= bounds_.names + bounds_.parts) return report(id, finding::too_many_names);
    ++told;
    if (raw.size() > bounds_.name_octets) report(id, finding::overlong_name);
    raw = raw.substr(0, bounds_.name_octets);
    work(raw.size() * 16);
    for (const std::string& one : normalised_names(raw)) told_.name_of_part(id, {source, raw, one});
}

bool walk::begin_reading(part_id id) {
    if (readings_ >= bounds_.readings) {
        report(id, finding::too_many_readings);
        return false;
    }
    ++readings_;
    return true;
}

void walk::work(std::uint64_t octets) {
    work_ += octets;
    if (given_up_ || work_ <= bounds_.work_at_least + came_ * bounds_.work_for_each_octet) return;
    report(0, finding::too_much_work);
    given_up_ = true;
}

struct walker::state {
    state(visitor& told, const limits& bounds)
        : shared(told, bounds), message(make_entity(shared, 0, 0, default_type::text)) {}

    void look_for_odd_octets(std::string_view octets) {
        if (octets.find('\0') != std::string_view::npos) shared.report(0, finding::nul);
        if (bare_line_end || octets.empty()) return;
        bare_line_end = has_bare_line_end(octets);
        last = octets.back();
        if (bare_line_end) shared.report(0, finding::bare_line_end);
    }

    // A CR stands before each LF, and nowhere else.
    bool has_bare_line_end(std::string_view octets) const {
        if (last == '\r' && octets.front() != '\n') return true;
        if (octets.front() == '\n') {
            if (last != '\r') return true;
            octets.remove_prefix(1);
        }
        while (!octets.empty()) {
            const auto lf = octets.find('\n');
            const auto line = octets.substr(0, lf);
            const auto cr = line.find('\r');
            if (lf == std::string_view::npos) return cr != line.npos && cr + 1 != line.size();
            if (cr == line.npos || cr + 1 != line.size()) return true;
            octets.remove_prefix(lf + 1);
        }
        return false;
    }

    walk shared;
    std::unique_ptr<sink> message;
    char last = 0;
    bool bare_line_end = false;
};

walker::walker(visitor& told, const limits& bounds) : state_(std::make_unique<state>(told, bounds)) {}
walker::~walker() = default;

void walker::feed(std::string_view octets) {
    constexpr std::size_t at_once = 16 * 1024; // bounds what a decoder writes at once
    while (!octets.empty()) {
        const auto piece = octets.substr(0, at_once);
        octets.remove_prefix(piece.size());
        state_->look_for_odd_octets(piece);
        if (given_up()) continue;
        state_->shared.came(piece.size());
        state_->message->feed(piece);
    }
}

void walker::finish() {
    if (state_->last == '\r' && !state_->bare_line_end) state_->shared.report(0, finding::bare_line_end);
    state_->message->end();
}

bool walker::given_up() const { return state_->shared.given_up(); }

} // namespace postern::protocol::mime
