// What a test in mode "report" said of a recipient that was refused in the end stood in the header of the
// message that the others got.
#include "tests/support/policy_world.hpp"

using namespace postern;
using policy::stage;
using storage::kept_action;

TEST_CASE("the header tells nothing of a recipient that was refused") {
    testing::policy_world w("[recipient]\nmode = \"report\"\n");
    w.add("v@d.test");
    w.rule(kept_action::allow, "a@s.test", "v@d.test");
    w.dns.txt("s.test", "v=spf1 -all");
    w.add("full@d.test", 10);
    w.rooms.answers.emplace("full@d.test", testing::room(false));
    CHECK(reply_line(w.session("full@d.test").with).starts_with("550 5.7.23 "));
    REQUIRE(w.of("spf") != nullptr);
    CHECK(w.learned.reports.empty());
    CHECK(w.judge(stage::rcpt, "v@d.test").passed());
    CHECK(w.learned.reports.empty());
}
