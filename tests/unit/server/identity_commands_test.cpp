// postern identity, and what becomes of identities with their mailbox.
#include "command_steps.hpp"

#include "policy/submission/identity_token.hpp"
#include "server/clock.hpp"
#include "storage/tables/directory.hpp"
#include "storage/tables/identities.hpp"

using namespace postern;
using namespace postern::server;

TEST_CASE("identity commands", "[commands]") {
    const command_fixture at;
    run_steps(at,
              {
                  {{"domain", "add", "firma.cz"}},
                  {{"mailbox", "add", "jan@firma.cz"}},
                  {{"identity", "add", "jan@firma.cz", "Jan@Post.test", "--confirmed"}},
                  {{"identity", "add", "no@firma.cz", "a@post.test", "--confirmed"}, 67, "no such mailbox"},
                  {{"identity", "add", "jan@firma.cz", "a@@post.test", "--confirmed"}, 65, "a@@post.test"},
                  {{"identity", "add", "jan@firma.cz", "b@post.test"}, 69, "no server answers"},
                  {{"identity", "confirm", "nonsense"}, 65, "form"},
                  {{"identity", "confirm", std::string(32, 'a')}, 67, "not known"},
                  {{"identity", "revoke", "jan@firma.cz", "x@post.test"}, 67, "is no identity"},
              });
    const auto list = list_of(at.run({"identity", "list", "--json"}), "identities");
    REQUIRE(list.size() == 1);
    CHECK(list.front().as_object().at("address").as_string() == "jan@post.test");
    CHECK(list.front().as_object().at("state").as_string() == "confirmed");
    CHECK(list_of(at.run({"identity", "list", "--account", "x@firma.cz", "--json"}), "identities").empty());
    CHECK(
        list_of(at.run({"identity", "list", "--address", "jan@post.test", "--json"}), "identities").size() ==
        1);
    {
        const auto kept = *storage::open_lmdb_identities(*storage::open_accounts(at.state_dir()));
        const std::vector<storage::foreign_use> uses{
            {"jan@firma.cz", "jan@post.test", false, 2, 1'800'000'000},
            {"jan@firma.cz", "v@bank.test", false, 1, 1'800'000'000}};
        REQUIRE(kept->note_foreign(uses).has_value());
        const auto token = policy::new_identity_token();
        const storage::token_record what{storage::token_purpose::confirm, "jan@firma.cz", "c@post.test",
                                         now_seconds() + 9};
        REQUIRE(kept->ask(what, *policy::digest_of_token(token), now_seconds(), {}, [] { return true; })
                    .has_value());
        CHECK(at.run({"identity", "list"}).out.find("asked") != std::string::npos);
    }
    const auto report = list_of(at.run({"identity", "report", "--json"}), "foreign_senders");
    REQUIRE(report.size() == 2);
    CHECK_FALSE(report[0].as_object().at("would_be_refused").as_bool());
    CHECK(report[1].as_object().at("would_be_refused").as_bool());
    CHECK(at.run({"identity", "report"}).out.find("refused") != std::string::npos);
    run_steps(at, {{{"identity", "revoke", "jan@firma.cz", "jan@post.test"}}});
    const auto left =
        list_of(at.run({"identity", "list", "--account", "jan@firma.cz", "--json"}), "identities");
    REQUIRE(left.size() == 2);
    CHECK(left[1].as_object().at("state").as_string() == "declined");
    CHECK(at.run({"identity", "list"}).out.find("declined") != std::string::npos);
    const auto after = list_of(at.run({"identity", "report", "--json"}), "foreign_senders");
    CHECK(after[0].as_object().at("would_be_refused").as_bool());
}

TEST_CASE("a mailbox that is removed takes its identities with it: nobody inherits them", "[commands]") {
    const command_fixture at;
    run_steps(at, {{{"domain", "add", "firma.cz"}},
                   {{"mailbox", "add", "jan@firma.cz"}},
                   {{"identity", "add", "jan@firma.cz", "jan@post.test", "--confirmed"}},
                   {{"mailbox", "remove", "jan@firma.cz"}}});
    CHECK(list_of(at.run({"identity", "list", "--json"}), "identities").empty());
    {
        // A running server writes down what it saw just before.
        const auto kept = *storage::open_lmdb_identities(*storage::open_accounts(at.state_dir()));
        const storage::foreign_use late{"jan@firma.cz", "v@bank.test", true, 1, now_seconds()};
        REQUIRE(kept->note_foreign(std::span(&late, 1)).has_value());
    }
    run_steps(at, {{{"mailbox", "add", "jan@firma.cz"}}});
    CHECK(list_of(at.run({"identity", "list", "--json"}), "identities").empty());
    CHECK(list_of(at.run({"identity", "report", "--json"}), "foreign_senders").empty());
}
