// The other side of TLS tests: certificates to order, and a client that speaks OpenSSL over a socket pair.
#pragma once

#include "conf/config.hpp"
#include "tls/connection.hpp"
#include "tls/server_contexts.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace postern::test {

inline constexpr std::int64_t test_now = 1'750'000'000; // what every test calls now
inline constexpr std::int64_t test_day = 86'400;

class temporary_folder {
  public:
    temporary_folder();
    ~temporary_folder();
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    std::string file(const std::string& name) const { return path_ + "/" + name; }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

enum class key_kind { p256, rsa2048, rsa1024 };

struct certificate_order {
    std::string common_name;
    std::vector<std::string> names; // none: no alternative names at all
    key_kind kind = key_kind::p256;
    std::int64_t not_before = test_now - test_day;
    std::int64_t not_after = test_now + 90 * test_day;
};
// NAME.crt and NAME.key in the folder.
conf::certificate_settings issue(const temporary_folder& folder, const std::string& name,
                                 const certificate_order& order);
void write_text(const std::string& path, const std::string& text);
std::string read_text(const std::string& path);
std::string encrypted_key(const std::string& plain_key_file);

struct free_session {
    void operator()(ssl_session_st* owned) const;
};
using session_handle = std::unique_ptr<ssl_session_st, free_session>;

// Two connected non-blocking sockets. SIGPIPE is ignored from here on, as in the program.
class socket_pair {
  public:
    socket_pair();
    ~socket_pair();
    socket_pair(const socket_pair&) = delete;
    socket_pair& operator=(const socket_pair&) = delete;
    int server() const { return ends_[0]; }
    int client() const { return ends_[1]; }

  private:
    int ends_[2] = {-1, -1};
};

class client {
  public:
    using preparation = std::function<void(ssl_ctx_st*, ssl_st*)>; // before the handshake
    explicit client(int fd, const preparation& prepare = {});
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;
    bool handshake_step();           // true when done
    ssl_session_st* session() const; // borrowed
    ssl_st* ssl() const { return ssl_; }
    std::string peer_name() const; // common name of the server's certificate
    std::string read_some();       // "" when there is nothing now

  private:
    ssl_ctx_st* context_;
    ssl_st* ssl_;
};

// Both sides take turns until both are done or one has failed. True when both are done.
bool shake(tls::connection& server, client& peer);

// A server side and a client over one pair of sockets.
struct meeting {
    socket_pair sockets;
    std::unique_ptr<tls::connection> server;
    std::unique_ptr<client> peer;
    bool done = false;
};
std::unique_ptr<meeting> meet(const tls::server_contexts& contexts, const std::string& listener,
                              const client::preparation& prepare = {});
session_handle session_of(meeting& met); // after the server's tickets were read

} // namespace postern::test
