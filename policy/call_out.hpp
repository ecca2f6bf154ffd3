// Asking the primary whether it takes mail for a recipient, before mail is taken that it would send back.
// Three answers, as of every look-up.
#pragma once

#include "conf/config.hpp"

#include <boost/asio/awaitable.hpp>
#include <string>

namespace postern::policy {

struct call_out_question {
    conf::relay_hop primary;
    std::string recipient; // "local@domain"
    bool utf8 = false;     // the message needs SMTPUTF8
};

struct call_out_answer {
    enum class kind {
        taken,
        unknown, // there is nobody by that name
        full,    // the mailbox is
        no_utf8, // the primary can't take such a message at all
        later,   // it could not be asked, or said nothing that is for good
    };
    kind what = kind::later;
    std::string why; // for the log: what was said, or why nothing
};

class call_out {
  public:
    virtual ~call_out() = default;
    // Any thread. Bounded in time: then "later".
    virtual boost::asio::awaitable<call_out_answer> ask(call_out_question question) = 0;
};

} // namespace postern::policy
