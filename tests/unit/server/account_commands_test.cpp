// Domains, mailboxes and aliases through the command line: what is refused, with which exit code, and what a
// list says.
#include "command_steps.hpp"

#include "storage/tables/directory.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace postern;
using namespace postern::server;

TEST_CASE("a domain is added once, by its canonical name, and removed only when empty", "[commands]") {
    const command_fixture at;
    run_steps(at, {
                      {{"domain", "add", "A.Test"}, 0, ""},
                      {{"domain", "add", "a.test"}, 73, "a.test: is hosted already"},
                      {{"domain", "add", "bücher.example", "--tier", "b"}, 0, ""},
                      {{"domain", "add", "a..test"}, 65, "a..test: "},
                      {{"domain", "add", "[192.0.2.1]"}, 65, ""},
                      {{"domain", "add", "x-.test"}, 65, ""},
                      {{"domain", "add", "x\x1b[31m.test"}, 65, "x?[31m.test"},
                      {{"domain", "add", "c.test", "--tier", "a b"}, 65, "a b: "},
                      {{"domain", "add", "alias.test", "--alias-of", "nowhere.test"},
                       67,
                       "nowhere.test: is not hosted here"},
                      {{"domain", "add", "alias.test", "--alias-of", "alias.test"}, 65, "itself"},
                      {{"domain", "add", "alias.test", "--alias-of", "a.test"}, 0, ""},
                      {{"domain", "add", "second.test", "--alias-of", "alias.test"},
                       65,
                       "is itself an alias of a.test"},
                      {{"domain", "remove", "a.test"}, 65, "still has 1 alias domain (postern domain list)"},
                      {{"domain", "remove", "alias.test"}, 0, ""},
                      {{"mailbox", "add", "u@a.test"}, 0, ""},
                      {{"alias", "add", "all@a.test", "u@a.test", "x@elsewhere.test"}, 0, ""},
                      {{"domain", "remove", "a.test"},
                       65,
                       "still has 1 mailbox (postern mailbox list), 1 alias (postern alias list)"},
                      {{"mailbox", "remove", "u@a.test"}, 0, ""},
                      {{"alias", "remove", "all@a.test"}, 0, ""},
                      {{"domain", "remove", "a.test"}, 0, ""},
                      {{"domain", "remove", "a.test"}, 67, "is not hosted here"},
                  });
    const auto list = at.run({"domain", "list", "--json"});
    const auto domains = list_of(list, "domains");
    REQUIRE(domains.size() == 1);
    CHECK(domains[0].as_object().at("name") == "xn--bcher-kva.example");
    CHECK(domains[0].as_object().at("tier") == "b");
    const auto text = at.run({"domain", "list"});
    CHECK(text.out == "NAME                   TIER  ALIAS-OF\nxn--bcher-kva.example  b     -\n");
}

TEST_CASE("a mailbox needs a hosted domain and a sensible address", "[commands]") {
    const command_fixture at;
    run_steps(at, {
                      {{"domain", "add", "a.test"}, 0, ""},
                      {{"domain", "add", "alias.test", "--alias-of", "a.test"}, 0, ""},
                      {{"mailbox", "add", "u@b.test"}, 67, "b.test: is not hosted here"},
                      {{"mailbox", "add", "u@alias.test"}, 65, "is an alias of a.test"},
                      {{"mailbox", "add", "u"}, 65, "u: "},
                      {{"mailbox", "add", ""}, 65, ""},
                      {{"mailbox", "add", "@a.test"}, 65, ""},
                      {{"mailbox", "add", "u@a.test", "--quota", "much"}, 65, "much: is not a size"},
                      {{"mailbox", "add", "u@a.test", "--quota", "-1"}, 65, "is not a size"},
                      {{"mailbox", "add", "U@A.test", "--quota", "1GB"}, 0, ""},
                      {{"mailbox", "add", "u@a.test"}, 73, "exists already"},
                      {{"mailbox", "set", "nobody@a.test", "--quota", "0"}, 67, "no such mailbox"},
                      {{"mailbox", "remove", "nobody@a.test"}, 67, "no such mailbox"},
                  });
}

