#include "server/side_tasks.hpp"

#include "server/awaiting.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace postern::server {
namespace {

namespace asio = boost::asio;

class timer_signal final : public policy::tasks::signal {
  public:
    explicit timer_signal(const asio::any_io_executor& on)
        : timer_(on, asio::steady_timer::time_point::max()) {}

    void give() override {
        given_ = true;
        timer_.cancel();
    }
    asio::awaitable<void> wait() override {
        constexpr auto token = asio::as_tuple(asio::use_awaitable);
        while (!std::exchange(given_, false)) (void)co_await timer_.async_wait(token);
    }

  private:
    asio::steady_timer timer_;
    bool given_ = false;
};

} // namespace

void side_tasks::begin(asio::awaitable<void> work) {
    spawn(on_, std::move(work), [](std::string_view) {});
}

std::unique_ptr<policy::tasks::signal> side_tasks::make_signal() {
    return std::make_unique<timer_signal>(on_);
}

} // namespace postern::server
