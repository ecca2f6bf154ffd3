// With probe-scanner: the real walls, wire and keeper, and a worker that does what the message says.
#include "server/scanning/subject.hpp"
#include "server/scanning/workforce.hpp"

#include "tests/support/temporary_folder.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <set>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace postern;
using namespace postern::server::scanning;
using namespace std::chrono_literals;

namespace {

times quick() {
    times made;
    made.look = 20ms;
    made.signatures = 0s;
    made.ping = 1s;
    made.silence = 2s;
    made.first_pause = 20ms;
    made.longest_pause = 200ms;
    return made;
}

struct place {
    testing::temporary_folder folder;
    std::mutex mutex;
    std::vector<std::string> news;
    workforce force{[this](workforce::news, const std::string& text) {
                        const std::lock_guard lock(mutex);
                        news.push_back(text);
                    },
                    quick()};

    terms plain(unsigned processes = 1) const {
        terms made;
        made.program = POSTERN_PROBE_SCANNER;
        made.processes = processes;
        made.memory = 64 * 1024 * 1024;
        made.scratch = 16 * 1024 * 1024;
        return made;
    }
    // From any thread: Catch's assertions are the main one's alone.
    policy::scan_outcome scan(std::string_view message, std::chrono::milliseconds time = 20s) {
        const auto subject = in_memory(message);
        if (!subject) return {{}, "no memory for the message"};
        protocol::scan::order asked;
        asked.size = message.size();
        return force.scan(asked, subject->get(), std::chrono::steady_clock::now() + time);
    }
    // What became of the probe's attempt.
    std::string tried(const std::string& what) {
        const auto outcome = scan("probe " + what + "\n");
        if (!outcome.found) return "no outcome: " + outcome.trouble;
        REQUIRE(outcome.found->findings.size() == 1);
        CHECK(outcome.found->findings[0].where == what);
        return outcome.found->findings[0].what;
    }
    bool has_news(const std::string& of) {
        const std::lock_guard lock(mutex);
        return std::ranges::any_of(news, [&](const auto& one) { return one.find(of) != std::string::npos; });
    }
    template <class Condition> bool comes_true(Condition condition, std::chrono::milliseconds within = 20s) {
        const auto until = std::chrono::steady_clock::now() + within;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > until) return false;
            std::this_thread::sleep_for(5ms);
        }
        return true;
    }
};

// Children of a process, from /proc.
std::set<pid_t> children_of(pid_t parent) {
    std::set<pid_t> found;
    std::ifstream in("/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) + "/children");
    for (pid_t one = 0; in >> one;) found.insert(one);
    return found;
}
// The programs that this process has started, from any of its threads.
std::set<pid_t> programs() {
    std::set<pid_t> found;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream in(task.path() / "children");
        for (pid_t one = 0; in >> one;) found.insert(one);
    }
    return found;
}

} // namespace

TEST_CASE("a scanner answers, and its walls hold") {
    place here;
    REQUIRE(here.force.begin(here.plain()).empty());
    CHECK(here.tried("say hello") == "hello");
    const std::string no = "Operation not permitted";
    CHECK(here.tried("socket") == no);
    CHECK(here.tried("unix") == no);
    CHECK(here.tried("exec") == no);
    CHECK(here.tried("fork") == no);
    CHECK(here.tried("code") == no);
    CHECK(here.tried("kill " + std::to_string(::getpid())) == no);
    CHECK(here.tried("ptrace " + std::to_string(::getpid())) == no);
    CHECK(here.tried("read /etc/passwd") == "No such file or directory");
    CHECK(here.tried("read /proc/self/status") == "No such file or directory");
    CHECK(here.tried("read " + here.folder.path()) == "No such file or directory");
    CHECK(here.tried("write /etc/new") == "No such file or directory");
    CHECK(here.tried("write /loading/file") == "Read-only file system"); // all workers share it
    CHECK(here.tried("write /file") == "Read-only file system");
    CHECK(here.tried("scratch") == "done");
    CHECK(here.tried("fill 8") == "done");
    const auto full = here.tried("fill 64");
    CHECK((full == "File too large" || full == "No space left on device"));
#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
    CHECK(here.tried("memory 16") == "done");
    CHECK(here.tried("memory 1000") == "Cannot allocate memory");
#endif
}

TEST_CASE(
    "a scanner that crashes, ends, hangs or talks nonsense is no answer, and the next message has one") {
    place here;
    REQUIRE(here.force.begin(here.plain(2)).empty());
    for (const auto* what : {"probe crash\n", "probe exit 0\n", "probe exit 3\n", "probe stranger\n"}) {
        const auto outcome = here.scan(what);
        CHECK(!outcome.found);
        CHECK(!outcome.trouble.empty());
        CHECK(here.tried("say again") == "again");
    }
    const auto began = std::chrono::steady_clock::now();
    const auto outcome = here.scan("probe hang\n", 700ms);
    CHECK(!outcome.found);
    CHECK(outcome.trouble == "the scanner took too long");
    CHECK(std::chrono::steady_clock::now() - began < 5s);
    CHECK(here.tried("say again") == "again");
    CHECK(here.comes_true([&] { return here.force.now().free == 2; }));
}

TEST_CASE("without a free scanner a message waits, and not beyond its time") {
    place here;
    REQUIRE(here.force.begin(here.plain()).empty());
    REQUIRE(here.comes_true([&] { return here.force.now().free == 1; }));
    std::thread busy([&] { here.scan("probe slow 1500\n"); });
    REQUIRE(here.comes_true([&] { return here.force.now().free == 0; }));
    const auto outcome = here.scan("probe say now\n", 300ms);
    CHECK(!outcome.found);
    CHECK(outcome.trouble == "no scanner was free in time");
    CHECK(here.tried("say later") == "later");
    busy.join();
}

