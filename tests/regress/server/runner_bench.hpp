// A queue runner with a queue, accounts and Maildirs of its own, in this process.
#pragma once

#include "server/queue_runner.hpp"
#include "tests/support/memory_directory.hpp"
#include "tests/support/queue_surgery.hpp"
#include "tests/support/temporary_folder.hpp"

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <mutex>

namespace postern::testing {

class remembering_log final : public server::log {
  public:
    void write(const server::log_record& record) override {
        const std::lock_guard held(guard_);
        if (record.event == server::log_event::fault) faults_.emplace_back(record.text);
    }
    void reopen(const conf::log_settings&, const std::string&) override {}
    std::uint64_t dropped() const override { return 0; }
    void flush() override {}
    std::vector<std::string> faults() const {
        const std::lock_guard held(guard_);
        return faults_;
    }

  private:
    mutable std::mutex guard_;
    std::vector<std::string> faults_;
};

class runner_bench {
  public:
    runner_bench() {
        auto settings = std::make_shared<conf::config>();
        settings->server.hostname = "mx.d.test";
        settings->local.maildir = folder.path() + "/{domain}/{local}";
        settings->queue.retry = {std::chrono::seconds(1)};
        settings->queue.expire = std::chrono::hours(120);
        settings->queue.deliveries = 4;
        auto first = std::make_shared<server::snapshot>();
        first->config = std::move(settings);
        config.swap(std::move(first));
    }

    void insert(std::uint64_t id, std::int64_t next_try) {
        storage::insert_message insert;
        insert.message.id = {id};
        insert.message.recipients.resize(1);
        insert.message.recipients[0].address = "u@d.test";
        insert.message.recipients[0].next_try = next_try;
        insert.body = "Subject: x\r\n\r\n";
        insert.message.size = insert.body.size();
        const storage::queue_operation operation = std::move(insert);
        if (!queue->commit({&operation, 1})) throw std::runtime_error("not inserted");
    }

    // Behind the back of the queue, which is closed meanwhile.
    template <class Change> void change_tables(Change change) {
        queue.reset();
        testing::change_tables(folder.path(), change);
        queue = open_queue();
    }

    // Runs until `enough` or the time is over; says whether it was enough.
    template <class Enough> bool run_until(Enough enough, std::chrono::milliseconds most) {
        server::async_spool spool(*queue, 100, [](std::span<const storage::queue_id>) {});
        server::queue_runner runner(loop.get_executor(), config, spool, attempts,
                                    {storage::system_files(), *queue, accounts, ids, journal, counts}, {});
        runner.start();
        const auto end = std::chrono::steady_clock::now() + most;
        while (!enough() && std::chrono::steady_clock::now() < end)
            loop.run_one_for(std::chrono::milliseconds(50));
        runner.stop();
        return enough();
    }

    std::size_t delivered() const {
        std::error_code ignored;
        std::size_t count = 0;
        for (const auto& entry :
             std::filesystem::directory_iterator(folder.path() + "/d.test/u/new", ignored)) {
            (void)entry;
            ++count;
        }
        return count;
    }

    temporary_folder folder{temporary_folder::in_memory()};
    std::unique_ptr<storage::queue> queue = open_queue();
    memory_directory accounts;
    remembering_log journal;
    server::counters counts;
    server::under_way attempts;
    storage::queue_id_source ids{storage::queue_id{}};
    server::live_snapshot config;
    boost::asio::io_context loop{1};

  private:
    std::unique_ptr<storage::queue> open_queue() const {
        return *storage::queue::open(storage::system_files(), folder.path(),
                                     {.map_size = std::uint64_t{1} << 26});
    }
};

} // namespace postern::testing
