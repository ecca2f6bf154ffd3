// A scanner whose walls and wire are the real one's, and which does what the message tells it, line by line:
// what a scanner that hostile content has taken over might try, and how one fails. Each line's outcome is a
// finding.
#include "server/scanner/keeper.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace postern;
using protocol::scan::finding_kind;
using server::scanner::rooms;
using server::scanner::workshop;

std::string outcome(long returned) { return returned < 0 ? std::strerror(errno) : "done"; }

std::string try_exec() {
    char* const words[] = {nullptr};
    return outcome(::execve("/bin/true", words, words));
}

std::string try_open(const std::string& path, int how) { return outcome(::open(path.c_str(), how, 0600)); }

std::string try_memory(std::size_t megabytes) {
    const std::size_t size = megabytes * 1024 * 1024;
    void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return outcome(at == MAP_FAILED ? -1 : 0);
}

std::string try_fill(const std::string& path, std::size_t megabytes) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT, 0600);
    if (fd < 0) return outcome(fd);
    ::signal(SIGXFSZ, SIG_IGN);
    const std::string block(1024 * 1024, 'x');
    for (std::size_t i = 0; i < megabytes; ++i)
        if (::write(fd, block.data(), block.size()) != static_cast<ssize_t>(block.size())) return outcome(-1);
    return "done";
}

std::string act(const std::string& word, const std::string& rest, const rooms& where) {
    if (word == "socket") return outcome(::socket(AF_INET, SOCK_STREAM, 0));
    if (word == "unix") return outcome(::socket(AF_UNIX, SOCK_STREAM, 0));
    if (word == "read") return try_open(rest, O_RDONLY);
    if (word == "write") return try_open(rest, O_WRONLY | O_CREAT);
    if (word == "scratch") return try_open(where.scratch + "/file", O_WRONLY | O_CREAT);
    if (word == "fill") return try_fill(where.scratch + "/large", std::stoul(rest));
    if (word == "memory") return try_memory(std::stoul(rest));
    if (word == "exec") return try_exec();
    if (word == "fork") return outcome(::fork());
    if (word == "kill") return outcome(::kill(std::stoi(rest), SIGKILL));
    if (word == "ptrace") return outcome(::ptrace(PTRACE_ATTACH, std::stoi(rest), nullptr, nullptr));
    if (word == "code") {
        void* const at = ::mmap(nullptr, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return outcome(at == MAP_FAILED ? -1 : 0);
    }
    if (word == "say") return rest;
    return "unknown word";
}

protocol::scan::report inspect(std::string_view message, const protocol::scan::order& asked,
                               const rooms& where) {
    protocol::scan::report made;
    made.id = asked.id;
    while (!message.empty()) {
        const auto end = std::min(message.find('\n'), message.size());
        std::string line(message.substr(0, end));
        message.remove_prefix(std::min(end + 1, message.size()));
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (!line.starts_with("probe ")) continue;
        line.erase(0, 6);
        const auto gap = std::min(line.find(' '), line.size());
        const auto word = line.substr(0, gap);
        const auto rest = line.substr(std::min(gap + 1, line.size()));
        if (word == "crash") ::raise(SIGSEGV), __builtin_trap();
        if (word == "exit") ::_exit(std::stoi(rest));
        if (word == "hang")
            for (volatile int forever = 1; forever != 0;) {
            }
        if (word == "virus") {
            add({finding_kind::virus, "probe", rest}, made);
            continue;
        }
        if (word == "slow") {
            const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(std::stol(rest));
            while (std::chrono::steady_clock::now() < until) {
            }
            continue;
        }
        if (word == "stranger")
            made.id += 1; // the answer to somebody else's order
        else
            add({finding_kind::unreadable, line, act(word, rest, where)}, made);
    }
    return made;
}

} // namespace

int main(int count, char** words) {
    const auto what = server::scanner::read_options(count, words);
    if (!what) return 64;
    return server::scanner::keep(*what, [&](const rooms& where) -> result<workshop, std::string> {
        workshop made;
        made.signatures = what->signatures.empty() ? 0 : 1;
        made.inspect = [where](std::string_view message, const protocol::scan::order& asked) {
            return inspect(message, asked, where);
        };
        return made;
    });
}
