#include "policy/recipient_outcome.hpp"

#include <algorithm>

namespace postern::policy {
namespace {

bool refuses(const recipient_outcome& one) { return one.what == recipient_outcome::kind::refuse; }
bool puts_off(const recipient_outcome& one) { return refuses(one) && one.with.temporary(); }

verdict said_by(const recipient_outcome& one) {
    auto made = verdict::refuse(one.with, one.cause);
    made.check = one.check;
    return made;
}

} // namespace

verdict settle(recipient_outcomes& outcomes, hears how) {
    if (how == hears::each_recipients) return verdict::pass();
    if (const auto now = std::ranges::find_if(outcomes, puts_off); now != outcomes.end())
        return said_by(*now);
    if (!outcomes.empty() && std::ranges::all_of(outcomes, refuses)) return said_by(outcomes.front());
    for (auto& one : outcomes)
        if (refuses(one)) one.what = recipient_outcome::kind::junk;
    return verdict::pass();
}

} // namespace postern::policy
