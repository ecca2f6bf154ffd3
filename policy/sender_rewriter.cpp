#include "policy/sender_rewriter.hpp"

#include "policy/submission/keyed_digest.hpp"
#include "storage/resolve.hpp"

namespace postern::policy {
namespace {

using protocol::srs::reversed;
using protocol::srs::standing;

constexpr std::int64_t day_long = 24 * 60 * 60;
constexpr int own_hops_max = 4; // mail that came through here before, as another forwarder sent it back

protocol::srs::signer signer_of(std::string secret) {
    return [secret = std::move(secret)](std::string_view text) {
        return std::string(view(keyed_digest(secret, {"forwarded sender", text})));
    };
}

} // namespace

sender_rewriter::sender_rewriter(const std::vector<std::string>& secrets) {
    for (const auto& secret : secrets) signers_.push_back(signer_of(secret));
}

std::optional<protocol::address> sender_rewriter::forward(const protocol::address& sender,
                                                          std::string_view domain, std::int64_t now) const {
    return protocol::srs::forward(sender, domain, signers_.front(), now / day_long);
}

result<reversed> sender_rewriter::original_of(const storage::directory& accounts, const conf::config& config,
                                              const protocol::address& recipient, std::int64_t now) const {
    reversed made{standing::other, recipient};
    const auto max_age = static_cast<unsigned>((config.relay.srs_max_age.count() + day_long - 1) / day_long);
    for (int hop = 0; hop < own_hops_max && protocol::is_rewritten_sender(made.to.local); ++hop) {
        const auto is_own = is_own_domain(accounts, config, made.to.domain);
        if (!is_own) return is_own.error();
        if (!*is_own) break;
        auto behind = protocol::srs::reverse(made.to, signers_, now / day_long, max_age);
        if (behind.is == standing::forged && !config.relay.srs) return reversed{};
        if (behind.is != standing::valid) return behind;
        made = std::move(behind);
    }
    return made;
}

result<bool> is_own_domain(const storage::directory& accounts, const conf::config& config,
                           const std::string& domain) {
    if (domain == config.server.hostname || (!domain.empty() && domain == config.relay.srs_domain))
        return {boost::system::in_place_value, true};
    const auto real = storage::real_domain(accounts, domain);
    if (!real) return {boost::system::in_place_error, real.error()};
    return {boost::system::in_place_value, real->has_value()};
}

} // namespace postern::policy
