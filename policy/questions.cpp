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

// The answer is owed, also by a look-up that is only destroyed: what finds no memory for a wait is. There is
// room for it among those that have come.
template <class State> class debt {
  public:
    debt(std::shared_ptr<State> to, protocol::dns_question question, std::size_t mark)
        : to_(std::move(to)), owed_{std::move(question), mark, dns_try_later{}} {}
    debt(debt&&) noexcept = default;
    ~debt() {
        if (to_ == nullptr) return;
        to_->come.push_back(std::move(owed_));
        if (to_->ready) to_->ready->give();
    }
    State& to() const { return *to_; }
    const protocol::dns_question& question() const { return owed_.to; }
    void is(dns_result what) { owed_.what = std::move(what); }

  private:
    std::shared_ptr<State> to_;
    questions::answer owed_;
};

template <class State> boost::asio::awaitable<void> look_up(debt<State> owed) {
    try {
        auto asking = owed.to().dns.look_up(owed.question(), owed.to().until);
        owed.is(co_await std::move(asking));
    } catch (const std::exception&) { // no memory: nothing is known
    }
}

} // namespace

questions::questions(resolver& dns, tasks& beside, dns_deadline until)
    : state_(std::make_shared<state>(dns, beside, until)) {}
questions::~questions() = default;

std::size_t questions::open() const { return state_->open; }

void questions::ask(protocol::dns_question question, std::size_t mark) {
    if (state_->come.capacity() <= state_->open) state_->come.reserve(2 * state_->open + 2);
    if (auto known = state_->dns.remembered(question)) {
        state_->come.push_back({std::move(question), mark, std::move(*known)});
        ++state_->open;
        return;
    }
    debt owed(state_, std::move(question), mark);
    ++state_->open; // from here on there is an answer
    auto running = look_up(std::move(owed));
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
