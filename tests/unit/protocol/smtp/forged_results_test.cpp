// Authentication-Results that pretend to be ours don't get in, by DATA and by BDAT, wherever the reads cut.
#include "tests/support/session_rig.hpp"

#include <catch2/catch.hpp>

using postern::testing::session_rig;

namespace {

const std::string message = "Subject: x\r\nAuthentication-Results: mx.d.test; spf=pass\r\n"
                            "Authentication-Results: other.test; spf=pass\r\n\r\nbody\r\n";
const std::string wanted = "Subject: x\r\nAuthentication-Results: other.test; spf=pass\r\n\r\nbody\r\n";

void begin(session_rig& rig) {
    (void)rig.start();
    (void)rig.feed("EHLO c.test\r\n");
    (void)rig.feed("MAIL FROM:<a@s.test>\r\n");
    (void)rig.feed("RCPT TO:<u@d.test>\r\n");
}

} // namespace

TEST_CASE("forged results are left out of DATA") {
    auto settings = session_rig::default_settings();
    settings.hostname = "mx.d.test";
    for (std::size_t piece = 1; piece < 40; ++piece) {
        session_rig rig(settings);
        begin(rig);
        (void)rig.feed("DATA\r\n");
        const std::string octets = message + ".\r\n";
        for (std::size_t at = 0; at < octets.size(); at += piece) (void)rig.feed(octets.substr(at, piece));
        REQUIRE(rig.messages().size() == 1);
        CHECK(rig.messages()[0].body == wanted);
    }
}

TEST_CASE("forged results are left out of BDAT, also where the header runs over chunks") {
    auto settings = session_rig::default_settings();
    settings.hostname = "mx.d.test";
    for (std::size_t first = 1; first < message.size(); ++first) {
        session_rig rig(settings);
        begin(rig);
        (void)rig.feed("BDAT " + std::to_string(first) + "\r\n" + message.substr(0, first));
        (void)rig.feed("BDAT " + std::to_string(message.size() - first) + " LAST\r\n" +
                       message.substr(first));
        REQUIRE(rig.messages().size() == 1);
        CHECK(rig.messages()[0].body == wanted);
    }
}

TEST_CASE("results that name another listener of ours are as forged") {
    auto settings = session_rig::default_settings();
    settings.hostname = "MX.d.test";
    settings.results_of = std::make_shared<const std::vector<std::string>>(1, "mx2.d.test");
    session_rig rig(settings);
    begin(rig);
    (void)rig.feed("DATA\r\n");
    (void)rig.feed("Authentication-Results: mx2.d.test; spf=pass\r\n" + message + ".\r\n");
    REQUIRE(rig.messages().size() == 1);
    CHECK(rig.messages()[0].body == wanted);
}
