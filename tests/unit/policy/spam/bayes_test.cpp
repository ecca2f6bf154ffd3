#include "policy/spam/bayes.hpp"

#include <catch2/catch.hpp>
#include <vector>

namespace {

using namespace postern::policy::spam;

std::vector<word_counts> times(std::size_t count, word_counts word) {
    return std::vector<word_counts>(count, word);
}

TEST_CASE("nothing is said before enough of both sorts was learned") {
    const auto words = times(20, {40, 0});
    CHECK_FALSE(junk_likelihood(words, {49, 1000}));
    CHECK_FALSE(junk_likelihood(words, {1000, 49}));
    CHECK(junk_likelihood(words, {50, 50}));
    CHECK_FALSE(junk_likelihood({}, {0, 0}));
}

TEST_CASE("nothing is said of a message whose words are unknown") {
    CHECK_FALSE(junk_likelihood(times(500, {0, 0}), {100, 100}));
    CHECK_FALSE(junk_likelihood(times(words_least - 1, {9, 0}), {100, 100}));
    CHECK(junk_likelihood(times(words_least, {9, 0}), {100, 100}));
}

TEST_CASE("words of junk make junk, words of letters don't, and both together say nothing") {
    const word_counts learned{100, 100};
    CHECK(*junk_likelihood(times(10, {30, 1}), learned) > 0.99);
    CHECK(*junk_likelihood(times(10, {1, 30}), learned) < 0.01);
    auto both = times(10, {30, 1});
    for (const auto& one : times(10, {1, 30})) both.push_back(one);
    CHECK(*junk_likelihood(both, learned) == Approx(0.5).margin(0.05));
    CHECK(*junk_likelihood(times(100, {30, 30}), learned) == Approx(0.5));
}

TEST_CASE("how much of each sort was learned doesn't lean on the scale") {
    // In a tenth of the junk and a tenth of the letters: no sign of either.
    CHECK(*junk_likelihood(times(50, {10, 1000}), {100, 10000}) == Approx(0.5));
}

TEST_CASE("a word that was met once says little") {
    const word_counts learned{100, 100};
    CHECK(*junk_likelihood(times(8, {1, 0}), learned) < *junk_likelihood(times(8, {20, 0}), learned));
}

TEST_CASE("many words, and counts beyond what was learned, stay within 0 and 1") {
    for (const auto& word :
         {word_counts{1'000'000, 0}, word_counts{0, 1'000'000}, word_counts{1'000'000, 1}}) {
        const auto value = junk_likelihood(times(2048, word), {50, 50});
        REQUIRE(value);
        CHECK(*value >= 0);
        CHECK(*value <= 1);
    }
}

// Worked out apart from this program, from the formulas of the article.
TEST_CASE("the likelihood is the one of the books") {
    CHECK(*junk_likelihood(times(8, {4, 0}), {100, 100}) == Approx(0.9999970884).epsilon(1e-9));
    CHECK(*junk_likelihood(times(8, {5, 2}), {100, 100}) == Approx(0.8756239007).epsilon(1e-9));
}

} // namespace
