// A server_session with a world around it made of plain memory: u@, v@ and postmaster@d.test exist, the rest
// of d.test is unknown, f.test and everything else is not ours. Any step can be made to fail.
#pragma once

#include "protocol/smtp/server_session.hpp"

#include <functional>
#include <string>
#include <utility>
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
                         std::string_view tls_facts = {}, protocol::sasl::channel_binding binding = {});

    static protocol::session_settings submission_settings(); // as on 587
    // Gives the octets to the session as one read and carries out every step until it wants to read again or
    // closes. Returns what the peer would have received.
    std::string feed(std::string_view octets);
    std::string start() { return feed({}); } // the greeting
    std::string end();                       // the peer's side ends
    std::string time_out();

    protocol::server_session& session() { return session_; }
    bool closed() const { return closed_; }
    bool take_tls() {
        return std::exchange(tls_started_, false);
    } // a TLS handshake succeeded since the last call
    const std::vector<kept_message>& messages() const { return messages_; }
    unsigned steps() const { return steps_; }
    unsigned abandoned() const { return abandoned_; }
    unsigned opened() const { return opened_; }
    unsigned commits() const { return commits_; } // asked for, whatever was answered
    unsigned pauses() const { return pauses_; }
    unsigned stores() const { return stores_; }
    std::size_t largest_body_held() const { return largest_body_; }

    std::size_t largest_output() const { return largest_output_; } // octets of one write

    // In place of the rules above, where set.
    std::function<protocol::verdict_answer(protocol::question_stage)> rule;
    // What is answered about AUTH, in place of: u@d.test has the password "secret" and no keys.
    std::function<protocol::auth_answer(const protocol::auth_question&)> authenticate;
    // What is answered to a content that may have answers of its recipients' own, where set.
    std::function<std::vector<std::optional<protocol::reply>>(std::size_t recipients)> of_recipients;
    // Asked before each step that is answered from outside; true = it fails.
    std::function<bool(protocol::step, unsigned number)> fails;

  private:
    void carry_out(protocol::step what, std::string& received);
    protocol::verdict_answer judge();
    protocol::auth_answer judge_auth() const;
    void commit(bool failing);

    protocol::server_session session_;
    bool closed_ = false;
    bool tls_started_ = false;
    unsigned steps_ = 0;
    unsigned abandoned_ = 0;
    unsigned stores_ = 0;
    unsigned opened_ = 0;
    unsigned commits_ = 0;
    unsigned pauses_ = 0;
    std::size_t largest_body_ = 0;
    std::size_t largest_output_ = 0;
    std::string stored_;
    std::vector<kept_message> messages_;
};

} // namespace postern::testing
