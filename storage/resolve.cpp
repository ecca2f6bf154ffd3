// Breadth first from one address to its final recipients. Each address is looked at once (visited_), so a
// loop costs no more than a chain, and nobody gets a message twice. A failing look-up ends the walk: try
// later, never "absent".
#include "storage/resolve.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_set>

namespace postern::storage {

namespace {

using boost::system::in_place_error;

constexpr int max_alias_domain_levels = 8;
constexpr std::string_view postmaster_name = "postmaster";

// Where a domain name leads to.
struct domain_place {
    enum class standing { absent, hosted, loop } is = standing::absent;
    std::string real; // hosted: behind its alias domains
    std::string tier; // hosted: the first that one of them names
};

// An address as the walk sees it.
struct place {
    enum class where { ours, outside, loop } is = where::outside;
    std::string key; // folded; the real domain when ours
    std::string as_written;
    protocol::address real; // ours
};

bool is_postmaster(const protocol::address& address) {
    return protocol::equals_ignoring_case(address.local, postmaster_name);
}

class walk {
  public:
    walk(const directory& accounts, const resolve_settings& settings)
        : accounts_(accounts), settings_(settings) {}

    result<resolution> from(protocol::address recipient);

  private:
    result<const std::optional<domain_record>*> find_domain(const std::string& name);
    result<domain_place> follow_domain(const std::string& name);
    result<place> locate(const protocol::address& address);
    result<std::string> own_postmaster_key();
    result<bool> exists_by_configuration(const std::string& key);

    void add_recipient(final_recipient recipient);
    void add_place(place at);
    result<void> add_postmaster();
    result<void> add_targets(const place& at, const std::vector<std::string>& targets);
    result<bool> add_own_mailbox(const place& at);
    result<bool> try_catch_all(const place& at);
    result<void> expand(const place& at);
    result<void> run();
    result<void> rescue_postmaster();
    resolution outcome(std::string tier);

