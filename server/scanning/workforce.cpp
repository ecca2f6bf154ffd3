// Two programs at the most work at a time, and only one is lent from. What was asked of the other before
// still gets its answer: it is left alone until all its workers are back.
#include "server/scanning/workforce.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <new>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace postern::server::scanning {

namespace {

constexpr std::chrono::seconds leave_time{10}; // for a program whose channel was closed

// Of one that a manager has started there is only the channel.
void end(pid_t process) {
    if (process > 0) ::kill(process, SIGKILL);
}

std::string how_it_ended(int status) {
    if (WIFSIGNALED(status)) return fmt::format("signal {}", WTERMSIG(status));
    return fmt::format("exit code {}", WEXITSTATUS(status));
}

} // namespace

workforce::workforce(teller tell, const times& by)
    : tell_(std::move(tell)), times_(by), bell_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      pause_(by.first_pause) {}

workforce::~workforce() { stop(); }

std::string workforce::begin(const terms& what) {
    {
        const std::lock_guard lock(mutex_);
        wanted_ = what;
        if (what.program.empty()) first_outcome_ = "";
    }
    watch_ = std::thread([this] { watch(); });
    std::unique_lock lock(mutex_);
    begun_.wait(lock, [this] { return first_outcome_.has_value(); });
    return *first_outcome_;
}

void workforce::change(const terms& what) {
    const std::lock_guard lock(mutex_);
    wanted_ = what;
    looked_ = {}; // it may be another folder
    wake();
}

void workforce::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        freed_.notify_all();
        wake();
    }
    if (watch_.joinable()) watch_.join();
    const std::lock_guard lock(mutex_);
    free_.clear();
    auto all = working();
    all.insert(all.end(), retired_.begin(), retired_.end());
    for (const auto& one : all) {
        one->control.reset();
        end(one->process); // its workers end with it
        if (one->process > 0) ::waitpid(one->process, nullptr, 0);
    }
    current_.reset();
    coming_.reset();
    retired_.clear();
}

standing workforce::now() const {
    const std::lock_guard lock(mutex_);
    standing made;
    if (current_) made.workers = current_->by.processes;
    if (current_) made.signatures = current_->signatures;
    made.free = static_cast<unsigned>(free_.size());
    made.programs = programs_;
    made.trouble = trouble_;
    return made;
}

void workforce::wake() {
    const std::uint64_t one = 1;
    (void)!::write(bell_.get(), &one, sizeof one);
}

void workforce::say(news how, std::string text) { to_tell_.emplace_back(how, std::move(text)); }

std::vector<workforce::program_ptr> workforce::working() const {
    std::vector<program_ptr> all;
    if (current_) all.push_back(current_);
    if (coming_) all.push_back(coming_);
    return all;
}

// --- the watch

void workforce::watch() {
    constexpr std::chrono::milliseconds memory_pause{10};
    std::unique_lock lock(mutex_);
    for (bool last = false; !last;) {
        last = stopping_;
        try {
            last ? tell_news(lock) : go_round(lock);
        } catch (const std::bad_alloc&) { // the next round does what this one has left
            if (lock.owns_lock()) lock.unlock();
            std::this_thread::sleep_for(memory_pause);
            lock.lock();
        }
    }
}

void workforce::go_round(std::unique_lock<std::mutex>& lock) {
    look_at_signatures(lock);
    look_at_terms();
    send_endings();
    for (const auto& one : working()) look_after(one);
    look_after_retired();
    tell_news(lock);
    wait_for_news(lock);
}

void workforce::tell_news(std::unique_lock<std::mutex>& lock) {
    auto news = std::move(to_tell_);
    to_tell_.clear();
    lock.unlock();
    for (const auto& [how, text] : news) tell_(how, text);
    lock.lock();
}

void workforce::wait_for_news(std::unique_lock<std::mutex>& lock) {
    if (stopping_) return;
    const auto heard = working();
    std::vector<pollfd> events{{bell_.get(), POLLIN, 0}};
    for (const auto& one : heard) events.push_back({one->control.get(), POLLIN, 0});
    lock.unlock();
    ::poll(events.data(), events.size(), static_cast<int>(times_.look.count()));
    std::uint64_t rung = 0;
    (void)!::read(bell_.get(), &rung, sizeof rung);
    lock.lock();
    for (std::size_t i = 0; i < heard.size(); ++i)
        if (events[i + 1].revents != 0) hear(heard[i]);
}

// The folder may lie on a file system that hangs: no scan waits for this.
void workforce::look_at_signatures(std::unique_lock<std::mutex>& lock) {
    const auto now = steady_clock::now();
    if (wanted_.signatures.empty() || now - looked_ < times_.signatures) return;
    looked_ = now;
    const auto folder = wanted_.signatures;
    lock.unlock();
    auto stamp = stamp_of_signatures(folder);
    lock.lock();
    is_stamp_steady_ = stamp == stamp_;
    stamp_ = std::move(stamp);
}

// Files that are still being written are left alone until two looks saw the same, and what could not be
// loaded isn't tried again before it has changed.
bool workforce::needs_another() const {
    if (wanted_.program.empty() || coming_) return false;
    if (!current_) return steady_clock::now() >= start_at_;
    const bool has_failed = wanted_ == failed_terms_ && stamp_ == failed_stamp_;
    if (current_->by != wanted_) return !has_failed;
    return !wanted_.signatures.empty() && is_stamp_steady_ && !stamp_.empty() && stamp_ != current_->stamp &&
           !has_failed;
}

void workforce::look_at_terms() {
    if (wanted_.program.empty() && current_) retire(std::exchange(current_, nullptr));
    if (coming_ && coming_->by != wanted_) retire(std::exchange(coming_, nullptr));
    if (needs_another()) launch();
}

