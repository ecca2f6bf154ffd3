// What fails is told to who asked for it and never tried again: the senders get 4yz and keep their messages.
// So is what finds no memory: the thread goes on.
#include "server/async_spool.hpp"

#include <algorithm>
#include <memory>
#include <new>

namespace postern::server {
using boost::system::error_code;

namespace {

// A batch never holds more than this many octets of bodies, so that one transaction stays short.
constexpr std::size_t batch_octets_max = 64 * 1024 * 1024;

// How long a result waits for a message to share a flush with. A crash in that time costs a second delivery,
// as one during the flush does.
constexpr std::chrono::milliseconds patience{10};

constexpr std::chrono::milliseconds memory_pause{10}; // before what found no memory is tried again

bool is_patient(const storage::queue_operation& what) {
    return !std::holds_alternative<storage::insert_message>(what);
}

std::size_t octets_of(const storage::queue_operation& what) {
    const auto* insert = std::get_if<storage::insert_message>(&what);
    if (insert == nullptr) return 0;
    std::size_t octets = insert->body.size();
    for (const auto& piece : insert->pieces) octets += piece.size();
    return octets;
}

// Not of the operation alone. A new message has no records that could be damaged.
bool tells_of_the_queue(const storage::queue_operation& what, const error_code& ec) {
    if (!ec) return false;
    const bool is_new = std::holds_alternative<storage::insert_message>(what);
    return !storage::is_of_one(ec) || (is_new && ec == storage::storage_errc::corrupt);
}

// That it brings into the queue.
void add_messages_in(const storage::queue_operation& what, std::vector<storage::queue_id>& ids) {
    if (const auto* insert = std::get_if<storage::insert_message>(&what)) ids.push_back(insert->message.id);
    const auto* settled = std::get_if<storage::settle_message>(&what);
    if (settled == nullptr) return;
    for (const auto& notice : settled->notices) ids.push_back(notice.message.id);
}

} // namespace

async_spool::async_spool(storage::queue& into, std::size_t pending_max, inserted after_insert,
                         std::chrono::milliseconds for_company)
    : queue_(into), pending_max_(pending_max), after_insert_(std::move(after_insert)),
      for_company_(for_company), writer_([this] { write_batches(); }) {}

async_spool::~async_spool() { stop(); }

void async_spool::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    ready_.notify_one();
    if (writer_.joinable()) writer_.join();
}

bool async_spool::body_memory::grow(std::size_t by) {
    if (spool_.in_memory_.fetch_add(by) + by > body_memory_max) {
        spool_.in_memory_ -= by;
        return false;
    }
    octets_ += by;
    return true;
}

bool async_spool::try_submit(storage::queue_operation what, done then) {
    bool wake = false;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_ || pending_.load(std::memory_order_relaxed) >= pending_max_) return false;
        const auto by = std::chrono::steady_clock::now() + (is_patient(what) ? patience : patience.zero());
        write_by_ = gathered_.empty() ? by : std::min(write_by_, by);
        gathered_.push_back({std::move(what), std::move(then)});
        pending_.fetch_add(1, std::memory_order_relaxed);
        wake = gathered_.size() >= wake_at_;
    }
    if (wake) ready_.notify_one();
    return true;
}

boost::asio::awaitable<error_code> async_spool::submit(storage::queue_operation what, resumer* give_up,
                                                       std::function<void()> durable) {
    auto carried = std::make_shared<storage::queue_operation>(std::move(what));
    std::function<void(resumer)> start = [this, carried, durable = std::move(durable)](resumer resume) {
        auto then = [resume, durable](error_code ec) {
            if (!ec) durable();
            resume(ec);
        };
        if (!try_submit(std::move(*carried), std::move(then)))
            resume(make_error_code(storage::storage_errc::busy));
    };
    co_return co_await suspend_until(std::move(start), give_up);
}

async_spool::outcome async_spool::last_outcome() const {
    const std::lock_guard lock(mutex_);
    return last_outcome_;
}

void async_spool::hurry(bool now) {
    {
        const std::lock_guard lock(mutex_);
        if (hurried_ == now) return;
        hurried_ = now;
    }
    if (now) ready_.notify_one();
}

