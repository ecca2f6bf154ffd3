// The writer thread, the pool and the limits: what they promise under crowding and failure.
#include "server/async_spool.hpp"
#include "server/offload_pool.hpp"
#include "server/session_limits.hpp"
#include "tests/support/failing_files.hpp"
#include "tests/support/file_size_limit.hpp"
#include "tests/support/temporary_folder.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <future>
#include <thread>

using namespace postern;
using boost::system::error_code;

namespace {

storage::queue_operation message(std::uint64_t id) {
    storage::insert_message insert;
    insert.message.id = {id};
    insert.message.recipients.resize(1);
    insert.message.recipients[0].address = "u@d.test";
    insert.body = "Subject: x\r\n\r\n";
    insert.message.size = insert.body.size();
    return insert;
}

struct open_queue {
    testing::temporary_folder folder{testing::temporary_folder::in_memory()};
    std::unique_ptr<storage::queue> queue =
        *storage::queue::open(storage::system_files(), folder.path(), {.map_size = std::uint64_t{1} << 26});
};

} // namespace

TEST_CASE("the writer answers each operation once, and tells of each message once it is in the queue") {
    open_queue at;
    std::atomic<unsigned> told{0}, answers{0}, failed{0}, missing{0};
    const auto tell = [&](std::span<const storage::queue_id> ids) {
        for (const auto id : ids) {
            const auto found = at.queue->find(id);
            if (!found || !*found) ++missing;
            ++told;
        }
    };
    {
        server::async_spool spool(*at.queue, 1000, tell);
        for (std::uint64_t id = 1; id <= 100; ++id)
            REQUIRE(spool.try_submit(message(id), [&](error_code ec) {
                ++answers;
                if (ec) ++failed;
            }));
    } // its end writes what waits
    CHECK(answers == 100);
    CHECK(failed == 0);
    CHECK(told == 100);
    CHECK(missing == 0);
    CHECK(at.queue->totals()->messages == 100);
    CHECK_FALSE(at.queue->owes());
}

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

TEST_CASE("a failed batch is told to all of it, and the next one works") {
    open_queue at;
    server::async_spool spool(*at.queue, 1000, [](std::span<const storage::queue_id>) {});
    const auto outcome = [&](storage::queue_operation what) {
        std::promise<error_code> done;
        REQUIRE(spool.try_submit(std::move(what), [&](error_code ec) { done.set_value(ec); }));
        return done.get_future().get();
    };
    CHECK_FALSE(outcome(message(7)));
    CHECK(outcome(message(7)) == storage::storage_errc::exists);
    CHECK_FALSE(spool.last_outcome().ec); // the message's own trouble, not the disk's
    CHECK_FALSE(outcome(message(8)));
    CHECK_FALSE(spool.last_outcome().ec);
}

TEST_CASE("a failed write is remembered until one succeeds, and no message's own trouble hides it") {
    const testing::temporary_folder folder{testing::temporary_folder::in_memory()};
    testing::failing_files files;
    const auto queue = *storage::queue::open(files, folder.path(), {.map_size = std::uint64_t{1} << 26});
    server::async_spool spool(*queue, 1000, [](std::span<const storage::queue_id>) {});
    const auto outcome = [&](storage::queue_operation what) {
        std::promise<error_code> done;
        REQUIRE(spool.try_submit(std::move(what), [&](error_code ec) { done.set_value(ec); }));
        return done.get_future().get();
    };
    auto huge = std::get<storage::insert_message>(message(7));
    huge.message.recipients.resize(storage::recipients_max + 1);
    files.fail_from(testing::file_call::free_bytes, 1, EIO);
    CHECK(outcome(message(8)) == storage::storage_errc::io);
    CHECK(spool.last_outcome().ec == storage::storage_errc::io);
    CHECK(outcome(huge) == storage::storage_errc::too_large);
    CHECK(spool.last_outcome().ec == storage::storage_errc::io);
    files.stop();
    CHECK_FALSE(outcome(message(8)));
    CHECK_FALSE(spool.last_outcome().ec);
}

