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

} // namespace postern::server
