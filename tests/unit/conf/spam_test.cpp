#include "conf/load.hpp"
#include "conf/settings.hpp"

#include <catch2/catch.hpp>

using namespace postern::conf;

namespace {

const std::string least = "[[listener]]\nname = \"mx\"\naddress = \"127.0.0.1:2525\"\n";
loaded load(const std::string& toml) { return load_text(least + toml, "x.toml", {"machine.example"}); }

} // namespace

TEST_CASE("what [spam] says is read, numbers with a point and without") {
    const auto result = load("[spam]\nmode = \"report\"\nengine = \"rspamd\"\n"
                             "rspamd = [\"http://127.0.0.1:11333/\", \"http://[::1]:11333\"]\n"
                             "on_failure = \"defer\"\njunk_score = 5\nreject_score = 12.5\n"
                             "[[spam.phrase]]\ntext = \"Limited offer\"\nweight = -1.5\nwhere = \"subject\"\n"
                             "[[spam.phrase]]\ntext = \"výhra\"\n"
                             "[spam.weight]\nDATE_MISSING = 0\nHTML_ONLY = 1.25\n");
    REQUIRE(result.ok());
    CHECK(result.findings.empty());
    const auto& spam = result.snapshot->spam;
    CHECK(spam.test.mode == test_mode::report);
    CHECK(spam.engine == spam_engine::rspamd);
    REQUIRE(spam.rspamd.size() == 2);
    CHECK(parse_http_server(spam.rspamd[1])->to_string() == "[::1]:11333");
    CHECK(spam.on_failure == spam_failure::defer);
    CHECK(spam.junk_score == 5.0);
    CHECK(spam.reject_score == 12.5);
    REQUIRE(spam.phrases.size() == 2);
    CHECK(spam.phrases[0] == spam_phrase_settings{"Limited offer", -1.5, spam_place::subject});
    CHECK(spam.phrases[1] == spam_phrase_settings{"výhra", 1.0, spam_place::anywhere});
    REQUIRE(spam.weights.size() == 2);
    CHECK(spam.weights[0] == spam_weight_settings{"DATE_MISSING", 0.0});
    CHECK(spam.weights[1] == spam_weight_settings{"HTML_ONLY", 1.25});
}

TEST_CASE("without a word about spam the scores are those of the contract") {
    const auto result = load("");
    REQUIRE(result.ok());
    const auto& spam = result.snapshot->spam;
    CHECK(spam.test.mode == test_mode::enforce);
    CHECK(spam.engine == spam_engine::embedded);
    CHECK(spam.junk_score == 6.0);
    CHECK(spam.reject_score == 15.0);
    CHECK(spam.on_failure == spam_failure::accept);
    CHECK(spam.rspamd == std::vector<std::string>{"http://127.0.0.1:11333"});
}

TEST_CASE("what is wrong in [spam] is said with its cure") {
    const struct {
        std::string toml, says;
    } rows[] = {
        {"[spam]\njunk_score = \"6\"\n", "without quotes"},
        {"[spam]\njunk_score = 0\n", "0 is too little; write 0.1 to 1000"},
        {"[spam]\njunk_score = nan\n", "write 0.1 to 1000"},
        {"[spam]\njunk_score = 20.5\n", "20.5 lies above reject_score, 15"},
        {"[spam]\nrspamd = \"http://rspamd.example:11333\"\n", "is not a server"},
        {"[spam]\nrspamd = \"https://127.0.0.1:11333\"\n", "is not a server"},
        {"[spam]\nrspamd = \"http://127.0.0.1:11333/checkv2\"\n", "is not a server"},
        {"[spam]\nrspamd = []\n", "at least one"},
        {"[[spam.phrase]]\nweight = 1.0\n", "is missing"},
        {"[[spam.phrase]]\ntext = \"\"\n", "is not a phrase"},
        {"[[spam.phrase]]\ntext = \"" + std::string(257, 'x') + "\"\n", "is not a phrase"},
        {"[[spam.phrase]]\ntext = \"x\"\nwhere = \"header\"\n", "\"subject\", \"body\" or \"anywhere\""},
        {"[spam.weight]\ndate_missing = 1.0\n", "is not the name of a sign"},
        {"[spam.weight]\nDATE_MISSING = \"1\"\n", "without quotes"},
        {"[spam.weight]\nDATE_MISSING = 1000.5\n", "1000.5 is too much; write -100 to 100"},
        {"[spam]\nweight = 1\n", "write [spam.weight]"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.toml);
        const auto result = load(row.toml);
        CHECK_FALSE(result.ok());
        REQUIRE_FALSE(result.findings.empty());
        CAPTURE(result.findings[0].problem);
        CHECK(result.findings[0].problem.find(row.says) != std::string::npos);
    }
}

TEST_CASE("more phrases than a scanner takes are an error") {
    std::string toml;
    for (int at = 0; at < 1001; ++at) toml += "[[spam.phrase]]\ntext = \"p" + std::to_string(at) + "\"\n";
    const auto result = load(toml);
    CHECK_FALSE(result.ok());
}
