// The thread of the journal: new messages. What it finds no memory or no journal for goes the other one's
// way.
#include "server/async_spool.hpp"

#include <new>

namespace postern::server {

void async_spool::keep_batches() {
    std::vector<waiting> batch;
    for (;;) {
        batch.clear();
        {
            std::unique_lock lock(mutex_);
            to_keep_.ready.wait(lock, [this] { return ending_ || !to_keep_.gathered.empty(); });
            await_company(to_keep_, lock);
            if (to_keep_.gathered.empty()) return;
            if (!take(to_keep_, storage::journal_batch_max, batch)) {
                to_keep_.ready.wait_for(lock, memory_pause);
                continue;
            }
        }
        to_keep_.writing_since = std::chrono::steady_clock::now().time_since_epoch().count();
        if (!keep(batch)) write_instead(batch);
        to_keep_.writing_since = 0;
    }
}

// Once the journal has them nothing may fail: what that takes is there before.
bool async_spool::keep(std::vector<waiting>& batch) {
    std::vector<storage::queue_operation> operations;
    const auto began = std::chrono::steady_clock::now();
    kept made;
    try {
        operations.reserve(batch.size());
        for (const auto& entry : batch)
            made.ids.push_back(std::get<storage::insert_message>(entry.what).message.id);
        {
            const std::lock_guard lock(mutex_);
            kept_.reserve(kept_.size() + 1);
        }
        for (auto& entry : batch) operations.push_back(std::move(entry.what));
        const auto number = queue_.keep(operations, [&] { answer_kept(batch, began); });
        if (number) made.number = *number;
    } catch (const std::bad_alloc&) { // nothing was tried
    }
    const bool done = made.number != 0;
    if (!done) {
        for (std::size_t i = 0; i < operations.size(); ++i) batch[i].what = std::move(operations[i]);
        made = {queue_.kept(), {}}; // that the tables have to pass over
    }
    bool first = false; // else the writer knows when it has to look
    {
        const std::lock_guard lock(mutex_);
        first = kept_.empty();
        if (done || (queue_.has_lost_journal() && kept_.size() < kept_.capacity()))
            kept_.push_back(std::move(made));
    }
    if (first) to_write_.ready.notify_one();
    return done;
}

void async_spool::answer_kept(std::vector<waiting>& batch, std::chrono::steady_clock::time_point began) {
    const auto now = std::chrono::steady_clock::now();
    measures_.times.add(now - began);
    measures_.messages.fetch_add(batch.size(), std::memory_order_relaxed);
    pending_.fetch_sub(batch.size(), std::memory_order_relaxed);
    {
        const std::lock_guard lock(mutex_);
        last_outcome_ = {{}, now};
    }
    for (auto& entry : batch) entry.then({});
}

// The journal is full, failed or never was: the transactions of the queue answer for them.
void async_spool::write_instead(std::vector<waiting>& batch) {
    bool taken = true;
    {
        const std::lock_guard lock(mutex_);
        try {
            to_write_.gathered.reserve(to_write_.gathered.size() + batch.size());
        } catch (const std::bad_alloc&) {
            taken = false;
        }
        const auto now = std::chrono::steady_clock::now();
        for (std::size_t i = 0; taken && i < batch.size(); ++i) to_write_.add(std::move(batch[i]), now);
    }
    if (taken) return to_write_.ready.notify_one();
    pending_.fetch_sub(batch.size(), std::memory_order_relaxed);
    for (auto& entry : batch) entry.then(make_error_code(storage::storage_errc::busy));
}

} // namespace postern::server
