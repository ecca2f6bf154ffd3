// A message that nobody sends, taken by the pure session that takes a client's: what it would be told and how
// it would be changed. Nothing is kept.
#pragma once

#include "protocol/smtp/server_session.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::server {

struct trial_subject {
    protocol::session_settings settings; // as a session's on that listener
    protocol::ip_address client;
    std::string helo;
    std::optional<protocol::address> sender; // none: <>
    protocol::address recipient;             // taken already
    std::string fields;                      // what the tests of RCPT found: to stand above Received
    std::int64_t now = 0;                    // unix seconds
};

class message_trial {
  public:
    explicit message_trial(trial_subject about);

    // `content` with CRLF lines, borrowed for the call. False: it is refused, by refusal(). True: it waits
    // for the tests of whole messages, which may look at header() and size().
    bool take(std::string_view content);
    const protocol::header_scan& header() const { return session_.header(); }
    std::uint64_t size() const { return session_.content_size(); }
    const protocol::reply& refusal() const { return refusal_; }

    // After take() was true: the fields that would stand above the message, whole.
    std::string added();

  private:
    void say(std::string_view octets);
    bool carry_out(protocol::step what);

    trial_subject about_;
    protocol::server_session session_;
    protocol::reply refusal_;
    bool waits_ = false;
    std::string beginning_; // of what would be kept
};

// The fields of a message that are left out because they pretend to be our findings, as they came.
std::vector<std::string> forged_in(std::string_view content, const protocol::session_settings& settings);

// The end of the field of `text` that begins at `at`, behind its folded lines.
std::size_t end_of_field(std::string_view text, std::size_t at);

// As a mail client would send what a file holds: where its first line ends with LF alone, all of them end
// with CRLF.
std::string with_line_ends(std::string content);

} // namespace postern::server
