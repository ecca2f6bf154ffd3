// By the tables and settings in force now: a message may have waited for days.
#include "server/delivery/forwarding.hpp"

#include "policy/sender_rewriter.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace postern::server {
using boost::system::in_place_error;
using boost::system::in_place_value;
using storage::queued_message;

namespace {

// The alias of ours that sends the message on to somebody else's server; nullopt: none does.
result<std::optional<protocol::address>> alias_of(const delivery_services& with, const conf::config& config,
                                                  const storage::queued_recipient& to) {
    using alias = std::optional<protocol::address>;
    if (to.route != storage::recipient_route::outside || to.original.empty()) return alias();
    const auto target = protocol::parse_address(to.address);
    if (!target) return alias();
    const auto written = protocol::parse_address(to.original); // <postmaster> has no domain
    auto made = written ? *written : protocol::address{to.original, config.server.hostname};
    if (made.folded() == target->folded()) return alias();
    const auto is_held = policy::is_own_domain(with.accounts, config, target->domain); // for its primary
    if (!is_held) return {in_place_error, is_held.error()};
    return *is_held ? alias() : alias(std::move(made));
}

// nullopt: it stays.
result<std::optional<std::string>> rewritten(const delivery_services& with, const conf::config& config,
                                             const queued_message& message, const protocol::address& alias,
                                             std::int64_t now) {
    using sender = std::optional<std::string>;
    if (with.srs == nullptr || !config.relay.srs || message.sender.empty()) return sender();
    const auto from = protocol::parse_address(message.sender);
    if (!from) return sender();
    const auto is_ours = policy::is_own_domain(with.accounts, config, from->domain);
    if (!is_ours) return {in_place_error, is_ours.error()};
    if (*is_ours) return sender();
    std::string domain = config.relay.srs_domain.empty() ? alias.domain : config.relay.srs_domain;
    const auto is_here = policy::is_own_domain(with.accounts, config, domain); // no more, perhaps
    if (!is_here) return {in_place_error, is_here.error()};
    if (!*is_here) domain = config.server.hostname;
    const auto made = with.srs->forward(*from, domain, now);
    if (!made)
        with.journal.note(
            fmt::format("message {} is forwarded with its own sender, which is too long for SRS: {}",
                        message.id.to_string(), protocol::printable(message.sender, 256)));
    return made ? sender(made->to_string()) : sender();
}

result<way_out> way_of(const delivery_services& with, const conf::config& config,
                       const queued_message& message, const storage::queued_recipient& to, std::int64_t now) {
    way_out made{message.sender, {}};
    const auto alias = alias_of(with, config, to);
    if (!alias) return alias.error();
    if (!*alias) return made;
    // A field with it would make a message international that needn't be; then only Received fields count.
    if (auto name = (*alias)->to_string(); protocol::is_ascii(name)) made.alias = std::move(name);
    auto sender = rewritten(with, config, message, **alias, now);
    if (!sender) return sender.error();
    if (*sender) made.sender = std::move(**sender);
    return made;
}

} // namespace

result<std::vector<out_by_one_way>> ways_out(const delivery_services& with, const conf::config& config,
                                             const queued_message& message,
                                             const std::vector<std::size_t>& recipients, std::int64_t now) {
    std::vector<out_by_one_way> made;
    for (const auto i : recipients) {
        auto way = way_of(with, config, message, message.recipients[i], now);
        if (!way) return {in_place_error, way.error()};
        auto same = std::ranges::find(made, *way, &out_by_one_way::way);
        if (same == made.end()) same = made.insert(made.end(), {std::move(*way), {}});
        same->recipients.push_back(i);
    }
    return {in_place_value, std::move(made)};
}

result<std::string> sender_behind(const delivery_services& with, const conf::config& config,
                                  const std::string& sender, std::int64_t now) {
    const auto address = protocol::parse_address(sender);
    if (with.srs == nullptr || !address) return sender;
    const auto found = with.srs->original_of(with.accounts, config, *address, now);
    if (!found) return found.error();
    return found->is == protocol::srs::standing::valid ? found->to.to_string() : sender;
}

} // namespace postern::server
