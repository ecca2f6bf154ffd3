// A peer that says MAIL, RSET, MAIL and so on without a RCPT began all look-ups of a transaction each time,
// none of which anybody waited for: a few sessions could fill dns.max_in_flight and so put off everybody's
// mail.
#include "tests/support/policy_world.hpp"

using namespace postern;
using policy::stage;

namespace {

struct world : testing::policy_world {
    world() { dns.txt("s.test", "v=spf1 -all"); }
    void mail() {
        learned = {}; // as a session does
        (void)judge(stage::mail);
    }
};

} // namespace

TEST_CASE("MAIL without a RCPT begins look-ups once") {
    world w;
    w.mail();
    const auto of_one = w.dns.asked.size();
    CHECK(of_one >= 2); // MX and SPF at the least
    for (int i = 0; i < 100; ++i) w.mail();
    CHECK(w.dns.asked.size() == of_one);
}

TEST_CASE("look-ups that were not begun at MAIL are begun at RCPT, and the next MAIL begins them again") {
    world w;
    w.mail();
    w.mail();
    w.dns.asked.clear();
    CHECK(reply_line(w.judge(stage::rcpt, "u@d.test").with).starts_with("550 5.7.23 "));
    const auto of_one = w.dns.asked.size();
    CHECK(of_one >= 2);
    CHECK_FALSE(w.judge(stage::rcpt, "u@d.test").passed());
    CHECK(w.dns.asked.size() == of_one); // once a transaction
    w.mail();
    CHECK(w.dns.asked.size() > of_one);
}
