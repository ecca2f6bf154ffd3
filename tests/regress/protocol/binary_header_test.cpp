// A BINARYMIME message could hold bare CR, bare LF and NUL in its header: a second field for some readers,
// that no filter of ours saw.
#include "tests/support/session_rig.hpp"

#include <catch2/catch.hpp>

using postern::testing::session_rig;

namespace {

// In pieces of each size.
void check(const std::string& message, std::string_view reply) {
    INFO(message);
    for (std::size_t piece = 1; piece <= message.size(); ++piece) {
        session_rig rig;
        (void)rig.start();
        (void)rig.feed("EHLO c.test\r\n");
        (void)rig.feed("MAIL FROM:<a@s.test> BODY=BINARYMIME\r\n");
        (void)rig.feed("RCPT TO:<u@d.test>\r\n");
        std::string said = rig.feed("BDAT " + std::to_string(message.size()) + " LAST\r\n");
        for (std::size_t at = 0; at < message.size(); at += piece)
            said += rig.feed(message.substr(at, piece));
        if (!said.starts_with(reply)) FAIL("in pieces of " << piece << ": " << said);
    }
}

} // namespace

TEST_CASE("the header of a BINARYMIME message is lines") {
    check("X: a\rAuthentication-Results: mx.d.test; dmarc=pass\r\n\r\nbody", "550 5.5.2 ");
    check("X: a\nBcc: v@d.test\r\n\r\nbody", "550 5.5.2 ");
    check("X: a\r\n b\r\r\n\r\nbody", "550 5.5.2 ");
    check("X: a\r\n\nbody", "550 5.5.2 ");
    check(std::string("X: a\0b\r\n\r\nbody", 14), "550 5.6.0 ");
}

TEST_CASE("its body is what it likes") {
    check("X: a\r\n\r\nb\ro\nd\r\ry", "250 ");
    check(std::string("X: a\r\n\r\n\0\r\0\n", 12), "250 ");
    check("no field at all\rof it\n", "250 "); // a body without a header
    check("\r\nb\ro", "250 ");
}
