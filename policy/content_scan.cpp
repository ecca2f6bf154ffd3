#include "policy/content_scan.hpp"

#include "policy/engine.hpp"
#include "policy/spam/terms.hpp"

#include <algorithm>

namespace postern::policy {

namespace {

bool is_on(const conf::test_settings& test, const context& about) {
    return mode_on(test, about.today) != conf::test_mode::off;
}

} // namespace

const result<spam_readers>& readers_of(context& about) {
    auto& kept = about.learned.readers;
    if (!kept) kept = find_spam_readers(about);
    return *kept;
}

protocol::scan::order order_for(context& about) {
    const auto& config = *about.config;
    const auto* tier = conf::find_tier(config, about.learned.tier);
    protocol::scan::order made;
    made.attachments = tier != nullptr && tier->attachments && is_on(config.attachments.test, about);
    made.antivirus = tier != nullptr && tier->antivirus && is_on(config.antivirus.test, about);
    const auto& limits = config.attachments;
    if (made.attachments) made.extensions = limits.extensions;
    made.max_depth = limits.max_depth;
    made.max_entries = limits.max_entries;
    made.max_unpacked = limits.max_unpacked;
    made.max_ratio = limits.max_ratio;
    // Test 8 is judged for each recipient, and not for those that allow the sender.
    if (!is_on(config.spam.test, about)) return made;
    const auto& readers = readers_of(about);
    made.facts = readers && readers->wants_facts(config);
    if (!made.facts) return made;
    made.phrases = spam::phrases_of(spam::terms_of(config.spam));
    made.phrases.insert(made.phrases.end(), readers->phrases.begin(), readers->phrases.end());
    made.now = about.now;
    return made;
}

boost::asio::awaitable<const scan_outcome*> scanned(context& about) {
    auto& kept = about.learned.scanned;
    if (!kept && about.content == nullptr) kept = scan_outcome{{}, "there is no scanner"};
    if (!kept) {
        auto asked = order_for(about);
        kept = co_await about.content->scan(std::move(asked));
    }
    co_return &*kept;
}

std::string place_of(const protocol::scan::finding& what) {
    return what.where.empty() ? "The message" : what.where;
}

const protocol::scan::finding* first_of(protocol::scan::finding_kind kind, const protocol::scan::report& in) {
    const auto found = std::ranges::find(in.findings, kind, &protocol::scan::finding::kind);
    return found == in.findings.end() ? nullptr : &*found;
}

} // namespace postern::policy
