// postern check: each finding on stdout as FILE:LINE:COL: key: problem; also for what the configuration only
// names.
#include "command_fixture.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace postern::server;

TEST_CASE("a good configuration is ok", "[check]") {
    const command_fixture at;
    const auto result = at.run({"check"});
    CHECK(result.code == 0);
    CHECK(result.out == at.config_path() + ": ok\n");
    CHECK(result.err.empty());
}

TEST_CASE("every error of the file is on stdout with its place", "[check]") {
    command_fixture at;
    at.configure("nonsense = 1\n[limits]\nsessions = \"many\"\n");
    const auto result = at.run({"check"});
    CHECK(result.code == 78);
    CHECK(result.out.find(at.config_path() + ":11:") != std::string::npos);
    CHECK(result.out.find(at.config_path() + ":13:12: limits.sessions: ") != std::string::npos);
    CHECK(result.err.empty());
}

TEST_CASE("a file that is not there is exit 78", "[check]") {
    const auto result = command_fixture::run_words({"postern", "--config", "/no/such.toml", "check"});
    CHECK(result.code == 78);
    CHECK(result.out.starts_with("/no/such.toml"));
}

TEST_CASE("a certificate that can't be read is an error at its line", "[check]") {
    command_fixture at;
    at.configure("[[tls.certificate]]\ncert = \"/no/such.pem\"\nkey = \"/no/such.key\"\n");
    const auto result = at.run({"check"});
    CHECK(result.code == 78);
    CHECK(result.out.find(at.config_path() + ":12:8: tls.certificate[0].cert: ") != std::string::npos);
}

TEST_CASE("a state folder that can't be made is a warning, a missing user is told", "[check]") {
    command_fixture at;
    std::ofstream(at.config_path()) << "[server]\nuser = \"no-such-user-here\"\nstate_dir = "
                                       "\"/no/such/state\"\n[[listener]]\nname = \"mx\"\n"
                                    << "address = [\"127.0.0.1:0\"]\ntier = \"a\"\n";
    const auto result = at.run({"check"});
    CHECK(result.out.find(":3:13: server.state_dir: ") != std::string::npos);
    CHECK(result.out.find(":2:8: server.user: there is no user no-such-user-here") != std::string::npos);
}

TEST_CASE("a mail folder that does not exist is told before the first message is", "[check]") {
    command_fixture at;
    at.configure("[local]\nmaildir = \"/no/such/mail/{domain}/{local}\"\n");
    const auto result = at.run({"check"});
    CHECK(result.code == 0);
    CHECK(result.out.find(":12:11: local.maildir: warning: the folder /no/such/mail") != std::string::npos);
}

TEST_CASE("a tier that asks for antivirus needs signatures", "[check]") {
    command_fixture at;
    const auto checked = [&] {
        at.configure("[tier.a]\nantivirus = true\n[antivirus]\ndatabase = \"" + at.folder + "\"\n");
        return at.run({"check"});
    };
    const auto none = checked();
    CHECK(none.code == 78);
    CHECK(none.out.find(":14:12: antivirus.database: a tier in use asks for antivirus, and ") !=
          std::string::npos);
    std::ofstream(at.folder + "/own.ndb") << "Test.Own:0:*:61626364\n";
    CHECK(checked().code == 0);
}

TEST_CASE("a weight of what is no sign is told", "[check]") {
    command_fixture at;
    at.configure("[spam.weight]\nDATE_MISSING = 1.0\nDATE_MISING = 1.0\n");
    const auto result = at.run({"check"});
    CHECK(result.code == 0);
    CHECK(result.out.find(":13:15: spam.weight.DATE_MISING: warning: is the name of no sign") !=
          std::string::npos);
    CHECK(std::count(result.out.begin(), result.out.end(), '\n') == 1);
}
