#include "conf/settings.hpp"

#include "conf/load.hpp"
#include "conf/setting.hpp"
#include "conf/suggest.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>
#include <set>

using namespace postern::conf;

namespace {

std::string source_file(const std::string& path) {
    std::ifstream in(std::string{POSTERN_SOURCE_DIR} + "/" + path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

config load_good(const std::string& toml) {
    const auto result = load_text(toml, "x.toml");
    for (const auto& one : result.findings) UNSCOPED_INFO(one.to_string());
    REQUIRE(result.ok());
    return *result.snapshot;
}

} // namespace

TEST_CASE("docs/reference.md is the table: after a change of settings run `postern reference > "
          "docs/reference.md`") {
    CHECK(source_file("docs/reference.md") == reference_markdown());
}

TEST_CASE(
    "every row stands in a known section, once, with a sentence and a default that its own rule allows") {
    std::set<std::string> sections;
    for (const auto& one : all_sections()) sections.emplace(one.name);
    std::set<std::string> keys;
    for (const auto& row : all_settings()) {
        const auto key = std::string{row.section} + "." + std::string{row.key};
        CAPTURE(key);
        CHECK(sections.contains(std::string{row.section}));
        CHECK(keys.insert(key).second);
        CHECK(row.meaning.ends_with('.'));
        CHECK(row.kept.store != nullptr);
        CHECK(row.allowed.least <= row.allowed.most);
        if (row.otherwise.how == fallback::kind::value && row.allowed.many == plurality::one) {
            CHECK(default_value(row).size() == 1);
        }
    }
}

TEST_CASE("each row has a field of its own: storing it changes nothing else") {
    const auto rows = settings_of("limits");
    for (const auto* changed : rows) {
        config before;
        config after;
        store_defaults("limits", {&before});
        store_defaults("limits", {&after});
        value other = default_value(*changed);
        if (changed->allowed.many == plurality::list)
            other.clear();
        else if (auto* number = std::get_if<std::uint64_t>(&other[0]))
            ++*number;
        else
            std::get<seconds>(other[0]) += seconds{1};
        changed->kept.store({&after}, other);
        for (const auto* row : rows) {
            CAPTURE(changed->key, row->key);
            CHECK(row->kept.same({&before}, {&after}) == (row != changed));
        }
    }
}

TEST_CASE("a reload keeps what needs a restart, says so, and takes the rest") {
    const auto running = load_good("[[listener]]\nname = \"a\"\naddress = \"127.0.0.1:25\"\n"
                                   "[[listener]]\nname = \"b\"\naddress = \"127.0.0.1:26\"\n");
    config same = running;
    CHECK(keep_what_needs_restart(running, same).empty());
    CHECK(same == running);

    auto fresh =
        load_good("[server]\nhostname = \"new.example\"\nthreads = 3\nuser = \"\"\nstate_dir = \"/s\"\n"
                  "[admin]\nsocket = \"/s/a\"\nhttp = \"\"\n[limits]\nerrors = 3\n[queue]\nmax_pending = 7\n"
                  "[[listener]]\nname = \"b\"\naddress = \"127.0.0.1:27\"\ntier = \"a\"\n"
                  "[[listener]]\nname = \"c\"\naddress = \"127.0.0.1:28\"\n");
    const std::string later = ": the change takes effect at the next start";
    const std::vector<std::string> wanted{"server.state_dir" + later,
                                          "server.threads" + later,
                                          "server.user" + later,
                                          "admin.socket" + later,
                                          "admin.http" + later,
                                          "queue.max_pending" + later,
                                          "listener \"c\": it begins at the next start",
                                          "listener \"a\": it goes on until the next start",
                                          "listener \"b\".address" + later};
    CHECK(keep_what_needs_restart(running, fresh) == wanted);
    CHECK(fresh.server.state_dir == running.server.state_dir);
    CHECK(fresh.queue.max_pending == running.queue.max_pending);
    CHECK(fresh.server.hostname == "new.example");
    CHECK(fresh.limits.errors == 3);
    REQUIRE(fresh.listeners.size() == 3);
    CHECK(fresh.listeners[0].addresses == running.listeners[1].addresses);
    CHECK(fresh.listeners[0].tier == "a");
    CHECK(fresh.listeners[2] == running.listeners[0]);
}

TEST_CASE("a listener that only moved in the file, or takes a limit over, needs no restart") {
    const auto running = load_good("[[listener]]\nname = \"a\"\naddress = \"127.0.0.1:25\"\n"
                                   "[[listener]]\nname = \"b\"\naddress = \"127.0.0.1:26\"\n");
    auto moved =
        load_good("[[listener]]\nname = \"b\"\naddress = \"127.0.0.1:26\"\n"
                  "[[listener]]\nname = \"a\"\naddress = \"127.0.0.1:25\"\nmax_message_size = \"1MB\"\n");
    CHECK(keep_what_needs_restart(running, moved).empty());
    CHECK(moved.listeners[1].max_message_size == 1'000'000);
}

TEST_CASE("a suggestion is near, or there is none") {
    const std::vector<std::string_view> names{"hostname", "tls", "tier", "errors", "error_delay"};
    CHECK(nearest("hostnmae", names) == "hostname"); // swapped
    CHECK(nearest("hostnam", names) == "hostname");
    CHECK(nearest("hhostname", names) == "hostname");
    CHECK(nearest("hostneme", names) == "hostname");
    CHECK(nearest("hozznzme", names) == std::nullopt);
    CHECK(nearest("tlss", names) == "tls");
    CHECK(nearest("abs", names) == std::nullopt); // two slips of three letters
    CHECK(nearest("", names) == std::nullopt);
    CHECK(nearest(std::string(100'000, 'h'), names) == std::nullopt);
}
