// The checks, a row each, in the order in which their verdicts count.
#include "policy/check.hpp"

#include <array>

namespace postern::policy {

std::span<const check> registry() {
    static constexpr std::array rows{
        check{"recipient", {stage::rcpt}, check_recipient},
        check{"loop", {stage::content}, check_loop},
    };
    return rows;
}

} // namespace postern::policy
