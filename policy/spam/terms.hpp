// The configuration of test 8 as the scorer and the scanner want it; and what was learned, asked for a
// mailbox.
#pragma once

#include "conf/config.hpp"
#include "policy/spam/score.hpp"
#include "storage/tables/tokens.hpp"

namespace postern::policy::spam {

score_terms terms_of(const conf::spam_settings& settings);
// For the scanner's order, so that its answer's indices are those of the terms.
std::vector<protocol::scan::phrase> phrases_of(const score_terms& terms);
// Names in [spam.weight] that are no signs.
std::vector<std::string> unknown_signs(const conf::spam_settings& settings);

// What the words of a message say: as the mailbox learned, where that is enough, else as the server did.
// nullopt: neither knows enough. `mailbox`: folded; "" = the server alone. Tokens beyond
// storage::tokens_at_once, and those that come again, are passed over.
class learned_words {
  public:
    // `taught` outlives this.
    learned_words(const storage::tokens& taught, std::span<const std::uint64_t> tokens);
    // The server's words are looked for once, for however many mailboxes.
    result<std::optional<double>> likelihood_for(std::string_view mailbox);

  private:
    result<std::optional<double>> of_server();
    result<std::optional<double>> search(std::string_view owner) const;

    const storage::tokens& taught_;
    std::vector<std::uint64_t> tokens_; // sorted, each once
    std::optional<result<std::optional<double>>> of_server_;
};

} // namespace postern::policy::spam
