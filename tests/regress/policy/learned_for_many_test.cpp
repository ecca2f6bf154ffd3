// A message for a thousand mailboxes stopped all sessions of its thread for half a second and more: what the
// server learned was looked up anew, word by word, for each mailbox that learned nothing itself.
#include "policy/spam/terms.hpp"
#include "tests/support/memory_tokens.hpp"

#include <catch2/catch.hpp>
#include <numeric>

using namespace postern;

namespace {

class counting_tokens final : public storage::tokens {
  public:
    result<storage::tokens_found> find(std::string_view owner,
                                       std::span<const std::uint64_t> hashes) const override {
        searched += hashes.size();
        return kept.find(owner, hashes);
    }
    result<storage::lesson_answer> learn(std::string_view owner, storage::lesson as, std::string_view digest,
                                         std::span<const std::uint64_t> hashes, std::int64_t day) override {
        return kept.learn(owner, as, digest, hashes, day);
    }
    result<bool> forget(std::string_view owner) override { return kept.forget(owner); }

    testing::memory_tokens kept;
    mutable std::size_t searched = 0;
};

} // namespace

TEST_CASE("the server's words are searched once for any number of mailboxes") {
    counting_tokens taught;
    std::vector<std::uint64_t> words(storage::tokens_at_once);
    std::iota(words.begin(), words.end(), 1U);
    for (int i = 0; i < 50; ++i)
        for (const auto as : {storage::lesson::spam, storage::lesson::ham}) {
            const auto digest = std::to_string(i) + (as == storage::lesson::spam ? "s" : "h");
            const auto half = std::span(words).subspan(as == storage::lesson::spam ? 0 : 1024, 1024);
            REQUIRE(taught.learn("", as, digest, half, 1).has_value());
        }
    REQUIRE(taught.learn("some@d.test", storage::lesson::ham, "x", words, 1).has_value());

    policy::spam::learned_words of_message(taught, std::span(words).first(1024));
    CHECK(*of_message.likelihood_for("some@d.test").value() > 0.99);
    for (int i = 0; i < 1000; ++i)
        REQUIRE(*of_message.likelihood_for(std::to_string(i) + "@d.test").value() > 0.99);
    CHECK(*of_message.likelihood_for("").value() > 0.99);
    CHECK(taught.searched == 1024);
}
