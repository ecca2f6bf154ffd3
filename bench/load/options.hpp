// What smtp_load is asked to do: from the command line, and from scenario files that hold the same keys as
// lines `key = value`. Later words win, so `--scenario file --sessions 5` is the scenario with 5 sessions.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::bench {

enum class load_mode {
    deliver,   // messages, each to its final reply
    reject,    // connect, EHLO, MAIL, a RCPT that must get 550, QUIT
    handshake, // connect, EHLO, with TLS its handshake and EHLO, QUIT
    idle,      // as handshake, but the session stays; all are held
};
enum class load_tls { off, starttls, implicit };

struct options {
    std::string server = "127.0.0.1:25"; // an IPv4 address or [IPv6], and a port
    load_mode mode = load_mode::deliver;
    std::string name;               // a title for the report
    std::uint64_t sessions = 1;     // at the same time
    std::uint64_t messages = 0;     // in all (or sessions in the other modes); 0 = until seconds are over
    std::uint64_t per_session = 0;  // messages of one connection; 0 = any number
    std::uint64_t seconds = 0;      // then no new message is begun; 0 = until messages are sent
    std::uint64_t idle = 0;         // seconds that idle sessions are held
    std::uint64_t opening = 0;      // sessions between connect and greeting at the same time; 0 = any number
    std::uint64_t size = 10 * 1024; // octets of a message
    std::uint64_t timeout = 60;     // seconds without anything from the server: the session is lost
    std::uint64_t threads = 1;      // that share the sessions
    bool pipelining = false;
    bool chunking = false;
    bool resume = false;     // offer the session of this slot's last handshake
    bool until_loss = false; // nothing new is begun once a session was lost
    bool quiet = false;      // no progress line
    load_tls tls = load_tls::off;
    std::string groups = "P-256"; // OpenSSL's names of key exchange groups
    std::string helo = "load.test";
    std::string from = "sender@load.test";
    std::vector<std::string> to = {"u@d.test"}; // round robin
    std::string json, svg, ledger;              // files; "" = none
};

// What was wrong, in words for the one who typed it.
struct bad_option {
    std::string text;
};
// result's way to an exception; nobody calls value() without looking.
[[noreturn]] void throw_exception_from_error(const bad_option& what, const boost::source_location& where);

template <class T> using option_result = boost::system::result<T, bad_option>;

option_result<options> read_options(const std::vector<std::string>& words);
// One scenario's text over what `into` holds; `origin` is for messages.
option_result<void> read_scenario(std::string_view text, const std::string& origin, options& into);
std::string options_help();

// One of the threads' part of it: sessions, messages and openings are divided, as evenly as can be.
options share_of(const options& whole, std::uint64_t thread);

} // namespace postern::bench
