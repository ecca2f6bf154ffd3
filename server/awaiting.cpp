// asio's completion handlers are move-only; a shared wrapper makes them ordinary functions. One allocation a
// wait.
#include "server/awaiting.hpp"

#include "server/reserved_room.hpp"

#include <array>
#include <atomic>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <optional>

namespace postern::server {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// Not an error_code itself: asio would turn a failed one into an exception.
struct answer {
    error_code ec;
};

using handler_of_awaitable = asio::async_result<asio::use_awaitable_t<>, void(answer)>::handler_type;

struct waiting {
    explicit waiting(asio::any_io_executor ex) : executor(std::move(ex)) {}
    std::optional<handler_of_awaitable> handler;
    asio::any_io_executor executor;
    std::atomic<bool> answered{false};
    reserved_room room; // for what resumes: who wakes somebody needs no memory for it
};

// Any thread, once. An executor of its loop's type takes memory from where it is told to, others don't.
void post_answer(const std::shared_ptr<waiting>& to, error_code ec) {
    auto resume = [to, ec] {
        auto handler = std::move(*to->handler);
        to->handler.reset();
        std::move(handler)(answer{ec});
    };
    using loop = asio::io_context::executor_type;
    if (const auto* on = to->executor.target<loop>()) {
        asio::post(*on, in_room(to->room, std::move(resume)));
    } else {
        asio::post(to->executor, std::move(resume));
    }
}

// An ordinary function, not a coroutine: the handler never becomes a temporary of a co_await expression.
// Whatever throws once the handler was handed out ends the coroutine without a word: what may is done before.
auto initiate(std::shared_ptr<waiting> who, std::function<void(resumer)> start, resumer resume) {
    return asio::async_initiate<const asio::use_awaitable_t<>&, void(answer)>(
        [who = std::move(who), start = std::move(start),
         resume = std::move(resume)](handler_of_awaitable handler) mutable {
            who->handler.emplace(std::move(handler));
            who.reset(); // it owns the coroutine, whose frame owns this
            const resumer told = std::move(resume);
            try {
                start(told);
            } catch (const std::bad_alloc&) {
                told(make_error_code(boost::system::errc::not_enough_memory));
            }
        },
        asio::use_awaitable);
}

// All that needs memory of a wait which begins when the result is awaited.
asio::awaitable<answer> prepare(const asio::any_io_executor& on, std::function<void(resumer)> start,
                                resumer* give_up) {
    auto who = std::make_shared<waiting>(on);
    resumer resume = [who](error_code ec) {
        if (!who->answered.exchange(true)) post_answer(who, ec);
    };
    resumer to_give_up = give_up != nullptr ? resume : resumer();
    auto pending = initiate(std::move(who), std::move(start), std::move(resume));
    if (give_up != nullptr) give_up->swap(to_give_up);
    return pending;
}

// What throws before its first wait is made to wait by Asio, and may find no memory for that.
asio::awaitable<void> begin_later(asio::awaitable<answer> turn, asio::awaitable<void> task) {
    co_await std::move(turn);
    co_await std::move(task);
}

// What follows a task. One whose next wait finds no memory is only destroyed: then it has ended as well.
struct aftermath {
    aftermath(std::function<void(std::string_view)> on_escape, std::function<void()> at_end)
        : escaped(std::move(on_escape)), ended(std::move(at_end)) {}
    ~aftermath() {
        if (ended) ended();
    }
    aftermath(const aftermath&) = delete;
    aftermath& operator=(const aftermath&) = delete;

    void tell(const std::exception_ptr& failure) const {
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& e) {
            escaped(e.what());
        } catch (...) {
            escaped("unknown exception");
        }
    }

    std::function<void(std::string_view)> escaped;
    std::function<void()> ended;
};

} // namespace

asio::awaitable<error_code> suspend_until(std::function<void(resumer)> start, resumer* give_up) {
    const auto here = co_await asio::this_coro::executor;
    auto pending = prepare(here, std::move(start), give_up);
    const answer given = co_await std::move(pending);
    if (give_up != nullptr) *give_up = nullptr;
    co_return given.ec;
}

void spawn(const asio::any_io_executor& on, asio::awaitable<void> task,
           std::function<void(std::string_view)> escaped, std::function<void()> ended) {
    auto after = std::make_shared<aftermath>(std::move(escaped), std::move(ended));
    std::function<void(resumer)> at_once = [](const resumer& resume) { resume({}); };
    try {
        auto turn = prepare(on, std::move(at_once), nullptr);
        auto whole = begin_later(std::move(turn), std::move(task));
        // Leaves a block in Asio's cache for what co_spawn() does first: failing there may end the process.
        asio::dispatch(on, [room = std::array<std::byte, 128>()] { static_cast<void>(room); });
        asio::co_spawn(on, std::move(whole), [after](const std::exception_ptr& failure) {
            if (failure) after->tell(failure);
        });
    } catch (...) { // nothing has begun
        after->ended = nullptr;
        throw;
    }
}

} // namespace postern::server
