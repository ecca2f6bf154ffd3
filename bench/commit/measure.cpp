#include "bench/commit/measure.hpp"

#include "bench/flush/flush_counter.hpp"
#include "server/awaiting.hpp"

#include <boost/asio/io_context.hpp>
#include <fstream>
#include <sys/resource.h>

namespace postern::bench {
namespace {

using steady = std::chrono::steady_clock;

struct reading {
    std::uint64_t fdatasync = 0, synchronous_write = 0, other = 0, octets = 0;
    double cpu = 0;
};

std::uint64_t octets_written() {
    std::ifstream file("/proc/self/io");
    std::string key;
    std::uint64_t value = 0;
    while (file >> key >> value)
        if (key == "write_bytes:") return value;
    return 0;
}

double cpu_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

reading read_now() {
    const auto& counts = flushes();
    return {counts.fdatasync, counts.synchronous_write, counts.fsync + counts.msync, octets_written(),
            cpu_seconds()};
}

struct shared_state {
    const keeper& keep;
    steady::time_point until;
    std::uint64_t number = 0;
    cost found;
};

boost::asio::awaitable<void> wait_and_keep(shared_state& at) {
    for (auto began = steady::now(); began < at.until; began = steady::now()) {
        const auto ec = co_await at.keep(++at.number);
        if (ec) {
            if (at.found.failed++ == 0) at.found.first_failure = ec.message();
            co_return;
        }
        ++at.found.kept;
        const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(steady::now() - began);
        at.found.times.record(static_cast<std::uint64_t>(took.count()));
    }
}

} // namespace

cost measure(const keeper& keep, unsigned waiters, std::chrono::milliseconds time) {
    boost::asio::io_context loop(1);
    const reading before = read_now();
    const auto began = steady::now();
    shared_state at{keep, began + time, 0, {}};
    for (unsigned i = 0; i < waiters; ++i) {
        server::spawn(loop.get_executor(), wait_and_keep(at), [&at](std::string_view what) {
            if (at.found.failed++ == 0) at.found.first_failure = what;
        });
    }
    loop.run();
    const reading after = read_now();
    at.found.seconds = std::chrono::duration<double>(steady::now() - began).count();
    at.found.fdatasyncs = after.fdatasync - before.fdatasync;
    at.found.synchronous_writes = after.synchronous_write - before.synchronous_write;
    at.found.other_flushes = after.other - before.other;
    at.found.octets_written = after.octets - before.octets;
    at.found.cpu = after.cpu - before.cpu;
    return at.found;
}

} // namespace postern::bench
