// Which of the certificates answer for a name: what a handshake goes by, and whoever says beforehand what it
// will show (TLSA records).
#pragma once

#include "tls/certificate.hpp"
#include "tls/name_table.hpp"

#include <memory>

namespace postern::tls {

// One for each pair of the settings; null = there is a problem with it.
using certificates = std::vector<std::shared_ptr<const certificate>>;

// Certificates that answer the same names, by index: at most one of each key type.
using certificate_group = std::vector<std::size_t>;

// In the order of their first certificates, so that group 0 holds the default. `all` is without gaps.
std::vector<certificate_group> group_by_names(const certificates& all);
// The names of each group; its holders are the groups' numbers.
name_table table_of(const certificates& all, const std::vector<certificate_group>& groups);

} // namespace postern::tls
