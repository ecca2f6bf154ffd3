#include "server/greylist_keeper.hpp"

#include "server/clock.hpp"
#include "server/greylist_terms.hpp"

#include <chrono>
#include <fmt/format.h>

namespace postern::server {
namespace {

constexpr std::chrono::seconds interval{1};
constexpr std::size_t rows_a_step = 1000; // swept in one transaction
constexpr int steps_max = 20;             // each second, so that a flush never waits long for the sweep

} // namespace

greylist_keeper::greylist_keeper(storage::greylist& table, const live_snapshot& config, log& journal)
    : table_(table), config_(config), journal_(journal), thread_([this] { work(); }) {}

greylist_keeper::~greylist_keeper() {
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    ending_.notify_all();
    thread_.join();
}

void greylist_keeper::work() {
    for (bool ends = false; !ends;) {
        {
            std::unique_lock lock(mutex_);
            ends = ending_.wait_for(lock, interval, [this] { return ends_; });
        }
        try {
            keep();
        } catch (const std::exception&) { // no memory: the next second may have some
        }
    }
}

void greylist_keeper::keep() {
    if (const auto flushed = table_.flush(); !flushed) return tell("be written", flushed.error());
    const auto terms = greylist_terms_of(*config_.get()->config);
    for (int step = 0; step < steps_max; ++step) {
        const auto swept = table_.sweep(now_seconds(), terms, rows_a_step);
        if (!swept) return tell("be swept", swept.error());
        if (!swept->more) break;
    }
    if (trouble_.empty()) return;
    trouble_.clear();
    journal_.note("the greylist is written again");
}

void greylist_keeper::tell(const char* what, const boost::system::error_code& ec) {
    auto text = fmt::format("the greylist can't {}: {}; it is tried again each second", what, ec.message());
    if (text == trouble_) return;
    trouble_ = std::move(text);
    journal_.fault(trouble_);
}

} // namespace postern::server