TEST_CASE("setting one thing of a mailbox leaves the others as they were", "[commands]") {
    const command_fixture at;
    run_steps(at, {{{"domain", "add", "a.test"}, 0, ""}});
    REQUIRE(at.run({"mailbox", "add", "u@a.test", "--quota", "1GB", "--antispam", "off", "--password-stdin"},
                   "Zwölf graue Fahrräder\n")
                .code == 0);
    const auto stored = [&] {
        return **(*storage::open_lmdb_directory(at.state_dir()))->find_mailbox("u@a.test");
    };
    const auto before = stored();
    CHECK(before.quota == 1'000'000'000);
    CHECK_FALSE(before.antispam);
    CHECK(before.password.starts_with("$y$"));
    run_steps(at, {{{"mailbox", "set", "u@a.test", "--quota", "0"}, 0, ""}});
    const auto after = stored();
    CHECK(after.quota == 0);
    CHECK_FALSE(after.antispam);
    CHECK(after.password == before.password);
    CHECK(after.created == before.created);
    run_steps(at, {{{"mailbox", "set", "u@a.test", "--antispam", "on"}, 0, ""}});
    CHECK(stored().antispam);
    const auto list = list_of(at.run({"mailbox", "list", "--json"}), "mailboxes");
    REQUIRE(list.size() == 1);
    CHECK(list[0].as_object().at("has_password") == true);
    CHECK(at.run({"mailbox", "list"}).out.find("$y$") == std::string::npos);
}

TEST_CASE("a password that is easy to guess changes nothing", "[commands]") {
    const command_fixture at;
    run_steps(at, {{{"domain", "add", "a.test"}, 0, ""}});
    for (const std::string input : {"", "\n", "password1\n", "u\n", "qwertyuiop\n", "with\x01control\n"}) {
        const auto result = at.run({"mailbox", "add", "u@a.test", "--password-stdin"}, input);
        CHECK(result.code == 65);
        CHECK(result.err.starts_with("postern: password: it "));
        CHECK(result.err.find("password1") == std::string::npos);
    }
    CHECK(at.run({"mailbox", "add", "u@a.test", "--password-stdin"}, std::string(100'000, 'x')).code == 65);
    CHECK(list_of(at.run({"mailbox", "list", "--json"}), "mailboxes").empty());
}

TEST_CASE("a password is refused for a word of the place, and the reason is said", "[commands]") {
    command_fixture at;
    at.configure("[auth]\nwords = [\"Pardubice\"]\n");
    run_steps(at, {{{"domain", "add", "a.test"}, 0, ""}});
    const auto result = at.run({"mailbox", "add", "u@a.test", "--password-stdin"}, "Pardubice77\n");
    CHECK(result.code == 65);
    CHECK(result.err.find("known here") != std::string::npos);
    CHECK(result.err.find("Pardubice") == std::string::npos);
}

TEST_CASE("a new password has keys of SCRAM, a hash from elsewhere has none of before", "[commands]") {
    const command_fixture at;
    run_steps(at, {{{"domain", "add", "a.test"}, 0, ""}});
    const auto stored = [&] {
        return **(*storage::open_lmdb_directory(at.state_dir()))->find_mailbox("u@a.test");
    };
    const std::string hash = "{BLF-CRYPT}$2y$05$abcdefghijklmnopqrstuuXAVRtf8fCNUPE0CUHIMe809LUNX9kSa";
    CHECK(at.run({"mailbox", "add", "u@a.test", "--password-stdin"}, "Zwölf graue Fahrräder\n").code == 0);
    CHECK(stored().scram.starts_with("10000,"));
    CHECK(at.run({"mailbox", "set", "u@a.test", "--quota", "1GB"}).code == 0);
    CHECK(stored().scram.starts_with("10000,"));
    CHECK(at.run({"mailbox", "set", "u@a.test", "--password-hash-stdin"}, hash + "\r\n").code == 0);
    CHECK(stored().password == hash);
    CHECK(stored().scram.empty());
    const std::string keys = "4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
                             "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
    CHECK(at.run({"mailbox", "set", "u@a.test", "--password-hash-stdin"}, "{SCRAM-SHA-256}" + keys).code ==
          0);
    CHECK(stored().scram == keys);
    for (const std::string bad :
         {"", "password", "$1$abcdefgh$ZfBcYbRyu8hEjD5Z7tzGr/", "{ARGON2ID}$argon2id$x"}) {
        const auto result = at.run({"mailbox", "set", "u@a.test", "--password-hash-stdin"}, bad + "\n");
        CHECK(result.code == 65);
        CHECK(result.err.starts_with("postern: password hash: "));
        CHECK(stored().scram == keys);
    }
    run_steps(
        at, {{{"mailbox", "set", "u@a.test", "--password-stdin", "--password-hash-stdin"}, 64, "not both"}});
}

TEST_CASE("an alias takes many targets, and gives them up one by one", "[commands]") {
    const command_fixture at;
    run_steps(at, {
                      {{"domain", "add", "a.test"}, 0, ""},
                      {{"mailbox", "add", "u@a.test"}, 0, ""},
                      {{"alias", "add", "x@b.test", "u@a.test"}, 67, "b.test: is not hosted here"},
                      {{"alias", "add", "x@a.test", "u@a.test", "|/bin/sh"}, 65, "|/bin/sh: "},
                      {{"alias", "list", "x@a.test"}, 67, "no such alias"},
                      {{"alias", "add", "X@a.test", "u@a.test", "Out@b.test"}, 0, ""},
                      {{"alias", "add", "x@a.test", "third@b.test"}, 0, ""},
                      {{"alias", "remove", "x@a.test", "nobody@b.test"}, 67, "has no such target"},
                      {{"alias", "remove", "x@a.test", "third@b.test"}, 0, ""},
                  });
    const auto list = list_of(at.run({"alias", "list", "x@a.test", "--json"}), "aliases");
    REQUIRE(list.size() == 1);
    CHECK(list[0].as_object().at("address") == "x@a.test");
    CHECK(list[0].as_object().at("targets").as_array().size() == 2);
    CHECK(at.run({"alias", "list"}).out.find("Out@b.test") != std::string::npos);
    run_steps(at, {{{"alias", "remove", "x@a.test"}, 0, ""},
                   {{"alias", "remove", "x@a.test"}, 67, "no such alias"}});
}

TEST_CASE("a catch-all is taken only where both the command and the configuration say so", "[commands]") {
    command_fixture at;
    at.configure("[local]\ncatch_all_domains = [\"granted.test\"]\n");
    run_steps(at, {
                      {{"domain", "add", "a.test"}, 0, ""},
                      {{"domain", "add", "granted.test"}, 0, ""},
                      {{"mailbox", "add", "u@a.test"}, 0, ""},
                      {{"alias", "add", "@a.test", "u@a.test"}, 65, "--catch-all"},
                      {{"alias", "add", "@a.test", "u@a.test", "--catch-all"}, 65, "local.catch_all_domains"},
                      {{"alias", "add", "@granted.test", "u@a.test"}, 65, "--catch-all"},
                      {{"alias", "add", "x@granted.test", "u@a.test", "--catch-all"}, 64, "@domain"},
                      {{"alias", "add", "@granted.test", "u@a.test", "--catch-all"}, 0, ""},
                      {{"alias", "list", "@granted.test"}, 0, ""},
                      {{"alias", "remove", "@granted.test"}, 0, ""},
                  });
}

TEST_CASE("an alias that leads nowhere is stored, and said to be so", "[commands]") {
    const command_fixture at;
    run_steps(
        at, {
                {{"domain", "add", "a.test"}, 0, ""},
                {{"alias", "add", "x@a.test", "y@a.test"}, 0, "postern: warning: x@a.test: leads to nobody"},
                {{"alias", "add", "y@a.test", "x@a.test"},
                 0,
                 "postern: warning: y@a.test: leads only back to itself"},
            });
    CHECK(at.run({"alias", "add", "z@a.test", "out@b.test"}).err.empty());
}

TEST_CASE("a state folder that can't be made is exit 73", "[commands]") {
    const command_fixture at;
    std::ofstream(at.state_dir()) << "a file";
    CHECK(at.run({"domain", "add", "a.test"}).code == 73);
    std::filesystem::remove(at.state_dir());
    std::ofstream(at.config_path()) << "[server]\nuser = \"\"\nstate_dir = \"" << at.folder
                                    << "/no/such/state\"\n[[listener]]\nname = \"mx\"\n"
                                    << "address = [\"127.0.0.1:0\"]\n";
    const auto result = at.run({"domain", "add", "a.test"});
    CHECK(result.code == 73);
    CHECK(result.err.find("No such file or directory") != std::string::npos);
}

TEST_CASE("run as root, a command leaves nothing that the server's user can't write", "[commands]") {
    if (::geteuid() != 0) return;
    command_fixture at;
    at.configure("", "nobody");
    ::chmod(at.folder.c_str(), 0755);
    const auto result = at.run({"domain", "add", "a.test"});
    INFO(result.err);
    REQUIRE(result.code == 0);
    REQUIRE(at.run({"rule", "add", "deny", "@s.test"}).code == 0);
    REQUIRE(at.run({"greylist", "allow", "a@s.test", "192.0.2.1"}).code == 0);
    CHECK(::geteuid() == 0);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(at.state_dir())) {
        struct stat facts{};
        REQUIRE(::stat(entry.path().c_str(), &facts) == 0);
        INFO(entry.path().string());
        CHECK(facts.st_uid != 0);
    }
    at.configure("", "no-such-user-here");
    CHECK(at.run({"domain", "list"}).code == 78);
}

TEST_CASE("subject phrases and redirected mail are a mailbox's own to set", "[commands]") {
    const command_fixture at;
    run_steps(at,
              {{{"domain", "add", "a.test"}},
               {{"mailbox", "add", "u@a.test", "--subject-phrase", "Buy now", "--subject-phrase", "výhra"}},
               {{"mailbox", "set", "u@a.test", "--accept-redirected", "on"}}});
    const auto row = [&] {
        return list_of(at.run({"mailbox", "list", "--json"}), "mailboxes").at(0).as_object();
    };
    CHECK(row().at("subject_phrases") == boost::json::array({"Buy now", "výhra"}));
    CHECK(row().at("accept_redirected") == true);
    run_steps(at, {{{"mailbox", "set", "u@a.test", "--subject-phrase", "other"}},
                   {{"mailbox", "set", "u@a.test", "--accept-redirected", "off"}}});
    CHECK(row().at("subject_phrases") == boost::json::array({"other"}));
    CHECK(row().at("accept_redirected") == false);
    run_steps(
        at,
        {{{"mailbox", "set", "u@a.test", "--no-subject-phrases"}},
         {{"mailbox", "set", "u@a.test", "--no-subject-phrases", "--subject-phrase", "x"}, 64, "not both"},
         {{"mailbox", "set", "u@a.test", "--subject-phrase", " "}, 65, "is not a phrase"},
         {{"mailbox", "set", "u@a.test", "--subject-phrase", std::string(129, 'x')}, 65},
         {{"mailbox", "set", "u@a.test", "--accept-redirected", "maybe"}, 64},
         {{"mailbox", "set", "u@a.test"}, 64, "say what to change"}});
    CHECK(row().at("subject_phrases").as_array().empty());
    std::vector<std::string> many = {"mailbox", "set", "u@a.test"};
    for (int n = 0; n < 51; ++n) many.insert(many.end(), {"--subject-phrase", std::to_string(n)});
    run_steps(at, {{many, 65, "51 are more than 50"}});
}
