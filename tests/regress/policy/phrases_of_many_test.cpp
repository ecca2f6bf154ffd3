// Open: an order has room for 500 phrases, and those of mailboxes that come after are not looked for, without
// a word. Who names ten mailboxes with 50 phrases each beside a victim gets past the victim's own, and 500
// phrases of the configuration leave the mailboxes none.
#include "tests/support/policy_world.hpp"

#include <algorithm>

using namespace postern;

namespace {

struct noting_scanner final : policy::message_scanner {
    std::optional<protocol::scan::order> asked;
    boost::asio::awaitable<policy::scan_outcome> scan(protocol::scan::order what) override {
        asked = std::move(what);
        co_return policy::scan_outcome{protocol::scan::report{}, {}};
    }
};

} // namespace

TEST_CASE("a mailbox's subjects are looked for, however many recipients come before it", "[!shouldfail]") {
    testing::policy_world w;
    noting_scanner scanner;
    w.content = &scanner;
    for (int box = 0; box <= 10; ++box) {
        storage::mailbox_record record;
        record.address = std::to_string(box) + "@d.test";
        for (std::size_t i = 0; i < storage::subject_phrases_max; ++i)
            record.subject_phrases.push_back("phrase " + std::to_string(i) + " of " + std::to_string(box));
        REQUIRE(w.accounts.put_mailbox(record));
        REQUIRE(w.judge(policy::stage::rcpt, record.address).passed());
        w.envelope.recipients.emplace_back().mailbox = protocol::parse_address(record.address).value();
    }
    REQUIRE(w.judge(policy::stage::content).passed());
    REQUIRE(scanner.asked);
    for (const auto* const one : {"phrase 0 of 0", "phrase 49 of 10"}) {
        CAPTURE(one);
        CHECK(std::ranges::count(scanner.asked->phrases, one, &protocol::scan::phrase::text) == 1);
    }
}
