#include "server/log_writer.hpp"

#include <climits>
#include <new>
#include <utility>

namespace postern::server {

namespace {

constexpr std::size_t queued_lines_max = 8192;
constexpr std::chrono::milliseconds gathering{5}; // for lines to share a write with
constexpr std::chrono::seconds flush_time_max{1};

} // namespace

log_writer::log_writer(std::shared_ptr<log_descriptor> to)
    : sink_(std::move(to)), piece_(PIPE_BUF, '\0'), thread_([this] { write_all(); }) {}

log_writer::~log_writer() {
    sink_.stop_waiting(); // or a full pipe would keep the process alive
    {
        const std::lock_guard lock(guard_);
        stopping_ = true;
    }
    ready_.notify_one();
    thread_.join();
}

void log_writer::put(std::string line) {
    bool wake = false;
    {
        const std::lock_guard lock(guard_);
        if (lines_.size() >= queued_lines_max) {
            lines_.pop_front();
            ++overrun_;
            ++done_;
        }
        lines_.push_back(std::move(line));
        ++put_;
        wake = std::exchange(idle_, false);
    }
    if (wake) ready_.notify_one();
}

void log_writer::flush() {
    std::unique_lock lock(guard_);
    const auto wanted = put_;
    hurried_ = true;
    ready_.notify_one();
    written_up_to_.wait_for(lock, flush_time_max, [&] { return done_ >= wanted; });
}

std::uint64_t log_writer::lost() const {
    const std::lock_guard lock(guard_);
    return overrun_ + too_long_.load() + sink_.lost();
}

void log_writer::write_all() {
    std::unique_lock lock(guard_);
    for (;;) {
        idle_ = lines_.empty();
        ready_.wait(lock, [this] { return stopping_ || !lines_.empty(); });
        if (lines_.empty()) return;
        taken_.swap(lines_);
        hurried_ = false;
        lock.unlock();
        write_taken();
        lock.lock();
        done_ += taken_.size();
        taken_.clear();
        written_up_to_.notify_all();
        ready_.wait_for(lock, gathering, [this] { return stopping_ || hurried_; });
    }
}

// In pieces that a pipe takes whole, for which there is memory.
void log_writer::write_taken() {
    std::size_t in_piece = 0;
    piece_.clear();
    const auto write_piece = [&] {
        if (in_piece != 0) sink_.write_lines(piece_, in_piece);
        piece_.clear();
        in_piece = 0;
    };
    for (const auto& line : taken_) {
        if (piece_.size() + line.size() >= PIPE_BUF) write_piece();
        if (add_to_piece(line)) ++in_piece;
    }
    write_piece();
}

// False: it is longer than a piece, there was no memory for it, and it is lost.
bool log_writer::add_to_piece(const std::string& line) {
    try {
        piece_.reserve(piece_.size() + line.size() + 1);
    } catch (const std::bad_alloc&) {
        too_long_.fetch_add(1);
        return false;
    }
    piece_ += line;
    piece_ += '\n';
    return true;
}

} // namespace postern::server
