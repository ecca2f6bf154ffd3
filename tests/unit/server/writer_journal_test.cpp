// The two threads of the writer: what the journal promises, and when the queue has it.
#include "server/async_spool.hpp"
#include "spool_support.hpp"
#include "tests/support/failing_files.hpp"
#include "tests/support/file_size_limit.hpp"
#include "tests/support/temporary_folder.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <future>
#include <thread>

using namespace postern;
using boost::system::error_code;
using testing::message;

namespace {

error_code outcome_of(server::async_spool& spool, storage::queue_operation what) {
    std::promise<error_code> done;
    REQUIRE(spool.try_submit(std::move(what), [&](error_code ec) { done.set_value(ec); }));
    return done.get_future().get();
}

struct journaled_spool {
    testing::temporary_folder folder{testing::temporary_folder::in_memory()};
    testing::failing_files files;
    std::unique_ptr<storage::queue> queue =
        *storage::queue::open(files, folder.path(), {.map_size = std::uint64_t{1} << 26});
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::uint64_t> told; // 0: of some

    void tell(std::span<const storage::queue_id> ids) {
        const std::lock_guard lock(mutex);
        for (const auto id : ids) told.push_back(id.value);
        if (ids.empty()) told.push_back(0);
        changed.notify_all();
    }
    bool is_told_of(std::uint64_t id) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, std::chrono::seconds(20),
                                [&] { return std::ranges::find(told, id) != told.end(); });
    }
    std::unique_ptr<server::async_spool> spool() {
        return std::make_unique<server::async_spool>(
            *queue, 1000, [this](std::span<const storage::queue_id> ids) { tell(ids); });
    }
    std::string data() const { return folder.path() + "/queue/data.mdb"; }
};

} // namespace

TEST_CASE("a message costs one flush before its answer, and is in the queue soon after") {
    journaled_spool at;
    const auto spool = at.spool();
    const auto flushes = at.files.calls(testing::file_call::sync_data);
    CHECK_FALSE(outcome_of(*spool, message(1)));
    CHECK(at.files.calls(testing::file_call::sync_data) == flushes + 1);
    CHECK(at.is_told_of(1));
    CHECK(at.queue->find({1})->has_value());
    CHECK(spool->measures().messages == 1);
}

TEST_CASE("a flood of mail that must be refused doesn't keep what is in the journal from being taken over") {
    journaled_spool at;
    auto spool = at.spool();
    CHECK_FALSE(outcome_of(*spool, message(1)));
    REQUIRE(at.is_told_of(1));
    storage::insert_message large = std::get<storage::insert_message>(message(2));
    large.body.assign(20'000, 'x');
    large.message.size = large.body.size();
    {
        const testing::file_size_limit none(std::filesystem::file_size(at.data()));
        CHECK_FALSE(outcome_of(*spool, large));
        for (std::uint64_t id = 3; !spool->last_outcome().ec; ++id) {
            large.message.id = {id};
            outcome_of(*spool, large);
        }
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    for (std::uint64_t id = 1000; !at.queue->find({2})->has_value(); ++id) {
        REQUIRE(std::chrono::steady_clock::now() < until);
        outcome_of(*spool, message(id));
    }
}

TEST_CASE("whoever wants it has all that was answered in the queue at once") {
    journaled_spool at;
    const auto spool = at.spool();
    boost::asio::io_context loop(1);
    for (std::uint64_t id = 1; id <= 50; ++id) {
        CHECK_FALSE(outcome_of(*spool, message(id)));
        bool done = false;
        boost::asio::co_spawn(loop, spool->take_over_now(),
                              [&](const std::exception_ptr& thrown) { done = !thrown; });
        loop.restart();
        loop.run();
        CHECK(done);
        CHECK(at.queue->find({id})->has_value());
        CHECK_FALSE(at.queue->owes(storage::queue_id{id}));
    }
}

TEST_CASE("when the journal fails the answer comes from the tables, and later ones too") {
    journaled_spool at;
    const auto spool = at.spool();
    at.files.fail_from(testing::file_call::sync_data, 1, EIO);
    for (const std::uint64_t id : {1U, 2U}) {
        CHECK_FALSE(outcome_of(*spool, message(id)));
        CHECK(at.queue->find({id})->has_value());
        CHECK(at.is_told_of(id));
    }
    CHECK_FALSE(spool->last_outcome().ec);
}

TEST_CASE("what the tables can't take over now is tried again, and what comes meanwhile is told the truth") {
    journaled_spool at;
    auto spool = at.spool();
    CHECK_FALSE(outcome_of(*spool, message(1)));
    REQUIRE(at.is_told_of(1));
    {
        const testing::file_size_limit none(std::filesystem::file_size(at.data()));
        storage::insert_message large = std::get<storage::insert_message>(message(2));
        large.body.assign(20'000, 'x'); // ends within the journal where the tables' file does
        large.message.size = large.body.size();
        CHECK_FALSE(outcome_of(*spool, large)); // it is in the journal
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!spool->last_outcome().ec && std::chrono::steady_clock::now() < until)
            std::this_thread::yield();
        CHECK(spool->last_outcome().ec == storage::storage_errc::no_space);
        CHECK_FALSE(at.queue->can_keep());
        large.message.id = {3};
        CHECK(outcome_of(*spool, large) == storage::storage_errc::no_space);
        CHECK_FALSE(at.queue->find({2})->has_value());
        SECTION("when it ends") {
            spool.reset();
            CHECK(at.queue->owes());
            spool = at.spool();
            SECTION("and begins with room") {}
            SECTION("and begins without") { outcome_of(*spool, large); }
        }
        SECTION("while it runs") {}
    }
    REQUIRE((at.is_told_of(2) || at.is_told_of(0)));
    CHECK(at.queue->find({2})->has_value());
    CHECK_FALSE(outcome_of(*spool, message(4)));
    CHECK_FALSE(spool->last_outcome().ec);
    spool.reset();
    CHECK(at.queue->totals()->messages == 3);
}
