#include "server/table_terms.hpp"

namespace postern::server {

storage::greylist_terms greylist_terms_of(const conf::config& settings) {
    return {settings.greylist.delay.count(), settings.greylist.window.count()};
}

storage::greylist_limits greylist_limits_of(const conf::config& settings) {
    storage::greylist_limits made;
    made.octets = settings.greylist.max_size;
    return made;
}

storage::ledger_limits ledger_limits_of(const conf::config& settings) {
    storage::ledger_limits made;
    made.octets = settings.ledger.max_size;
    return made;
}

storage::tokens_limits tokens_limits_of(const conf::config& settings) {
    storage::tokens_limits made;
    made.octets = settings.spam.max_size;
    return made;
}

// Of each sort as many rows as fill so much of the file, with what LMDB's trees need to be rewritten beside
// them: a flood of one sort leaves all others their room.
storage::rates_limits rates_limits_of(const conf::config& settings) {
    constexpr struct {
        char sort;
        std::uint64_t share, octets; // a hundredth; of a row with LMDB's own, rounded up
    } sorts[] = {{'a', 8, 250}, {'r', 14, 60}, {'s', 1, 400}, {'n', 8, 400},
                 {'u', 4, 300}, {'p', 4, 100}, {'b', 1, 100}};
    storage::rates_limits made;
    made.octets = settings.submission.max_size;
    for (const auto& one : sorts) made.caps.push_back({one.sort, made.octets / 100 * one.share / one.octets});
    return made;
}

} // namespace postern::server
