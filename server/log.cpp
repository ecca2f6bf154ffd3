// The log proper: renders on the caller's thread and hands the line to the writer. Nothing here throws to its
// caller or waits for a disk.
#include "server/log.hpp"

#include "server/log_writer.hpp"

#include <chrono>
#include <fmt/format.h>
#include <unistd.h>

namespace postern::server {

namespace {

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

class written_log final : public log {
  public:
    written_log(std::shared_ptr<log_descriptor> to, std::shared_ptr<const appearance> looks)
        : looks_(std::move(looks)), writer_(std::move(to)) {}

    void write(const log_record& record) override {
        const auto looks = current();
        if (record.level > looks->level) return;
        try {
            const auto now = std::chrono::system_clock::now().time_since_epoch();
            const std::int64_t when = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
            if (looks->format == conf::log_format::json)
                return writer_.put(render_json(record, looks->who, when));
            const std::string time = time_text(when / 1'000'000);
            if (record.event == log_event::accepted && !record.message_id.empty()) {
                log_record named = record; // a line of its own, as Postfix's cleanup has it
                named.event = log_event::named;
                writer_.put(render_text(named, looks->who, time));
            }
            writer_.put(render_text(record, looks->who, time));
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
            writer_.sink().exchange(std::move(to));
        else
            fault(fmt::format("log.file: {}: the log goes on where it was", problem));
    }

    std::uint64_t dropped() const override { return writer_.lost() + failures_.load(); }
    void flush() override { writer_.flush(); }

  private:
    std::shared_ptr<const appearance> current() const {
        const std::lock_guard lock(guard_);
        return looks_;
    }

    // Of this second it is made once.
    std::string time_text(std::int64_t seconds) {
        const std::lock_guard lock(guard_);
        if (seconds != second_) {
            time_ = syslog_time(seconds);
            second_ = seconds;
        }
        return time_;
    }

    std::atomic<std::uint64_t> failures_{0};
    mutable std::mutex guard_; // of what follows
    std::shared_ptr<const appearance> looks_;
    std::int64_t second_ = -1;
    std::string time_; // of that second
    log_writer writer_;
};

} // namespace

std::unique_ptr<log> open_log(const conf::log_settings& settings, const std::string& hostname,
                              std::string& problem) {
    auto to = open_log_descriptor(settings.file, problem);
    if (!to) return nullptr;
    try {
        return std::make_unique<written_log>(std::move(to), appearance_of(settings, hostname));
    } catch (const std::exception& error) { // no thread to be had
        problem = error.what();
        return nullptr;
    }
}

} // namespace postern::server
