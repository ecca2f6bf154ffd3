// What asks others and finds no memory: who waits for the answer hears so, or ends; nothing is left that
// waits for ever, and no thread ends.
#include "policy/early.hpp"
#include "policy/questions.hpp"
#include "server/call_outs.hpp"
#include "server/clock.hpp"
#include "server/delivery/hop_watch.hpp"
#include "server/side_tasks.hpp"
#include "tests/regress/no_memory/failing_memory.hpp"
#include "tests/regress/server/runner_bench.hpp"
#include "tests/support/dns_world.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <thread>

#if !__has_feature(thread_sanitizer) // no_memory_test.cpp says why

using namespace postern;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using testing::fail_from;
using testing::passing;

namespace {

void run_for(boost::asio::io_context& loop, std::chrono::milliseconds most) {
    const auto end = std::chrono::steady_clock::now() + most;
    for (;;) {
        try {
            loop.run_until(end);
            return;
        } catch (const std::bad_alloc&) { // as the server's loops do
        }
    }
}

struct beside_a_loop {
    boost::asio::io_context loop{1};
    server::side_tasks tasks{loop.get_executor()};
    testing::dns_world names;
};

// With a failure at each of its allocations in turn.
template <class Work> void check_that_it_ends(const Work& work) {
    for (long nth = 0;; ++nth) {
        unsigned ended = 0, refused = 0;
        beside_a_loop with;
        with.names.delay = 1ms;
        with.names.remembers = false;
        boost::asio::post(with.loop, [&] {
            fail_from(nth, 1);
            try {
                server::spawn(
                    with.loop.get_executor(), work(with), [](std::string_view) {}, [&] { ++ended; });
            } catch (const std::bad_alloc&) {
                ++refused;
            }
        });
        run_for(with.loop, 1s);
        passing = -1;
        CAPTURE(nth, ended, refused);
        REQUIRE(ended + refused == 1);
        if (!testing::struck) return;
    }
}

boost::asio::awaitable<void> hear_all(beside_a_loop& with) {
    policy::questions asked(with.names, with.tasks, with.names.deadline(1s));
    for (const auto* name : {"a.test", "b.test"}) {
        protocol::dns_question question{testing::dns_world::name(name), protocol::dns_type::a};
        asked.ask(std::move(question), 0);
    }
    while (asked.open() != 0) {
        auto next = asked.next();
        co_await std::move(next);
    }
}

boost::asio::awaitable<int> answer(beside_a_loop& with) {
    protocol::dns_question question{testing::dns_world::name("a.test"), protocol::dns_type::a};
    auto asking = with.names.look_up(std::move(question), with.names.deadline(1s));
    co_await std::move(asking);
    co_return 1;
}

boost::asio::awaitable<void> hear_early(beside_a_loop& with) {
    policy::early<int> begun;
    begun.begin(with.tasks, answer(with), 0);
    auto getting = begun.get();
    co_await std::move(getting);
}

boost::asio::awaitable<void> ask(server::call_outs& of, policy::call_out_question what, unsigned& answers) {
    auto asking = of.ask(std::move(what));
    co_await std::move(asking);
    ++answers;
}

// Greets, and puts all mail off.
class putting_off {
  public:
    std::uint16_t port() const { return entrance_.local_endpoint().port(); }
    ~putting_off() {
        boost::system::error_code ignored;
        tcp::socket last(loop_);
        stopping_ = true;
        last.connect(entrance_.local_endpoint(), ignored);
        thread_.join();
    }

  private:
    void serve() {
        while (!stopping_) {
            boost::system::error_code ec;
            tcp::socket peer(loop_);
            entrance_.accept(peer, ec);
            boost::asio::write(peer, boost::asio::buffer(std::string_view("220 p.test\r\n")), ec);
            while (!stopping_ && !ec) converse(peer, ec);
        }
    }
    void converse(tcp::socket& peer, boost::system::error_code& ec) {
        boost::asio::streambuf line;
        boost::asio::read_until(peer, line, '\n', ec);
        const std::string_view said(static_cast<const char*>(line.data().data()), line.size());
        const std::string_view reply = said.starts_with("MAIL") ? "451 4.0.0 later\r\n" : "250 p.test\r\n";
        if (!ec) boost::asio::write(peer, boost::asio::buffer(reply), ec);
    }

