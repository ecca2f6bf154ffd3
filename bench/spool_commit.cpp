// What the queue costs by itself: waiters hand messages to its writer for some seconds, and in turn to an
// append-only journal on the same disk, for as many rounds as are asked. Prints the medians and their ratio.
// Exit 1: something was not kept, or the queue holds another number than was promised; 64: wrong usage.
#include "bench/commit/journal.hpp"
#include "bench/commit/measure.hpp"
#include "server/async_spool.hpp"
#include "tests/support/temporary_folder.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <fstream>

using namespace postern;
using namespace postern::bench;

namespace {

struct settings {
    unsigned waiters = 100;
    std::uint64_t size = 10 * 1024;
    double seconds = 5;
    unsigned rounds = 3;
    bool remove = false;
    std::string folder = ".";
    std::string json;
};

storage::insert_message message_of(std::uint64_t number, const std::string& body) {
    storage::insert_message made;
    made.message.id = {(1'800'000'000'000'000U + number) << 10};
    made.message.arrived = static_cast<std::int64_t>(1'800'000'000'000'000U + number);
    made.message.size = body.size();
    made.message.sender = "sender@load.test";
    made.message.session = "1K10JN4HGAS00";
    made.message.client = "192.0.2.1";
    made.message.helo = "load.test";
    made.message.protocol = "ESMTP";
    made.message.recipients.resize(1);
    made.message.recipients[0].address = made.message.recipients[0].original = "u@d.test";
    made.body = body;
    return made;
}

boost::asio::awaitable<boost::system::error_code> keep_in_queue(server::async_spool& spool,
                                                                const settings& with, const std::string& body,
                                                                std::uint64_t number) {
    storage::insert_message insert = message_of(number, body);
    const storage::queue_id id = insert.message.id;
    storage::queue_operation operation = std::move(insert);
    auto ec = co_await spool.submit(std::move(operation), nullptr, [] {});
    if (ec || !with.remove) co_return ec;
    storage::queue_operation removal = storage::remove_message{id, false};
    ec = co_await spool.submit(std::move(removal), nullptr, [] {});
    co_return ec;
}

cost measure_queue(const settings& with, const std::string& body) {
    const testing::temporary_folder folder(with.folder);
    auto queue = storage::queue::open(storage::system_files(), folder.path(), {});
    cost found;
    if (!queue) {
        found.failed = 1;
        found.first_failure = queue.error().message();
        return found;
    }
    std::atomic<std::uint64_t> commits{0}; // that held a message; removals alone aren't told
    {
        server::async_spool spool(**queue, with.waiters + 1,
                                  [&commits](std::span<const storage::queue_id>) { ++commits; });
        const keeper keep = [&](std::uint64_t number) { return keep_in_queue(spool, with, body, number); };
        found =
            measure(keep, with.waiters, std::chrono::milliseconds(static_cast<long>(with.seconds * 1000)));
    }
    found.commits = commits;
    const auto totals = (*queue)->totals();
    if (!totals || totals->messages != (with.remove ? 0 : found.kept)) {
        ++found.failed;
        found.first_failure = "the queue holds another number of messages than were kept";
    }
    return found;
}

cost measure_journal(const settings& with, const std::string& body) {
    const testing::temporary_folder folder(with.folder);
    auto& files = storage::system_files();
    auto file = files.open_file(nullptr, folder.path() + "/journal", storage::open_mode::create_new);
    cost found;
    if (!file) {
        found.failed = 1;
        found.first_failure = file.error().message();
        return found;
    }
    journal to(std::move(*file));
    const keeper keep = [&](std::uint64_t number) {
        const auto insert = message_of(number, body);
        return to.append(storage::encode_message(insert.message) + storage::encode_states(insert.message) +
                         insert.body);
    };
    found = measure(keep, with.waiters, std::chrono::milliseconds(static_cast<long>(with.seconds * 1000)));
    found.commits = to.commits();
    return found;
}

const cost& median(std::vector<cost>& rounds) {
    std::sort(rounds.begin(), rounds.end(),
              [](const cost& a, const cost& b) { return a.per_second() < b.per_second(); });
    return rounds[rounds.size() / 2];
}

void print_row(const char* name, const cost& of) {
    const auto milliseconds = [](std::uint64_t nanoseconds) {
        return static_cast<double>(nanoseconds) / 1e6;
    };
    const auto kept = static_cast<double>(of.kept);
    fmt::print("{:8} {:>10.0f} {:>9.0f} {:>8.1f} {:>9.3f} {:>9.3f} {:>8.0f} {:>9.1f} {:>8.2f} {:>8.2f}\n",
               name, of.per_second(), static_cast<double>(of.commits) / of.seconds,
               of.commits == 0 ? 0 : kept / static_cast<double>(of.commits),
               of.per_message(static_cast<double>(of.fdatasyncs + of.other_flushes)),
               of.per_message(static_cast<double>(of.synchronous_writes)),
               of.per_message(static_cast<double>(of.octets_written)), of.per_message(of.cpu * 1e6),
               milliseconds(of.times.percentile(50)), milliseconds(of.times.percentile(99)));
}

boost::json::object json_of(const cost& of) {
    return {{"messages", of.kept},
            {"seconds", of.seconds},
            {"per_second", of.per_second()},
            {"commits", of.commits},
            {"fdatasyncs", of.fdatasyncs},
            {"synchronous_writes", of.synchronous_writes},
            {"other_flushes", of.other_flushes},
            {"octets_written", of.octets_written},
            {"cpu_seconds", of.cpu},
            {"p50_ns", of.times.percentile(50)},
            {"p99_ns", of.times.percentile(99)}};
}

int report(const settings& with, std::vector<cost>& queue, std::vector<cost>& journal) {
    const cost& ours = median(queue);
    const cost& least = median(journal);
    fmt::print("{} waiters, {} octets, {} rounds of {} s; the round with the median rate\n\n", with.waiters,
               with.size, with.rounds, with.seconds);
    fmt::print("{:8} {:>10} {:>9} {:>8} {:>9} {:>9} {:>8} {:>9} {:>8} {:>8}\n", "", "messages/s", "commits/s",
               "messages", "fdatasync", "O_DSYNC", "octets", "CPU us", "p50 ms", "p99 ms");
    fmt::print("{:8} {:>10} {:>9} {:>8} {:>9} {:>9} {:>8} {:>9}\n", "", "", "", "a commit", "a message",
               "a message", "a message", "a message");
    print_row("queue", ours);
    print_row("journal", least);
    fmt::print("\nqueue / journal: {:.2f}\n",
               least.per_second() > 0 ? ours.per_second() / least.per_second() : 0);
    if (with.json.empty()) return 0;
    std::ofstream file(with.json);
    boost::json::array queues, journals;
    for (const auto& one : queue) queues.push_back(json_of(one));
    for (const auto& one : journal) journals.push_back(json_of(one));
    file << boost::json::serialize(boost::json::object{
                {"waiters", with.waiters}, {"size", with.size}, {"queue", queues}, {"journal", journals}})
         << "\n";
    return file.good() ? 0 : 74;
}

int run(const settings& with) {
    const std::string body(with.size, 'x');
    std::vector<cost> queue, journal;
    for (unsigned round = 0; round < with.rounds; ++round) {
        queue.push_back(measure_queue(with, body));
        journal.push_back(measure_journal(with, body));
        for (const auto* one : {&queue.back(), &journal.back()}) {
            if (one->failed == 0) continue;
            fmt::print(stderr, "spool_commit: {} failed, the first: {}\n", one->failed, one->first_failure);
            return 1;
        }
    }
    return report(with, queue, journal);
}

} // namespace

int main(int argc, char** argv) {
    settings with;
    CLI::App options("How fast the queue keeps messages, beside an append-only journal on the same disk");
    options.add_option("--waiters", with.waiters, "messages under way at the same time")
        ->check(CLI::Range(1U, 100'000U));
    options
        .add_option("--size", with.size,
                    "octets of a body; larger ones are files and no matter of the queue's")
        ->check(CLI::Range(std::uint64_t{1}, static_cast<std::uint64_t>(storage::inline_body_max)));
    options.add_option("--seconds", with.seconds, "of each round")->check(CLI::PositiveNumber);
    options.add_option("--rounds", with.rounds, "of each store, in turn")->check(CLI::Range(1U, 1000U));
    options.add_flag("--remove", with.remove, "remove each message when it is in, as a delivery does");
    options.add_option("--folder", with.folder, "where to write; must lie on the disk that is meant");
    options.add_option("--json", with.json, "everything, of every round");
    try {
        options.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return options.exit(wrong) == 0 ? 0 : 64;
    }
    return run(with);
}
