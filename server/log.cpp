// The log proper: renders on the caller's thread, hands the line to a bounded queue, writes on one thread of
// its own (spdlog). When the queue is full the oldest line goes and is counted. Nothing here throws to its
// caller or waits for a disk.
#include "server/log.hpp"

#include "server/log_sink.hpp"

#include <chrono>
#include <condition_variable>
#include <fmt/format.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

namespace postern::server {

namespace {

constexpr std::size_t queued_lines_max = 8192;
constexpr std::chrono::seconds flush_time_max{1};

// How lines look now; replaced as a whole by reopen().
struct appearance {
    conf::log_format format = conf::log_format::text;
    conf::log_level level = conf::log_level::info;
    log_identity who;
};

std::shared_ptr<const appearance> appearance_of(const conf::log_settings& settings,
                                                const std::string& hostname) {
    log_identity who{
        .host = hostname, .syslog_name = settings.syslog_name, .pid = static_cast<int>(::getpid())};
    return std::make_shared<const appearance>(appearance{settings.format, settings.level, std::move(who)});
}

// spdlog's view of the sink. Only the pool's one thread calls it, so it needs no lock of its own.
class sink_adapter final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  public:
    explicit sink_adapter(std::shared_ptr<log_descriptor> to) : lines(std::move(to)) {}

    // True when a flush that was asked for after this call began has come through.
    bool wait_for_flush(std::uint64_t seen) {
        std::unique_lock lock(guard_);
        return came_through_.wait_for(lock, flush_time_max, [&] { return flushes_ > seen; });
    }
    std::uint64_t flushes() const {
        const std::lock_guard lock(guard_);
        return flushes_;
    }

    log_sink lines;

  private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        line_.assign(message.payload.data(), message.payload.size());
        line_ += '\n';
        lines.write_line(line_);
    }
    void flush_() override {
        {
            const std::lock_guard lock(guard_);
            ++flushes_;
        }
        came_through_.notify_all();
    }

    std::string line_;         // the pool's thread only
    mutable std::mutex guard_; // of flushes_
    std::condition_variable came_through_;
    std::uint64_t flushes_ = 0;
};

class spdlog_log final : public log {
  public:
    spdlog_log(std::shared_ptr<log_descriptor> to, std::shared_ptr<const appearance> looks)
        : sink_(std::make_shared<sink_adapter>(std::move(to))),
          pool_(std::make_shared<spdlog::details::thread_pool>(queued_lines_max, 1)),
          logger_(std::make_shared<spdlog::async_logger>("postern", sink_, pool_,
                                                         spdlog::async_overflow_policy::overrun_oldest)),
          looks_(std::move(looks)) {
        logger_->set_level(spdlog::level::trace);
        logger_->flush_on(spdlog::level::off);
        logger_->set_error_handler([this](const std::string&) { failures_.fetch_add(1); });
    }

    ~spdlog_log() override { sink_->lines.stop_waiting(); } // or a full pipe would keep the process alive

    void write(const log_record& record) override {
        const auto looks = current();
        if (record.level > looks->level) return;
        try {
            const auto now = std::chrono::system_clock::now().time_since_epoch();
            const std::int64_t when = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
            if (looks->format == conf::log_format::json)
                return hand_over(render_json(record, looks->who, when));
            if (record.event == log_event::accepted && !record.message_id.empty()) {
                log_record named = record; // a line of its own, as Postfix's cleanup has it
                named.event = log_event::named;
                hand_over(render_text(named, looks->who, when));
            }
            hand_over(render_text(record, looks->who, when));
        } catch (const std::exception&) { // no memory for a line: the line is lost, mail goes on
            failures_.fetch_add(1);
        }
    }

    void reopen(const conf::log_settings& settings, const std::string& hostname) override {
        {
            const std::lock_guard lock(guard_);
            looks_ = appearance_of(settings, hostname);
        }
        std::string problem;
        if (auto to = open_log_descriptor(settings.file, problem))
            sink_->lines.exchange(std::move(to));
        else
            fault(fmt::format("log.file: {}: the log goes on where it was", problem));
    }

    std::uint64_t dropped() const override {
        return pool_->overrun_counter() + sink_->lines.lost() + failures_.load();
    }

    void flush() override {
        const std::lock_guard one_at_a_time(flushing_);
        const std::uint64_t seen = sink_->flushes();
        logger_->flush();
        sink_->wait_for_flush(seen);
    }

  private:
    void hand_over(const std::string& line) {
        logger_->log(spdlog::source_loc{}, spdlog::level::info,
                     spdlog::string_view_t(line.data(), line.size()));
    }

    std::shared_ptr<const appearance> current() const {
        const std::lock_guard lock(guard_);
        return looks_;
    }

    std::atomic<std::uint64_t> failures_{0};
    std::shared_ptr<sink_adapter> sink_;
    std::shared_ptr<spdlog::details::thread_pool> pool_; // ends before the sink
    std::shared_ptr<spdlog::async_logger> logger_;
    mutable std::mutex guard_; // of looks_
    std::shared_ptr<const appearance> looks_;
    std::mutex flushing_;
};

} // namespace

std::unique_ptr<log> open_log(const conf::log_settings& settings, const std::string& hostname,
                              std::string& problem) {
    auto to = open_log_descriptor(settings.file, problem);
    if (!to) return nullptr;
    try {
        return std::make_unique<spdlog_log>(std::move(to), appearance_of(settings, hostname));
    } catch (const std::exception& error) { // no thread to be had
        problem = error.what();
        return nullptr;
    }
}

} // namespace postern::server