TEST_CASE("scanners that are killed or stopped come back by themselves") {
    place here;
    REQUIRE(here.force.begin(here.plain(2)).empty());
    REQUIRE(here.comes_true([&] { return here.force.now().free == 2; }));
    const auto keepers = programs();
    REQUIRE(keepers.size() == 1);
    SECTION("the workers") {
        for (const auto one : children_of(*keepers.begin())) ::kill(one, SIGKILL);
        CHECK(here.comes_true([&] { return here.has_news("signal 9"); }));
        CHECK(here.tried("say again") == "again");
        CHECK(programs() == keepers);
    }
    SECTION("a worker that is stopped") {
        const auto workers = children_of(*keepers.begin());
        REQUIRE(workers.size() == 2);
        for (const auto one : workers) ::kill(one, SIGSTOP);
        CHECK(!here.scan("probe say never\n", 600ms).found);
        CHECK(!here.scan("probe say never\n", 600ms).found);
        CHECK(here.tried("say again") == "again");
        CHECK(programs() == keepers);
    }
    SECTION("the parent") {
        ::kill(*keepers.begin(), SIGKILL);
        CHECK(here.comes_true([&] { return here.has_news("the scanner has ended"); }));
        CHECK(here.tried("say again") == "again");
        CHECK(programs() != keepers);
    }
    SECTION("the parent, stopped") {
        ::kill(*keepers.begin(), SIGSTOP);
        CHECK(here.comes_true([&] { return here.has_news("it hangs"); }));
        CHECK(here.tried("say again") == "again");
        CHECK(here.comes_true([&] { return programs().size() == 1 && programs() != keepers; }));
    }
}

TEST_CASE("new signatures are loaded beside the old ones, and nobody waits or loses an answer") {
    place here;
    const auto folder = std::filesystem::path(here.folder.path()) / "signatures";
    std::filesystem::create_directory(folder);
    std::ofstream(folder / "one.ndb") << "Test.One:0:*:61626364\n";
    auto by = here.plain();
    by.signatures = folder.string();
    REQUIRE(here.force.begin(by).empty());
    REQUIRE(here.force.now().programs == 1);
    std::atomic<bool> over{false};
    std::atomic<int> answered{0}, unanswered{0};
    std::thread mail([&] {
        while (!over) ++(here.scan("probe slow 20\n").found ? answered : unanswered);
    });
    for (int i = 2; i < 5; ++i) {
        std::ofstream(folder / (std::to_string(i) + ".ndb")) << "Test.More:0:*:61626364\n";
        CHECK(here.comes_true([&] { return here.force.now().programs == static_cast<std::uint64_t>(i); }));
        CHECK(here.comes_true([&] { return programs().size() == 1; }));
    }
    over = true;
    mail.join();
    CHECK(answered > 5);
    CHECK(unanswered == 0);
}

TEST_CASE("a scanner that can't begin says why") {
    place here;
    auto by = here.plain();
    SECTION("no program") {
        by.program = "/nowhere/postern-scanner";
        CHECK(here.force.begin(by).find("/nowhere/postern-scanner: No such file") != std::string::npos);
    }
    SECTION("no signatures") {
        by.signatures = "/nowhere";
        CHECK(here.force.begin(by).find("/nowhere") != std::string::npos);
    }
    SECTION("another program") {
        by.program = "/bin/false";
        CHECK(here.force.begin(by).find("exit code 1") != std::string::npos);
    }
}

TEST_CASE("a configuration that wants another scanner gets it, and one that wants none has none") {
    place here;
    REQUIRE(here.force.begin(here.plain()).empty());
    const auto first = programs();
    here.force.change(here.plain(3));
    CHECK(here.comes_true([&] { return here.force.now().free == 3; }));
    CHECK(here.tried("say hello") == "hello");
    here.force.change({});
    CHECK(here.comes_true([&] { return programs().empty(); }));
    CHECK(!here.scan("probe say hello\n", 200ms).found);
    here.force.change(here.plain(1));
    CHECK(here.tried("say hello") == "hello");
    here.force.stop();
    CHECK(programs().empty());
}

TEST_CASE("a scanner has no descriptor of whoever starts it") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_NONBLOCK) == 0); // not closed on exec, as what Asio accepts at first
    place here;
    REQUIRE(here.force.begin(here.plain()).empty());
    CHECK(here.tried("say hello") == "hello");
    ::close(ends[1]);
    char octet = 0;
    CHECK(::read(ends[0], &octet, 1) == 0); // nobody else could write
    ::close(ends[0]);
}

TEST_CASE("a socket whose listener takes nobody is not waited for without end") {
    testing::temporary_folder folder;
    const auto path = folder.path() + "/socket";
    const storage::file_handle listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    REQUIRE(path.size() < sizeof name.sun_path);
    path.copy(name.sun_path, path.size());
    REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
    REQUIRE(::listen(listener.get(), 0) == 0);
    const auto first = connect_to(path, 100ms); // it fills the queue
    REQUIRE(first.has_value());
    const auto began = std::chrono::steady_clock::now();
    const auto second = connect_to(path, 100ms);
    CHECK(!second.has_value());
    CHECK(std::chrono::steady_clock::now() - began < 10s);
}
