// All that a body on its way in needs, in a folder in memory, and a loop to run its coroutines on.
#pragma once

#include "server/incoming_body.hpp"
#include "tests/support/temporary_folder.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <fstream>

namespace postern::testing {

struct body_bench {
    static constexpr storage::queue_id id{77 << 10};

    explicit body_bench(std::size_t jobs_max) : pool(1, jobs_max) {}

    temporary_folder folder{temporary_folder::in_memory()};
    std::unique_ptr<storage::queue> queue =
        *storage::queue::open(storage::system_files(), folder.path(), {.map_size = std::uint64_t{1} << 26});
    server::offload_pool pool;
    server::async_spool spool{*queue, 10, [](std::span<const storage::queue_id>) {}};
    boost::asio::io_context loop{1};

    template <class Value> Value run(boost::asio::awaitable<Value> task) {
        auto outcome = boost::asio::co_spawn(loop, std::move(task), boost::asio::use_future);
        loop.restart();
        loop.run();
        return outcome.get();
    }
    // The octets of the body's file; "" = there is none.
    std::string file() const {
        std::ifstream in(folder.path() + "/bodies/" + storage::body_path(id), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
};

} // namespace postern::testing
