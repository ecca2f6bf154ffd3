// A job of the pool that found no memory ended the server. It is told to who waits for it.
#include "server/offload_pool.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <new>

using namespace postern;

TEST_CASE("a job that finds no memory is told to who waits for it") {
    boost::asio::io_context loop(1);
    server::offload_pool pool(1, 10);
    boost::system::error_code told;
    std::function<void()> job = [] { throw std::bad_alloc(); };
    const auto ask = [&]() -> boost::asio::awaitable<void> { told = co_await pool.run(job); };
    boost::asio::co_spawn(loop, ask(), boost::asio::detached);
    loop.run();
    CHECK(told == boost::system::errc::not_enough_memory);
}
