// Loads an SMTP server with sessions and messages, and says how fast it answered. Exit 0: everything went as
// it should; 1: something was refused or lost; 64: wrong usage; 74: a file could not be written.
#include "bench/load/engine.hpp"
#include "bench/load/report.hpp"

#include <csignal>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <memory>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace postern::bench;

namespace {

constexpr int usage = 64, io_error = 74;

std::vector<engine*> running; // for the signal handler alone

void on_signal(int /*number*/) {
    for (auto* const each : running) each->interrupt();
}

int fail(int code, const std::string& text) {
    fmt::print(stderr, "smtp_load: {}\n", text);
    return code;
}

void allow_files(std::uint64_t wanted) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const rlim_t needed = wanted + 64;
    if (limit.rlim_cur >= needed) return;
    limit.rlim_cur = needed;
    limit.rlim_max = std::max(limit.rlim_max, needed);
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

double own_cpu() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

bool write_file(const std::string& path, const std::string& text) {
    if (path.empty()) return true;
    std::ofstream file(path, std::ios::binary);
    file << text;
    file.close();
    return file.good();
}

int report(const options& wanted, const tally& counts) {
    if (!wanted.quiet && ::isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r{:70}\r", "");
    fmt::print("{}", table_of(wanted, counts));
    if (!write_file(wanted.json, json_of(wanted, counts)))
        return fail(io_error, wanted.json + ": cannot be written");
    if (!write_file(wanted.svg, svg_of(wanted, counts)))
        return fail(io_error, wanted.svg + ": cannot be written");
    return counts.done > 0 && counts.failed == 0 && counts.troubles.empty() ? 0 : 1;
}

// What one thread does.
struct part {
    part(options share, const server_address& server, tls_context context)
        : wanted(std::move(share)), work(wanted, server, std::move(context)), drive(work) {}
    options wanted;
    workload work;
    engine drive;
    std::string problem;
    bool went = false;
};

// Empty: why is in `problem`.
std::vector<std::unique_ptr<part>> parts_of(const options& wanted, const server_address& server,
                                            std::string& problem) {
    std::vector<std::unique_ptr<part>> made;
    for (std::uint64_t i = 0; i < wanted.threads; ++i) {
        tls_context context;
        if (wanted.tls != load_tls::off && !(context = make_tls_context(wanted.groups, problem))) return {};
        made.push_back(std::make_unique<part>(share_of(wanted, i), server, std::move(context)));
    }
    return made;
}

void drive_all(const std::vector<std::unique_ptr<part>>& parts) {
    std::vector<std::thread> others;
    const auto drive = [](part& one) { one.went = one.drive.run(one.problem); };
    for (std::size_t i = 1; i < parts.size(); ++i) others.emplace_back(drive, std::ref(*parts[i]));
    drive(*parts[0]);
    for (auto& each : others) each.join();
}

int run(const options& wanted) {
    server_address server;
    if (!parse_address(wanted.server, server))
        return fail(usage, wanted.server + ": an IP address and a port, as 127.0.0.1:25");
    allow_files(wanted.sessions);
    std::string problem;
    const auto parts = parts_of(wanted, server, problem);
    if (parts.empty()) return fail(usage, problem);
    for (const auto& each : parts) {
        running.push_back(&each->drive);
        if (!wanted.ledger.empty() && !each->work.promises.open(wanted.ledger))
            return fail(io_error, wanted.ledger + ": cannot be written");
    }
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
    std::signal(SIGPIPE, SIG_IGN); // OpenSSL writes without MSG_NOSIGNAL
    drive_all(parts);
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    running.clear();
    tally& counts = parts[0]->work.counts;
    for (const auto& each : parts) {
        if (!each->went) return fail(io_error, each->problem);
        if (each != parts[0]) counts.add(each->work.counts);
    }
    counts.client_cpu = own_cpu();
    return report(wanted, counts);
}

} // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.empty() || words[0] == "--help" || words[0] == "-h") {
        fmt::print("{}", options_help());
        return words.empty() ? usage : 0;
    }
    const auto wanted = read_options(words);
    if (!wanted) return fail(usage, wanted.error().text);
    return run(*wanted);
}
