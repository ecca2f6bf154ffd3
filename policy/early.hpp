// A look-up that is begun before its answer is wanted: at connect or MAIL for a verdict at RCPT. It outlives
// nobody's patience: what works on it ends by its own deadline, and an answer that nobody waits for any more
// is dropped.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>

namespace postern::policy {

// One thread's. One waits at a time.
template <class T> class early {
  public:
    bool begun() const { return state_ != nullptr; }

    // `work` uses nothing of the caller's: it may go on when this is gone. If it throws (no memory) the
    // answer is `failed`.
    void begin(const boost::asio::any_io_executor& on, boost::asio::awaitable<T> work, T failed) {
        state_ = std::make_shared<state>(on);
        auto running = fill(state_, std::move(work), std::move(failed));
        boost::asio::co_spawn(on, std::move(running), [](const std::exception_ptr&) {});
    }

    // Only after begin(). The answer stays where it is, for the next who asks.
    boost::asio::awaitable<T> get() const {
        const std::shared_ptr<state> mine = state_;
        while (!mine->answer) {
            constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
            (void)co_await mine->ready.async_wait(token);
        }
        T answer = *mine->answer;
        co_return answer;
    }

  private:
    struct state {
        explicit state(const boost::asio::any_io_executor& on)
            : ready(on, boost::asio::steady_timer::time_point::max()) {}
        std::optional<T> answer;
        boost::asio::steady_timer ready; // cancelled when there is one
    };

    static boost::asio::awaitable<void> fill(std::shared_ptr<state> into, boost::asio::awaitable<T> work,
                                             T failed) {
        std::optional<T> answer;
        try {
            answer = co_await std::move(work);
        } catch (const std::exception&) {
            answer = std::move(failed);
        }
        into->answer = std::move(answer);
        into->ready.cancel();
    }

    std::shared_ptr<state> state_;
};

} // namespace postern::policy
