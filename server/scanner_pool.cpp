#include "server/scanner_pool.hpp"

namespace postern::server {

scanner_pool::scanner_pool(unsigned at_a_time, log& journal)
    : force_([&journal](scanning::workforce::news how, const std::string& text) {
          if (how == scanning::workforce::news::fault)
              journal.fault(text);
          else
              journal.note(text);
      }),
      pool_(at_a_time, waiting_max) {}

std::string scanner_pool::begin(const scanning::terms& what) {
    provided_ = provided_by(what);
    return force_.begin(what);
}

void scanner_pool::change(const scanning::terms& what) {
    provided_ = provided_by(what);
    force_.change(what);
}

scanner_pool::provided scanner_pool::provided_by(const scanning::terms& what) {
    if (what.program.empty()) return provided::nothing;
    return what.signatures.empty() ? provided::attachments : provided::antivirus;
}

void scanner_pool::stop() {
    force_.stop();
    pool_.stop();
}

boost::asio::awaitable<policy::scan_outcome> scanner_pool::scan(protocol::scan::order asked,
                                                                storage::file_handle message,
                                                                std::chrono::seconds timeout,
                                                                resumer* give_up) {
    struct job {
        protocol::scan::order asked;
        storage::file_handle message;
        policy::scan_outcome outcome;
    };
    if (provided_ < (asked.antivirus ? provided::antivirus : provided::attachments)) lacks_ = true;
    const auto began = std::chrono::steady_clock::now();
    auto shared = std::make_shared<job>(job{std::move(asked), std::move(message), {{}, "no answer"}});
    std::function<void()> work = [this, shared, by = began + timeout] {
        try {
            shared->outcome = force_.scan(std::move(shared->asked), shared->message.get(), by);
        } catch (const std::exception&) {
            shared->outcome = {{}, "no memory"};
        }
    };
    const auto ec = co_await pool_.run(std::move(work), give_up);
    if (ec) {
        counts_.failed.fetch_add(1, std::memory_order_relaxed);
        co_return policy::scan_outcome{{}, "the message could not be scanned: " + ec.message()};
    }
    auto outcome = std::move(shared->outcome);
    if (outcome.found) counts_.times.add(std::chrono::steady_clock::now() - began);
    (outcome.found ? counts_.done : counts_.failed).fetch_add(1, std::memory_order_relaxed);
    co_return outcome;
}

} // namespace postern::server
