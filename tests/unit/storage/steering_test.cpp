// What an operator's wish does to a message, before anything is written and after.
#include "storage/steering.hpp"

#include "queue_support.hpp"

#include <catch2/catch.hpp>

using namespace postern::storage;
using namespace postern::testing;

namespace {

constexpr std::int64_t now = 5000;

queued_message waiting_until(std::int64_t when) {
    auto message = message_of(5);
    for (auto& to : message.recipients) to.next_try = when;
    return message;
}

queued_message changed_by(queue_wish wish, const queued_message& message) {
    const auto steered = steer(wish, message, now);
    REQUIRE(steered.outcome == wish_outcome::done);
    REQUIRE(steered.change);
    return std::get<update_message>(*steered.change).message;
}

} // namespace

TEST_CASE("a retry makes due what waits, and leaves the rest as it ended") {
    auto message = waiting_until(9000);
    message.recipients.push_back(message.recipients.front());
    message.recipients.back().state = recipient_state::delivered;
    const auto after = changed_by(queue_wish::retry, message);
    CHECK(after.recipients.front().next_try == now);
    CHECK(after.recipients.back().next_try == 9000);
    CHECK(changed_by(queue_wish::retry, waiting_until(10)).recipients[0].next_try == 10);
}

TEST_CASE("a held message is not due, whatever is tried, until it is released") {
    const auto held = changed_by(queue_wish::hold, waiting_until(10));
    CHECK(held.held);
    CHECK_FALSE(due_time(held));
    const auto refused = steer(queue_wish::retry, held, now);
    CHECK(refused.outcome == wish_outcome::held);
    CHECK_FALSE(refused.change);
    CHECK_FALSE(steer(queue_wish::hold, held, now).change);
    CHECK_FALSE(steer(queue_wish::release, waiting_until(10), now).change);
    const auto released = changed_by(queue_wish::release, changed_by(queue_wish::hold, waiting_until(9000)));
    CHECK(due_time(released) == now);
}

TEST_CASE("a message to be returned is due at once, a held one too") {
    const auto after = changed_by(queue_wish::bounce, changed_by(queue_wish::hold, waiting_until(9000)));
    CHECK(after.given_up);
    CHECK(due_time(after) == now);
}

TEST_CASE("what was set aside is left alone, until it is released or returned") {
    auto message = waiting_until(9000);
    message.recipients[0].state = recipient_state::aside;
    CHECK(changed_by(queue_wish::retry, message).recipients[0].state == recipient_state::aside);
    const auto released = changed_by(queue_wish::release, message);
    CHECK(released.recipients[0].state == recipient_state::waiting);
    CHECK(released.recipients[0].next_try == now);
    const auto returned = changed_by(queue_wish::bounce, message);
    CHECK(returned.recipients[0].state == recipient_state::waiting);
    CHECK(returned.given_up);
    CHECK(due_time(returned) == now);
}

TEST_CASE("what an operator wished survives in the queue") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    REQUIRE(commit_one(*queue, insert_of(5)));
    const auto wish = [&](queue_wish what) {
        const auto found = queue->find({5});
        REQUIRE((found && *found));
        const auto steered = steer(what, **found, now);
        REQUIRE(steered.change);
        REQUIRE(commit_one(*queue, *steered.change));
    };
    wish(queue_wish::hold);
    CHECK((*queue->find({5}))->held);
    CHECK(queue->due_after(before_all, 1'000'000, 10)->empty());
    CHECK_FALSE(queue->next_due()->has_value());
    CHECK(queue->repair_due()->added == 0);
    wish(queue_wish::release);
    CHECK_FALSE((*queue->find({5}))->held);
    CHECK(queue->due_after(before_all, 1'000'000, 10)->size() == 1);
    wish(queue_wish::bounce);
    CHECK((*queue->find({5}))->given_up);
    wish(queue_wish::remove);
    CHECK_FALSE(queue->find({5})->has_value());
    CHECK(queue->totals()->messages == 0);
}

TEST_CASE("names of wishes and outcomes lead back to them") {
    for (const auto wish :
         {queue_wish::retry, queue_wish::hold, queue_wish::release, queue_wish::bounce, queue_wish::remove})
        CHECK(find_wish(wish_name(wish)) == wish);
    CHECK_FALSE(find_wish("remove"));
    for (std::size_t i = 0; i < wish_outcomes; ++i)
        CHECK(find_outcome(outcome_name(static_cast<wish_outcome>(i))) == static_cast<wish_outcome>(i));
    CHECK_FALSE(find_outcome(""));
}
