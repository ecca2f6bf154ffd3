// The scanners as they live: one program that holds the signatures with its workers, a second one while new
// signatures are loaded; one that died is started again. A thread of its own watches them. Scans are lent
// workers.
#pragma once

#include "policy/scanner.hpp"
#include "server/scanning/program.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace postern::server::scanning {

using std::chrono::steady_clock;

struct times {
    std::chrono::milliseconds look{500};        // how often the watch looks around by itself
    std::chrono::seconds signatures{2};         // between two looks at their folder
    std::chrono::seconds load{900};             // for a program to be ready
    std::chrono::seconds ping{5};               // between two pings
    std::chrono::seconds silence{20};           // after a ping: it hangs
    std::chrono::milliseconds first_pause{100}; // before a program that died is started again; doubles
    std::chrono::milliseconds longest_pause{10'000};
};

struct standing {
    unsigned workers = 0, free = 0;
    unsigned signatures = 0;
    std::uint64_t programs = 0; // started so far
    std::string trouble;        // an alarm; "" = all is well
};

class workforce {
  public:
    enum class news { note, fault };
    using teller =
        std::function<void(news, const std::string&)>; // called on the watch's thread; throws nothing

    explicit workforce(teller tell, const times& by = {});
    ~workforce(); // stop()

    // Starts the first program and waits until it is ready. What went wrong, with the cure; "" = nothing.
    // Once.
    std::string begin(const terms& what);
    // Another scanner beside the old one, which works on until the other is ready. Any thread.
    void change(const terms& what);
    // Blocking, any thread. `message` is open for reading. No outcome means that nothing of the message is
    // known.
    policy::scan_outcome scan(protocol::scan::order asked, int message, steady_clock::time_point by);
    standing now() const;
    void stop(); // who waits is told so

  private:
    // One program with its workers. All but what stands first may change, under the mutex.
    struct program {
        terms by;
        std::string stamp; // of its signatures, from before they were loaded
        pid_t process = -1;
        steady_clock::time_point began;
        storage::file_handle control; // the watch's alone
        bool is_ready = false;
        unsigned signatures = 0;
        unsigned lent = 0; // workers
        steady_clock::time_point pinged, alive, left;
        std::string trouble; // what it said before it ended
    };
    using program_ptr = std::shared_ptr<program>;
    struct worker {
        program_ptr of;
        unsigned long number = 0;
        storage::file_handle channel;
        unsigned scans = 0;
    };
    struct ending {
        program_ptr of;
        unsigned long number = 0;
    };

    // workforce_scan.cpp
    std::optional<worker> borrow(steady_clock::time_point by);
    enum class condition { fine, broken };
    void give_back(worker&& one, condition how);

    // workforce.cpp: the watch. Those that take no lock are called with it.
    void watch();
    void go_round(std::unique_lock<std::mutex>& lock);
    void wait_for_news(std::unique_lock<std::mutex>& lock);
    void tell_news(std::unique_lock<std::mutex>& lock);
    void look_at_signatures(std::unique_lock<std::mutex>& lock);
    void look_at_terms();
    bool needs_another() const;
    void launch();
    void send_endings();
    void look_after(const program_ptr& one);
    void hear(const program_ptr& from);
    void heed(const program_ptr& from, datagram&& said);
    void install(const program_ptr& ready);
    void retire(const program_ptr& one);
    void has_ended(const program_ptr& one);
    void did_not_begin(std::string why);
    void look_after_retired();
    std::vector<program_ptr> working() const;
    void wake();
    void say(news how, std::string text);

    const teller tell_;
    const times times_;
    mutable std::mutex mutex_;
    std::condition_variable freed_, begun_;
    storage::file_handle bell_; // wakes the watch
    std::thread watch_;
    bool stopping_ = false;
    std::optional<std::string> first_outcome_; // of begin()
    terms wanted_;
    program_ptr current_, coming_;
    std::list<program_ptr> retired_; // some still with workers that are lent
    std::vector<worker> free_;
    std::vector<ending> endings_;
    std::vector<std::pair<news, std::string>> to_tell_;
    std::string stamp_; // of the signatures, at the last look
    bool is_stamp_steady_ = false;
    std::string failed_stamp_; // of those that could not be loaded
    terms failed_terms_;       // with which it could not
    std::string trouble_;
    steady_clock::time_point looked_, start_at_;
    std::chrono::milliseconds pause_;
    std::uint64_t programs_ = 0;
    std::atomic<std::uint64_t> orders_{0};
};

} // namespace postern::server::scanning
