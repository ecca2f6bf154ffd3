// A DNS server that answers as its test wants, wrongly too: what a real one can't be made to do. On the
// test's own event loop, so that nothing depends on luck.
#pragma once

#include "conf/config.hpp"
#include "protocol/dns/message.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <functional>
#include <list>
#include <string>
#include <vector>

namespace postern::testing {

using dns_octets = std::vector<std::uint8_t>;

struct dns_query {
    dns_octets octets;
    std::uint16_t id = 0;
    std::string name; // as dns_name::to_string()
    std::uint16_t type = 0;
    bool has_opt = false, asks_ad = false;
    bool by_tcp = false;
    std::uint16_t port = 0; // where it comes from
};

// What stands in an answer beside the question. `rcode` up to 15.
struct dns_content {
    std::uint16_t rcode = 0;
    bool authenticated = false, truncated = false;
    struct record {
        std::string owner;
        std::uint16_t type = 1;
        std::uint32_t ttl = 300;
        dns_octets rdata;
    };
    std::vector<record> answers, authority;
};
dns_octets make_answer(const dns_query& to, const dns_content& content);
// Content of one record: an address (the last octet is `last`), an alias, an absence with its SOA.
dns_content address_of(const dns_query& query, std::uint8_t last, std::uint32_t ttl = 300);
dns_content alias_of(const dns_query& query, const std::string& target, std::uint32_t ttl = 300);
dns_content absence(const std::string& zone, std::uint16_t rcode, std::uint32_t ttl);
dns_octets wire_of(const std::string& name);

class dns_stub {
  public:
    // Called for every question; answers by reply(), or not.
    using behaviour = std::function<void(dns_stub&, const dns_query&)>;
    enum class tcp { served, refused }; // refused: nobody listens

    dns_stub(boost::asio::io_context& on, behaviour how, tcp by_tcp = tcp::served);

    conf::endpoint at() const;
    void reply(const dns_query& to, const dns_octets& octets); // the way the question came
    void reply(const dns_query& to, const dns_content& content) { reply(to, make_answer(to, content)); }
    void reply_in_part(const dns_query& to, const dns_octets& octets, std::size_t count); // by TCP
    void cut_connections();
    void reply_from_elsewhere(const dns_query& to, const dns_octets& octets); // by UDP, from another port

    std::vector<dns_query> seen;

  private:
    struct connection {
        explicit connection(boost::asio::ip::tcp::socket from) : socket(std::move(from)) {}
        boost::asio::ip::tcp::socket socket;
        dns_octets length = dns_octets(2), body;
    };
    void receive();
    void accept();
    void read(connection& from);
    void take(dns_octets octets, bool by_tcp, std::uint16_t port);

    boost::asio::io_context& on_;
    behaviour how_;
    boost::asio::ip::udp::socket udp_;
    boost::asio::ip::tcp::acceptor tcp_;
    std::list<connection> connections_;
    dns_octets buffer_ = dns_octets(65535);
    boost::asio::ip::udp::endpoint from_;
};

} // namespace postern::testing
