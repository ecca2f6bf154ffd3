#include "policy/questions.hpp"

#include <vector>

namespace postern::policy {

struct questions::state {
    state(resolver& asked, tasks& with, dns_deadline at_the_latest)
        : dns(asked), beside(with), until(at_the_latest) {}
    resolver& dns;
    tasks& beside;
    const dns_deadline until;
    std::size_t open = 0;
    std::vector<answer> come;             // few at a time
    std::unique_ptr<tasks::signal> ready; // given with each that comes; null until one has to be waited for
};

namespace {

template <class State> questions::answer take_first(State& from) {
    questions::answer first = std::move(from.come.front());
    from.come.erase(from.come.begin());
    --from.open;
    return first;
}

template <class State>
boost::asio::awaitable<void> look_up(std::shared_ptr<State> into, protocol::dns_question question,
                                     std::size_t mark) {
    questions::answer made{question, mark, dns_try_later{}};
    try {
        made.what = co_await into->dns.look_up(std::move(question), into->until);
    } catch (const std::exception&) { // no memory: nothing is known
    }
    into->come.push_back(std::move(made));
    if (into->ready) into->ready->give();
}

} // namespace

questions::questions(resolver& dns, tasks& beside, dns_deadline until)
    : state_(std::make_shared<state>(dns, beside, until)) {}
questions::~questions() = default;

std::size_t questions::open() const { return state_->open; }

void questions::ask(protocol::dns_question question, std::size_t mark) {
    if (auto known = state_->dns.remembered(question)) {
        state_->come.push_back({std::move(question), mark, std::move(*known)});
        ++state_->open;
        return;
    }
    auto running = look_up(state_, std::move(question), mark);
    ++state_->open;
    state_->beside.begin(std::move(running));
}

std::optional<questions::answer> questions::take() {
    if (state_->come.empty()) return std::nullopt;
    return take_first(*state_);
}

boost::asio::awaitable<questions::answer> questions::next() {
    const std::shared_ptr<state> mine = state_;
    while (mine->come.empty()) {
        if (!mine->ready) mine->ready = mine->beside.make_signal();
        auto waiting = mine->ready->wait();
        co_await std::move(waiting);
    }
    co_return take_first(*mine);
}

} // namespace postern::policy
