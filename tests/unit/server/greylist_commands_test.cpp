// The greylist through the command line: who waits, who passes, and how a pair is named.
#include "command_steps.hpp"

#include "server/admin/support.hpp"
#include "storage/tables/greylist.hpp"

#include <ctime>
#include <fmt/format.h>
#include <set>

using namespace postern;
using namespace postern::server;

namespace {

struct pair_seen {
    std::string sender, client;
    std::int64_t at = 0;
};

// Attempts as a server leaves them, which is closed again then: a process opens the table once.
void seed(const command_fixture& at, const std::vector<pair_seen>& attempts) {
    std::filesystem::create_directory(at.state_dir());
    const auto table = *storage::open_lmdb_greylist(at.state_dir());
    for (const auto& attempt : attempts) {
        const auto client = protocol::ip_address::parse(attempt.client)->client_network();
        REQUIRE(table->attempt({attempt.sender, client}, attempt.at, {}).has_value());
    }
    REQUIRE(table->flush().has_value());
}

boost::json::array pairs_of(const command_fixture& at) {
    return list_of(at.run({"greylist", "list", "--json"}), "greylist");
}

constexpr std::int64_t minute = 60, day = 24 * 60 * minute;

} // namespace

TEST_CASE("the greylist says who waits, who passes and who is forgotten", "[commands]") {
    const command_fixture at;
    const std::int64_t now = std::time(nullptr);
    seed(at, {{"waits@s.test", "192.0.2.1", now - 2 * minute},
              {"may@s.test", "192.0.2.2", now - 10 * minute},
              {"passed@s.test", "192.0.2.3", now - 20 * minute},
              {"passed@s.test", "192.0.2.3", now - 15 * minute},
              {"late@s.test", "192.0.2.4", now - 2 * day},
              {"ahead@s.test", "192.0.2.5", now + 30 * day},
              {"", "2001:db8:1:2:3::4", now - 1 * minute}});
    struct expected {
        std::string sender, client, state;
        std::int64_t until, first, last_pass;
    };
    const std::vector<expected> rows = {
        {"waits@s.test", "192.0.2.1", "waiting", now + 3 * minute, now - 2 * minute, 0},
        {"may@s.test", "192.0.2.2", "passes", now - 5 * minute + day, now - 10 * minute, 0},
        {"passed@s.test", "192.0.2.3", "passes", now - 15 * minute + day, now - 20 * minute,
         now - 15 * minute},
        {"late@s.test", "192.0.2.4", "expired", 0, now - 2 * day, 0},
        {"ahead@s.test", "192.0.2.5", "waiting", now + 5 * minute, now + 30 * day, 0},
        {"", "2001:db8:1:2::/64", "waiting", now + 4 * minute, now - 1 * minute, 0},
    };
    const auto found = pairs_of(at);
    REQUIRE(found.size() == rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& pair = found[i].as_object();
        INFO(found[i]);
        CHECK(pair.at("sender").as_string() == rows[i].sender);
        CHECK(pair.at("client").as_string() == rows[i].client);
        CHECK(pair.at("state").as_string() == rows[i].state);
        // The clock may tick between here and there; only what counts from `now` follows it.
        CHECK(pair.at("until").as_int64() - rows[i].until <= (rows[i].sender == "ahead@s.test" ? 60 : 0));
        CHECK(pair.at("until").as_int64() >= rows[i].until);
        CHECK(pair.at("first").as_int64() == rows[i].first);
        CHECK(pair.at("last_pass").as_int64() == rows[i].last_pass);
    }
    const auto text = at.run({"greylist", "list"}).out;
    const auto first_lines =
        fmt::format("CLIENT                    STATE                              FIRST ATTEMPT        LAST "
                    "PASS            SENDER\n"
                    "192.0.2.1                 waiting until {}  {}  -                    <waits@s.test>\n"
                    "192.0.2.2                 passes until {}   {}  -                    <may@s.test>\n"
                    "192.0.2.3                 passes until {}   {}  {}  <passed@s.test>\n"
                    "192.0.2.4                 expired                            {}  -                    "
                    "<late@s.test>\n",
                    local_time_text(now + 3 * minute), local_time_text(now - 2 * minute),
                    local_time_text(now - 5 * minute + day), local_time_text(now - 10 * minute),
                    local_time_text(now - 15 * minute + day), local_time_text(now - 20 * minute),
                    local_time_text(now - 15 * minute), local_time_text(now - 2 * day));
    INFO(text);
    CHECK(text.starts_with(first_lines));
    CHECK(text.ends_with("<>\n"));
}

TEST_CASE("a pair that passed while the clock was ahead passes no longer than one window", "[commands]") {
    const command_fixture at;
    const std::int64_t now = std::time(nullptr);
    seed(at,
         {{"a@s.test", "192.0.2.1", now + 30 * day}, {"a@s.test", "192.0.2.1", now + 30 * day + 5 * minute}});
    const auto pair = pairs_of(at).at(0).as_object();
    CHECK(pair.at("state") == "passes");
    CHECK(pair.at("until").as_int64() >= now + day);
    CHECK(pair.at("until").as_int64() <= now + day + 60);
}

