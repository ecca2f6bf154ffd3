// One message that could not be stored got everybody in its batch refused.
#include "server/async_spool.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <future>

using namespace postern;
using boost::system::error_code;

namespace {

storage::queue_operation message(std::uint64_t id, std::size_t recipients) {
    storage::insert_message insert;
    insert.message.id = {id};
    insert.message.recipients.resize(recipients);
    return insert;
}

} // namespace

TEST_CASE("who shares a batch with a message that can't be stored is told of his own") {
    const testing::temporary_folder folder(testing::temporary_folder::in_memory());
    const auto queue =
        *storage::queue::open(storage::system_files(), folder.path(), {.map_size = std::uint64_t{1} << 26});
    std::promise<void> held, release;
    auto wait = release.get_future().share();
    std::vector<error_code> outcomes(3);
    unsigned wakes = 0;
    {
        server::async_spool spool(*queue, 1000, [&](std::span<const storage::queue_id>) { ++wakes; });
        REQUIRE(spool.try_submit(message(1, 1), [&](error_code) {
            held.set_value();
            wait.wait(); // so that the rest gathers
        }));
        held.get_future().wait();
        const std::size_t recipients[] = {1, 0, 1};
        for (std::size_t i = 0; i < 3; ++i)
            REQUIRE(
                spool.try_submit(message(i + 2, recipients[i]), [&, i](error_code ec) { outcomes[i] = ec; }));
        release.set_value();
        spool.stop();
        CHECK_FALSE(spool.last_outcome().ec); // mail is accepted
    }
    CHECK(outcomes == std::vector<error_code>{{}, storage::storage_errc::invalid, {}});
    CHECK(queue->totals()->messages == 3);
    CHECK(wakes == 2);
}
