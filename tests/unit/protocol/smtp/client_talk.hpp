// A script of both sides of a conversation with a server, played to a client_session.
#pragma once

#include "protocol/smtp/client_session.hpp"

#include <catch2/catch.hpp>

namespace postern::test {
using namespace protocol;
using kind = recipient_outcome::kind;
using trouble_kind = client_session::trouble::kind;

// "C: " what must be written, "S: " what the server says then; "<tls>", "<content>", "<chunk>", "<idle>",
// "<end>".
struct conversation {
    explicit conversation(const client_settings& with, std::size_t at_once = 4096)
        : session(with), piece(at_once) {}

    client_session session;
    std::size_t piece; // octets of the server that come at once
    std::string fault; // of the script: "" = it went as written

    void play(const std::vector<std::string>& script) {
        for (const auto& line : script) {
            if (!fault.empty()) return;
            if (line.starts_with("S: "))
                hear(line.substr(3) + "\r\n");
            else if (line.starts_with("C: "))
                must_write(line.substr(3) + "\r\n");
            else
                must_do(line);
        }
    }
    void hear(const std::string& octets) {
        for (std::size_t at = 0; at < octets.size(); at += piece) {
            if (session.next() != client_step::read) return void(fault = "does not read: " + octets);
            session.on_input(std::string_view(octets).substr(at, piece));
        }
    }
    void must_write(const std::string& octets) {
        if (waiting_.empty()) {
            if (session.next() != client_step::write && session.next() != client_step::send_chunk)
                return void(fault = "does not write: " + octets);
            waiting_ = session.output();
        }
        if (!waiting_.starts_with(octets)) return void(fault = "wanted " + octets + ", wrote " + waiting_);
        waiting_.erase(0, octets.size());
        if (waiting_.empty() && session.next() == client_step::write) session.on_written();
    }
    void must_do(const std::string& what) {
        const auto is = [&](std::string_view name, client_step step) {
            if (what == name && session.next() != step) fault = "not at " + what;
            return what == name && fault.empty();
        };
        if (is("<tls>", client_step::start_tls)) session.on_tls(true);
        if (is("<content>", client_step::send_content)) session.on_content_sent();
        if (is("<chunk>", client_step::send_chunk)) session.on_content_sent();
        is("<idle>", client_step::idle);
        is("<end>", client_step::close);
    }

  private:
    std::string waiting_;
};

inline outgoing_message message_to(std::size_t recipients) {
    outgoing_message made;
    made.sender = "a@s.test";
    made.size = 123;
    for (std::size_t i = 0; i < recipients; ++i)
        made.recipients.push_back({"u" + std::to_string(i) + "@d.test"});
    return made;
}

inline client_settings settings(client_protocol protocol = client_protocol::smtp,
                                client_tls tls = client_tls::never) {
    return {protocol, "mx.d.test", tls};
}

// The script at every size of piece; then the session as it ended.
inline client_session played(const client_settings& with, const outgoing_message& message,
                             const std::vector<std::string>& script) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{4096}}) {
        conversation talk(with, piece);
        talk.session.begin(message);
        talk.play(script);
        CAPTURE(piece);
        CHECK(talk.fault == "");
        if (piece == 4096) return std::move(talk.session);
    }
    return client_session(with);
}

inline std::vector<kind> kinds(const client_session& session) {
    std::vector<kind> all;
    for (const auto& each : session.outcomes()) all.push_back(each.what);
    return all;
}

inline const std::vector<std::string> pipelined_hello{"S: 220 mx ESMTP", "C: EHLO mx.d.test", "S: 250-mx",
                                                      "S: 250-PIPELINING", "S: 250 SIZE 1000"};

inline std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

} // namespace postern::test
