// One MX host whose name nobody answers for took all the time that its domain has, and mail for the hosts
// behind it waited until it expired.
#include "server/delivery/hop_finder.hpp"
#include "tests/support/dns_world.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

using namespace postern;
namespace asio = boost::asio;

namespace {

// Names below "silent.test" have no answer, ever; the others have theirs at once, while there is time.
class silence final : public policy::resolver {
  public:
    testing::dns_world others;

    asio::awaitable<policy::dns_result> look_up(protocol::dns_question question,
                                                policy::dns_deadline until) override {
        if (question.name.to_string().ends_with("silent.test")) {
            asio::steady_timer timer(co_await asio::this_coro::executor, until);
            (void)co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
        }
        if (std::chrono::steady_clock::now() >= until) co_return policy::dns_try_later{};
        auto asking = others.look_up(std::move(question), until);
        co_return co_await std::move(asking);
    }
    std::optional<policy::dns_result> remembered(protocol::dns_question) override { return std::nullopt; }
    policy::dns_deadline deadline(std::chrono::milliseconds from_now) const override {
        return others.deadline(from_now);
    }
};

} // namespace

TEST_CASE("an MX host that DNS is silent about keeps no mail from those behind it", "[DN-04][F-12]") {
    silence names;
    names.others.mx("d.test", 5, "mx1.silent.test");
    names.others.mx("d.test", 10, "mx2.d.test");
    names.others.mx("d.test", 20, "backup.test");
    names.others.a("mx2.d.test", "8.8.1.1");
    const server::ourselves us{{"backup.test"}, {}};
    const conf::relay_hop hop{conf::relay_hop::kind::mx, {{}, 25}, "d.test"};
    asio::io_context loop{1};
    server::found_hop found;
    auto task = server::find_hop(&names, hop, us, std::chrono::seconds(1));
    const auto began = std::chrono::steady_clock::now();
    asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown, server::found_hop made) {
        if (thrown) std::rethrow_exception(thrown);
        found = std::move(made);
    });
    loop.run();
    CAPTURE(found.trouble);
    REQUIRE(found.addresses.size() == 1);
    CHECK(found.addresses[0].to_string() == "mx2.d.test[8.8.1.1]:25");
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::milliseconds(1500));
}