    const directory& accounts_;
    const resolve_settings& settings_;
    std::map<std::string, std::optional<domain_record>> domains_;
    std::optional<std::string> postmaster_key_;
    std::unordered_set<std::string> visited_;
    std::deque<place> pending_;
    std::vector<final_recipient> recipients_;
    std::size_t steps_ = 0;
    bool too_many_ = false;
    bool somebody_missing_ = false;
};

result<const std::optional<domain_record>*> walk::find_domain(const std::string& name) {
    const auto known = domains_.find(name);
    if (known != domains_.end()) return &known->second;
    auto found = accounts_.find_domain(name);
    if (!found) return found.error();
    return &domains_.emplace(name, std::move(*found)).first->second;
}

result<domain_place> walk::follow_domain(const std::string& name) {
    domain_place at;
    std::string next = name;
    for (int level = 0; level <= max_alias_domain_levels; ++level) {
        const auto found = find_domain(next);
        if (!found) return found.error();
        const auto& record = **found;
        if (!record) return at; // the end of a chain that leads nowhere is the last domain that is here
        at.is = domain_place::standing::hosted;
        at.real = next;
        if (at.tier.empty()) at.tier = record->tier;
        if (record->alias_of.empty()) return at;
        next = record->alias_of;
    }
    at.is = domain_place::standing::loop;
    return at;
}

result<place> walk::locate(const protocol::address& address) {
    place at{place::where::outside, address.folded(), address.to_string(), {}};
    if (address.is_literal() || address.domain.empty()) return at;
    const auto domain = follow_domain(address.domain);
    if (!domain) return domain.error();
    switch (domain->is) {
    case domain_place::standing::loop: at.is = place::where::loop; return at;
    case domain_place::standing::hosted:
        at.is = place::where::ours;
        at.real = {address.local, domain->real};
        at.key = at.real.folded();
        return at;
    case domain_place::standing::absent: break;
    }
    if (!protocol::equals_ignoring_case(address.domain, settings_.hostname)) return at;
    // The host's own name need not be hosted: postmaster is there all the same, and whoever gets postmaster's
    // mail.
    if (is_postmaster(address) || at.key == settings_.postmaster) {
        at.is = place::where::ours;
        at.real = address;
    }
    return at;
}

result<std::string> walk::own_postmaster_key() {
    if (postmaster_key_) return *postmaster_key_;
    const auto address = protocol::parse_address(settings_.postmaster);
    if (!address) return storage_errc::invalid;
    auto at = locate(*address);
    if (!at) return at.error();
    postmaster_key_ = at->is == place::where::ours ? at->key : std::string();
    return *postmaster_key_;
}

// An alias that names itself keeps its mailbox. The address in the settings needs no mailbox record: it is a
// Maildir of its own.
result<bool> walk::exists_by_configuration(const std::string& key) {
    const auto own = own_postmaster_key();
    if (!own) return {in_place_error, own.error()};
    return key == *own;
}

void walk::add_recipient(final_recipient recipient) {
    if (recipients_.size() >= settings_.max_targets) {
        too_many_ = true;
        return;
    }
    recipients_.push_back(std::move(recipient));
}

void walk::add_place(place at) {
    too_many_ = too_many_ || ++steps_ > settings_.max_steps;
    if (too_many_ || at.is == place::where::loop || !visited_.insert(at.key).second) return;
    if (at.is == place::where::outside)
        add_recipient({std::move(at.as_written), false, 0});
    else
        pending_.push_back(std::move(at));
}

result<void> walk::add_postmaster() {
    const auto address = protocol::parse_address(settings_.postmaster);
    if (!address) return storage_errc::invalid;
    auto at = locate(*address);
    if (!at) return at.error();
    add_place(std::move(*at));
    return {};
}

result<bool> walk::add_own_mailbox(const place& at) {
    auto mailbox = accounts_.find_mailbox(at.key);
    if (!mailbox) return {in_place_error, mailbox.error()};
    if (*mailbox) {
        add_recipient({at.key, true, (*mailbox)->quota, (*mailbox)->subject_phrases.size()});
        return true;
    }
    const auto configured = exists_by_configuration(at.key);
    if (!configured) return {in_place_error, configured.error()};
    if (*configured) add_recipient({at.key, true, 0});
    return *configured;
}

result<void> walk::add_targets(const place& at, const std::vector<std::string>& targets) {
    too_many_ = too_many_ || targets.size() > settings_.max_targets;
    bool names_itself = false;
    for (const auto& target : targets) {
        if (too_many_) return {};
        const auto address = protocol::parse_address(target);
        if (!address) return storage_errc::corrupt;
        auto next = locate(*address);
        if (!next) return next.error();
        names_itself = names_itself || next->key == at.key;
        add_place(std::move(*next));
    }
    if (!names_itself) return {};
    const auto own = add_own_mailbox(at);
    if (!own) return own.error();
    return {};
}

// Grants are by the real domain.
result<bool> walk::try_catch_all(const place& at) {
    if (std::ranges::find(settings_.catch_all_domains, at.real.domain) == settings_.catch_all_domains.end())
        return false;
    const auto targets = accounts_.find_alias("@" + at.real.domain, settings_.max_targets);
    if (!targets) return {in_place_error, targets.error()};
    if (targets->empty()) return false;
    if (auto added = add_targets(at, *targets); !added) return {in_place_error, added.error()};
    return true;
}

result<void> walk::expand(const place& at) {
    const auto targets = accounts_.find_alias(at.key, settings_.max_targets);
    if (!targets) return targets.error();
    if (!targets->empty()) return add_targets(at, *targets);

    const auto own = add_own_mailbox(at);
    if (!own) return own.error();
    if (*own) return {};
    if (is_postmaster(at.real)) return add_postmaster();

    const auto caught = try_catch_all(at);
    if (!caught) return caught.error();
    somebody_missing_ = somebody_missing_ || !*caught;
    return {};
}

result<void> walk::run() {
    while (!pending_.empty() && !too_many_) {
        const place at = std::move(pending_.front());
        pending_.pop_front();
        if (auto done = expand(at); !done) return done;
    }
    return {};
}

// RFC 5321 §4.5.1: postmaster's mail finds somebody even where its alias leads nowhere.
result<void> walk::rescue_postmaster() {
    if (auto added = add_postmaster(); !added) return added;
    if (auto done = run(); !done) return done;
    if (!recipients_.empty() || too_many_) return {};
    auto key = own_postmaster_key();
    if (!key) return key.error();
    add_recipient({key->empty() ? settings_.postmaster : std::move(*key), true, 0});
    return {};
}

resolution walk::outcome(std::string tier) {
    resolution answer;
    answer.tier = std::move(tier);
    if (too_many_)
        answer.kind = resolution_kind::too_many;
    else if (!recipients_.empty())
        answer.kind = resolution_kind::found;
    else // an alias without a leaf and without a gap can only go round
        answer.kind = somebody_missing_ ? resolution_kind::unknown : resolution_kind::loop;
    if (answer.kind == resolution_kind::found) answer.recipients = std::move(recipients_);
    return answer;
}

result<resolution> walk::from(protocol::address recipient) {
    if (recipient.domain.empty() && is_postmaster(recipient)) recipient.domain = settings_.hostname;
    auto start = locate(recipient);
    if (!start) return start.error();
    if (start->is == place::where::outside) return resolution{resolution_kind::not_ours, {}, {}};
    const auto domain = follow_domain(recipient.domain);
    if (!domain) return domain.error();

    add_place(std::move(*start));
    if (auto done = run(); !done) return done.error();
    if (recipients_.empty() && !too_many_ && is_postmaster(recipient))
        if (auto saved = rescue_postmaster(); !saved) return saved.error();
    return outcome(domain->tier);
}

} // namespace

result<std::optional<std::string>> real_domain(const directory& accounts, std::string_view name) {
    std::string next(name);
    for (int level = 0; level <= max_alias_domain_levels; ++level) {
        auto found = accounts.find_domain(next);
        if (!found) return found.error();
        if (!*found) return std::optional<std::string>();
        if ((*found)->alias_of.empty()) return std::optional(std::move(next));
        next = std::move((*found)->alias_of);
    }
    return std::optional<std::string>();
}

result<resolution> resolve(const directory& accounts, const protocol::address& recipient,
                           const resolve_settings& settings) {
    return walk(accounts, settings).from(recipient);
}

} // namespace postern::storage
