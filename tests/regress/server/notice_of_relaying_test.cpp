// Whoever wrote from port 25 was told that mail had been handed on, once SPF passed for its sender: with
// aliases that lead outside, a way to have notices sent to anybody with such a record.
#include "notice_bench.hpp"
#include "protocol/smtp/envelope.hpp"

using namespace postern;

namespace {

storage::queued_recipient delivered(storage::recipient_route route) {
    storage::queued_recipient to;
    to.address = "v@d.test";
    to.state = storage::recipient_state::delivered;
    to.route = route;
    to.notify = protocol::dsn_notify::success;
    to.last_reply = "2.0.0 250 ok";
    return to;
}

std::size_t told(storage::recipient_route route, std::string account) {
    testing::notice_bench bench;
    bench.message.account = std::move(account);
    bench.message.proof = storage::sender_proof::proved;
    bench.message.recipients.push_back(delivered(route));
    bench.store("Subject: x\r\n\r\nx\r\n");
    const auto made = bench.notices();
    REQUIRE(made.has_value());
    return made->size();
}

} // namespace

TEST_CASE("of a delivery elsewhere only who authenticated is told") {
    using storage::recipient_route;
    CHECK(told(recipient_route::outside, "") == 0);
    CHECK(told(recipient_route::outside, "u@d.test") == 1);
    CHECK(told(recipient_route::local, "") == 1);
}
