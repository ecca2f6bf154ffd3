// A server_session with a world around it made of plain memory: u@, v@ and postmaster@d.test exist, the rest
// of d.test is unknown, f.test and everything else is not ours. Any step can be made to fail.
#pragma once

#include "protocol/smtp/server_session.hpp"

#include <functional>
#include <string>
#include <vector>

namespace postern::testing {

struct kept_message {
    std::string sender;
    std::vector<std::string> recipients;
    std::string body; // without our Received field
};

class session_rig {
  public:
    static protocol::session_settings default_settings();
    explicit session_rig(protocol::session_settings settings = default_settings(),
                         std::string_view tls_facts = {});

    // Gives the octets to the session as one read and carries out every step until it wants to read again or
    // closes. Returns what the peer would have received.
    std::string feed(std::string_view octets);
    std::string start() { return feed({}); } // the greeting
    std::string end();                       // the peer's side ends
    std::string time_out();

    protocol::server_session& session() { return session_; }
    bool closed() const { return closed_; }
    bool wants_tls() const { return wants_tls_; } // start_tls was asked for and answered with success
    const std::vector<kept_message>& messages() const { return messages_; }
    unsigned steps() const { return steps_; }
    unsigned abandoned() const { return abandoned_; }
    unsigned stores() const { return stores_; }
    std::size_t largest_body_held() const { return largest_body_; }

    // Asked before each step that is answered from outside; true = it fails.
    std::function<bool(protocol::step, unsigned number)> fails;

  private:
    void carry_out(protocol::step what, std::string& received);
    protocol::verdict_answer judge();
    void commit(bool failing);

    protocol::server_session session_;
    bool closed_ = false;
    bool wants_tls_ = false;
    unsigned steps_ = 0;
    unsigned abandoned_ = 0;
    unsigned stores_ = 0;
    unsigned opened_ = 0;
    std::size_t largest_body_ = 0;
    std::string stored_;
    std::vector<kept_message> messages_;
};

} // namespace postern::testing