TEST_CASE("a result waits a moment for a message and shares its flush, and not for ever") {
    using clock = std::chrono::steady_clock;
    open_queue at;
    server::async_spool spool(*at.queue, 1000, [](std::span<const storage::queue_id>) {});
    std::promise<clock::time_point> alone, hurried;
    std::promise<bool> shared;
    const auto removal = [](std::uint64_t id) { return storage::remove_message{{id}, false}; };
    const auto when = [](std::promise<clock::time_point>& told) {
        return [&told](error_code) { told.set_value(clock::now()); };
    };
    const auto start = clock::now();
    REQUIRE(spool.try_submit(removal(1),
                             [&](error_code) { shared.set_value(at.queue->find({2})->has_value()); }));
    REQUIRE(spool.try_submit(message(2), [](error_code) {}));
    CHECK(shared.get_future().get());
    REQUIRE(spool.try_submit(removal(2), when(alone)));
    const auto ended = alone.get_future().get();
    CHECK(ended - start >= std::chrono::milliseconds(10));
    CHECK(at.queue->totals()->messages == 0);
    spool.hurry(true);
    REQUIRE(spool.try_submit(removal(2), when(hurried)));
    hurried.get_future().wait();
}

TEST_CASE("a message waits for several that are coming in, and goes with them") {
    open_queue at;
    server::async_spool spool(
        *at.queue, 1000, [](std::span<const storage::queue_id>) {},
        std::chrono::hours(1)); // without them it would not end
    constexpr std::size_t all = server::async_spool::company_min + 1;
    std::vector<std::unique_ptr<server::async_spool::to_come>> coming;
    for (std::size_t i = 0; i < all; ++i)
        coming.push_back(std::make_unique<server::async_spool::to_come>(spool));
    std::promise<void> last;
    std::atomic<std::size_t> answers{0}, failed{0};
    const auto submit = [&](std::uint64_t id) {
        REQUIRE(spool.try_submit(message(id), [&, id](error_code ec) {
            if (ec) ++failed;
            coming[id - 1].reset(); // none is still to come: what is left over waits for nobody
            if (++answers == all) last.set_value();
        }));
    };
    submit(1);
    std::this_thread::sleep_for(std::chrono::milliseconds(200)); // the writer sees it alone, and waits
    CHECK(answers == 0);
    for (std::uint64_t id = 2; id <= all; ++id) submit(id);
    last.get_future().wait();
    CHECK(failed == 0);
    CHECK(spool.measures().times.read().count() == 1);

    // Alone, or with too few, it waits for nobody.
    coming.clear();
    for (std::size_t i = 0; i < server::async_spool::company_min; ++i)
        coming.push_back(std::make_unique<server::async_spool::to_come>(spool));
    std::promise<void> alone;
    REQUIRE(spool.try_submit(message(100), [&](error_code) { alone.set_value(); }));
    alone.get_future().wait();
}

TEST_CASE("company that doesn't come is waited for no longer than it may be") {
    using clock = std::chrono::steady_clock;
    open_queue at;
    server::async_spool spool(
        *at.queue, 1000, [](std::span<const storage::queue_id>) {}, std::chrono::milliseconds(20));
    std::vector<std::unique_ptr<server::async_spool::to_come>> coming;
    for (std::size_t i = 0; i <= server::async_spool::company_min; ++i)
        coming.push_back(std::make_unique<server::async_spool::to_come>(spool));
    const auto start = clock::now();
    std::promise<clock::time_point> ended;
    REQUIRE(spool.try_submit(message(1), [&](error_code) { ended.set_value(clock::now()); }));
    CHECK(ended.get_future().get() - start >= std::chrono::milliseconds(20));
}

TEST_CASE("a writer that is hurried or stopped waits for no company") {
    open_queue at;
    std::atomic<unsigned> answers{0};
    {
        server::async_spool spool(
            *at.queue, 1000, [](std::span<const storage::queue_id>) {}, std::chrono::hours(1));
        std::vector<std::unique_ptr<server::async_spool::to_come>> coming;
        for (std::size_t i = 0; i <= server::async_spool::company_min; ++i)
            coming.push_back(std::make_unique<server::async_spool::to_come>(spool));
        std::promise<void> hurried;
        REQUIRE(spool.try_submit(message(1), [&](error_code) {
            ++answers;
            hurried.set_value();
        }));
        spool.hurry(true);
        hurried.get_future().wait();
        spool.hurry(false);
        REQUIRE(spool.try_submit(message(2), [&](error_code) { ++answers; }));
        spool.stop();
    }
    CHECK(answers == 2);
}

