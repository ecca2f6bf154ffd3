// Whether a password is that of a stored setting: crypt(5) hashes, and those of Dovecot and PostfixAdmin with
// their prefixes. What can't be judged opens nothing. Each check costs what the setting says, right or wrong:
// 1 to 500 ms of this thread. No copy of the password is left in memory.
#pragma once

#include "protocol/sasl/secret.hpp"

#include <string>
#include <string_view>

namespace postern::policy {

// Why passwords can't be checked against this setting, one line that may be shown; "" = they can. Refused
// beside what isn't known: hashes that are too weak, and those whose cost an attacker could turn against us.
std::string setting_problem(std::string_view stored);

enum class password_match {
    right,
    wrong,
    unusable, // setting_problem() says why; nothing was computed
};
// The password holds no NUL.
[[nodiscard]] password_match check_password(const protocol::sasl::secret& password, std::string_view stored);

// The setting without its hash, so with its method, its cost and its salt; "" for unusable ones. Checking
// against it costs the same and is never right.
std::string decoy_of(std::string_view stored);
// Whether both cost the same to check.
std::string cost_of(std::string_view stored); // "$2y$10", "{SSHA512}"; "" for unusable ones

} // namespace postern::policy
