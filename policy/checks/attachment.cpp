// Test 6: files that are refused by the end of their names, attached or in archives. What can't be judged is
// answered as the operator chose.
#include "policy/check.hpp"

#include "policy/content_scan.hpp"
#include "protocol/smtp/reply_catalogue.hpp"

#include <array>
#include <fmt/format.h>

namespace postern::policy {
namespace {

using protocol::make_reply;
using protocol::reply_id;
using protocol::scan::finding;
using protocol::scan::finding_kind;
using protocol::scan::report;

std::string cause_of(const finding& what) {
    return fmt::format("{}: {} {}", name_of(what.kind), place_of(what), what.what);
}

// What is done about a kind of finding, in the order in which they count.
struct answer {
    finding_kind kind;
    bool refused;
    reply_id with;
};

std::array<answer, 6> answers_by(const conf::attachment_settings& chosen) {
    const bool no_passwords = chosen.on_encrypted == conf::on_encrypted::refuse;
    const auto refused = [](conf::on_finding what) { return what == conf::on_finding::refuse; };
    return {{{finding_kind::extension, true, reply_id::file_refused},
             {finding_kind::encrypted_name, chosen.on_encrypted != conf::on_encrypted::accept,
              reply_id::file_refused},
             {finding_kind::encrypted, no_passwords, reply_id::archive_encrypted},
             {finding_kind::malformed, refused(chosen.on_malformed), reply_id::message_malformed},
             {finding_kind::limit, refused(chosen.on_limit), reply_id::content_limit},
             {finding_kind::unreadable, refused(chosen.on_unreadable), reply_id::archive_unreadable}}};
}

verdict judge_files(const report& in, const conf::attachment_settings& chosen) {
    std::string let_through;
    for (const auto& each : answers_by(chosen)) {
        const auto* found = first_of(each.kind, in);
        if (found == nullptr) continue;
        if (each.refused)
            return verdict::refuse(make_reply(each.with, {place_of(*found), found->what}), cause_of(*found));
        if (let_through.empty()) let_through = "let through: " + cause_of(*found);
    }
    return let_through.empty() ? verdict::pass() : verdict::let_through(std::move(let_through));
}

} // namespace

boost::asio::awaitable<verdict> check_attachments(stage, context& about) {
    const auto* tier = conf::find_tier(*about.config, about.learned.tier);
    if (tier == nullptr || !tier->attachments) co_return verdict::pass();
    const auto* outcome = co_await scanned(about);
    if (!outcome->found) co_return verdict::refuse(make_reply(reply_id::not_scanned), outcome->trouble);
    co_return judge_files(*outcome->found, about.config->attachments);
}

} // namespace postern::policy
