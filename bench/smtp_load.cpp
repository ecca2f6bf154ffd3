// Loads an SMTP server with sessions and messages, and says how fast it answered. Exit 0: everything went as
// it should; 1: something was refused or lost; 64: wrong usage; 74: a file could not be written.
#include "bench/load/engine.hpp"
#include "bench/load/report.hpp"

#include <csignal>
#include <fmt/format.h>
#include <fstream>
#include <sys/resource.h>
#include <unistd.h>

using namespace postern::bench;

namespace {

constexpr int usage = 64, io_error = 74;

engine* running = nullptr; // for the signal handler alone

void on_signal(int /*number*/) {
    if (running != nullptr) running->interrupt();
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

int run(const options& wanted) {
    server_address server;
    if (!parse_address(wanted.server, server))
        return fail(usage, wanted.server + ": an IP address and a port, as 127.0.0.1:25");
    tls_context context;
    std::string problem;
    if (wanted.tls != load_tls::off && !(context = make_tls_context(wanted.groups, problem)))
        return fail(usage, problem);
    allow_files(wanted.sessions);
    workload work(wanted, server, std::move(context));
    if (!wanted.ledger.empty() && !work.promises.open(wanted.ledger))
        return fail(io_error, wanted.ledger + ": cannot be written");

    engine drive(work);
    running = &drive;
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
    std::signal(SIGPIPE, SIG_IGN); // OpenSSL writes without MSG_NOSIGNAL
    const bool went = drive.run(problem);
    running = nullptr;
    if (!went) return fail(io_error, problem);
    work.counts.client_cpu = own_cpu();
    return report(wanted, work.counts);
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
