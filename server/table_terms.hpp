// What the configuration says of greylist, ledger and what was learned, as their tables want it.
#pragma once

#include "conf/config.hpp"
#include "storage/tables/greylist.hpp"
#include "storage/tables/ledger.hpp"
#include "storage/tables/rates.hpp"
#include "storage/tables/tokens.hpp"

namespace postern::server {

storage::greylist_terms greylist_terms_of(const conf::config& settings);
storage::greylist_limits greylist_limits_of(const conf::config& settings);
storage::ledger_limits ledger_limits_of(const conf::config& settings);

storage::rates_limits rates_limits_of(const conf::config& settings);
storage::tokens_limits tokens_limits_of(const conf::config& settings);

} // namespace postern::server