TEST_CASE("more than may wait is refused at once, not queued") {
    open_queue at;
    std::promise<void> blocked, release;
    auto wait = release.get_future().share();
    server::async_spool spool(*at.queue, 2, [](std::span<const storage::queue_id>) {});
    // The first one's answer holds the writer.
    REQUIRE(spool.try_submit(message(1), [&](error_code) {
        blocked.set_value();
        wait.wait();
    }));
    blocked.get_future().wait();
    CHECK(spool.try_submit(message(2), [](error_code) {}));
    CHECK(spool.try_submit(message(3), [](error_code) {}));
    CHECK_FALSE(spool.has_room());
    CHECK_FALSE(spool.try_submit(message(4), [](error_code) { FAIL("refused, so never answered"); }));
    release.set_value();
}

TEST_CASE("a coroutine that gives up is resumed once, and the late answer counts for nothing") {
    boost::asio::io_context loop(1);
    server::resumer give_up, late;
    unsigned resumed = 0;
    error_code got;
    auto task = [](server::resumer& out, server::resumer& in, unsigned& count,
                   error_code& ec) -> boost::asio::awaitable<void> {
        std::function<void(server::resumer)> keep = [&in](server::resumer resume) { in = std::move(resume); };
        ec = co_await server::suspend_until(std::move(keep), &out);
        ++count;
    };
    boost::asio::co_spawn(loop, task(give_up, late, resumed, got), boost::asio::detached);
    loop.run_one();
    REQUIRE(give_up);
    const auto first = give_up;
    first(make_error_code(storage::storage_errc::busy));
    late({});
    loop.run();
    CHECK(resumed == 1);
    CHECK(got == storage::storage_errc::busy);
    CHECK_FALSE(give_up);
}

TEST_CASE("a full pool says so and runs what it took") {
    std::promise<void> started, release;
    auto wait = release.get_future().share();
    std::atomic<unsigned> ran{0};
    {
        server::offload_pool pool(1, 1);
        REQUIRE(pool.try_post([&] {
            started.set_value();
            wait.wait();
            ++ran;
        }));
        started.get_future().wait();
        REQUIRE(pool.try_post([&] { ++ran; }));
        CHECK_FALSE(pool.try_post([&] { ++ran; }));
        release.set_value();
    }
    CHECK(ran == 2);
}

TEST_CASE("places: one client can't take them all, and each is given back") {
    server::session_limits limits;
    const auto a = *protocol::ip_address::parse("192.0.2.1");
    const auto b = *protocol::ip_address::parse("192.0.2.2");
    server::session_limits::denial why{};
    using denial = server::session_limits::denial;
    {
        auto one = limits.enter(a, {3, 2}, why);
        auto two = limits.enter(a, {3, 2}, why);
        REQUIRE((one && two));
        CHECK_FALSE(limits.enter(a, {3, 2}, why));
        CHECK(why == denial::too_many_from_client);
        auto three = limits.enter(b, {3, 2}, why);
        REQUIRE(three);
        CHECK_FALSE(limits.enter(a, {3, 0}, why));
        CHECK(why == denial::all_taken);
        CHECK(limits.sessions() == 3);
    }
    CHECK(limits.sessions() == 0);
    CHECK(limits.enter(a, {3, 1}, why));
}

TEST_CASE("places: an IPv6 client is its /64, and gives back what it took") {
    server::session_limits limits;
    server::session_limits::denial why{};
    const auto address = [](std::string_view text) { return *protocol::ip_address::parse(text); };
    {
        const auto one = limits.enter(address("2001:db8:0:1::1"), {9, 1}, why);
        REQUIRE(one);
        CHECK_FALSE(limits.enter(address("2001:db8:0:1:ffff::9"), {9, 1}, why));
        CHECK(limits.enter(address("2001:db8:0:2::1"), {9, 1}, why));
        CHECK(limits.enter(address("192.0.2.1"), {9, 1}, why));
    }
    CHECK(limits.enter(address("2001:db8:0:1::2"), {9, 1}, why));
}
