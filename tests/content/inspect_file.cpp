// Gives messages to the inspection that the scanner runs, without its process: for run_corpus.py. Reads paths
// from its input, one a line; writes a line of JSON for each: milliseconds, and the findings. Never skips
// one: what can't be read ends the program.
#include "policy/content/clamav.hpp"
#include "policy/content/inspect.hpp"

#include <chrono>
#include <clocale>
#include <csignal>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sys/resource.h>

using namespace postern;

namespace {

protocol::scan::order order_of_all() {
    protocol::scan::order asked;
    asked.attachments = asked.antivirus = true;
    asked.extensions = {".bat", ".chm", ".cmd", ".com", ".cpl", ".dll", ".exe", ".hlp", ".hta", ".jar",
                        ".js",  ".pif", ".reg", ".scr", ".shs", ".vbe", ".vbs", ".vxd", ".wsf", ".wsh"};
    asked.max_depth = 8;
    asked.max_entries = 10'000;
    asked.max_unpacked = 256ULL * 1024 * 1024;
    asked.max_ratio = 200;
    asked.milliseconds = 30'000;
    return asked;
}

// As the table of the corpus spells it.
std::string_view kind_of(const protocol::scan::finding& one) {
    using protocol::scan::finding_kind;
    switch (one.kind) {
    case finding_kind::extension: return "extension";
    case finding_kind::encrypted_name: return "encrypted_name";
    case finding_kind::encrypted: return "encrypted";
    case finding_kind::limit: return "limit";
    case finding_kind::unreadable: return "unreadable";
    case finding_kind::malformed: return "malformed";
    case finding_kind::virus: return "virus";
    case finding_kind::not_scanned: return "not_scanned";
    }
    return {};
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            out += fmt::format("\\{}", c);
        else if (static_cast<unsigned char>(c) < 0x20)
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
            out += c;
    }
    return out + '"';
}

bool read_file(const std::string& path, std::string& octets) {
    std::ifstream file(path, std::ios::binary);
    octets.assign(std::istreambuf_iterator<char>(file), {});
    return file.good() || file.eof();
}

long peak_kib() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return used.ru_maxrss;
}

} // namespace

int main(int count, char** words) {
    if (count != 3) return std::cerr << "usage: inspect_file SIGNATURES SCRATCH < PATHS\n", 2;
    std::setlocale(LC_CTYPE, "C.UTF-8");
    std::signal(SIGXFSZ, SIG_IGN);
    const std::string scratch = words[2];
    const auto known = policy::content::signatures::load(words[1], scratch, scratch);
    if (!known) return std::cerr << known.error() << "\n", 1;
    const auto asked = order_of_all();
    std::string octets;
    for (std::string path; std::getline(std::cin, path);) {
        if (!read_file(path, octets)) return std::cerr << path << ": can't be read\n", 1;
        const auto start = std::chrono::steady_clock::now();
        const auto passed = [&] {
            return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                                  std::chrono::steady_clock::now() - start)
                                                  .count());
        };
        const auto report = policy::content::inspect(octets, asked, known->get(), scratch, passed);
        std::string findings;
        for (const auto& one : report.findings)
            findings +=
                fmt::format("{}{{\"kind\": {}, \"where\": {}, \"what\": {}}}", findings.empty() ? "" : ", ",
                            quoted(kind_of(one)), quoted(one.where), quoted(one.what));
        std::cout << fmt::format("{{\"milliseconds\": {}, \"peak_kib\": {}, \"findings\": [{}]}}\n", passed(),
                                 peak_kib(), findings)
                  << std::flush;
    }
    return 0;
}
