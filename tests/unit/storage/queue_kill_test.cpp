// A writer killed with SIGKILL at many points: what it acknowledged is there octet for octet, the batch under
// way is there whole or not at all. (Loss of power, where the page cache goes too, is for the fault tests on
// a loop device.)
#include "queue_support.hpp"
#include "storage/recovery.hpp"
#include "storage/spool_file.hpp"
#include "system_call_faults.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace postern::storage;
using namespace postern::testing;

namespace {

constexpr std::uint64_t batch_size = 5;
constexpr std::size_t file_size = 70'000;

bool in_file(std::uint64_t id) { return id % batch_size == 0; }
bool in_pack(std::uint64_t id) { return id % batch_size == 2 || id % batch_size == 3; }
std::size_t size_of(std::uint64_t id) {
    return in_file(id) || in_pack(id) ? file_size : 100 + id * 37 % 9000;
}

queued_message kill_message(std::uint64_t id) {
    queued_message message = message_of(id, size_of(id));
    message.body_in_file = in_file(id) || in_pack(id);
    return message;
}

bool commit_batch(queue& into, std::uint64_t first) {
    std::vector<queue_operation> batch;
    std::vector<std::unique_ptr<spool_file>> files;
    for (std::uint64_t id = first; id < first + batch_size; ++id) {
        const std::string body = body_of(id, size_of(id));
        insert_message made{kill_message(id), in_file(id) || in_pack(id) ? "" : body};
        if (in_pack(id)) made.pieces = {body.substr(0, 1000), body.substr(1000)};
        batch.push_back(std::move(made));
        if (!in_file(id)) continue;
        auto file = into.create_body({id});
        if (!file || !(*file)->append(body) || !(*file)->make_durable()) return false;
        files.push_back(std::move(*file));
    }
    if (!into.commit(batch)) return false;
    for (const auto& file : files) file->keep();
    return true;
}

struct child_run {
    std::uint64_t acknowledged = 0; // the last id that the child told us is ours
    bool killed = false;
};

// Runs `work` in a child process, which gets a function that acknowledges an id to us.
template <class Work> child_run run_in_child(Work work, std::uint64_t kill_after) {
    int pipe_ends[2];
    REQUIRE(::pipe(pipe_ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::close(pipe_ends[0]);
        work([&](std::uint64_t id) { (void)::syscall(SYS_write, pipe_ends[1], &id, sizeof id); });
        ::_exit(0);
    }
    ::close(pipe_ends[1]);
    child_run outcome;
    std::uint64_t id = 0;
    while (::read(pipe_ends[0], &id, sizeof id) == sizeof id) {
        outcome.acknowledged = id;
        if (id >= kill_after) ::kill(child, SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    outcome.killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    ::close(pipe_ends[0]);
    return outcome;
}

// Everything acknowledged is there whole, and beyond it the next batch whole or nothing. The last id that is
// there.
std::uint64_t check_kept(const std::string& state_dir, std::uint64_t acknowledged) {
    const auto queue = open_queue(state_dir);
    REQUIRE(queue);
    const auto report = recover(system_files(), *queue);
    REQUIRE(report.has_value());
    CHECK(report->damaged.empty());
    const std::uint64_t kept = queue->totals()->messages;
    REQUIRE((kept == acknowledged || kept == acknowledged + batch_size));
    CHECK(queue->highest_id().value() == queue_id{kept});
    CHECK(queue->due_after(before_all, 10'000, 100'000)->size() == kept);
    for (std::uint64_t id = 1; id <= kept; ++id) {
        const auto message = queue->find({id});
        REQUIRE(message.has_value());
        REQUIRE(message->has_value());
        REQUIRE(same(**message, kill_message(id)));
        REQUIRE(stored_body(*queue, **message) == body_of(id, size_of(id)));
    }
    return kept;
}

} // namespace

TEST_CASE(
    "a writer killed before any of its writes and flushes keeps the batch under way whole or not at all") {
    std::uint64_t kept_unacknowledged = 0;
    int nth = 1;
    for (bool killed = true; killed; ++nth) {
        INFO("call " << nth);
        const temporary_folder folder;
        const child_run run = run_in_child(
            [&](const auto& acknowledge) {
                const auto queue = open_queue(folder.path());
                if (!queue || !commit_batch(*queue, 1)) ::_exit(1);
                acknowledge(batch_size);
                kill_at_system_call(nth);
                if (commit_batch(*queue, 1 + batch_size)) acknowledge(2 * batch_size);
            },
            UINT64_MAX);
        killed = run.killed;
        REQUIRE(run.acknowledged == (killed ? 1 : 2) * batch_size);
        kept_unacknowledged += check_kept(folder.path(), run.acknowledged) - run.acknowledged;
    }
    CHECK(nth > 10); // the body and its two flushes, the pack and its two, pages, their flush, the meta page
    CHECK(kept_unacknowledged ==
          0); // the meta page is the last call: before it nothing is ours, after it everything
}

TEST_CASE("a writer killed again and again in the midst of its work loses nothing that it acknowledged") {
    const temporary_folder folder;
    std::uint64_t kept = 0;
    for (std::uint64_t round = 0; round < 8; ++round) {
        INFO("round " << round);
        const child_run run = run_in_child(
            [&](const auto& acknowledge) {
                const auto queue = open_queue(folder.path());
                if (!queue) return;
                for (std::uint64_t id = kept + 1; commit_batch(*queue, id); id += batch_size) {
                    acknowledge(id + batch_size - 1);
                }
            },
            kept + (1 + round % 4) * batch_size);
        REQUIRE(run.killed);
        REQUIRE(run.acknowledged > kept);
        kept = check_kept(folder.path(), run.acknowledged);
    }
}

TEST_CASE("a command in another process reads beside a running writer") {
    const temporary_folder folder;
    REQUIRE(open_queue(folder.path()));
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