void workforce::launch() {
    auto made = std::make_shared<program>();
    made->by = wanted_;
    made->stamp = stamp_; // of a look before they are loaded
    made->began = made->pinged = made->alive = steady_clock::now();
    auto started = start(wanted_);
    const auto& what = wanted_.socket.empty() ? wanted_.program : wanted_.socket;
    if (!started) return did_not_begin(fmt::format("{}: {}", what, started.error().message()));
    made->process = started->process;
    made->control = std::move(started->control);
    coming_ = std::move(made);
    ++programs_;
}

void workforce::did_not_begin(std::string why) {
    failed_terms_ = wanted_;
    failed_stamp_ = coming_ ? coming_->stamp : stamp_;
    coming_.reset();
    trouble_ = "the scanner can't begin: " + why;
    say(news::fault, current_ ? trouble_ + "; the old one works on" : trouble_);
    start_at_ = steady_clock::now() + pause_;
    pause_ = std::min(2 * pause_, times_.longest_pause);
    if (!first_outcome_) first_outcome_ = trouble_;
    begun_.notify_all();
}

void workforce::send_endings() {
    // One that finds no room is sent at the next look: else a worker that hangs would never be replaced.
    std::erase_if(endings_, [](const ending& one) {
        const auto text = to_text({"end", std::to_string(one.number)});
        return !one.of->control.is_open() ||
               send(one.of->control.get(), text, -1, steady_clock::now()) != boost::system::errc::timed_out;
    });
}

void workforce::look_after(const program_ptr& one) {
    const auto now = steady_clock::now();
    if (!one->is_ready) {
        if (now - one->began < times_.load) return;
        one->trouble = fmt::format("it was not ready after {} s", times_.load.count());
        return has_ended(one);
    }
    const bool answered = one->alive >= one->pinged;
    if (!answered && now - one->pinged > times_.silence) {
        one->trouble = "it hangs";
        return has_ended(one);
    }
    if (!answered || now - one->pinged < times_.ping) return;
    one->pinged = now;
    (void)send(one->control.get(), "ping", -1, now);
}

void workforce::hear(const program_ptr& from) {
    for (;;) {
        auto got = receive_now(from->control.get(), control_max);
        if (got) {
            heed(from, std::move(*got));
        } else if (got.error() == boost::system::errc::resource_unavailable_try_again) {
            return;
        } else {
            return has_ended(from);
        }
    }
}

void workforce::heed(const program_ptr& from, datagram&& said) {
    const auto what = read_control(said.octets);
    if (what.word == "alive") from->alive = steady_clock::now();
    if (what.word == "failed") from->trouble = what.rest;
    if (what.word == "ended") say(news::note, "a scanner process ended: number " + what.rest);
    if (what.word == "ready" && from == coming_) {
        from->is_ready = true;
        from->signatures = static_cast<unsigned>(what.number());
        install(from);
    }
    if (what.word != "worker" || from != current_ || !said.with.is_open()) return;
    free_.push_back({from, what.number(), std::move(said.with), 0});
    freed_.notify_one();
}

void workforce::install(const program_ptr& ready) {
    const bool is_first = !current_;
    if (current_) retire(std::exchange(current_, nullptr));
    coming_.reset();
    current_ = ready;
    failed_terms_ = {};
    failed_stamp_.clear();
    trouble_.clear();
    const auto which = ready->process > 0 ? fmt::format("process {}", ready->process) : ready->by.socket;
    auto text = fmt::format("scanner: {} with {} workers", which, ready->by.processes);
    if (!ready->by.signatures.empty())
        text += fmt::format(", {} signatures of {}", ready->signatures, ready->by.signatures);
    say(news::note, is_first ? text : text + "; it takes over");
    if (!first_outcome_) first_outcome_ = "";
    begun_.notify_all();
}

// It lends no more and replaces no more; those that are out come back.
void workforce::retire(const program_ptr& one) {
    std::erase_if(free_, [&](const worker& each) { return each.of == one; });
    (void)send(one->control.get(), "retire", -1, steady_clock::now());
    retired_.push_back(one);
}

// Its channel has ended, or it hangs: its workers end with it.
void workforce::has_ended(const program_ptr& one) {
    end(one->process);
    std::erase_if(free_, [&](const worker& each) { return each.of == one; });
    one->control.reset();
    one->left = steady_clock::now();
    retired_.push_back(one);
    if (one == coming_) {
        int status = 0;
        if (one->trouble.empty() && one->process > 0 && ::waitpid(one->process, &status, 0) == one->process) {
            one->trouble = "it ended by itself: " + how_it_ended(status);
            retired_.pop_back();
        }
        return did_not_begin(one->trouble.empty() ? "it ended by itself" : one->trouble);
    }
    if (one != current_) return;
    current_.reset();
    const auto now = steady_clock::now();
    if (now - one->began > times_.longest_pause) pause_ = times_.first_pause;
    start_at_ = now + pause_;
    pause_ = std::min(2 * pause_, times_.longest_pause);
    trouble_ = fmt::format("the scanner has ended{}{}", one->trouble.empty() ? "" : ": ", one->trouble);
    say(news::fault, trouble_ + "; it is started again");
}

void workforce::look_after_retired() {
    const auto now = steady_clock::now();
    std::erase_if(retired_, [&](const program_ptr& one) {
        if (one->lent == 0 && one->control.is_open()) {
            one->control.reset(); // its sign to end
            one->left = now;
        }
        if (one->control.is_open()) return false;
        if (one->process <= 0) return true;
        if (now - one->left > leave_time) end(one->process);
        return ::waitpid(one->process, nullptr, WNOHANG) != 0; // ended, or nobody's child
    });
}

} // namespace postern::server::scanning
