#include "policy/spam/terms.hpp"

#include "policy/spam/bayes.hpp"

#include <algorithm>

namespace postern::policy::spam {
namespace {

protocol::scan::phrase_place place_of(conf::spam_place where) {
    switch (where) {
    case conf::spam_place::subject: return protocol::scan::phrase_place::subject;
    case conf::spam_place::body: return protocol::scan::phrase_place::body;
    case conf::spam_place::anywhere: break;
    }
    return protocol::scan::phrase_place::anywhere;
}

bool is_enough(const storage::token_counts& messages) {
    return messages.spam >= learned_least && messages.ham >= learned_least;
}

} // namespace

score_terms terms_of(const conf::spam_settings& settings) {
    score_terms made;
    made.junk_score = settings.junk_score;
    made.reject_score = settings.reject_score;
    for (const auto& one : settings.weights)
        if (const auto* row = find_sign(one.name); row != nullptr)
            made.weights[static_cast<std::size_t>(row->what)] = one.weight;
    for (const auto& one : settings.phrases)
        made.phrases.push_back({{one.text, place_of(one.where)}, one.weight});
    return made;
}

std::vector<protocol::scan::phrase> phrases_of(const score_terms& terms) {
    std::vector<protocol::scan::phrase> made;
    for (const auto& one : terms.phrases) made.push_back(one.phrase);
    return made;
}

std::vector<std::string> unknown_signs(const conf::spam_settings& settings) {
    std::vector<std::string> names;
    for (const auto& one : settings.weights)
        if (find_sign(one.name) == nullptr) names.push_back(one.name);
    return names;
}

learned_words::learned_words(const storage::tokens& taught, std::span<const std::uint64_t> tokens)
    : taught_(taught), tokens_(tokens.begin(), tokens.end()) {
    std::sort(tokens_.begin(), tokens_.end());
    tokens_.erase(std::unique(tokens_.begin(), tokens_.end()), tokens_.end());
    tokens_.resize(std::min(tokens_.size(), storage::tokens_at_once));
}

// Most mailboxes taught nothing: their number costs a look, not a search for every word.
result<std::optional<double>> learned_words::likelihood_for(std::string_view mailbox) {
    if (mailbox.empty()) return of_server();
    const auto known = taught_.find(mailbox, {});
    if (!known) return {boost::system::in_place_error, known.error()};
    return is_enough(known->messages) ? search(mailbox) : of_server();
}

result<std::optional<double>> learned_words::of_server() {
    if (!of_server_) of_server_ = search({});
    return *of_server_;
}

result<std::optional<double>> learned_words::search(std::string_view owner) const {
    const auto found = taught_.find(owner, tokens_);
    if (!found) return {boost::system::in_place_error, found.error()};
    std::vector<word_counts> words;
    words.reserve(found->counts.size());
    for (const auto& one : found->counts) words.push_back({one.spam, one.ham});
    return junk_likelihood(words, {found->messages.spam, found->messages.ham});
}

} // namespace postern::policy::spam
