#include "server/greylist_terms.hpp"

namespace postern::server {

storage::greylist_terms greylist_terms_of(const conf::config& settings) {
    return {settings.greylist.delay.count(), settings.greylist.window.count()};
}

storage::greylist_limits greylist_limits_of(const conf::config& settings) {
    storage::greylist_limits made;
    made.octets = settings.greylist.max_size;
    return made;
}

} // namespace postern::server
