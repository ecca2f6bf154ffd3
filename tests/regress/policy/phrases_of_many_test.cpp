// An order has room for 500 phrases, and those of mailboxes that came after were not looked for, without a
// word: who named ten mailboxes with 50 phrases each beside a victim got past the victim's own.
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

TEST_CASE("a mailbox whose subjects have no room in the order waits for another transaction") {
    testing::policy_world w;
    noting_scanner scanner;
    w.content = &scanner;
    storage::mailbox_record plain;
    plain.address = "plain@d.test";
    REQUIRE(w.accounts.put_mailbox(plain));
    for (int box = 0; box <= 10; ++box) {
        storage::mailbox_record record;
        record.address = std::to_string(box) + "@d.test";
        for (std::size_t i = 0; i < storage::subject_phrases_max; ++i)
            record.subject_phrases.push_back("phrase " + std::to_string(i) + " of " + std::to_string(box));
        REQUIRE(w.accounts.put_mailbox(record));
        const auto said = w.judge(policy::stage::rcpt, record.address);
        CAPTURE(box);
        REQUIRE(said.passed() == (box < 10));
        if (!said.passed()) {
            CHECK(said.with.code == 452);
            continue;
        }
        w.envelope.recipients.emplace_back().mailbox = protocol::parse_address(record.address).value();
    }
    CHECK(w.judge(policy::stage::rcpt, "plain@d.test").passed());
    w.envelope.recipients.emplace_back().mailbox = protocol::parse_address("plain@d.test").value();
    REQUIRE(w.judge(policy::stage::content).passed());
    REQUIRE(scanner.asked);
    for (const auto* const one : {"phrase 0 of 0", "phrase 49 of 9"}) {
        CAPTURE(one);
        CHECK(std::ranges::count(scanner.asked->phrases, one, &protocol::scan::phrase::text) == 1);
    }
}
