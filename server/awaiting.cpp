// asio's completion handlers are move-only; a shared wrapper makes them ordinary functions. One allocation a
// wait.
#include "server/awaiting.hpp"

#include <array>
#include <atomic>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
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

// Room for the one operation that resumes: who wakes somebody must not need memory for it.
struct reserved_room {
    alignas(std::max_align_t) std::array<std::byte, 256> octets;
};

template <class T> class in_reserved_room {
  public:
    using value_type = T;
    explicit in_reserved_room(reserved_room& room) : room_(&room) {}
    template <class Other> in_reserved_room(const in_reserved_room<Other>& other) : room_(&other.room()) {}
    T* allocate(std::size_t count) {
        if (count * sizeof(T) <= room_->octets.size()) return reinterpret_cast<T*>(room_->octets.data());
        return std::allocator<T>().allocate(count);
    }
    void deallocate(T* what, std::size_t count) {
        if (count * sizeof(T) > room_->octets.size()) std::allocator<T>().deallocate(what, count);
    }
    reserved_room& room() const { return *room_; }
    friend bool operator==(const in_reserved_room& a, const in_reserved_room& b) {
        return a.room_ == b.room_;
    }

  private:
    reserved_room* room_; // its owner waits for the operation
};

template <class Handler> struct waiting {
    explicit waiting(Handler&& h, asio::any_io_executor ex)
        : handler(std::move(h)), executor(std::move(ex)) {}
    Handler handler;
    asio::any_io_executor executor;
    std::atomic<bool> answered{false};
    reserved_room room;
};

// Any thread, once. An executor of its loop's type takes memory from where it is told to, others don't.
template <class State> void post_answer(const std::shared_ptr<State>& to, error_code ec) {
    auto resume = [to, ec] {
        auto handler = std::move(to->handler);
        std::move(handler)(answer{ec});
    };
    using loop = asio::io_context::executor_type;
    if (const auto* on = to->executor.template target<loop>()) {
        const in_reserved_room<std::byte> room(to->room);
        asio::post(*on, asio::bind_allocator(room, std::move(resume)));
    } else {
        asio::post(to->executor, std::move(resume));
    }
}

// An ordinary function, not a coroutine: the handler never becomes a temporary of a co_await expression.
auto initiate(asio::any_io_executor on, std::function<void(resumer)> start) {
    return asio::async_initiate<const asio::use_awaitable_t<>&, void(answer)>(
        [on = std::move(on), start = std::move(start)](auto handler) {
            using state = waiting<decltype(handler)>;
            auto shared = std::make_shared<state>(std::move(handler), on);
            start([shared](error_code ec) {
                if (!shared->answered.exchange(true)) post_answer(shared, ec);
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
