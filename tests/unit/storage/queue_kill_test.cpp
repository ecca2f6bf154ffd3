// A writer killed with SIGKILL at many points: what it acknowledged is there octet for octet, the batch under
// way is there whole or not at all. (Loss of power, where the page cache goes too, is for the fault tests on
// a loop device.)
#include "queue_support.hpp"
#include "storage/recovery.hpp"
#include "storage/spool_file.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

using namespace postern::storage;
using namespace postern::testing;

namespace {

constexpr std::uint64_t batch_size = 5;
constexpr std::size_t file_size = 70'000;

bool in_file(std::uint64_t id) { return id % batch_size == 0; }
std::size_t size_of(std::uint64_t id) { return in_file(id) ? file_size : 100 + id * 37 % 9000; }

queued_message kill_message(std::uint64_t id) {
    queued_message message = message_of(id, size_of(id));
    message.body_in_file = in_file(id);
    return message;
}

bool commit_batch(queue& into, const std::string& state_dir, std::uint64_t first) {
    std::vector<queue_operation> batch;
    std::vector<std::unique_ptr<spool_file>> files;
    for (std::uint64_t id = first; id < first + batch_size; ++id) {
        const std::string body = body_of(id, size_of(id));
        batch.push_back(insert_message{kill_message(id), in_file(id) ? "" : body});
        if (!in_file(id)) continue;
        auto file = spool_file::create(system_files(), state_dir, {id});
        if (!file || !(*file)->append(body) || !(*file)->make_durable()) return false;
        files.push_back(std::move(*file));
    }
    if (!into.commit(batch)) return false;
    for (const auto& file : files) file->keep();
    return true;
}

// The child: batch after batch, each acknowledged by the id of its first message, until it is killed.
[[noreturn]] void write_until_killed(const std::string& state_dir, std::uint64_t first, int acknowledge) {
    const auto queue = open_queue(state_dir);
    if (!queue) ::_exit(1);
    for (std::uint64_t id = first; commit_batch(*queue, state_dir, id); id += batch_size) {
        if (::write(acknowledge, &id, sizeof id) != sizeof id) break;
    }
    ::_exit(1);
}

// The first id of the last batch that the child acknowledged; it is killed `delay` after the acknowledgement
// number `count`.
std::uint64_t run_and_kill(const std::string& state_dir, std::uint64_t first, int count,
                           std::chrono::microseconds delay) {
    int pipe_ends[2];
    REQUIRE(::pipe(pipe_ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::close(pipe_ends[0]);
        write_until_killed(state_dir, first, pipe_ends[1]);
    }
    ::close(pipe_ends[1]);
    std::uint64_t last = 0, id = 0;
    for (int i = 0; i < count && ::read(pipe_ends[0], &id, sizeof id) == sizeof id; ++i) last = id;
    const auto until = std::chrono::steady_clock::now() + delay;
    while (std::chrono::steady_clock::now() < until) {
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    while (::read(pipe_ends[0], &id, sizeof id) == sizeof id) last = id;
    ::close(pipe_ends[0]);
    return last;
}

} // namespace

TEST_CASE("a writer killed at any point loses nothing that it acknowledged and keeps no half batch") {
    const temporary_folder folder;
    std::uint64_t first = 1, unacknowledged = 0, orphans = 0;
    for (int round = 0; round < 25; ++round) {
        INFO("round " << round);
        const auto delay = std::chrono::microseconds(round * 97 % 1500);
        const std::uint64_t last = run_and_kill(folder.path(), first, 1 + round % 4, delay);
        REQUIRE(last >= first);
        const auto queue = open_queue(folder.path());
        REQUIRE(queue);
        const auto report = recover(system_files(), folder.path(), *queue);
        REQUIRE(report.has_value());
        CHECK(report->damaged.empty());
        orphans += report->orphans_removed;
        const std::uint64_t kept = queue->totals()->messages, acknowledged = last + batch_size - 1;
        REQUIRE((kept == acknowledged || kept == acknowledged + batch_size));
        unacknowledged += kept - acknowledged;
        CHECK(queue->highest_id().value() == queue_id{kept});
        for (std::uint64_t id = first; id <= kept; ++id) {
            const auto message = queue->find({id});
            REQUIRE(message.has_value());
            REQUIRE(message->has_value());
            REQUIRE(same(**message, kill_message(id)));
            REQUIRE(stored_body(*queue, **message) == body_of(id, size_of(id)));
        }
        first = kept + 1;
    }
    CAPTURE(first, unacknowledged, orphans);
    CHECK(unacknowledged + orphans > 0); // else no kill ever struck a batch under way
}

TEST_CASE("a command in another process reads beside a running writer") {
    const temporary_folder folder;
    REQUIRE(run_and_kill(folder.path(), 1, 2, std::chrono::microseconds(0)) > 0);
    int go[2], answer[2];
    REQUIRE((::pipe(go) == 0 && ::pipe(answer) == 0));
    const pid_t child = ::fork(); // before the queue is opened: LMDB must not cross a fork
    if (child == 0) {
        char told = 0;
        if (::read(go[0], &told, 1) != 1) ::_exit(1);
        const auto reader = queue::open_for_reading(system_files(), folder.path());
        const char seen = reader && (*reader)->find({1'000'000}).value() ? 'y' : 'n';
        ::_exit(::write(answer[1], &seen, 1) == 1 ? 0 : 1);
    }
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    CHECK(commit_one(*queue, insert_of(1'000'000)));
    char seen = 'g';
    CHECK(::write(go[1], &seen, 1) == 1);
    CHECK(::read(answer[0], &seen, 1) == 1);
    CHECK(seen == 'y');
    ::waitpid(child, nullptr, 0);
    CHECK(commit_one(*queue, insert_of(1'000'001)));
    for (const int end : {go[0], go[1], answer[0], answer[1]}) ::close(end);
}
