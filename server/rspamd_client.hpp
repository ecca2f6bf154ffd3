// Asks rspamd what it thinks of a message: POST /checkv2 by HTTP/1.1, one connection a message. Servers are
// tried in their order until one answers; one that failed is passed over for a while, unless all have. It
// never says "clean" for want of an answer: whatever is no score is why there is none. Beast stays in the
// .cpp.
#pragma once

#include "conf/config.hpp"
#include "protocol/result.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace postern::server {

// What is told of a message. Octets that would break a header field become "?"; empty fields are not sent.
struct rspamd_question {
    std::string head; // octets that stand before those of the descriptor, such as our Received field
    int descriptor =
        -1; // a regular file, read with pread(), kept open by the caller until the answer; -1 = none
    std::uint64_t from = 0, size = 0; // where in it the rest of the message begins, and its octets
    std::string sender;               // without brackets; "" = <>
    std::vector<std::string> recipients;
    std::string client;          // its address
    std::string helo, host_name; // what it calls itself; what its address is called
    std::string queue_id;
    std::string user;       // who authenticated
    std::string deliver_to; // the mailbox, when there is but one
};

struct rspamd_symbol {
    std::string name;
    double score = 0;
};

struct rspamd_answer {
    double score = 0, required = 0;
    std::string action;  // "no action", "greylist", "add header", "rewrite subject", "soft reject", "reject"
    std::string subject; // what it would be rewritten to; "" = nothing
    std::vector<rspamd_symbol> symbols; // at most rspamd_symbols_max, by their names
};
inline constexpr std::size_t rspamd_symbols_max = 200;
inline constexpr std::size_t rspamd_answer_max = 1024 * 1024; // octets
inline constexpr std::size_t rspamd_recipients_max = 100;     // that are named

// Reads the JSON of an answer; the error is a sentence. Any octets.
result<rspamd_answer, std::string> read_rspamd_answer(std::string_view json);

// On one thread. Outlives its questions.
class rspamd_client {
  public:
    // `timeout`: of a question, over all servers.
    rspamd_client(boost::asio::any_io_executor on, std::vector<conf::endpoint> servers,
                  std::chrono::milliseconds timeout);

    // The error says, for the log, what each server that was asked did.
    boost::asio::awaitable<result<rspamd_answer, std::string>> ask(rspamd_question what);

  private:
    using steady = std::chrono::steady_clock;
    struct server {
        conf::endpoint at;
        unsigned failures = 0;
        steady::time_point rests_until{};
    };
    // Those to ask, in order: the ones that rest only when all do.
    std::vector<std::size_t> order(steady::time_point now) const;
    void note(server& one, bool answered);
    boost::asio::awaitable<result<rspamd_answer, std::string>>
    ask_one(conf::endpoint at, const rspamd_question& what, std::chrono::milliseconds time);

    boost::asio::any_io_executor on_;
    std::vector<server> servers_;
    std::chrono::milliseconds timeout_;
};

} // namespace postern::server
