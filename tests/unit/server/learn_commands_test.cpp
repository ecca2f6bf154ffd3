// postern learn through the command line, and with facts given as a scanner gives them.
#include "command_steps.hpp"

#include "server/admin/learn_commands.hpp"
#include "storage/tables/tokens.hpp"

using namespace postern;
using namespace postern::server;

namespace {

struct lesson_run {
    int code = 0;
    std::string out, err;
};

// The words are the message's own, so that each message has others.
result<protocol::scan::facts, std::string> read_words(const conf::config&, std::string_view message) {
    protocol::scan::facts made;
    for (const char c : message)
        if (std::count(made.tokens.begin(), made.tokens.end(), static_cast<std::uint64_t>(c)) == 0)
            made.tokens.push_back(static_cast<std::uint64_t>(c));
    return made;
}

lesson_run learn(const command_fixture& at, const std::string& kind, const std::string& message,
                 const std::string& mailbox = "", bool as_json = false,
                 const facts_source& read = &read_words) {
    arguments given;
    given.config_file = at.config_path();
    given.values["KIND"] = {kind};
    if (!mailbox.empty()) given.values["--mailbox"] = {mailbox};
    if (as_json) given.values["--json"] = {};
    std::istringstream in(message);
    std::ostringstream out, err;
    terminal with{in, out, err};
    const auto code = learn_message(given, with, read);
    return {static_cast<int>(code), out.str(), err.str()};
}

storage::tokens_found known(const command_fixture& at, const std::string& owner, char word) {
    const auto table = *storage::open_lmdb_tokens(at.state_dir());
    const std::uint64_t hash[] = {static_cast<std::uint64_t>(word)};
    return table->find(owner, hash).value();
}

} // namespace

TEST_CASE("a message is learned once, and moved when it is learned as the other", "[commands]") {
    const command_fixture at;
    CHECK(learn(at, "spam", "abc").out == "learned as spam (1 of spam and 0 of ham are known)\n");
    CHECK(learn(at, "spam", "cba").out == "was learned as spam before (1 of spam and 0 of ham are known)\n");
    CHECK(known(at, "", 'a').counts[0] == storage::token_counts{1, 0});
    CHECK(learn(at, "ham", "abc").out ==
          "learned as ham, and no longer as spam (0 of spam and 1 of ham are known)\n");
    CHECK(known(at, "", 'a').counts[0] == storage::token_counts{0, 1});
    CHECK(learn(at, "ham", "abcd", "", true).out ==
          "{\"kind\":\"ham\",\"mailbox\":\"\",\"result\":\"learned\",\"spam\":0,\"ham\":2}\n");
}

TEST_CASE("a mailbox learns for itself alone, and forgets when it is removed", "[commands]") {
    const command_fixture at;
    run_steps(at, {{{"domain", "add", "a.test"}}, {{"mailbox", "add", "u@a.test"}}});
    CHECK(learn(at, "spam", "x", "nobody@a.test").code == 67);
    CHECK(learn(at, "spam", "x", "not an address").code == 65);
    CHECK(learn(at, "spam", "x", "U@A.test").out ==
          "learned as spam (1 of spam and 0 of ham are known to u@a.test)\n");
    CHECK(known(at, "u@a.test", 'x').counts[0] == storage::token_counts{1, 0});
    CHECK(known(at, "", 'x').counts[0] == storage::token_counts{});
    run_steps(at, {{{"mailbox", "remove", "u@a.test"}}, {{"mailbox", "add", "u@a.test"}}});
    CHECK(known(at, "u@a.test", 'x').counts[0] == storage::token_counts{});
}

TEST_CASE("what is no message is not learned", "[commands]") {
    const command_fixture at;
    CHECK(learn(at, "spam", "").code == 65);
    CHECK(learn(at, "spam", std::string(64 * 1024 * 1024 + 1, 'x')).err ==
          "postern: stdin: the message has more than 64 MiB\n");
    const auto wordless = [](const conf::config&,
                             std::string_view) -> result<protocol::scan::facts, std::string> {
        return protocol::scan::facts{};
    };
    CHECK(learn(at, "spam", "x", "", false, wordless).code == 65);
    CHECK_FALSE(std::filesystem::exists(at.state_dir() + "/tokens"));
}

TEST_CASE("without a scanner nothing is learned, and the exit code says so", "[commands]") {
    command_fixture at;
    at.configure("[scanner]\nprogram = \"/no/such/postern-scanner\"\n");
    const auto refused = at.run({"learn", "spam"}, "Subject: x\r\n\r\nx\r\n");
    CHECK(refused.code == 69);
    CHECK(refused.err.starts_with("postern: scanner: "));
    CHECK(std::count(refused.err.begin(), refused.err.end(), '\n') == 1);
    run_steps(at, {{{"learn", "junk"}, 64}, {{"learn"}, 64}});
}
