// How many messages a second the scanner looks into, as the server has it: its own program with its walls,
// all tests that look into a message, a sealed copy of each message handed over.
// Usage: scan_load MAILS SIGNATURES [AT ONCE, 2]: every file of the folder MAILS once.
#include "conf/load.hpp"
#include "server/scanning/program.hpp"
#include "server/scanning/subject.hpp"
#include "server/scanning/workforce.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

using namespace postern;
using namespace postern::server::scanning;
using protocol::scan::finding_kind;

namespace {

std::vector<std::string> messages_of(const std::string& folder) {
    std::vector<std::string> made;
    for (const auto& one : std::filesystem::directory_iterator(folder)) {
        std::ifstream in(one.path(), std::ios::binary);
        made.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
    return made;
}

protocol::scan::order order_of(const conf::config& config, std::size_t octets) {
    protocol::scan::order asked;
    asked.attachments = asked.antivirus = asked.facts = true;
    asked.extensions = config.attachments.extensions;
    asked.max_depth = config.attachments.max_depth;
    asked.max_entries = config.attachments.max_entries;
    asked.max_unpacked = config.attachments.max_unpacked;
    asked.max_ratio = config.attachments.max_ratio;
    asked.size = octets;
    return asked;
}

struct counts {
    std::atomic<unsigned> found{0}, failed{0};
};

void scan_all(workforce& force, const conf::config& config, const std::vector<std::string>& messages,
              std::atomic<std::size_t>& next, counts& seen) {
    for (std::size_t at = next++; at < messages.size(); at = next++) {
        const auto copy = in_memory(messages[at]);
        if (!copy) {
            ++seen.failed;
            continue;
        }
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        const auto said = force.scan(order_of(config, messages[at].size()), copy->get(), until);
        const auto is_virus = [](const auto& one) { return one.kind == finding_kind::virus; };
        if (!said.found || std::ranges::any_of(said.found->findings, [](const auto& one) {
                return one.kind == finding_kind::not_scanned;
            }))
            ++seen.failed;
        else if (std::ranges::any_of(said.found->findings, is_virus))
            ++seen.found;
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: scan_load MAILS SIGNATURES [AT ONCE]\n");
        return 64;
    }
    const auto at_once = argc > 3 ? static_cast<unsigned>(std::strtoul(argv[3], nullptr, 10)) : 2U;
    // With the defaults of the product.
    const auto loaded = conf::load_text("[[listener]]\nname = \"mx\"\naddress = \"127.0.0.1:0\"\n", "bench");
    if (!loaded.ok()) return 1;
    conf::config config = *loaded.snapshot;
    config.antivirus.database = argv[2];
    config.scanner.processes = at_once;
    const auto messages = messages_of(argv[1]);
    workforce force(
        [](workforce::news, const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); });
    const auto begun = std::chrono::steady_clock::now();
    if (const auto trouble = force.begin(terms_for(config, antivirus::is_asked)); !trouble.empty()) {
        std::fprintf(stderr, "%s\n", trouble.c_str());
        return 1;
    }
    const auto ready = std::chrono::steady_clock::now();
    std::atomic<std::size_t> next{0};
    counts seen;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < at_once; ++i)
        threads.emplace_back([&] { scan_all(force, config, messages, next, seen); });
    for (auto& one : threads) one.join();
    const std::chrono::duration<double> loading = ready - begun,
                                        passed = std::chrono::steady_clock::now() - ready;
    std::printf("%zu messages, %u with a virus, %u not scanned, %.0f/s, begun in %.3f s\n", messages.size(),
                seen.found.load(), seen.failed.load(), static_cast<double>(messages.size()) / passed.count(),
                loading.count());
    return seen.failed == 0 ? 0 : 1;
}
