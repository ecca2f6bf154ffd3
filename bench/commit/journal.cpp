#include "bench/commit/journal.hpp"

#include <memory>

namespace postern::bench {
using boost::system::error_code;

journal::journal(storage::file_handle file) : file_(std::move(file)), writer_([this] { write_batches(); }) {}

journal::~journal() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    ready_.notify_one();
    writer_.join();
}

boost::asio::awaitable<error_code> journal::append(std::string record) {
    auto carried = std::make_shared<std::string>(std::move(record));
    std::function<void(server::resumer)> start = [this, carried](server::resumer resume) {
        {
            const std::lock_guard lock(mutex_);
            gathered_.push_back({std::move(*carried), std::move(resume)});
        }
        ready_.notify_one();
    };
    co_return co_await server::suspend_until(std::move(start));
}

void journal::write_batches() {
    std::vector<waiting> batch;
    for (;;) {
        batch.clear();
        {
            std::unique_lock lock(mutex_);
            ready_.wait(lock, [this] { return stopping_ || !gathered_.empty(); });
            if (gathered_.empty()) return;
            batch.swap(gathered_);
        }
        const error_code ec = write(batch);
        for (auto& entry : batch) entry.then(ec);
    }
}

error_code journal::write(const std::vector<waiting>& batch) {
    together_.clear();
    for (const auto& entry : batch) together_ += entry.record;
    auto& files = storage::system_files();
    auto done = files.write_all(file_, together_);
    if (done) done = files.sync_data(file_);
    ++commits_;
    return done ? error_code{} : error_code(done.error());
}

} // namespace postern::bench
