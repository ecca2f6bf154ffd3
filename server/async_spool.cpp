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

// From one transaction to the next that does nothing but take over what the journal holds: many share its
// flushes, and the first after a while waits for nothing.
constexpr std::chrono::milliseconds take_over_pause{20};
constexpr std::chrono::seconds retry_pause{1}; // after one that failed

constexpr std::chrono::seconds journal_pause{10}; // from one try to make a journal to the next

bool is_patient(const storage::queue_operation& what) {
    return !std::holds_alternative<storage::insert_message>(what);
}

struct octets_of_bodies {
    std::size_t in_tables = 0, in_packs = 0;
    void add(const storage::queue_operation& what) {
        const auto* insert = std::get_if<storage::insert_message>(&what);
        if (insert == nullptr) return;
        in_tables += insert->body.size();
        for (const auto& piece : insert->pieces) in_packs += piece.size();
    }
};

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
      for_company_(for_company) {
    if (queue_.owes()) kept_.push_back({queue_.kept(), {}}); // since the start, for want of room
    keeper_ = std::thread([this] { keep_batches(); });
    writer_ = std::thread([this] { write_batches(); });
}

async_spool::~async_spool() { stop(); }

void async_spool::stop() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    to_keep_.ready.notify_one();
    if (keeper_.joinable()) keeper_.join();
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    to_write_.ready.notify_one();
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

bool async_spool::line::add(waiting&& entry, std::chrono::steady_clock::time_point by) {
    const bool is_sooner = gathered.empty() || by < write_by;
    gathered.push_back(std::move(entry));
    if (is_sooner) write_by = by;
    return wake_at > 1 ? gathered.size() >= wake_at : is_sooner;
}

