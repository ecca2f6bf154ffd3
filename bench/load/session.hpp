// One client after the other in a slot: a connection, what is said on it, and what is counted of it. Reads
// and writes until the kernel says "not now" (edge-triggered). Any reply that was not expected is counted;
// one to a message's content costs the message, any other the connection.
#pragma once

#include "bench/load/content.hpp"
#include "bench/load/ledger.hpp"
#include "bench/load/options.hpp"
#include "bench/load/replies.hpp"
#include "bench/load/tally.hpp"
#include "bench/load/wire.hpp"

#include <array>
#include <span>
#include <string>
#include <vector>

namespace postern::bench {

// What all sessions share; outlives them.
struct workload {
    workload(const options& with, server_address address, tls_context tls);

    const options& wanted;
    server_address server;
    tls_context context;
    content letter;
    tally counts;
    ledger promises;
    std::string ehlo_line, mail_line, bdat_line;
    std::vector<std::string> rcpt_lines;
    std::uint64_t begun = 0; // messages, or sessions in the modes without any
    std::size_t up = 0;      // idle sessions that are held
    bool stop = false;       // nothing new is begun

    bool take(steady::time_point now); // one more may be begun
};

class session {
  public:
    enum class state { closed, connecting, handshaking, talking, held };

    explicit session(workload& shared) : shared_(shared) {}

    // Begins a connection for work that was taken. False: it failed at once.
    bool open(steady::time_point now);
    // What epoll said; `room` is for reading.
    void on_event(std::uint32_t events, std::span<char> room);
    // Ends it as lost when nothing came since `before`.
    void check_silence(steady::time_point before);
    void close() { end(); }
    // Counts the loss, unless it was counted already (an empty `why`).
    void lose(std::string_view why);

    state now_in() const { return state_; }
    int fd() const { return wire_.fd(); }
    bool waits_for_greeting() const { return awaits_greeting_; }
    bool failed_last() const { return failed_; } // the last connection was lost or refused

  private:
    void connected();
    void start_tls();
    void shake_hands();
    void read(bool to_the_end, std::span<char> room);
    void on_reply(const reply& got);
    void on_unexpected(stage where, const reply& got);
    void go_on(stage after, const reply& got);
    void after_ehlo();
    void begin_message();
    void send_content();
    void message_ended(const reply& got);
    void next_or_quit();
    void done_session();

    void expect(stage what);
    void say(std::string_view line, stage what);
    void flush();
    void end();

    workload& shared_;
    wire wire_;
    reply_reader reader_;
    state state_ = state::closed;
    bool awaits_greeting_ = false;
    bool greeted_ = false;
    bool failed_ = false;
    bool in_message_ = false; // or, without messages, the session has yet to succeed
    bool timing_content_ = false;
    std::array<stage, 4> expected_{};
    std::size_t expected_first_ = 0, expected_count_ = 0;
    std::uint64_t number_ = 0;  // of the message
    std::uint64_t in_this_ = 0; // messages of this connection
    steady::time_point opened_{}, began_{}, sent_{}, shook_{}, heard_{};
    std::string scratch_;
};

} // namespace postern::bench
