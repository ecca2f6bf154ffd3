// A look-up that is begun before its answer is wanted: at connect or MAIL for a verdict at RCPT. It outlives
// nobody's patience: what works on it ends by its own deadline, and an answer that nobody waits for any more
// is dropped.
#pragma once

#include "policy/tasks.hpp"

#include <optional>

namespace postern::policy {

// One thread's. One waits at a time.
template <class T> class early {
  public:
    bool begun() const { return state_ != nullptr; }

    // `work` uses nothing of the caller's: it may go on when this is gone. If it throws (no memory) the
    // answer is `failed`.
    void begin(tasks& beside, boost::asio::awaitable<T> work, T failed) {
        state_ = std::make_shared<state>(&beside);
        auto running = fill(debt(state_, std::move(failed)), std::move(work));
        beside.begin(std::move(running));
    }

    // The answer is at hand already.
    void know(T answer) {
        state_ = std::make_shared<state>(nullptr);
        state_->answer = std::move(answer);
    }

    // Only after begin() or know(). The answer stays where it is, for the next who asks.
    boost::asio::awaitable<T> get() const {
        const std::shared_ptr<state> mine = state_;
        while (!mine->answer) {
            if (!mine->ready) mine->ready = mine->beside->make_signal();
            auto waiting = mine->ready->wait();
            co_await std::move(waiting);
        }
        T answer = *mine->answer;
        co_return answer;
    }

  private:
    struct state {
        explicit state(tasks* with) : beside(with) {}
        tasks* beside; // null: nobody will ever wait
        std::optional<T> answer;
        std::unique_ptr<tasks::signal> ready; // null until somebody has to wait
    };

    // The answer is owed, also by work that is only destroyed: what finds no memory for a wait is.
    class debt {
      public:
        debt(std::shared_ptr<state> to, T failed) : to_(std::move(to)), answer_(std::move(failed)) {}
        debt(debt&&) noexcept = default;
        ~debt() {
            if (to_ == nullptr) return;
            to_->answer = std::move(answer_);
            if (to_->ready) to_->ready->give();
        }
        void is(T answer) { answer_ = std::move(answer); }

      private:
        std::shared_ptr<state> to_;
        T answer_;
    };

    static boost::asio::awaitable<void> fill(debt owed, boost::asio::awaitable<T> work) {
        try {
            owed.is(co_await std::move(work));
        } catch (const std::exception&) { // it stays failed
        }
    }

    std::shared_ptr<state> state_;
};

} // namespace postern::policy
