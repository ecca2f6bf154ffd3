// Facts of a message, as the scanner gathers them.
#pragma once

#include "policy/content/facts.hpp"
#include "protocol/mime/walker.hpp"

namespace postern::testing {

class fact_visitor final : public protocol::mime::visitor {
  public:
    explicit fact_visitor(policy::content::fact_collector& to) : to_(to) {}
    void begin_part(const protocol::mime::part& begun) override { to_.begin_part(begun); }
    void name_of_part(protocol::mime::part_id, const protocol::mime::name&) override {}
    void octets(protocol::mime::part_id id, std::string_view decoded) override { to_.octets(id, decoded); }
    void end_part(protocol::mime::part_id id) override { to_.end_part(id); }
    void found(protocol::mime::part_id, protocol::mime::finding) override {}

  private:
    policy::content::fact_collector& to_;
};

inline std::string with_crlf(std::string_view text) {
    std::string made;
    for (const char c : text) {
        if (c == '\n') made += '\r';
        made += c;
    }
    return made;
}

// `message` has LF line ends. Fed in pieces of `piece` octets.
inline protocol::scan::facts facts_of(std::string_view message,
                                      std::span<const protocol::scan::phrase> phrases = {},
                                      std::int64_t now = 0, std::size_t piece = 4096) {
    const std::string octets = with_crlf(message);
    if (piece >= octets.size()) return policy::content::read_facts(octets, phrases, now);
    policy::content::fact_collector collector(phrases, now);
    collector.read_header(octets);
    fact_visitor visitor(collector);
    protocol::mime::walker walk(visitor);
    for (std::size_t at = 0; at < octets.size(); at += piece)
        walk.feed(std::string_view(octets).substr(at, piece));
    walk.finish();
    return collector.take();
}

inline bool shows(const protocol::scan::facts& about, policy::spam::sign what) {
    return std::find(about.signs.begin(), about.signs.end(), static_cast<std::uint16_t>(what)) !=
           about.signs.end();
}

} // namespace postern::testing
