// The line that a message was accepted could stand behind the one that it was delivered: it was said by the
// session, which may come to it later than the delivery does.
#include "server/async_spool.hpp"
#include "tests/support/temporary_folder.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

using namespace postern;

TEST_CASE("what is said of a durable message is said before anybody is told to deliver it") {
    const testing::temporary_folder folder(testing::temporary_folder::in_memory());
    const auto queue =
        *storage::queue::open(storage::system_files(), folder.path(), {.map_size = std::uint64_t{1} << 26});
    std::vector<std::string> order; // the writer's thread only, until it has ended
    boost::asio::io_context session(1);
    bool answered = false;
    {
        server::async_spool spool(
            *queue, 10, [&order](std::span<const storage::queue_id>) { order.emplace_back("deliver"); });
        storage::insert_message insert;
        insert.message.id = {1};
        insert.message.recipients.resize(1);
        insert.message.recipients[0].address = "u@d.test";
        insert.body = "Subject: x\r\n\r\n";
        insert.message.size = insert.body.size();
        auto task = [](server::async_spool& into, storage::queue_operation what,
                       std::function<void()> durable, bool& done) -> boost::asio::awaitable<void> {
            const auto ec = co_await into.submit(std::move(what), nullptr, std::move(durable));
            done = !ec;
        };
        std::function<void()> durable = [&order] { order.emplace_back("accepted"); };
        storage::queue_operation operation = std::move(insert);
        boost::asio::co_spawn(session, task(spool, std::move(operation), std::move(durable), answered),
                              boost::asio::detached);
        session
            .poll(); // the session has handed it over, and comes to nothing else before the writer has ended
    }
    CHECK(order == std::vector<std::string>{"accepted", "deliver"});
    session.restart();
    session.run();
    CHECK(answered);
}
