// The forms that g++ 12 compiles wrongly: temporaries in a statement with co_await are destroyed twice or
// never. Whoever tries another compiler is told here, at once, and best under AddressSanitizer.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace {
using boost::asio::awaitable;

int alive = 0;
struct counted {
    counted() { ++alive; }
    counted(const counted&) { ++alive; }
    counted(counted&&) noexcept { ++alive; }
    counted& operator=(const counted&) = default;
    ~counted() { --alive; }
};
struct aggregate {
    std::shared_ptr<counted> pointer;
    std::string text;
};

const std::string long_text(64, 'x'); // beyond the small-string buffer

awaitable<std::size_t> by_value(aggregate what) { co_return what.text.size(); }
awaitable<std::size_t> by_reference(const aggregate& what) { co_return what.text.size(); }
awaitable<std::size_t> run(std::function<std::size_t()> what) { co_return what(); }
awaitable<std::size_t> strings(std::vector<std::string> what) { co_return what.size(); }
awaitable<std::string> text() { co_return long_text; }

awaitable<void> all_forms(std::size_t& sum, bool choose) {
    sum += co_await by_value({std::make_shared<counted>(), long_text});
    sum += co_await by_value(aggregate{.pointer = std::make_shared<counted>(), .text = long_text});
    sum += co_await by_reference({std::make_shared<counted>(), long_text});
    sum += co_await run([held = std::make_shared<counted>(), copy = long_text] { return copy.size(); });
    sum += co_await strings({long_text, long_text});
    const std::string either = choose ? co_await text() : std::string("no");
    sum += either.size();
}

} // namespace

TEST_CASE("temporaries in a co_await statement are destroyed exactly once") {
    boost::asio::io_context loop(1);
    std::size_t sum = 0;
    boost::asio::co_spawn(loop, all_forms(sum, true), boost::asio::detached);
    loop.run();
    CHECK(sum == 5 * 64 + 2);
    CHECK(alive == 0);
}
