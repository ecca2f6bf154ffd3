// Which blocklists can be believed now. A list that is dead may answer anything: it is set aside while it
// doesn't have what RFC 5782 §5 says it must (127.0.0.2) or has what it must not (127.0.0.1). Any thread.
#pragma once

#include "policy/resolver.hpp"
#include "policy/tasks.hpp"

#include <boost/asio/awaitable.hpp>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace postern::policy {

class zone_health {
  public:
    bool is_set_aside(std::string_view zone) const;
    bool is_examined(std::string_view zone) const; // since it was configured: note() was called
    // An answer that no list gives (outside 127.0.0.0/8, or 127.255.255.0/24): it doesn't count, and the next
    // look() of the server says so.
    void odd_answer(std::string_view zone, std::string_view answer);

    struct state {
        std::string zone;
        std::string trouble;  // why it is set aside; "" = it is asked
        std::string odd;      // the last answer that didn't count, "" = none since the last look()
        bool changed = false; // `trouble` began or ended since the last look()
    };
    void note(const std::string& zone, std::string trouble); // "" = it is fine
    void forget_all_but(const std::vector<std::string>& zones);
    // For the log and the status; clears `odd` and `changed`.
    std::vector<state> look();

  private:
    struct kept {
        std::string trouble, odd;
        bool changed = false, examined = false;
    };
    mutable std::mutex mutex_;
    std::map<std::string, kept, std::less<>> zones_;
};

// What is wrong with a list, as its test points tell; "" = nothing. A list that isn't reached in time is as
// good as empty: nothing is wrong with it.
boost::asio::awaitable<std::string> trouble_of_zone(resolver& dns, tasks& beside, dns_deadline until,
                                                    std::string zone);

} // namespace postern::policy
