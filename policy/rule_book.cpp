// Two threads may compile the same rules at once; both results are right, and one of them is kept.
#include "policy/rule_book.hpp"

namespace postern::policy {
namespace {

const std::shared_ptr<const rule_set>& no_rules() {
    static const auto none = std::make_shared<const rule_set>();
    return none;
}

} // namespace

std::shared_ptr<const rule_set> rule_book::kept(const std::string& mailbox, std::uint64_t version) {
    const std::lock_guard lock(mutex_);
    const auto at = known_.find(mailbox);
    return at != known_.end() && at->second.version == version ? at->second.rules : nullptr;
}

result<std::shared_ptr<const rule_set>> rule_book::of(const std::string& mailbox) {
    const auto version = table_.version(mailbox);
    if (!version) return version.error();
    if (*version == 0) return no_rules();
    if (auto found = kept(mailbox, *version)) return found;

    std::vector<written_rule> written;
    const auto read = table_.each(mailbox, [&](const storage::rule_record& one) {
        written.push_back({one.action == storage::kept_action::allow ? rule_action::allow : rule_action::deny,
                           one.pattern});
        return true;
    });
    if (!read) return read.error();
    auto made = std::make_shared<const rule_set>(written);
    const std::lock_guard lock(mutex_);
    if (known_.size() > compiled_mailboxes_max) known_.clear();
    known_[mailbox] = {*read, made};
    return std::shared_ptr<const rule_set>(std::move(made));
}

} // namespace postern::policy
