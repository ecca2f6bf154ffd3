// The server's half of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS: the grammar of the client's first message by us,
// so that the login is known before keys are looked for; the proof by GNU SASL. Internal to protocol/sasl/.
#pragma once

#include "protocol/sasl/exchange.hpp"

#include <memory>

struct Gsasl;
struct Gsasl_session;

namespace postern::protocol::sasl {

inline constexpr std::size_t scram_message_max = 2048; // octets, of a client

// Of "client-first-message" (RFC 5802 §7).
struct scram_first {
    enum class binding_flag { not_supported, not_offered, used }; // "n", "y", "p="
    binding_flag binding = binding_flag::not_supported;
    std::string binding_type; // of `used`
    std::string authorize_as; // "" = not given
    std::string login;
};
std::optional<scram_first> parse_scram_first(std::string_view message); // nullopt: not of the grammar

// One exchange: first() with the client's first message, then final() with its second.
class scram_server {
  public:
    scram_server(mechanism how, const channel_binding& binding, const scram_keys& keys);
    ~scram_server();
    scram_server(const scram_server&) = delete;
    scram_server& operator=(const scram_server&) = delete;

    // What to answer, or why it failed.
    result<std::string, failure> first(std::string_view message) { return advance(message, round::first); }
    result<std::string, failure> final(std::string_view message) { return advance(message, round::final); }

  private:
    enum class round { first, final };
    result<std::string, failure> advance(std::string_view message, round which);
    static int answer(Gsasl* library, Gsasl_session* session, int property);

    struct library_end {
        void operator()(Gsasl* library) const;
    };
    struct session_end {
        void operator()(Gsasl_session* session) const;
    };
    const channel_binding& binding_;
    const scram_keys keys_;
    std::unique_ptr<Gsasl, library_end> library_;
    std::unique_ptr<Gsasl_session, session_end> session_;
};

} // namespace postern::protocol::sasl
