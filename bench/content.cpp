// What it costs to look into a message: the MIME walker in octets, a ZIP's directory in entries, and an
// ordinary mail as a whole, without antivirus signatures and with two (an engine with ClamAV's own ones takes
// longer). Usage: content [MEGABYTES of the attachment, 64] [SECONDS for each figure, 2]
#include "policy/content/clamav.hpp"
#include "policy/content/inspect.hpp"
#include "policy/content/zip_directory.hpp"
#include "protocol/mime/walker.hpp"
#include "tests/unit/policy/content/archives.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <malloc.h>

using namespace postern;
using namespace postern::policy::content;

namespace {

double seconds_of(const std::function<void()>& work) {
    const auto begun = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

// How often a second, over so many seconds.
double rate_of(double seconds, const std::function<void()>& work) {
    double passed = 0;
    unsigned long rounds = 0;
    while (passed < seconds) {
        passed += seconds_of(work);
        ++rounds;
    }
    return static_cast<double>(rounds) / passed;
}

std::size_t allocated() {
    const auto now = ::mallinfo2();
    return now.uordblks + now.hblkhd;
}

std::string message_of(std::size_t attachment) {
    constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out =
        "From: a@example.net\r\nTo: b@example.com\r\nSubject: figures\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\n--=_b\r\nContent-Type: text/plain\r\n\r\n"
        "Hello\r\n--=_b\r\nContent-Type: application/octet-stream\r\n"
        "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=a.bin\r\n\r\n";
    std::uint64_t state = 1;
    for (const auto until = out.size() + attachment; out.size() < until;) {
        for (int i = 0; i < 76; ++i) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            out += alphabet[state >> 58U];
        }
        out += "\r\n";
    }
    return out + "--=_b--\r\n";
}

class nobody final : public protocol::mime::visitor {
  public:
    void begin_part(const protocol::mime::part&) override {}
    void name_of_part(protocol::mime::part_id, const protocol::mime::name&) override {}
    void octets(protocol::mime::part_id, std::string_view decoded) override {
        decoded_ += decoded.size();
        most_ = std::max(most_, allocated());
    }
    void end_part(protocol::mime::part_id) override {}
    void found(protocol::mime::part_id, protocol::mime::finding) override {}
    std::uint64_t decoded_ = 0;
    std::size_t most_ = 0; // allocated at any time
};

void walker_figures(std::size_t megabytes, double seconds) {
    const auto message = message_of(megabytes * 1'000'000);
    const auto before = allocated();
    std::size_t most = 0;
    const double rate = rate_of(seconds, [&] {
        nobody told;
        protocol::mime::walker walk(told);
        walk.feed(message);
        walk.finish();
        most = std::max(most, told.most_);
    });
    std::printf("MIME walker, base64 attachment of %zu MB: %.0f MB/s, %zu KiB of memory\n", megabytes,
                rate * static_cast<double>(message.size()) / 1e6, (most - before) / 1024);
}

void zip_figures(double seconds) {
    constexpr std::size_t entries = 50'000;
    std::vector<testing::zip_file> files(entries);
    for (std::size_t i = 0; i < entries; ++i) files[i].name = "folder/file-" + std::to_string(i) + ".txt";
    const auto octets = testing::make_zip(files);
    const double rate = rate_of(seconds, [&] { read_zip(octets, entries); });
    std::printf("ZIP directory: %.0f entries/s\n", rate * static_cast<double>(entries));
    protocol::scan::order asked;
    asked.attachments = true;
    asked.extensions = {".exe", ".js", ".bat"};
    asked.max_depth = 8;
    asked.max_entries = 2 * entries;
    asked.max_unpacked = 100'000'000;
    const std::string folder = "/tmp";
    const double whole = rate_of(seconds, [&] { inspect(octets, asked, nullptr, folder); });
    std::printf("the same file as a message: %.0f entries/s\n", whole * static_cast<double>(entries));
}

protocol::scan::order order_of_all() {
    protocol::scan::order asked;
    asked.attachments = true;
    asked.extensions = {".bat", ".chm", ".cmd", ".com", ".cpl", ".dll",
                        ".exe", ".js",  ".pif", ".scr", ".vbs"};
    asked.max_depth = 8;
    asked.max_entries = 10'000;
    asked.max_unpacked = 200'000'000;
    asked.max_ratio = 200;
    asked.milliseconds = 10'000;
    return asked;
}

void inspect_figures(double seconds) {
    // The engine makes a folder for each scan: TMPDIR=/dev/shm gives it what the scanner gives it.
    auto folder = (std::filesystem::temp_directory_path() / "postern-bench-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) return;
    std::ofstream(folder + "/ours.ndb")
        << "A:0:*:" << std::string(32, '7') << "\nB:0:*:" << std::string(32, '6') << "\n";
    const auto known = signatures::load(folder, folder, folder);
    const auto message = message_of(10 * 1024);
    auto asked = order_of_all();
    const double without = rate_of(seconds, [&] { inspect(message, asked, nullptr, folder); });
    std::printf("inspect() of a mail of 10 KiB: %.0f/s without signatures", without);
    if (known) {
        asked.antivirus = true;
        // The engine remembers what was clean, so that each round has another mail.
        auto other = message;
        unsigned long round = 0;
        const double with = rate_of(seconds, [&] {
            const auto digits = std::to_string(1'000'000'000 + round++);
            other.replace(message.size() - 200, digits.size(), digits);
            inspect(other, asked, known->get(), folder);
        });
        std::printf(", %.0f/s with two", with);
    }
    std::printf("\n");
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
}

} // namespace

int main(int argc, char** argv) {
    const auto megabytes = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 64UL;
    const double seconds = argc > 2 ? std::strtod(argv[2], nullptr) : 2;
    prepare();
    walker_figures(megabytes, seconds);
    zip_figures(seconds);
    inspect_figures(seconds);
    return 0;
}
