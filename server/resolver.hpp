// The resolver of one thread: answers from memory, joins those who ask the same at the same time, and bounds
// what is in flight. One for each thread, and nothing is shared: a session never leaves its thread, so a
// look-up needs no lock and no message to another; what that costs is that a name is asked for once in each
// thread, of a resolver beside us that remembers too.
#pragma once

#include "policy/resolver.hpp"
#include "server/counters.hpp"
#include "server/resolver_settings.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <memory>

namespace postern::server {

class dns_resolver final : public policy::resolver {
  public:
    // `on` is the thread's; its context and `counts` outlive this.
    dns_resolver(boost::asio::any_io_executor on, resolver_settings settings, dns_counts& counts);
    ~dns_resolver() override; // stop()

    // Cancelled, it ends at once. Who joins a question that is in flight gets what it comes to, in the
    // settings' timeout from when it was asked first, or asked anew by configure().
    boost::asio::awaitable<policy::dns_result> look_up(protocol::dns_question question,
                                                       policy::dns_deadline until) override;
    std::optional<policy::dns_result> remembered(protocol::dns_question question) override;
    policy::dns_deadline deadline(std::chrono::milliseconds from_now) const override;

    // With other servers what was known is forgotten, and questions in flight are asked anew.
    void configure(resolver_settings settings);
    // Everybody who waits is told so; from then on nothing is asked.
    void stop();

    std::size_t in_flight() const; // different questions
    std::size_t kept() const;      // answers in memory

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace postern::server
