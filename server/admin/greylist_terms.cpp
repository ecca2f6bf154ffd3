#include "server/admin/greylist_terms.hpp"

namespace postern::server {

// The configuration has no settings of greylisting yet: its defaults hold.
storage::greylist_terms greylist_terms_of(const conf::config& /*settings*/) { return {}; }

} // namespace postern::server
