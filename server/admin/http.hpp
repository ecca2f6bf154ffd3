// A small HTTP server for looking at the server, and for the forms of a page or two: GET and HEAD without a
// body, POST with a short one of a declared length, one request a connection. It knows no page; it is bound
// before the rights of root go and served on the main thread. Whatever a client sends or doesn't send costs
// its own connection, for client_time_max at the longest, and none of its text ever comes back to it.
#pragma once

#include "conf/config.hpp"
#include "server/admin/http_request.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace postern::server {

inline constexpr std::size_t http_clients_max = 32;
inline constexpr std::size_t http_header_max = 8192; // octets of a request
inline constexpr std::chrono::seconds http_client_time_max{5};

struct http_answer {
    unsigned status = 200;
    std::string_view content_type; // lives for ever
    std::string body;
    bool has_form = false; // that may be sent to where it comes from
};

// What is served. Called on the main thread.
class http_pages {
  public:
    virtual ~http_pages() = default;
    // nullopt: there is no such page here.
    virtual std::optional<http_answer> answer(const http_request& request) = 0;
    virtual bool takes_post(std::string_view path) const = 0;
};

// Several, asked one after the other. Each outlives this.
class http_pages_of final : public http_pages {
  public:
    void add(http_pages& more) { all_.push_back(&more); }
    std::optional<http_answer> answer(const http_request& request) override;
    bool takes_post(std::string_view path) const override;

  private:
    std::vector<http_pages*> all_;
};

// What a listener makes of the octets of a request: a refusal's status, or 0 and the request, or 1: more must
// come.
struct http_reading {
    unsigned status = 0;
    http_request request;
};
http_reading read_http_request(std::string_view octets, const http_pages& pages);

class http_listener {
  public:
    explicit http_listener(const boost::asio::any_io_executor& on);
    ~http_listener();
    // "", or why not with the cure. Port 0 takes any.
    std::string listen(const conf::endpoint& on);
    const conf::endpoint& address() const; // bound
    // Until the executor stops, or the returned task is cancelled. The pages outlive it.
    static boost::asio::awaitable<void> serve(std::unique_ptr<http_listener> on, http_pages& pages);

  private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace postern::server
