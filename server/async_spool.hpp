// The queue's two writer threads behind an awaitable face. One takes the new messages that have gathered,
// writes them into the journal with one flush, and only then wakes those who wait. Many messages share a
// flush: one waits a millisecond for several others whose content is coming in, and a lone one never waits.
// The other one makes the transactions of the queue: it takes over what the journal holds, and writes the
// results of attempts, which wait for a moment because nobody waits for them. Without a journal new messages
// are its too.
#pragma once

#include "protocol/result.hpp"
#include "server/awaiting.hpp"
#include "server/histogram.hpp"
#include "storage/queue.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <thread>

namespace postern::server {

// Of the flushes that were made; any thread.
struct commit_measures {
    histogram times;                        // of each batch, flush included
    std::atomic<std::uint64_t> messages{0}; // that entered the queue
};

class async_spool {
  public:
    static constexpr std::size_t company_min = 4;

    using done = std::function<void(boost::system::error_code)>; // called on a writer's thread; must not
                                                                 // block, nor throw

    // Called on a writer's thread with messages that are in the queue now; none: memory was too short
    // to name some. Must not block, nor throw.
    using inserted = std::function<void(std::span<const storage::queue_id>)>;

    // `into` outlives this. At most pending_max operations wait; more are refused as busy.
    // A message waits at most `for_company` for others, and only while company_min of them are coming in.
    async_spool(storage::queue& into, std::size_t pending_max, inserted after_insert,
                std::chrono::milliseconds for_company = std::chrono::milliseconds(1));
    ~async_spool(); // writes what waits, then joins; what the queue has no room for stays in the journal

    // A message whose content is coming in, until it was written or given up. Any thread.
    class to_come {
      public:
        explicit to_come(async_spool& spool) : spool_(spool) { ++spool_.to_come_; }
        ~to_come() { --spool_.to_come_; }
        to_come(const to_come&) = delete;
        to_come& operator=(const to_come&) = delete;

      private:
        async_spool& spool_;
    };

    // Memory for a body above the tables' size that comes in whole, until it was written or given up. Any
    // thread.
    class body_memory {
      public:
        explicit body_memory(async_spool& of) : spool_(of) {}
        ~body_memory() { spool_.in_memory_ -= octets_; }
        body_memory(const body_memory&) = delete;
        body_memory& operator=(const body_memory&) = delete;
        bool grow(std::size_t by); // false: all bodies together have body_memory_max

      private:
        async_spool& spool_;
        std::size_t octets_ = 0;
    };
    static constexpr std::size_t body_memory_max = 32 * 1024 * 1024;

    // False = too many wait: nothing will be written and `then` is not called.
    bool try_submit(storage::queue_operation what, done then);
    // Durable when the error is clear, and in the queue for whoever reads it then or soon after; else nothing
    // of it is in the queue (busy: never tried). After `give_up` (awaiting.hpp) it is unknown whether it was
    // written. `durable` is called on a writer's thread when it is, before anybody can take it from the
    // queue.
    boost::asio::awaitable<boost::system::error_code> submit(storage::queue_operation what, resumer* give_up,
                                                             std::function<void()> durable);

    // What was answered before is in the queue after it, for whoever reads it there; unless the disk keeps it
    // in the journal (queue::owes()).
    boost::asio::awaitable<void> take_over_now();

    const storage::queue& queue() const { return queue_; }
    std::size_t pending() const { return pending_.load(std::memory_order_relaxed); }
    bool has_room() const { return pending() < pending_max_; }
    // Any thread. True: somebody waits for the results, so that they wait for nothing.
    void hurry(bool now);
    // Since when a writer has been at the batch that it writes now; nullopt while both wait for one.
    std::optional<std::chrono::steady_clock::time_point> writing_since() const;
    // The outcome of the last batch, the first error if any of it failed, but for those that are one
    // operation's own: an alarm.
    struct outcome {
        boost::system::error_code ec;
        std::chrono::steady_clock::time_point when; // 0 = never
    };
    outcome last_outcome() const;
    const commit_measures& measures() const { return measures_; }
    void stop();

  private:
    static constexpr std::chrono::milliseconds memory_pause{10}; // before what found no memory is tried again
    struct waiting {
        storage::queue_operation what;
        done then;
    };
    using instant = std::atomic<std::chrono::steady_clock::rep>; // 0 = none
    // Operations that have gathered for one of the threads.
    struct line {
        std::condition_variable ready;
        std::vector<waiting> gathered;
        std::size_t wake_at = 1;                        // gathered operations that its thread waits for
        std::chrono::steady_clock::time_point write_by; // of what has gathered, at the latest
        instant writing_since{0};
        bool add(waiting&& entry,
                 std::chrono::steady_clock::time_point by); // true: its thread is to be woken
    };
    // Messages in the journal: in the queue once it has taken over what has this number.
    struct kept {
        std::uint64_t number = 0;
        std::vector<storage::queue_id> ids;
    };
    void keep_batches();
    void write_batches();
    void await_work(std::unique_lock<std::mutex>& lock);
    void await_company(line& of, std::unique_lock<std::mutex>& lock);
    static bool take(line& from, std::size_t tables_max, std::vector<waiting>& batch); // false: no memory
    bool keep(std::vector<waiting>& batch);
    void answer_kept(std::vector<waiting>& batch, std::chrono::steady_clock::time_point began);
    void write_instead(std::vector<waiting>& batch);
    void take_over();
    void renew_journal(std::chrono::steady_clock::time_point now);
    void write(std::vector<waiting>& batch);
    void plan_next(std::chrono::steady_clock::time_point began, bool tried);
    void tell_of_taken_over();
    std::chrono::steady_clock::time_point next_work() const;
    void note(std::span<const storage::queue_operation> operations,
              std::span<const boost::system::error_code> outcomes);

    storage::queue& queue_;
    const std::size_t pending_max_;
    inserted after_insert_;
    const std::chrono::milliseconds for_company_;
    std::atomic<std::size_t> pending_{0}, to_come_{0}, in_memory_{0};
    commit_measures measures_;
    mutable std::mutex mutex_;
    line to_keep_, to_write_;
    std::vector<kept> kept_;                             // in their order
    std::chrono::steady_clock::time_point take_over_at_; // what is kept, at the earliest
    std::chrono::steady_clock::time_point journal_tried_ = std::chrono::steady_clock::now(); // the writer's
    outcome last_outcome_;
    bool ending_ = false, stopping_ = false, hurried_ = false; // ending: nothing new, and the keeper ends
    std::thread keeper_, writer_;
};

} // namespace postern::server
