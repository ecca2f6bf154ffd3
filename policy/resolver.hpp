// What checks ask DNS through. Three answers: found, absent, try later; whatever goes wrong is the third, so
// that trouble with DNS defers mail and never refuses it.
#pragma once

#include "protocol/dns/message.hpp"

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>

namespace postern::policy {

using dns_deadline = std::chrono::steady_clock::time_point;

// Nothing is known: neither that there are such records nor that there are none.
struct dns_try_later {
    enum class cause {
        answer,    // an answer came that says nothing: `answer` has what it was
        silent,    // no answer in time
        no_server, // none could be reached
        busy,      // too many questions in flight (dns.max_in_flight)
        stopped,   // the server ends
    };
    cause why = cause::silent;
    protocol::dns_later answer; // with cause::answer
};

// In English, for the log: "SERVFAIL", "no answer in time".
std::string_view dns_cause_text(const dns_try_later& what);

// `ttl` is what is left of it and `authenticated` what is believed (dns.trust_ad), both over all aliases.
using dns_result = std::variant<protocol::dns_found, protocol::dns_absent, dns_try_later>;

class resolver {
  public:
    virtual ~resolver() = default;

    // Follows aliases, dns_aliases_max of them in all. Answers by `until`, whatever the network does; may
    // answer earlier with "later". For the thread that the resolver belongs to.
    virtual boost::asio::awaitable<dns_result> look_up(protocol::dns_question question,
                                                       dns_deadline until) = 0;
    // What look_up() would answer without asking anybody; nullopt: it would have to ask.
    virtual std::optional<dns_result> remembered(protocol::dns_question question) = 0;

    // So far from now: a check that asks several questions gives them all the same.
    virtual dns_deadline deadline(std::chrono::milliseconds from_now) const = 0;
};

} // namespace postern::policy
