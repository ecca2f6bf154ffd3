// Several questions to DNS at the same time, their answers taken as they come.
#pragma once

#include "policy/resolver.hpp"
#include "policy/tasks.hpp"

namespace postern::policy {

class questions {
  public:
    // Both outlive every question; all have the same deadline.
    questions(resolver& dns, tasks& beside, dns_deadline until);
    ~questions(); // what is still in flight ends by itself
    questions(questions&&) noexcept = default;
    questions& operator=(questions&&) noexcept = default;

    // `mark` comes back with the answer.
    void ask(protocol::dns_question question, std::size_t mark);
    std::size_t open() const; // asked, and the answer not taken yet

    struct answer {
        protocol::dns_question to;
        std::size_t mark = 0;
        dns_result what;
    };
    // The next that has come: answers that are remembered come at once. nullopt: one has to wait, or nothing
    // is open.
    std::optional<answer> take();
    // The next that comes; only while open() != 0.
    boost::asio::awaitable<answer> next();

  private:
    struct state;
    std::shared_ptr<state> state_;
};

} // namespace postern::policy
