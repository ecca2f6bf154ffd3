#include "policy/spam_readers.hpp"

#include "policy/context.hpp"
#include "storage/tables/directory.hpp"

#include <algorithm>

namespace postern::policy {

namespace {

using protocol::scan::phrase;
using protocol::scan::phrase_place;

// A phrase that were cut on its way to the scanner would be found where it isn't.
static_assert(storage::subject_phrase_max <= protocol::scan::text_max);

// Its place among all phrases of the order; nullopt: there is no room for one more.
std::optional<std::size_t> place_of(const std::string& text, std::size_t before, std::vector<phrase>& in) {
    const auto known = std::ranges::find(in, text, &phrase::text);
    if (known != in.end()) return before + static_cast<std::size_t>(known - in.begin());
    if (before + in.size() >= protocol::scan::phrases_max) return std::nullopt;
    in.push_back({text, phrase_place::subject});
    return before + in.size() - 1;
}

// What people send is scored whoever gets it; what comes from servers, for those who want that.
void leave_to_the_server(spam_readers::recipient& to, const context& about) {
    if (about.account.empty())
        to.wants_score = false;
    else
        to.mailboxes.emplace_back();
}

} // namespace

bool spam_readers::wants_score() const { return std::ranges::any_of(recipients, &recipient::wants_score); }

bool spam_readers::wants_facts(const conf::config& config) const {
    return !phrases.empty() || (wants_score() && config.spam.engine == conf::spam_engine::embedded);
}

result<spam_readers> find_spam_readers(const context& about) {
    spam_readers made;
    const auto before = about.config->spam.phrases.size();
    for (const auto& to : about.learned.recipients) {
        auto& one = made.recipients.emplace_back();
        one.wants_score = to.allowed_by.empty();
        for (const auto& box : to.leads_to) {
            if (!box.local) {
                leave_to_the_server(one, about);
                continue;
            }
            const auto record = about.ask.accounts.find_mailbox(box.address);
            if (!record) return record.error();
            if (!*record || !(*record)->antispam) leave_to_the_server(one, about);
            if (!*record) continue;
            if (!(*record)->antispam && !about.account.empty()) continue;
            one.mailboxes.push_back(box.address);
            if (!to.allowed_by.empty()) continue;
            for (const auto& text : (*record)->subject_phrases)
                if (const auto place = place_of(text, before, made.phrases))
                    one.subject_phrases.push_back(*place);
        }
    }
    return made;
}

} // namespace postern::policy