TEST_CASE("a pair is let in at once, by any of its names, and forgotten", "[commands]") {
    const command_fixture at;
    CHECK(pairs_of(at).empty());
    const auto allowed = at.run({"greylist", "allow", "<News@Bücher.example>", "2001:db8:1:2:3:4:5:6"});
    CHECK(allowed.code == 0);
    CHECK(allowed.out.starts_with("<news@xn--bcher-kva.example> from 2001:db8:1:2::/64 passes until 20"));
    run_steps(at, {
                      {{"greylist", "allow", "", "::ffff:192.0.2.7"}, 0, ""},
                      {{"greylist", "allow", "<>", "192.0.2.7"}, 0, ""}, // the same pair
                  });
    const auto pairs = pairs_of(at);
    REQUIRE(pairs.size() == 2);
    CHECK(pairs[0].as_object().at("client") == "192.0.2.7");
    CHECK(pairs[0].as_object().at("sender") == "");
    CHECK(pairs[0].as_object().at("state") == "passes");
    run_steps(at,
              {
                  {{"greylist", "remove", "other@s.test", "192.0.2.7"},
                   67,
                   "postern: <other@s.test> from 192.0.2.7: is not in the greylist"},
                  {{"greylist", "remove", "<>", "192.0.2.7"}, 0, ""},
                  {{"greylist", "remove", "", "192.0.2.7"}, 67, "<> from 192.0.2.7: is not in the greylist"},
                  {{"greylist", "remove", "NEWS@xn--bcher-kva.example", "2001:db8:1:2::/64"}, 0, ""},
              });
    CHECK(pairs_of(at).empty());
}

TEST_CASE("one who waited and is allowed waits no more", "[commands]") {
    const command_fixture at;
    seed(at, {{"a@s.test", "192.0.2.1", std::time(nullptr)}});
    CHECK(pairs_of(at).at(0).as_object().at("state") == "waiting");
    REQUIRE(at.run({"greylist", "allow", "a@s.test", "192.0.2.1"}).code == 0);
    REQUIRE(pairs_of(at).size() == 1);
    CHECK(pairs_of(at).at(0).as_object().at("state") == "passes");
    const auto table = *storage::open_lmdb_greylist(at.state_dir());
    const storage::greylist_key key{"a@s.test", *protocol::ip_address::parse("192.0.2.1")};
    const bool passes = *table->attempt(key, std::time(nullptr), {}) == storage::greylist_answer::pass;
    CHECK(passes);
}

TEST_CASE("what is no sender or no client changes nothing", "[commands]") {
    const command_fixture at;
    const std::vector<std::pair<std::string, std::string>> wrong = {
        {"a", "192.0.2.1"},
        {"a@", "192.0.2.1"},
        {"<a@s.test", "192.0.2.1"},
        {"<a@s.test> SIZE=1", "192.0.2.1"},
        {"<", "192.0.2.1"},
        {"@s.test", "192.0.2.1"},
        {"a@s.test", ""},
        {"a@s.test", "192.0.2.256"},
        {"a@s.test", "192.0.2.0/24"},
        {"a@s.test", "2001:db8::/32"},
        {"a@s.test", "192.0.2.0/64"},
        {"a@s.test", "2001:db8::1/64"},
        {"a@s.test", "mx.s.test"},
        {"a@s.test", "::1\x1b[2J"},
    };
    for (const auto& [sender, client] : wrong) {
        run_steps(at, {{{"greylist", "allow", sender, client}, 65, "postern: "},
                       {{"greylist", "remove", sender, client}, 65, "postern: "}});
    }
    CHECK(at.run({"greylist", "allow", "a@s.test", "::1\x1b[2J"}).err.find('\x1b') == std::string::npos);
    CHECK_FALSE(std::filesystem::exists(at.state_dir())); // said before anything was opened
}

TEST_CASE("a greylist of many pages is listed whole, each pair once", "[commands]") {
    const command_fixture at;
    const std::int64_t now = std::time(nullptr);
    constexpr int count = 1501; // a page has 500
    std::vector<pair_seen> attempts;
    for (int i = 0; i < count; ++i)
        attempts.push_back({fmt::format("s{}@s.test", i), fmt::format("192.0.{}.{}", i / 250, i % 250), now});
    seed(at, attempts);
    std::set<std::string> senders;
    const auto pairs = pairs_of(at);
    for (const auto& pair : pairs) senders.emplace(pair.as_object().at("sender").as_string());
    CHECK(pairs.size() == count);
    CHECK(senders.size() == count);
    const auto text = at.run({"greylist", "list"}).out;
    CHECK(std::count(text.begin(), text.end(), '\n') == 1 + count);
}

TEST_CASE("a greylist that can't be opened is an error, and no empty list", "[commands]") {
    const command_fixture at;
    std::filesystem::create_directory(at.state_dir());
    std::ofstream(at.state_dir() + "/greylist") << "a file";
    for (const auto& words : {std::vector<std::string>{"greylist", "list"},
                              {"greylist", "list", "--json"},
                              {"greylist", "allow", "a@s.test", "192.0.2.1"},
                              {"greylist", "remove", "a@s.test", "192.0.2.1"}}) {
        const auto result = at.run(words);
        INFO(result.err);
        CHECK(result.code == 73);
        CHECK(result.out.empty());
    }
}
