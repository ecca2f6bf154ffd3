// A small corpus of our own making, weighed from the octets to the score: junk that shows what junk shows,
// and wanted mail that is odd in one way or another.
#include "policy/spam/score.hpp"
#include "tests/unit/policy/content/collected.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace {

using namespace postern;
using policy::spam::judgement;

constexpr std::int64_t now = 1'772'366'400; // 2026-03-01 12:00:00 UTC

policy::spam::score score_of(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return policy::spam::weigh(testing::facts_of(text.str(), {}, now), {}, {});
}

} // namespace

TEST_CASE("junk of the corpus is junk, and wanted mail is not, by signs alone") {
    std::size_t junk = 0, letters = 0;
    const std::filesystem::path folder = std::string(POSTERN_SOURCE_DIR) + "/tests/content/spam";
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
        const bool is_junk = file.path().filename().string().starts_with("junk-");
        const auto made = score_of(file.path());
        INFO(file.path().filename().string() << ": " << policy::spam::cause_text(made));
        CHECK((made.result != judgement::clean) == is_junk);
        // Wanted mail stays clear of the line.
        if (!is_junk) CHECK(made.points < 4.5);
        ++(is_junk ? junk : letters);
    }
    CHECK(junk >= 5);
    CHECK(letters >= 7);
}
