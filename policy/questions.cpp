#include "policy/questions.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <optional>

namespace postern::policy {
namespace asio = boost::asio;

struct questions::state {
    state(resolver& asked, dns_deadline at_the_latest) : dns(asked), until(at_the_latest) {}
    resolver& dns;
    const dns_deadline until;
    std::size_t open = 0;
    std::deque<answer> come;
    std::optional<asio::steady_timer> ready; // while somebody waits
};

namespace {

template <class State>
asio::awaitable<void> look_up(std::shared_ptr<State> into, protocol::dns_question question,
                              std::size_t mark) {
    questions::answer made{question, mark, dns_try_later{}};
    try {
        made.what = co_await into->dns.look_up(std::move(question), into->until);
    } catch (const std::exception&) { // no memory: nothing is known
    }
    into->come.push_back(std::move(made));
    if (into->ready) into->ready->cancel();
}

} // namespace

questions::questions(resolver& dns, dns_deadline until) : state_(std::make_shared<state>(dns, until)) {}
questions::~questions() = default;

std::size_t questions::open() const { return state_->open; }

asio::awaitable<void> questions::ask(protocol::dns_question question, std::size_t mark) {
    const auto here = co_await asio::this_coro::executor;
    auto running = look_up(state_, std::move(question), mark);
    ++state_->open;
    asio::co_spawn(here, std::move(running), [](const std::exception_ptr&) {});
}

asio::awaitable<questions::answer> questions::next() {
    const std::shared_ptr<state> mine = state_;
    const auto here = co_await asio::this_coro::executor;
    while (mine->come.empty()) {
        mine->ready.emplace(here, asio::steady_timer::time_point::max());
        constexpr auto token = asio::as_tuple(asio::use_awaitable);
        (void)co_await mine->ready->async_wait(token);
    }
    mine->ready.reset();
    answer first = std::move(mine->come.front());
    mine->come.pop_front();
    --mine->open;
    co_return first;
}

} // namespace postern::policy
