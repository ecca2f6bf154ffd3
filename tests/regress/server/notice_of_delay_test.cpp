// A notice of delay that could not be made at once was never made: the message was marked before.
#include "notice_bench.hpp"

using namespace postern;

TEST_CASE("a notice of delay that fails to be made is made at the next try") {
    testing::notice_bench bench;
    auto settings = std::make_shared<conf::config>(*bench.config.get()->config);
    settings->queue.delay_notice = std::chrono::hours(4);
    auto next = std::make_shared<server::snapshot>(*bench.config.get());
    next->config = std::move(settings);
    bench.config.swap(std::move(next));

    storage::queued_recipient late;
    late.address = "u@d.test";
    late.tries = 3;
    late.last_reply = "4.2.2 452 4.2.2 full";
    bench.message.recipients.push_back(late);
    bench.store("Subject: x\r\n\r\n");

    bench.accounts.failure = storage::storage_errc::io;
    CHECK_FALSE(bench.notices().has_value());
    CHECK_FALSE(bench.message.delay_told);

    bench.accounts.failure.reset();
    CHECK(testing::has(bench.notice(), "Action: delayed\r\n"));
    CHECK(bench.message.delay_told);

    const auto again = bench.notices();
    REQUIRE(again.has_value());
    CHECK(again->empty());
}
