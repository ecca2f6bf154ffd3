// asio's completion handlers are move-only; a shared wrapper makes them ordinary functions. One allocation a
// wait.
#include "server/awaiting.hpp"

#include <atomic>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <memory>

namespace postern::server {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// Not an error_code itself: asio would turn a failed one into an exception.
struct answer {
    error_code ec;
};

template <class Handler> struct waiting {
    explicit waiting(Handler&& h, asio::any_io_executor ex)
        : handler(std::move(h)), executor(std::move(ex)) {}
    Handler handler;
    asio::any_io_executor executor;
    std::atomic<bool> answered{false};
};

// An ordinary function, not a coroutine: the handler never becomes a temporary of a co_await expression.
auto initiate(asio::any_io_executor on, std::function<void(resumer)> start) {
    return asio::async_initiate<const asio::use_awaitable_t<>&, void(answer)>(
        [on = std::move(on), start = std::move(start)](auto handler) {
            using state = waiting<decltype(handler)>;
            auto shared = std::make_shared<state>(std::move(handler), on);
            start([shared](error_code ec) {
                if (shared->answered.exchange(true)) return;
                asio::post(shared->executor, [shared, ec] {
                    auto resume = std::move(shared->handler);
                    std::move(resume)(answer{ec});
                });
            });
        },
        asio::use_awaitable);
}

} // namespace

asio::awaitable<error_code> suspend_until(std::function<void(resumer)> start, resumer* give_up) {
    const auto here = co_await asio::this_coro::executor;
    std::function<void(resumer)> begin = [start = std::move(start), give_up](resumer resume) {
        if (give_up != nullptr) *give_up = resume;
        start(std::move(resume));
    };
    auto pending = initiate(here, std::move(begin));
    const answer given = co_await std::move(pending);
    if (give_up != nullptr) *give_up = nullptr;
    co_return given.ec;
}

void spawn(const asio::any_io_executor& on, asio::awaitable<void> task,
           std::function<void(std::string_view)> escaped, std::function<void()> ended) {
    asio::co_spawn(on, std::move(task),
                   [escaped = std::move(escaped), ended = std::move(ended)](std::exception_ptr failure) {
                       if (failure) {
                           try {
                               std::rethrow_exception(failure);
                           } catch (const std::exception& e) {
                               escaped(e.what());
                           } catch (...) {
                               escaped("unknown exception");
                           }
                       }
                       if (ended) ended();
                   });
}

} // namespace postern::server
