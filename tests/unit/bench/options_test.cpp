// A load that isn't the one that was asked for measures nothing: wrong words are told, never passed over.
#include "bench/load/options.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace postern::bench;

TEST_CASE("options are taken with their units, and the last word wins") {
    const auto read =
        read_options({"--size", "10k", "--size", "2M", "--messages", "5", "--to", "a@d.test,b@d.test",
                      "--tls", "starttls", "--pipelining", "127.0.0.1:2525"});
    REQUIRE(read.has_value());
    CHECK(read->size == 2 * 1024 * 1024);
    CHECK(read->messages == 5);
    CHECK(read->to == std::vector<std::string>{"a@d.test", "b@d.test"});
    CHECK(read->tls == load_tls::starttls);
    CHECK(read->pipelining);
    CHECK_FALSE(read->chunking);
    CHECK(read->server == "127.0.0.1:2525");
}

TEST_CASE("what can't be meant is told") {
    const auto words = GENERATE(
        as<std::vector<std::string>>(), std::vector<std::string>{"--messages"},
        std::vector<std::string>{"--messages", "ten"}, std::vector<std::string>{"--messages", "-1"},
        std::vector<std::string>{"--size", "99999999999999999999"},
        std::vector<std::string>{"--size", "18446744073709551615k"},
        std::vector<std::string>{"--bogus", "--messages", "1"}, std::vector<std::string>{"--to", ","},
        std::vector<std::string>{"--tls", "maybe"},
        std::vector<std::string>{"--sessions", "0", "--messages", "1"},
        std::vector<std::string>{"--messages", "5", "--threads", "0"},
        std::vector<std::string>{"--messages", "5", "--threads", "65", "--sessions", "100"},
        std::vector<std::string>{"--messages", "5", "--threads", "2"}, // of one session
        std::vector<std::string>{"--messages", "1", "--threads", "2", "--sessions", "5"},
        std::vector<std::string>{"--messages", "5", "--threads", "2", "--sessions", "5", "--until-loss"},
        std::vector<std::string>{"--sessions", "5"}, std::vector<std::string>{"--scenario", "/no/such/file"});
    const auto read = read_options(words);
    REQUIRE_FALSE(read.has_value());
    CHECK_FALSE(read.error().text.empty());
}

TEST_CASE("the threads' shares are the whole, and none is without") {
    options whole;
    whole.threads = 3;
    whole.sessions = 11;
    whole.messages = 7;
    whole.opening = 3;
    std::uint64_t sessions = 0, messages = 0, opening = 0;
    for (std::uint64_t i = 0; i < whole.threads; ++i) {
        const auto share = share_of(whole, i);
        CHECK(share.sessions > 0);
        CHECK(share.quiet == (i != 0)); // one shows where it is
        sessions += share.sessions;
        messages += share.messages;
        opening += share.opening;
    }
    CHECK(sessions == 11);
    CHECK(messages == 7);
    CHECK(opening == 3);
}

TEST_CASE("a scenario's mistake is named with its line") {
    options into;
    const auto read = read_scenario("# comment\n\nsessions = 5\nsesions = 6\n", "x.scenario", into);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().text.find("x.scenario:4") != std::string::npos);
    CHECK(into.sessions == 5);
}

TEST_CASE("every shipped scenario can be read, and is named") {
    unsigned count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(POSTERN_SOURCE_DIR "/bench/scenarios")) {
        std::ifstream file(entry.path());
        const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        options into;
        const auto read = read_scenario(text, entry.path().string(), into);
        INFO(entry.path().string() << ": " << (read ? "" : read.error().text));
        CHECK(read.has_value());
        CHECK_FALSE(into.name.empty());
        ++count;
    }
    CHECK(count > 5);
}
