// The log as a sink: lines arrive in order, follow a rotated file, and no reader of them can hold up a
// caller.
#include "server/log.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace postern;
using namespace postern::server;

namespace {

// A folder that is gone after the test.
struct temporary_folder {
    temporary_folder() {
        char form[] = "/tmp/postern-log-XXXXXX";
        path = ::mkdtemp(form);
    }
    ~temporary_folder() { std::filesystem::remove_all(path); }
    std::string path;
};

std::string content(const std::string& path) {
    std::ifstream file(path);
    std::stringstream all;
    all << file.rdbuf();
    return all.str();
}

conf::log_settings to_file(const std::string& path) {
    return {conf::log_format::text, conf::log_level::info, path, "postfix"};
}

} // namespace

TEST_CASE("every written line is in the file after a flush, and debug lines are not", "[log]") {
    const temporary_folder folder;
    std::string problem;
    const auto log = open_log(to_file(folder.path + "/mail.log"), "mx1", problem);
    REQUIRE(log);
    for (int i = 0; i < 100; ++i) log->note("line");
    log->write({.event = log_event::note, .level = conf::log_level::debug, .text = "hidden"});
    log->flush();
    const std::string text = content(folder.path + "/mail.log");
    CHECK(std::count(text.begin(), text.end(), '\n') == 100);
    CHECK(text.find("hidden") == std::string::npos);
    CHECK(log->dropped() == 0);
}

TEST_CASE("an accepted message has cleanup's line and then qmgr's", "[log]") {
    const temporary_folder folder;
    std::string problem;
    const auto log = open_log(to_file(folder.path + "/mail.log"), "mx1", problem);
    REQUIRE(log);
    log->write({.event = log_event::accepted,
                .queue_id = "Q",
                .message_id = "1@s.test",
                .size = 1,
                .recipients = 1});
    log->flush();
    const std::string text = content(folder.path + "/mail.log");
    CHECK(std::count(text.begin(), text.end(), '\n') == 2);
    CHECK(text.find(": Q: message-id=<1@s.test>\n") <
          text.find(": Q: from=<>, size=1, nrcpt=1 (queue active)\n"));
}

TEST_CASE("reopening follows a rotated file and takes the new format", "[log]") {
    const temporary_folder folder;
    const std::string path = folder.path + "/mail.log";
    std::string problem;
    const auto log = open_log(to_file(path), "mx1", problem);
    REQUIRE(log);
    log->note("before");
    log->flush();
    std::filesystem::rename(path, path + ".1");
    auto settings = to_file(path);
    settings.format = conf::log_format::json;
    log->reopen(settings, "mx2");
    log->note("after");
    log->flush();
    CHECK(content(path + ".1").find("before") != std::string::npos);
    CHECK(content(path).find(R"("host":"mx2")") != std::string::npos);
    CHECK(content(path).find("before") == std::string::npos);
}

TEST_CASE("a log path that can't be opened is a problem at the start and no harm later", "[log]") {
    const temporary_folder folder;
    std::string problem;
    CHECK_FALSE(open_log(to_file(folder.path + "/no/such/folder"), "mx1", problem));
    CHECK(problem.find("No such file") != std::string::npos);
    const auto log = open_log(to_file(folder.path + "/mail.log"), "mx1", problem);
    REQUIRE(log);
    log->reopen(to_file(folder.path + "/no/such/folder"), "mx1");
    log->note("still here");
    log->flush();
    const std::string text = content(folder.path + "/mail.log");
    CHECK(text.find("No such file") != std::string::npos);
    CHECK(text.find("still here") != std::string::npos);
}

TEST_CASE("a reader that never reads costs lines, not time", "[log][F-26]") {
    const temporary_folder folder;
    const std::string path = folder.path + "/pipe";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
    REQUIRE(reader >= 0);
    std::string problem;
    auto log = open_log(to_file(path), "mx1", problem);
    REQUIRE(log);
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 20'000; ++i)
        log->note("a line that nobody reads, long enough to fill a pipe of 64 KiB soon");
    CHECK(log->dropped() > 0);
    SECTION("the process still ends") { log.reset(); }
    SECTION("and a reload can move the log away") {
        log->reopen(to_file(folder.path + "/mail.log"), "mx1");
        log->note("moved");
        log->flush();
        CHECK(content(folder.path + "/mail.log").find("moved") != std::string::npos);
    }
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
    ::close(reader);
}

TEST_CASE("a full disk costs lines and is counted", "[log]") {
    std::string problem;
    const auto log = open_log(to_file("/dev/full"), "mx1", problem);
    REQUIRE(log);
    for (int i = 0; i < 10; ++i) log->note("no room");
    log->flush();
    CHECK(log->dropped() == 10);
}
