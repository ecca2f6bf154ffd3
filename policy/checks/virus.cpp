// Test 7. "Clean" is only what the engine has looked at: what it could not is answered as the operator chose.
#include "policy/check.hpp"

#include "policy/content_scan.hpp"
#include "protocol/smtp/reply_catalogue.hpp"

#include <fmt/format.h>

namespace postern::policy {
namespace {

using protocol::make_reply;
using protocol::reply_id;
using protocol::scan::finding;
using protocol::scan::finding_kind;

verdict not_scanned(const finding& what, conf::on_not_scanned chosen) {
    auto cause = fmt::format("could not be scanned: {} {}", place_of(what), what.what);
    switch (chosen) {
    case conf::on_not_scanned::defer:
        return verdict::refuse(make_reply(reply_id::not_scanned), std::move(cause));
    case conf::on_not_scanned::refuse:
        return verdict::refuse(make_reply(reply_id::not_scannable, {place_of(what), what.what}),
                               std::move(cause));
    case conf::on_not_scanned::accept: break;
    }
    return verdict::let_through("let through: " + cause);
}

verdict judge_finds(const protocol::scan::report& in, const conf::antivirus_settings& chosen) {
    if (const auto* found = first_of(finding_kind::virus, in))
        return verdict::refuse(make_reply(reply_id::virus_found, {place_of(*found), found->what}),
                               fmt::format("virus: {} {}", place_of(*found), found->what));
    auto said = verdict::pass();
    if (const auto* found = first_of(finding_kind::not_scanned, in))
        said = not_scanned(*found, chosen.on_not_scanned);
    if (!said.passed()) return said;
    const auto* locked = first_of(finding_kind::encrypted, in);
    if (locked == nullptr) return said;
    auto about_locked = not_scanned(*locked, chosen.on_encrypted);
    return said.cause.empty() || !about_locked.passed() ? about_locked : said;
}

} // namespace

boost::asio::awaitable<verdict> check_virus(stage, context& about) {
    const auto* tier = conf::find_tier(*about.config, about.learned.tier);
    if (tier == nullptr || !tier->antivirus) co_return verdict::pass();
    const auto* outcome = co_await scanned(about);
    if (outcome->found) co_return judge_finds(*outcome->found, about.config->antivirus);
    const finding nothing{finding_kind::not_scanned, {}, outcome->trouble};
    co_return not_scanned(nothing, about.config->antivirus.on_not_scanned);
}

} // namespace postern::policy