bool async_spool::try_submit(storage::queue_operation what, done then) {
    const bool patient = is_patient(what);
    line& into = !patient && queue_.can_keep() ? to_keep_ : to_write_;
    bool wake = false;
    {
        const std::lock_guard lock(mutex_);
        if (ending_ || pending_.load(std::memory_order_relaxed) >= pending_max_) return false;
        const auto by = std::chrono::steady_clock::now() + (patient ? patience : patience.zero());
        wake = into.add({std::move(what), std::move(then)}, by);
        pending_.fetch_add(1, std::memory_order_relaxed);
    }
    if (wake) into.ready.notify_one();
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

// By the transaction of an operation that does nothing: no message has the id 0.
boost::asio::awaitable<void> async_spool::take_over_now() {
    if (!queue_.owes()) co_return;
    storage::queue_operation nothing = storage::remove_message{};
    std::function<void()> durable = [] {};
    co_await submit(std::move(nothing), nullptr, std::move(durable));
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
    if (!now) return;
    to_keep_.ready.notify_one();
    to_write_.ready.notify_one();
}

// Those that have gathered are among those to come until they are written.
void async_spool::await_company(line& of, std::unique_lock<std::mutex>& lock) {
    const std::size_t to_come = to_come_.load(std::memory_order_relaxed);
    if (to_come < 1 + company_min) return;
    const auto messages =
        static_cast<std::size_t>(std::count_if(of.gathered.begin(), of.gathered.end(),
                                               [](const waiting& entry) { return !is_patient(entry.what); }));
    if (messages == 0 || to_come < messages + company_min) return;
    of.wake_at = of.gathered.size() + (to_come - messages);
    const auto until = std::chrono::steady_clock::now() + for_company_;
    of.ready.wait_until(lock, until, [&] { return ending_ || hurried_ || of.gathered.size() >= of.wake_at; });
    of.wake_at = 1;
}

bool async_spool::take(line& from, std::size_t tables_max, std::vector<waiting>& batch) {
    octets_of_bodies all;
    std::size_t count = 0;
    while (count < from.gathered.size() && all.in_tables <= tables_max && all.in_packs <= batch_octets_max)
        all.add(from.gathered[count++].what);
    try {
        batch.reserve(count);
    } catch (const std::bad_alloc&) {
        return false;
    }
    const auto end = from.gathered.begin() + static_cast<std::ptrdiff_t>(count);
    batch.assign(std::make_move_iterator(from.gathered.begin()), std::make_move_iterator(end));
    from.gathered.erase(from.gathered.begin(), end);
    return true;
}

std::optional<std::chrono::steady_clock::time_point> async_spool::writing_since() const {
    std::chrono::steady_clock::rep since = 0;
    for (const line* each : {&to_keep_, &to_write_}) {
        const auto one = each->writing_since.load();
        if (one != 0 && (since == 0 || one < since)) since = one;
    }
    if (since == 0) return std::nullopt;
    return std::chrono::steady_clock::time_point(std::chrono::steady_clock::duration(since));
}

// The thread of the queue's transactions.

std::chrono::steady_clock::time_point async_spool::next_work() const {
    auto at = std::chrono::steady_clock::time_point::max();
    if (!to_write_.gathered.empty()) at = hurried_ ? at.min() : to_write_.write_by;
    if (!kept_.empty()) at = std::min(at, take_over_at_);
    return queue_.has_lost_journal() ? std::min(at, journal_tried_ + journal_pause) : at;
}

void async_spool::await_work(std::unique_lock<std::mutex>& lock) {
    to_write_.ready.wait(lock, [this] {
        return stopping_ || !to_write_.gathered.empty() || !kept_.empty() || queue_.has_lost_journal();
    });
    while (!stopping_ && std::chrono::steady_clock::now() < next_work())
        to_write_.ready.wait_until(lock, next_work());
    if (!queue_.can_keep()) await_company(to_write_, lock);
}

void async_spool::write_batches() {
    std::vector<waiting> batch;
    for (bool last = false; !last;) {
        batch.clear();
        bool due =
            false; // what is kept: under a flood of new mail too, which takes nothing over after a failure
        {
            std::unique_lock lock(mutex_);
            await_work(lock);
            due = !kept_.empty() && std::chrono::steady_clock::now() >= take_over_at_;
            if (!take(to_write_, batch_octets_max, batch)) {
                to_write_.ready.wait_for(lock, memory_pause);
                continue;
            }
            last = stopping_ && batch.empty();
        }
        const auto began = std::chrono::steady_clock::now();
        to_write_.writing_since = began.time_since_epoch().count();
        due = batch.empty() || (due && !queue_.can_keep());
        if (due) take_over();
        if (!batch.empty()) write(batch);
        plan_next(began, due);
        tell_of_taken_over();
        if (!last) renew_journal(began);
        to_write_.writing_since = 0;
    }
}

void async_spool::renew_journal(std::chrono::steady_clock::time_point now) {
    if (queue_.can_keep() || now - journal_tried_ < journal_pause) return;
    journal_tried_ = now;
    try {
        queue_.renew_journal();
    } catch (const std::bad_alloc&) { // later
    }
}

void async_spool::take_over() {
    if (!queue_.owes()) return;
    error_code outcome = storage::storage_errc::busy;
    try {
        const auto taken = queue_.take_over();
        outcome = taken ? error_code() : taken.error();
    } catch (const std::bad_alloc&) { // it stays in the journal
    }
    const std::lock_guard lock(mutex_);
    if (outcome != storage::storage_errc::busy) last_outcome_ = {outcome, std::chrono::steady_clock::now()};
}

void async_spool::plan_next(std::chrono::steady_clock::time_point began, bool tried) {
    const bool failed = queue_.owes() && !queue_.can_keep();
    const std::lock_guard lock(mutex_);
    if (!failed)
        take_over_at_ = began + take_over_pause;
    else if (tried)
        take_over_at_ = began + retry_pause;
}

void async_spool::tell_of_taken_over() {
    const std::uint64_t until = queue_.taken_over();
    for (;;) {
        kept one;
        {
            const std::lock_guard lock(mutex_);
            if (kept_.empty() || kept_.front().number > until) return;
            one = std::move(kept_.front());
            kept_.erase(kept_.begin());
        }
        after_insert_(one.ids);
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
