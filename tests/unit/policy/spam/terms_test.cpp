#include "policy/spam/lesson.hpp"
#include "policy/spam/terms.hpp"
#include "tests/support/memory_tokens.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

namespace {

using namespace postern;
using namespace postern::policy::spam;
using tokens = std::vector<std::uint64_t>;

void teach(storage::tokens& whom, std::string_view owner, storage::lesson as, int messages,
           const tokens& words) {
    for (int at = 0; at < messages; ++at) {
        const auto digest = std::to_string(static_cast<int>(as)) + " " + std::to_string(at);
        REQUIRE(whom.learn(owner, as, digest, words, 1).has_value());
    }
}

result<std::optional<double>> likelihood(const storage::tokens& taught, std::string_view mailbox,
                                         const tokens& words) {
    return learned_words(taught, words).likelihood_for(mailbox);
}

const tokens junk_words{1, 2, 3, 4, 5, 6, 7, 8}, letter_words{11, 12, 13, 14, 15, 16, 17, 18};

TEST_CASE("the configuration's weights and phrases are what is weighed") {
    conf::spam_settings settings;
    settings.junk_score = 4;
    settings.reject_score = 9;
    settings.weights = {{"DATE_MISSING", 0.5}, {"NO_SUCH_SIGN", 9}, {"HTML_FORM", 0}};
    settings.phrases = {{"first", 1.5, conf::spam_place::subject},
                        {"second", -2, conf::spam_place::anywhere}};
    const auto terms = terms_of(settings);
    CHECK(terms.junk_score == 4);
    CHECK(terms.reject_score == 9);
    CHECK(terms.weights[static_cast<std::size_t>(sign::date_missing)] == 0.5);
    CHECK(terms.weights[static_cast<std::size_t>(sign::html_form)] == 0);
    CHECK(terms.weights[static_cast<std::size_t>(sign::from_missing)] == 1.5);
    CHECK(unknown_signs(settings) == std::vector<std::string>{"NO_SUCH_SIGN"});
    const auto phrases = phrases_of(terms);
    REQUIRE(phrases.size() == 2);
    CHECK(phrases[0].where == protocol::scan::phrase_place::subject);
    protocol::scan::facts about;
    about.phrases = {1};
    const auto made = weigh(about, {}, terms);
    REQUIRE(made.signs.size() == 1);
    CHECK(made.signs[0].name == "PHRASE_2");
    CHECK(made.points == Approx(-2));
}

TEST_CASE("a mailbox that learned enough is asked itself, another one the server") {
    testing::memory_tokens taught;
    teach(taught, "", storage::lesson::spam, 50, junk_words);
    teach(taught, "", storage::lesson::ham, 50, letter_words);
    CHECK(*likelihood(taught, "", junk_words).value() > 0.99);
    CHECK(*likelihood(taught, "u@x.test", junk_words).value() > 0.99);
    CHECK(*likelihood(taught, "u@x.test", letter_words).value() < 0.01);
    // To this one they are the other way round.
    teach(taught, "u@x.test", storage::lesson::ham, 50, junk_words);
    CHECK(*likelihood(taught, "u@x.test", junk_words).value() > 0.99);
    teach(taught, "u@x.test", storage::lesson::spam, 50, letter_words);
    CHECK(*likelihood(taught, "u@x.test", junk_words).value() < 0.01);
    CHECK(*likelihood(taught, "", junk_words).value() > 0.99);
}

TEST_CASE("a scanner's tokens are taken in any number and any order") {
    testing::memory_tokens taught;
    teach(taught, "", storage::lesson::spam, 50, junk_words);
    teach(taught, "", storage::lesson::ham, 50, letter_words);
    tokens many(junk_words);
    many.insert(many.end(), junk_words.rbegin(), junk_words.rend());
    for (std::uint64_t at = 0; at < 5000; ++at) many.push_back(1000 + at % 3000);
    CHECK(*likelihood(taught, "", many).value() > 0.99);
    CHECK_FALSE(likelihood(taught, "", {}).value());
}

TEST_CASE("a message is known by its words, in whatever order they come") {
    const auto digest = message_digest(tokens{3, 1, 2});
    CHECK(digest.size() == 16);
    CHECK(digest == message_digest(tokens{1, 2, 3}));
    CHECK(digest != message_digest(tokens{1, 2}));
    CHECK(digest != message_digest(tokens{1, 2, 4}));
    CHECK(message_digest({}) != message_digest(tokens{0}));
}

TEST_CASE("docs/antispam.md has every sign with its kind, weight and meaning") {
    std::ostringstream page;
    page << std::ifstream(std::string(POSTERN_SOURCE_DIR) + "/docs/antispam.md").rdbuf();
    for (const auto& row : sign_rows) {
        std::ostringstream line;
        line.precision(1);
        line << std::fixed << "\n| `" << row.name << "` | " << name_of(row.kind) << " | " << row.weight
             << " | " << row.meaning << " |\n";
        CAPTURE(line.str());
        CHECK(page.str().find(line.str()) != std::string::npos);
    }
}

} // namespace
