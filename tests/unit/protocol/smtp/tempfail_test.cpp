// A tempfail MX: whatever is asked, the answer is 4yz, but for QUIT; nothing is kept, and nobody is kept for
// ever.
#include "tests/support/session_rig.hpp"

#include <catch2/catch.hpp>

using namespace postern;
using testing::session_rig;

namespace {

protocol::session_settings tempfail() {
    auto made = session_rig::default_settings();
    made.takes_mail = false;
    return made;
}

} // namespace

TEST_CASE("a tempfail MX answers every request with 4yz") {
    session_rig rig(tempfail());
    CHECK(rig.start().starts_with("220 "));
    for (const auto* line : {"EHLO c.test", "HELO c.test", "MAIL FROM:<a@s.test>", "RCPT TO:<u@d.test>",
                             "DATA", "RSET", "NOOP", "VRFY u", "HELP", "STARTTLS", "AUTH PLAIN AAAA",
                             "ETRN d.test", "nonsense", "", "MAIL FROM:<", "bare\nend"}) {
        INFO(line);
        session_rig fresh(tempfail());
        (void)fresh.start();
        const auto said = fresh.feed(std::string(line) + "\r\n");
        REQUIRE_FALSE(said.empty());
        for (std::size_t at = 0; at < said.size(); at = said.find("\r\n", at) + 2) CHECK(said[at] == '4');
    }
    CHECK(rig.feed("QUIT\r\n").starts_with("221 "));
    CHECK(rig.closed());
    CHECK(rig.opened() == 0);
}

TEST_CASE("the octets behind a BDAT are no commands, at a tempfail MX neither") {
    session_rig rig(tempfail());
    (void)rig.start();
    const auto said = rig.feed("BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n");
    CHECK(said.find("221") == std::string::npos);
    CHECK_FALSE(rig.closed());
    CHECK(said == "450 4.3.2 No mail is taken here; try again later, or another MX\r\n"
                  "450 4.3.2 No mail is taken here; try again later, or another MX\r\n");
}

TEST_CASE("a tempfail MX has limits too") {
    session_rig rig(tempfail());
    (void)rig.start();
    for (int i = 0; i < 2000 && !rig.closed(); ++i) (void)rig.feed("MAIL FROM:<a@s.test>\r\n");
    CHECK(rig.closed());
    session_rig endless(tempfail());
    (void)endless.start();
    std::string all;
    for (int i = 0; i < 100 && !endless.closed(); ++i) all += endless.feed(std::string(4096, 'x'));
    CHECK(endless.closed());
    CHECK(all.starts_with('4'));
}
