// The ledger through the command line: by either address, newest first, over pages, printable.
#include "command_steps.hpp"

#include "server/admin/support.hpp"
#include "storage/tables/ledger.hpp"

#include <ctime>
#include <fmt/format.h>

using namespace postern;
using namespace postern::server;

namespace {

storage::ledger_row row_of(std::int64_t time, const std::string& sender = "a@s.test") {
    storage::ledger_row row;
    row.time = time;
    row.client = *protocol::ip_address::parse("192.0.2.1");
    if (!sender.empty()) row.sender = protocol::parse_address(sender).value();
    row.recipient = protocol::parse_address("u@d.test").value();
    row.helo = "c.test";
    row.listener = "mx";
    row.test = "spf";
    row.reply = "550 5.7.23 no";
    row.cause = "fail";
    return row;
}

void seed(const command_fixture& at, const std::vector<storage::ledger_row>& rows) {
    std::filesystem::create_directory(at.state_dir());
    const auto table = *storage::open_lmdb_ledger(at.state_dir());
    for (const auto& row : rows) REQUIRE(table->add(row));
    REQUIRE(table->flush().has_value());
}

} // namespace

TEST_CASE("a ledger of several pages is one list, newest first", "[commands]") {
    const command_fixture at;
    const std::int64_t now = std::time(nullptr);
    std::vector<storage::ledger_row> rows;
    for (int i = 0; i < 450; ++i) rows.push_back(row_of(now - 450 + i));
    seed(at, rows);
    const auto found = list_of(at.run({"ledger", "find", "U@D.test", "--json"}), "ledger");
    REQUIRE(found.size() == 450);
    for (std::size_t i = 0; i < found.size(); ++i)
        CHECK(found[i].as_object().at("time").as_int64() == now - 1 - static_cast<std::int64_t>(i));
    const auto text = at.run({"ledger", "find", "<a@s.test>"}).out;
    CHECK(std::count(text.begin(), text.end(), '\n') == 451);
    CHECK(text.find("TIME", 1) == std::string::npos); // one head
    const auto since = at.run({"ledger", "find", "a@s.test", "--since", "200s", "--json"});
    const auto recent = list_of(since, "ledger").size();
    CHECK(recent <= 200);
    CHECK(recent > 100);
}

TEST_CASE("columns stand below each other, and a peer's octets are printable", "[commands]") {
    const command_fixture at;
    auto deferred = row_of(1'800'000'002, "");
    deferred.reply = "451 4.7.1 later";
    deferred.test = deferred.cause = "";
    auto reported = row_of(1'800'000'001, "a-long-name@sender.example");
    reported.mode = storage::ledger_mode::reported;
    reported.helo = "\x1b[31mred";
    seed(at, {row_of(1'800'000'000), reported, deferred});
    const auto time = [](int second) { return local_time_text(1'800'000'000 + second); };
    CHECK(at.run({"ledger", "find", "u@d.test"}).out ==
          fmt::format(
              "TIME                 RESULT    TEST  CLIENT     HELO      LISTENER  SENDER                    "
              "    RECIPIENT   REPLY [CAUSE]\n"
              "{}  deferred  -     192.0.2.1  c.test    mx        <>                            <u@d.test>  "
              "451 4.7.1 later\n"
              "{}  reported  spf   192.0.2.1  ?[31mred  mx        <a-long-name@sender.example>  <u@d.test>  "
              "550 5.7.23 no [fail]\n"
              "{}  refused   spf   192.0.2.1  c.test    mx        <a@s.test>                    <u@d.test>  "
              "550 5.7.23 no [fail]\n",
              time(2), time(1), time(0)));
}

TEST_CASE("the ledger of a server that never ran is empty", "[commands]") {
    const command_fixture at;
    CHECK(list_of(at.run({"ledger", "find", "<>", "--json"}), "ledger").empty());
    run_steps(at, {
                      {{"ledger", "find", "nobody"}, 65, "nobody"},
                      {{"ledger", "find", "a@s.test", "--since", "-1d"}, 64, "is not a duration"},
                      {{"ledger", "find", "a@s.test", "--since", "7"}, 64, "is not a duration"},
                  });
}
