// A message is taken (under_way) from the moment it is read until the change is durable: the runner doesn't
// try it in between, and no attempt's result can undo the wish.
#include "server/queue_steering.hpp"

#include "server/clock.hpp"
#include "server/insist.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace postern::server {
namespace asio = boost::asio;
using boost::system::error_code;
using storage::queue_wish;
using storage::wish_outcome;

namespace {

// Postfix's postsuper speaks so.
std::string_view done_text(queue_wish wish) {
    switch (wish) {
    case queue_wish::retry: return "made due by the operator";
    case queue_wish::hold: return "placed on hold";
    case queue_wish::release: return "released from hold";
    case queue_wish::bounce: return "given up by the operator; its sender is told";
    case queue_wish::remove: return "removed by the operator; nobody is told";
    }
    return "";
}

} // namespace

struct queue_steering::request {
    request(const asio::any_io_executor& on, queue_wish what, std::vector<storage::queue_id> which)
        : wish(what), ids(std::move(which)), outcomes(ids.size(), wish_outcome::busy), awaited(ids.size()),
          open(ids.size()), deadline(on) {}
    const queue_wish wish;
    const std::vector<storage::queue_id> ids;
    std::vector<wish_outcome> outcomes;
    std::vector<bool> awaited; // an attempt was under way
    std::size_t open;          // without an outcome
    bool late = false;
    asio::steady_timer deadline; // cancelled by the last outcome
};

queue_steering::queue_steering(asio::any_io_executor main, async_spool& spool, under_way& attempts,
                               log& journal, std::function<void(storage::queue_id, wish_outcome)> steered)
    : main_(std::move(main)), spool_(spool), attempts_(attempts), journal_(journal),
      steered_(std::move(steered)) {}

asio::awaitable<std::vector<wish_outcome>> queue_steering::steer(queue_wish wish,
                                                                 std::vector<storage::queue_id> ids) {
    const auto wanted = ids.size();
    ids.resize(std::min(wanted, steered_at_once_max));
    auto asked = std::make_shared<request>(main_, wish, std::move(ids));
    co_await spool_.take_over_now(); // who asks may have seen it in the journal
    if (asked->open != 0) {
        std::function<void(resumer)> start = [this, asked](resumer resume) {
            asked->deadline.expires_after(steering_time_max);
            asked->deadline.async_wait([asked, resume = std::move(resume)](error_code ec) {
                asked->late = !ec; // what is being written now may be done all the same: "busy; ask again"
                resume({});
            });
            for (std::size_t i = 0; i < asked->ids.size(); ++i) begin(asked, i);
        };
        co_await suspend_until(std::move(start));
    }
    auto outcomes = asked->outcomes;
    outcomes.resize(wanted, wish_outcome::busy);
    co_return outcomes;
}

void queue_steering::begin(const std::shared_ptr<request>& asked, std::size_t index) {
    const auto id = asked->ids[index];
    if (asked->late) return;
    if (!attempts_.take(id)) {
        asked->awaited[index] = true;
        return attempts_.when_ended(id, [this, asked, index] { begin(asked, index); });
    }
    if (spool_.queue().owes(id)) { // on a full disk: it can't be written now
        attempts_.end(id);
        return end(asked, index, wish_outcome::busy);
    }
    auto steered = storage::steer_found(asked->wish, id, spool_.queue().find(id), now_seconds());
    if (!steered.change) {
        attempts_.end(id);
        const bool was_tried = asked->wish == queue_wish::retry && asked->awaited[index];
        if (was_tried && steered.outcome == wish_outcome::gone) steered.outcome = wish_outcome::done;
        return end(asked, index, steered.outcome);
    }
    write(asked, index, std::move(*steered.change));
}

void queue_steering::write(const std::shared_ptr<request>& asked, std::size_t index,
                           storage::queue_operation change) {
    auto then = [this, asked, index](error_code ec) {
        insist([&] { asio::post(main_, [this, asked, index, ec] { written(asked, index, ec); }); });
    };
    if (spool_.try_submit(std::move(change), std::move(then))) return;
    attempts_.end(asked->ids[index]);
    end(asked, index, wish_outcome::busy);
}

void queue_steering::written(const std::shared_ptr<request>& asked, std::size_t index, error_code ec) {
    const auto id = asked->ids[index];
    if (!ec) {
        const auto text = id.to_string();
        journal_.write({.event = log_event::steered, .queue_id = text, .text = done_text(asked->wish)});
    }
    attempts_.end(id);
    const auto outcome = ec ? wish_outcome::failed : wish_outcome::done;
    end(asked, index, outcome);
    steered_(id, outcome);
}

void queue_steering::end(const std::shared_ptr<request>& asked, std::size_t index, wish_outcome outcome) {
    asked->outcomes[index] = outcome;
    if (--asked->open == 0) asked->deadline.cancel();
}

} // namespace postern::server
