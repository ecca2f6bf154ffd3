// From the address to the account: the product of aliases and alias domains is never built.
#include "policy/submission/ownership.hpp"

#include "storage/resolve.hpp"

#include <algorithm>

namespace postern::policy {
namespace {

using boost::system::in_place_error;

constexpr std::size_t domains_of_a_list = 50; // alias domains that a list names

std::string_view domain_of(std::string_view folded) { return folded.substr(folded.rfind('@') + 1); }
std::string_view local_of(std::string_view folded) { return folded.substr(0, folded.rfind('@')); }

class gathered {
  public:
    explicit gathered(std::size_t limit) : limit_(limit) {}
    bool full() const { return addresses.size() >= limit_; }
    void add(std::string address) {
        if (!full() && std::find(addresses.begin(), addresses.end(), address) == addresses.end())
            addresses.push_back(std::move(address));
    }
    std::vector<std::string> addresses;

  private:
    std::size_t limit_;
};

// The domain and all alias domains that lead to it.
result<std::vector<std::string>> names_of(const storage::directory& accounts, std::string_view domain) {
    std::vector<std::string> names{std::string(domain)};
    for (std::size_t i = 0; i < names.size() && names.size() < domains_of_a_list; ++i) {
        const auto more = accounts.alias_domains_of(names[i], domains_of_a_list);
        if (!more) return more.error();
        for (const auto& one : *more)
            if (std::find(names.begin(), names.end(), one) == names.end()) names.push_back(one);
    }
    return names;
}

result<void> add_in_all_domains(const storage::directory& accounts, std::string_view folded, gathered& to) {
    const auto names = names_of(accounts, domain_of(folded));
    if (!names) return names.error();
    for (const auto& name : *names) to.add(std::string(local_of(folded)) + "@" + name);
    return {};
}

} // namespace

// A target may be written in an alias domain, too.
result<bool> ownership::is_alias_of(std::string_view account, const std::string& alias) const {
    bool is = false;
    std::vector<std::string> elsewhere; // the same name in other domains
    const auto walked = accounts_.each_alias(alias, [&](std::string_view, std::string_view target) {
        is = target == account;
        if (is) return false;
        if (!protocol::equals_ignoring_case(local_of(target), local_of(account)) &&
            protocol::is_ascii(target) && target.front() != '"')
            return true;
        const auto written = protocol::parse_address(target);
        if (!written) return true;
        auto folded = written->folded();
        is = folded == account;
        if (!is && local_of(folded) == local_of(account)) elsewhere.push_back(std::move(folded));
        return !is;
    });
    if (!walked) return {in_place_error, walked.error()};
    for (const auto& one : elsewhere) {
        if (is) break;
        const auto real = storage::real_domain(accounts_, domain_of(one));
        if (!real) return {in_place_error, real.error()};
        is = *real && **real == domain_of(account);
    }
    return is;
}

result<bool> ownership::is_own(std::string_view account, const protocol::address& sender) const {
    if (sender.domain.empty() || sender.is_literal()) return false;
    auto real = storage::real_domain(accounts_, sender.domain);
    if (!real) return {in_place_error, real.error()};
    if (!*real) return false;
    const auto key = protocol::address{sender.local, std::move(**real)}.folded();
    if (key == account) return true;
    // Who gets a copy of somebody's mail, or his mail while he is away, doesn't write in his name.
    const auto somebody = accounts_.find_mailbox(key);
    if (!somebody) return {in_place_error, somebody.error()};
    if (*somebody) return false;
    return is_alias_of(account, key);
}

result<bool> ownership::may_use(std::string_view account, const protocol::address& sender) const {
    const auto folded = sender.folded();
    if (account.empty()) return false;
    if (folded == account) return true;
    const auto own = is_own(account, sender);
    if (!own || *own || identities_ == nullptr) return own;
    return identities_->may_use(account, folded);
}

result<std::vector<std::string>> ownership::addresses_of(std::string_view account, std::size_t limit) const {
    gathered found(limit);
    if (auto added = add_in_all_domains(accounts_, account, found); !added) return added.error();
    const auto own = found.addresses; // an alias may name any of them
    for (const auto& target : own) {
        if (found.full()) break;
        const auto aliases = accounts_.aliases_to(target, limit);
        if (!aliases) return aliases.error();
        for (const auto& alias : *aliases) {
            const auto is = is_alias_of(account, alias);
            if (!is) return is.error();
            if (!*is || alias.starts_with('@')) continue;
            const auto somebody = accounts_.find_mailbox(alias);
            if (!somebody) return somebody.error();
            if (*somebody) continue;
            if (auto added = add_in_all_domains(accounts_, alias, found); !added) return added.error();
        }
    }
    if (identities_ == nullptr || found.full()) return std::move(found.addresses);
    const auto walked = identities_->each_of_account(account, [&](const storage::identity_record& one) {
        if (storage::allows(one.state)) found.add(one.address);
        return !found.full();
    });
    if (!walked) return walked.error();
    return std::move(found.addresses);
}

std::string list_of_addresses(const std::vector<std::string>& addresses, std::size_t octets) {
    constexpr std::string_view more = " and more", comma = ", ";
    std::string text;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const bool last = i + 1 == addresses.size();
        const auto size = text.size() + comma.size() + addresses[i].size() + (last ? 0 : more.size());
        if (size > octets && !text.empty()) return text.append(more);
        text.append(text.empty() ? std::string_view() : comma).append(addresses[i]);
    }
    return text;
}

} // namespace postern::policy
