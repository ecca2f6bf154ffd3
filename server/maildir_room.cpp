// The job owns its answer, so that a caller whose deadline passed may go.
#include "server/maildir_room.hpp"

#include "server/local_target.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace postern::server {

boost::asio::awaitable<result<bool>> maildir_room::has_room(storage::final_recipient box,
                                                            std::uint64_t octets) {
    struct question {
        storage::maildir_target where;
        result<bool> answer{boost::system::in_place_error, make_error_code(storage::storage_errc::busy)};
    };
    auto asked = std::make_shared<question>();
    asked->where = local_target(*config_.get()->config, box.address, box.quota);
    std::function<void()> job = [asked, octets, &files = files_] {
        asked->answer = storage::maildir_has_room(files, asked->where, octets);
    };
    const auto here = co_await boost::asio::this_coro::executor;
    boost::asio::steady_timer timer(here, deadline);
    // Shared: the timer's handler may run after this coroutine has gone.
    auto give_up = std::make_shared<resumer>();
    timer.async_wait([give_up](boost::system::error_code ec) {
        if (ec || !*give_up) return;
        const resumer wake = *give_up;
        wake(make_error_code(storage::storage_errc::busy));
    });
    const auto ran = co_await pool_.run(std::move(job), give_up.get());
    if (ran) co_return result<bool>(boost::system::in_place_error, ran);
    // Moved, not copied: a result<bool> made from an lvalue that isn't const holds whether that had a value.
    co_return std::move(asked->answer);
}

} // namespace postern::server
