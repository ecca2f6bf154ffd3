// What an operator may wish of a message in the queue, as the change that fulfils it. Pure; whoever commits
// the change sees to it that no attempt at the message is under way.
#pragma once

#include "storage/queue.hpp"

#include <string_view>

namespace postern::storage {

enum class queue_wish : std::uint8_t {
    retry,   // try all that wait now, and tell now of what failed
    hold,    // don't try it until it is released
    release, // a held one is tried again, now
    bounce,  // try it no more and tell its sender
    remove,  // it goes, and nobody is told
};

std::string_view wish_name(queue_wish wish); // "retry", ..., "delete"
std::optional<queue_wish> find_wish(std::string_view name);

enum class wish_outcome : std::uint8_t {
    done, // or it was so before
    gone, // there is no such message
    held, // it can't be tried before it is released
    busy, // an attempt at it goes on and on; ask again
    failed,
};
inline constexpr std::size_t wish_outcomes = 5;
std::string_view outcome_name(wish_outcome outcome);
std::optional<wish_outcome> find_outcome(std::string_view name);

struct steered_message {
    wish_outcome outcome = wish_outcome::done;
    std::optional<queue_operation> change; // what fulfils the wish, when anything must be written
};
// `now` is unix seconds.
steered_message steer(queue_wish wish, queued_message message, std::int64_t now);
// The same of what queue::find(id) gave. One whose records are damaged can't be changed, but removed.
steered_message steer_found(queue_wish wish, queue_id id, result<std::optional<queued_message>> found,
                            std::int64_t now);

} // namespace postern::storage
