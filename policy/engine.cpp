// The order of the registry is the order of the verdicts.
#include "policy/engine.hpp"

namespace postern::policy {

bool has_checks(stage at) {
    for (const auto& row : registry())
        if (row.stages.has(at)) return true;
    return false;
}

boost::asio::awaitable<verdict> judge(stage at, context& about) {
    for (const auto& row : registry()) {
        if (!row.stages.has(at)) continue;
        verdict said = co_await row.run(at, about);
        said.check = row.name;
        if (!said.passed()) co_return said;
    }
    co_return verdict::pass();
}

} // namespace postern::policy
