// Asks primaries by SMTP whether they take mail for a recipient: EHLO, MAIL FROM:<>, RCPT, and no message.
// Equal questions at the same time are one; answers are kept for a while; a primary that can't be reached
// isn't asked again for some seconds, and then by one question at a time until it answers.
#pragma once

#include "policy/call_out.hpp"
#include "server/awaiting.hpp"
#include "server/call_out_cache.hpp"
#include "server/counters.hpp"
#include "server/delivery/hop_client.hpp"
#include "server/log.hpp"
#include "server/snapshot.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace postern::server {

class call_outs final : public policy::call_out {
  public:
    static constexpr std::size_t at_once_max = 64;        // conversations; one more is told "later"
    static constexpr std::size_t of_primary_max = 16;     // of these: one that hangs is no other's trouble
    static constexpr std::chrono::seconds patience{20};   // of who asks; the conversation may go on
    static constexpr std::chrono::seconds away_time{5};   // a primary that can't be reached is left alone
    static constexpr std::chrono::seconds reply_time{30}; // of each step of a conversation

    // Conversations live on `main`, as do `names` (hop_client.hpp). All outlive this.
    call_outs(boost::asio::any_io_executor main, live_snapshot& config, log& journal, call_out_counts& counts,
              policy::resolver* names);
    ~call_outs() override;

    boost::asio::awaitable<policy::call_out_answer> ask(policy::call_out_question question) override;
    void stop(); // any thread: who waits hears "later", and so does who asks from now on

  private:
    struct desk;
    std::shared_ptr<desk> desk_;
};

} // namespace postern::server
