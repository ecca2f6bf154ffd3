#include "server/scanning/program.hpp"

#include "server/scanner/options.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <set>
#include <spawn.h>
#include <sys/stat.h>
#include <thread>

namespace postern::server::scanning {
namespace fs = std::filesystem;

namespace {

// What libclamav loads (cl_load of a folder).
constexpr std::array<std::string_view, 22> signature_ends{
    ".cvd", ".cld", ".cud", ".db",  ".hdb", ".hdu", ".hsb", ".hsu", ".mdb", ".mdu",  ".msb",
    ".msu", ".ndb", ".ndu", ".ldb", ".ldu", ".sdb", ".pdb", ".gdb", ".wdb", ".yara", ".cbc"};

std::string beside_this_program() {
    std::error_code failure;
    const auto self = fs::read_symlink("/proc/self/exe", failure);
    return (self.parent_path() / "postern-scanner").string();
}

bool is_asked(const conf::config& config, const domain_tiers& of_domains, bool conf::tier_settings::* test) {
    const auto asks = [&](const std::string& name) {
        const auto* tier = conf::find_tier(config, name);
        return tier != nullptr && tier->*test;
    };
    const auto listens = [&](const auto& row) {
        return row.role != conf::listener_role::tempfail && asks(row.tier);
    };
    return std::ranges::any_of(config.listeners, listens) || std::ranges::any_of(of_domains, asks);
}

bool wants_antivirus(const conf::config& config, const domain_tiers& of_domains) {
    return config.antivirus.test.mode != conf::test_mode::off &&
           is_asked(config, of_domains, &conf::tier_settings::antivirus);
}

bool wants_attachments(const conf::config& config, const domain_tiers& of_domains) {
    return config.attachments.test.mode != conf::test_mode::off &&
           is_asked(config, of_domains, &conf::tier_settings::attachments);
}

// Of mailboxes, which may have antispam on, or subjects that they refuse.
bool wants_facts(const conf::config& config) {
    return config.spam.test.mode != conf::test_mode::off &&
           std::ranges::any_of(config.listeners,
                               [](const auto& row) { return row.role != conf::listener_role::tempfail; });
}

std::string options_for(const terms& what) {
    const bool whole = what.sandbox == conf::scanner_walls::namespaces;
    auto made = fmt::format("workers={}\nmemory={}\nscratch={}\nwalls={}\nscratch_folder={}", what.processes,
                            what.memory, what.scratch, whole ? "namespaces" : "calls", what.scratch_folder);
    if (!what.signatures.empty()) made += "\nsignatures=" + what.signatures;
    return made;
}

// Nothing of the server's own, but for what a sanitizer wants to know.
std::vector<std::string> environment() {
    std::vector<std::string> made{"LC_ALL=C.UTF-8"};
    for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"})
        if (const char* value = std::getenv(name)) made.push_back(fmt::format("{}={}", name, value));
    return made;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> made;
    for (auto& word : words) made.push_back(word.data());
    made.push_back(nullptr);
    return made;
}

class file_actions {
  public:
    explicit file_actions(int control) {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawn_file_actions_adddup2(&actions_, control, scanner::control_descriptor);
        ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDWR, 0);
        for (const int output : {1, 2}) ::posix_spawn_file_actions_adddup2(&actions_, 0, output);
    }
    ~file_actions() { ::posix_spawn_file_actions_destroy(&actions_); }
    file_actions(const file_actions&) = delete;
    file_actions& operator=(const file_actions&) = delete;
    const posix_spawn_file_actions_t* get() const { return &actions_; }

  private:
    posix_spawn_file_actions_t actions_{};
};

// Signals as a fresh program has them, whatever the server blocks or ignores; a process group of its own, so
// that an interrupt from the keyboard doesn't reach it before the server has drained.
class attributes {
  public:
    attributes() {
        ::posix_spawnattr_init(&attributes_);
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(&attributes_,
                                   POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    ~attributes() { ::posix_spawnattr_destroy(&attributes_); }
    attributes(const attributes&) = delete;
    attributes& operator=(const attributes&) = delete;
    const posix_spawnattr_t* get() const { return &attributes_; }

  private:
    posix_spawnattr_t attributes_{};
};

} // namespace

terms terms_of(const conf::config& config, const domain_tiers& of_domains) {
    if (wants_antivirus(config, of_domains)) return terms_for(config, antivirus::is_asked);
    const bool any = wants_attachments(config, of_domains) || wants_facts(config);
    return any ? terms_for(config, antivirus::is_not) : terms();
}

terms terms_for(const conf::config& config, antivirus what) {
    terms made;
    const auto& chosen = config.scanner;
    made.program = chosen.program.empty() ? beside_this_program() : chosen.program;
    std::error_code failure;
    if (fs::is_socket(chosen.socket, failure)) made.socket = chosen.socket;
    if (what == antivirus::is_asked) made.signatures = config.antivirus.database;
    made.processes =
        chosen.processes != 0 ? chosen.processes : std::max(1U, std::thread::hardware_concurrency());
    made.memory = chosen.memory;
    made.scratch = chosen.scratch;
    made.sandbox = chosen.sandbox;
    made.scratch_folder = config.server.state_dir;
    return made;
}

std::string antivirus_problem(const conf::config& config, const domain_tiers& of_domains) {
    if (!wants_antivirus(config, of_domains) || !stamp_of_signatures(config.antivirus.database).empty())
        return {};
    return fmt::format(
        "a tier in use asks for antivirus, and {} holds no signatures; install them (Debian: apt install "
        "clamav-freshclam), name another folder, or set antivirus.mode = \"off\"",
        config.antivirus.database);
}

std::string stamp_of_signatures(const std::string& folder) {
    std::set<std::string> lines;
    std::error_code failure;
    for (fs::directory_iterator at(folder, failure), end; !failure && at != end; at.increment(failure)) {
        const auto name = at->path().filename().string();
        const auto extension = at->path().extension().string();
        if (std::ranges::find(signature_ends, extension) == signature_ends.end()) continue;
        struct stat facts{};
        if (::stat(at->path().c_str(), &facts) != 0 || facts.st_size == 0) continue;
        lines.insert(fmt::format("{} {} {} {}.{}\n", name, facts.st_ino, facts.st_size, facts.st_mtim.tv_sec,
                                 facts.st_mtim.tv_nsec));
    }
    std::string stamp;
    for (const auto& line : lines) stamp += line;
    return stamp;
}

namespace {

result<started_program> start_here(const terms& what) {
    auto channel = make_pair();
    if (!channel) return channel.error();
    std::vector<std::string> words{what.program};
    auto settings = environment();
    const file_actions files(channel->theirs.get());
    const attributes signals;
    started_program made;
    const int failure = ::posix_spawn(&made.process, what.program.c_str(), files.get(), signals.get(),
                                      pointers(words).data(), pointers(settings).data());
    if (failure != 0) return boost::system::error_code(failure, boost::system::system_category());
    made.control = std::move(channel->ours);
    return made;
}

} // namespace

result<started_program> start(const terms& what) {
    constexpr std::chrono::seconds patience{5};
    started_program made;
    if (what.socket.empty()) {
        auto started = start_here(what);
        if (!started) return started.error();
        made = std::move(*started);
    } else {
        auto connected = connect_to(what.socket, patience);
        if (!connected) return connected.error();
        made.control = std::move(*connected);
    }
    const auto text = to_text({"begin", options_for(what)});
    // If it has ended already its channel says so to whoever listens to it.
    (void)send(made.control.get(), text, -1, std::chrono::steady_clock::now() + patience);
    return made;
}

} // namespace postern::server::scanning
