// The bridge between threads and coroutines: a coroutine suspends, somebody else's thread resumes it on its
// own executor.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <functional>
#include <string_view>

namespace postern::server {

// Resumes the coroutine that waits; callable from any thread, only the first call counts. Must be called once
// in the end.
using resumer = std::function<void(boost::system::error_code)>;

// Hands a resumer to `start` (called at once, on this thread) and suspends until it is called. A deadline
// that wants to end the wait keeps `give_up` (filled during the wait, empty after it): calling it first makes
// the later answer count for nothing. not_enough_memory: `start` threw std::bad_alloc.
boost::asio::awaitable<boost::system::error_code> suspend_until(std::function<void(resumer)> start,
                                                                resumer* give_up = nullptr);

// Starts a coroutine that nobody awaits; an exception that escapes it goes to `escaped` with the name,
// `ended`, which throws nothing, is called in any case. std::bad_alloc: nothing was begun, and neither is.
void spawn(const boost::asio::any_io_executor& on, boost::asio::awaitable<void> task,
           std::function<void(std::string_view what)> escaped, std::function<void()> ended = {});

} // namespace postern::server
