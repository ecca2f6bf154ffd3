// policy::tasks on a test's own loop.
#pragma once

#include "policy/tasks.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace postern::testing {

class loop_tasks final : public policy::tasks {
  public:
    explicit loop_tasks(boost::asio::io_context& on) : on_(on) {}
    std::chrono::steady_clock::time_point now() const override { return std::chrono::steady_clock::now(); }
    void begin(boost::asio::awaitable<void> work) override {
        boost::asio::co_spawn(on_, std::move(work), [](const std::exception_ptr&) {});
    }
    std::unique_ptr<signal> make_signal() override { return std::make_unique<timer_signal>(on_); }

  private:
    struct timer_signal final : signal {
        explicit timer_signal(boost::asio::io_context& on)
            : timer(on, boost::asio::steady_timer::time_point::max()) {}
        void give() override {
            given = true;
            timer.cancel();
        }
        boost::asio::awaitable<void> wait() override {
            constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
            while (!std::exchange(given, false)) (void)co_await timer.async_wait(token);
        }
        boost::asio::steady_timer timer;
        bool given = false;
    };
    boost::asio::io_context& on_;
};

} // namespace postern::testing