void async_spool::await_work(std::unique_lock<std::mutex>& lock) {
    ready_.wait(lock, [this] { return stopping_ || !gathered_.empty(); });
    while (!stopping_ && !hurried_ && std::chrono::steady_clock::now() < write_by_)
        ready_.wait_until(lock, write_by_);
    await_company(lock);
}

// Those that have gathered are among those to come until they are written.
void async_spool::await_company(std::unique_lock<std::mutex>& lock) {
    const std::size_t to_come = to_come_.load(std::memory_order_relaxed);
    if (to_come < 1 + company_min) return;
    const auto messages = static_cast<std::size_t>(std::count_if(
        gathered_.begin(), gathered_.end(), [](const waiting& entry) { return !is_patient(entry.what); }));
    if (messages == 0 || to_come < messages + company_min) return;
    wake_at_ = gathered_.size() + (to_come - messages);
    const auto until = std::chrono::steady_clock::now() + for_company_;
    ready_.wait_until(lock, until, [this] { return stopping_ || hurried_ || gathered_.size() >= wake_at_; });
    wake_at_ = 1;
}

std::optional<std::chrono::steady_clock::time_point> async_spool::writing_since() const {
    const auto since = writing_since_.load();
    if (since == 0) return std::nullopt;
    return std::chrono::steady_clock::time_point(std::chrono::steady_clock::duration(since));
}

void async_spool::write_batches() {
    std::vector<waiting> batch;
    for (;;) {
        batch.clear();
        {
            std::unique_lock lock(mutex_);
            await_work(lock);
            if (gathered_.empty()) return;
            std::size_t octets = 0;
            std::size_t count = 0;
            while (count < gathered_.size() && octets <= batch_octets_max)
                octets += octets_of(gathered_[count++].what);
            if (!reserve(batch, count)) {
                ready_.wait_for(lock, memory_pause);
                continue;
            }
            const auto end = gathered_.begin() + static_cast<std::ptrdiff_t>(count);
            batch.assign(std::make_move_iterator(gathered_.begin()), std::make_move_iterator(end));
            gathered_.erase(gathered_.begin(), end);
        }
        writing_since_ = std::chrono::steady_clock::now().time_since_epoch().count();
        write(batch);
        writing_since_ = 0;
    }
}

// A batch of nothing but errors of their own flushed nothing: what was known of the disk stays.
void async_spool::note(std::span<const storage::queue_operation> operations,
                       std::span<const error_code> outcomes) {
    bool flushed = false;
    error_code failed;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        flushed = flushed || !outcomes[i];
        if (!failed && tells_of_the_queue(operations[i], outcomes[i])) failed = outcomes[i];
    }
    if (!failed && !flushed) return;
    const std::lock_guard lock(mutex_);
    last_outcome_ = {failed, std::chrono::steady_clock::now()};
}

bool async_spool::reserve(std::vector<waiting>& batch, std::size_t count) {
    try {
        batch.reserve(count);
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

void async_spool::write(std::vector<waiting>& batch) {
    std::vector<storage::queue_operation> operations;
    std::vector<error_code> outcomes;
    const auto began = std::chrono::steady_clock::now();
    try {
        operations.reserve(batch.size());
        for (auto& entry : batch) operations.push_back(std::move(entry.what));
        outcomes = queue_.commit_each(operations);
    } catch (const std::bad_alloc&) { // nothing was tried
    }
    measures_.times.add(std::chrono::steady_clock::now() - began);
    note(operations, outcomes);
    pending_.fetch_sub(batch.size(), std::memory_order_relaxed);
    std::vector<storage::queue_id> ids;
    bool all_named = true;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto ec = outcomes.empty() ? make_error_code(storage::storage_errc::busy) : outcomes[i];
        try {
            if (!ec) add_messages_in(operations[i], ids);
        } catch (const std::bad_alloc&) {
            all_named = false;
        }
        batch[i].then(ec);
    }
    measures_.messages.fetch_add(ids.size(), std::memory_order_relaxed);
    if (!ids.empty()) after_insert_(ids);
    if (!all_named) after_insert_({});
}

} // namespace postern::server
