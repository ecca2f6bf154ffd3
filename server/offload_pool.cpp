// Jobs in, one thread each, in the order of their coming. One thread at a time is being woken, and it wakes
// the next when there are more jobs than it takes: many short jobs are done by the few threads that are
// awake. A job that finds no memory is told to who waits for it; whatever else it throws is a bug of ours,
// and std::terminate says so.
#include "server/offload_pool.hpp"

#include "storage/errc.hpp"

#include <new>

namespace postern::server {

offload_pool::offload_pool(unsigned threads, std::size_t queue_max) : queue_max_(queue_max) {
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

offload_pool::~offload_pool() { stop(); }

void offload_pool::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    ready_.notify_all();
    for (auto& thread : threads_)
        if (thread.joinable()) thread.join();
}

bool offload_pool::try_post(std::function<void()> job) {
    bool wake = false;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_ || jobs_.size() >= queue_max_) return false;
        jobs_.push_back(std::move(job));
        wake = needs_another();
    }
    if (wake) ready_.notify_one();
    return true;
}

boost::asio::awaitable<boost::system::error_code> offload_pool::run(std::function<void()> job,
                                                                    resumer* give_up) {
    std::function<void(resumer)> start = [this, job = std::move(job)](resumer resume) {
        const bool posted = try_post([job, resume] {
            boost::system::error_code ec;
            try {
                job();
            } catch (const std::bad_alloc&) {
                ec = make_error_code(boost::system::errc::not_enough_memory);
            }
            resume(ec);
        });
        if (!posted) resume(make_error_code(storage::storage_errc::busy));
    };
    co_return co_await suspend_until(std::move(start), give_up);
}

// Whether to wake a thread; the caller does.
bool offload_pool::needs_another() {
    if (jobs_.empty() || idle_ == 0 || waking_) return false;
    return waking_ = true;
}

void offload_pool::work() {
    for (;;) {
        std::function<void()> job;
        bool wake = false;
        {
            std::unique_lock lock(mutex_);
            while (jobs_.empty() && !stopping_) {
                ++idle_;
                ready_.wait(lock);
                --idle_;
                waking_ = false;
            }
            if (jobs_.empty()) return;
            job = std::move(jobs_.front());
            jobs_.pop_front();
            wake = needs_another();
        }
        if (wake) ready_.notify_one();
        job();
    }
}

} // namespace postern::server
