// The command line: what scripts rely on are the exit codes and the one line on stderr.
#include "command_fixture.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace postern::server;

TEST_CASE("a command line that makes no sense is exit 64 and one line on stderr", "[cli]") {
    const command_fixture at;
    const std::vector<std::vector<std::string>> lines = {
        {},
        {"nonsense"},
        {"domain"},
        {"domain", "nonsense"},
        {"domain", "add"},
        {"domain", "add", "a.test", "b.test"},
        {"domain", "add", "a.test", "--tier"},
        {"domain", "list", "--jso"},
        {"domain", "list", "--json=maybe\n"},
        {"mailbox", "add", "u@a.test", "--antispam", "maybe"},
        {"mailbox", "add", "u@a.test", "--quota", "1GB", "--quota", "2GB"},
        {"mailbox", "set", "u@a.test"},
        {"alias", "add", "u@a.test"},
        {"rule", "add", "maybe", "@s.test"},
        {"rule", "list", "@s.test"},
        {"greylist", "allow", "a@s.test"},
        {"queue", "show"},
        {"queue", "retry", "--al"},
        {"explain", "--listener", "mx"},
        {"ledger", "find"},
        {"ledger", "find", "a@s.test", "--since"},
        {"status", "--nonsense"},
        {"version", "domain", "list"},
    };
    for (const auto& line : lines) {
        const auto result = at.run(line);
        INFO(result.err);
        CHECK(result.code == 64);
        CHECK(result.err.starts_with("postern: usage: "));
        CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
        CHECK(result.out.empty());
    }
}

TEST_CASE("the name of a command can be an argument", "[cli]") {
    const command_fixture at;
    for (const char* name : {"list", "check", "add", "domain"}) {
        const auto result = at.run({"domain", "add", name});
        INFO(result.err);
        CHECK(result.code == 0);
    }
}

TEST_CASE("--config may stand before and after the command", "[cli]") {
    const command_fixture at;
    CHECK(command_fixture::run_words({"postern", "--config", at.config_path(), "domain", "list"}).code == 0);
    CHECK(command_fixture::run_words({"postern", "domain", "list", "--config", at.config_path()}).code == 0);
    CHECK(command_fixture::run_words({"postern", "domain", "list", "--config=" + at.config_path()}).code ==
          0);
    CHECK(command_fixture::run_words({"postern", "domain", "--config", at.config_path(), "list", "--json"})
              .code == 0);
}

TEST_CASE("without --config the environment names the configuration", "[cli]") {
    const command_fixture at;
    ::setenv("POSTERN_CONFIG", at.config_path().c_str(), 1);
    CHECK(command_fixture::run_words({"postern", "domain", "list"}).code == 0);
    const auto other = command_fixture::run_words({"postern", "--config", "/no/such.toml", "domain", "list"});
    CHECK(other.code == 78);
    CHECK(other.err.find("/no/such.toml") != std::string::npos);
    ::unsetenv("POSTERN_CONFIG");
}

TEST_CASE("help comes on stdout, for every row", "[cli]") {
    const auto all = command_fixture::run_words({"postern", "--help"});
    CHECK(all.code == 0);
    for (const auto& row : command_rows()) {
        CHECK(all.out.find(row.group.empty() ? row.name : row.group) != std::string::npos);
        std::vector<std::string> words = {"postern"};
        if (!row.group.empty()) words.emplace_back(row.group);
        words.emplace_back(row.name);
        words.emplace_back("--help");
        const auto one = command_fixture::run_words(words);
        CHECK(one.code == 0);
        CHECK(one.out.find(row.help) != std::string::npos);
        for (const auto& argument : row.takes)
            CHECK(one.out.find(argument.help.substr(0, 10)) != std::string::npos);
    }
}

TEST_CASE("a broken configuration is exit 78 with its line, whatever the command", "[cli]") {
    const command_fixture at;
    at.run({"domain", "add", "a.test"});
    std::ofstream(at.config_path())
        << "[server]\nnonsense = 1\n[[listener]]\nname = \"mx\"\naddress = [\"127.0.0.1:0\"]\n";
    const std::vector<std::vector<std::string>> lines = {{"domain", "list"},
                                                         {"mailbox", "list"},
                                                         {"alias", "list"},
                                                         {"queue", "list"},
                                                         {"rule", "list"},
                                                         {"greylist", "list"},
                                                         {"ledger", "find", "a@s.test"},
                                                         {"explain"},
                                                         {"status"},
                                                         {"reload"}};
    for (const auto& line : lines) {
        const auto result = at.run(line);
        CHECK(result.code == 78);
        CHECK(result.err.find("postern: " + at.config_path() + ":2:") != std::string::npos);
    }
}

TEST_CASE("version and reference need no configuration", "[cli]") {
    const auto version = command_fixture::run_words({"postern", "--config", "/no/such", "version"});
    CHECK(version.code == 0);
    CHECK(version.out.starts_with("postern "));
    CHECK(version.out.find("\nlmdb LMDB") != std::string::npos);
    const auto reference = command_fixture::run_words({"postern", "reference"});
    CHECK(reference.code == 0);
    CHECK(reference.out.find("state_dir") != std::string::npos);
}

TEST_CASE("output that can't be written is an error", "[cli]") {
    std::istringstream in;
    std::ofstream full("/dev/full");
    std::ostringstream err;
    terminal with{in, full, err};
    const char* words[] = {"postern", "version"};
    CHECK(run_command_line(2, words, with) == 73);
    CHECK(err.str().starts_with("postern: output: "));
}
