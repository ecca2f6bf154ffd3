// From what a client calls itself to whose account that would be. Pure; any octets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postern::policy {

// The account that a login names: the folded address. nullopt for whatever isn't the whole address in its one
// spelling but for case, so that no login is mapped to another by Unicode's equivalences, quotes or literals.
std::optional<std::string> account_of(std::string_view login);

} // namespace postern::policy