    boost::asio::io_context loop_{1};
    tcp::acceptor entrance_{loop_, {boost::asio::ip::address_v4::loopback(), 0}};
    std::atomic<bool> stopping_{false};
    std::thread thread_{[this] { serve(); }};
};

conf::relay_hop hop_at(std::uint16_t port) {
    conf::relay_hop made;
    made.address = {*protocol::ip_address::parse("127.0.0.1"), port};
    return made;
}

} // namespace

TEST_CASE("who waits for answers of DNS hears of each or ends, whichever allocation fails") {
    check_that_it_ends(hear_all);
}

TEST_CASE("who waits for a look-up that was begun early hears of it or ends, whichever allocation fails") {
    check_that_it_ends(hear_early);
}

TEST_CASE("a question to a primary that found no memory keeps nobody from asking it again") {
    testing::runner_bench world; // for its configuration and log
    server::call_out_counts counts;
    const policy::call_out_question what{hop_at(1), "u@d.test"}; // nobody is there
    for (long nth = 0;; ++nth) {
        boost::asio::io_context loop{1};
        server::call_outs primaries(loop.get_executor(), world.config, world.journal, counts, nullptr);
        unsigned answers = 0;
        const auto begin = [&] {
            server::spawn(loop.get_executor(), ask(primaries, what, answers), [](std::string_view) {});
        };
        boost::asio::post(loop, [&] {
            fail_from(nth, 1);
            try {
                begin();
            } catch (const std::bad_alloc&) {
            }
        });
        run_for(loop, 300ms);
        passing = -1;
        answers = 0;
        begin();
        loop.restart();
        run_for(loop, 1s);
        CAPTURE(nth);
        REQUIRE(answers == 1);
        if (!testing::struck) return;
    }
}

TEST_CASE("a primary whose probe found no memory is probed again") {
    conf::relay_settings routes;
    for (std::uint16_t port = 25; port != 28; ++port) routes.routes.push_back({"d.test", {}, hop_at(port)});
    for (long nth = 0;; ++nth) {
        server::hop_watch watch;
        auto now = server::hop_watch::time_point(1h);
        fail_from(nth, 1);
        try {
            for (const auto& hop : watch.to_probe(routes, now)) watch.probed(hop);
        } catch (const std::bad_alloc&) {
        }
        passing = -1;
        now += server::hop_watch::probe_interval;
        CAPTURE(nth);
        REQUIRE(watch.to_probe(routes, now).size() == 3);
        if (!testing::struck) return;
    }
}

TEST_CASE("what waits for a primary that is back is looked for again when there was no memory for it") {
    putting_off primary;
    testing::runner_bench world;
    auto changed = std::make_shared<server::snapshot>();
    auto settings = std::make_shared<conf::config>(*world.config.get()->config);
    settings->relay.routes.push_back({"d.test", {}, hop_at(primary.port())});
    settings->queue.retry = {std::chrono::hours(1)};
    changed->config = std::move(settings);
    world.config.swap(std::move(changed));
    storage::insert_message insert;
    insert.message.id = {1};
    insert.message.arrived = server::now_microseconds();
    insert.message.session = std::string(400'000, 'x');
    insert.message.recipients.resize(1);
    auto& to = insert.message.recipients[0];
    to.address = to.original = "u@d.test";
    to.route = storage::recipient_route::outside;
    to.next_try = server::now_seconds() + 1800; // not by itself
    insert.body = "Subject: x\r\n\r\n";
    insert.message.size = insert.body.size();
    const storage::queue_operation operation = std::move(insert);
    REQUIRE(world.queue->commit({&operation, 1}));
    testing::refused_as_large = 0;
    testing::too_large = 400'000;
    const auto is_tried = [&] {
        if (testing::refused_as_large == 0) return false;
        testing::too_large = 0;
        return (*world.queue->find({1}))->recipients[0].tries == 1;
    };
    CHECK(world.run_until(is_tried, 15s));
    testing::too_large = 0;
}

#endif
