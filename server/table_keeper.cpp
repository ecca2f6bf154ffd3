#include "server/table_keeper.hpp"

#include <chrono>
#include <fmt/format.h>

namespace postern::server {
namespace {

constexpr std::chrono::seconds interval{1};
constexpr int steps_max = 20; // of a sweep, each second, so that a flush never waits long for it

} // namespace

table_keeper::table_keeper(std::vector<kept_table> tables, log& journal) : journal_(journal) {
    for (auto& table : tables) tables_.push_back({std::move(table)});
    thread_ = std::thread([this] { work(); });
}

table_keeper::~table_keeper() {
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    ending_.notify_all();
    thread_.join();
}

void table_keeper::work() {
    for (bool ends = false; !ends;) {
        {
            std::unique_lock lock(mutex_);
            ends = ending_.wait_for(lock, interval, [this] { return ends_; });
        }
        for (auto& one : tables_) {
            try {
                keep(one);
            } catch (const std::exception&) { // no memory: the next second may have some
            }
        }
    }
}

void table_keeper::keep(entry& one) {
    tell_of_dropped(one);
    if (const auto flushed = one.table.flush(); !flushed) return tell(one, "be written", flushed.error());
    for (int step = 0; step < steps_max; ++step) {
        const auto more = one.table.sweep();
        if (!more) return tell(one, "be swept", more.error());
        if (!*more) break;
    }
    if (one.trouble.empty()) return;
    one.trouble.clear();
    journal_.note(fmt::format("{} is written again", one.table.name));
}

void table_keeper::tell(entry& one, const char* what, const boost::system::error_code& ec) {
    auto text =
        fmt::format("{} can't {}: {}; it is tried again each second", one.table.name, what, ec.message());
    if (text == one.trouble) return;
    one.trouble = std::move(text);
    journal_.fault(one.trouble);
}

void table_keeper::tell_of_dropped(entry& one) {
    const std::uint64_t dropped = one.table.dropped();
    if (dropped == one.told_of_dropped) return;
    journal_.fault(fmt::format("{} has no room in memory: {} rows were dropped", one.table.name,
                               dropped - one.told_of_dropped));
    one.told_of_dropped = dropped;
}

} // namespace postern::server
