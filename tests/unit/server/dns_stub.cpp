#include "tests/unit/server/dns_stub.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

namespace postern::testing {
namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;

namespace {

const asio::ip::address loopback = asio::ip::address_v4::loopback();

void append_u16(dns_octets& to, std::size_t value) {
    to.push_back(static_cast<std::uint8_t>(value >> 8U));
    to.push_back(static_cast<std::uint8_t>(value));
}

std::uint16_t u16_at(const dns_octets& from, std::size_t at) {
    return static_cast<std::uint16_t>(from[at] << 8U | from[at + 1]);
}

void append(dns_octets& to, const dns_content::record& one) {
    const auto owner = wire_of(one.owner);
    to.insert(to.end(), owner.begin(), owner.end());
    append_u16(to, one.type);
    append_u16(to, 1);
    append_u16(to, one.ttl >> 16U);
    append_u16(to, one.ttl & 0xffffU);
    append_u16(to, one.rdata.size());
    to.insert(to.end(), one.rdata.begin(), one.rdata.end());
}

} // namespace

dns_octets wire_of(const std::string& name) {
    const auto parsed = *protocol::dns_name::parse(name);
    return {parsed.wire().begin(), parsed.wire().end()};
}

dns_octets make_answer(const dns_query& to, const dns_content& content) {
    dns_octets made;
    append_u16(made, to.id);
    made.push_back(static_cast<std::uint8_t>(0x81 | (content.truncated ? 2 : 0)));
    made.push_back(static_cast<std::uint8_t>(0x80 | (content.authenticated ? 0x20 : 0) | content.rcode));
    append_u16(made, 1);
    append_u16(made, content.answers.size());
    append_u16(made, content.authority.size());
    append_u16(made, 0);
    const auto name = wire_of(to.name);
    made.insert(made.end(), name.begin(), name.end());
    append_u16(made, to.type);
    append_u16(made, 1);
    for (const auto& one : content.answers) append(made, one);
    for (const auto& one : content.authority) append(made, one);
    return made;
}

dns_content address_of(const dns_query& query, std::uint8_t last, std::uint32_t ttl) {
    dns_content made;
    made.answers.push_back({query.name, 1, ttl, {192, 0, 2, last}});
    return made;
}

dns_content alias_of(const dns_query& query, const std::string& target, std::uint32_t ttl) {
    dns_content made;
    made.answers.push_back({query.name, 5, ttl, wire_of(target)});
    return made;
}

dns_content absence(const std::string& zone, std::uint16_t rcode, std::uint32_t ttl) {
    dns_octets soa = wire_of(zone);
    const auto again = soa;
    soa.insert(soa.end(), again.begin(), again.end());
    for (int i = 0; i < 4; ++i) soa.insert(soa.end(), {0, 0, 0, 1});
    append_u16(soa, ttl >> 16U);
    append_u16(soa, ttl & 0xffffU);
    dns_content made;
    made.rcode = rcode;
    made.authority.push_back({zone, 6, ttl, soa});
    return made;
}

dns_stub::dns_stub(asio::io_context& on, behaviour how, tcp by_tcp)
    : on_(on), how_(std::move(how)), udp_(on), tcp_(on) {
    // One port of both kinds: whoever has the other half of one lets us try the next.
    for (error_code ec = asio::error::would_block; ec;) {
        udp_ = udp::socket(on, udp::endpoint(loopback, 0));
        if (by_tcp == tcp::refused) break;
        tcp_ = asio::ip::tcp::acceptor(on, asio::ip::tcp::v4());
        tcp_.bind({loopback, udp_.local_endpoint().port()}, ec);
        if (!ec) tcp_.listen();
    }
    receive();
    if (by_tcp == tcp::served) accept();
}

conf::endpoint dns_stub::at() const {
    return {*protocol::ip_address::parse("127.0.0.1"), udp_.local_endpoint().port()};
}

void dns_stub::receive() {
    udp_.async_receive_from(asio::buffer(buffer_), from_, [this](error_code ec, std::size_t count) {
        if (ec == asio::error::operation_aborted) return;
        if (!ec) take({buffer_.begin(), buffer_.begin() + static_cast<long>(count)}, false, from_.port());
        receive();
    });
}

void dns_stub::accept() {
    tcp_.async_accept([this](error_code ec, asio::ip::tcp::socket socket) {
        if (ec) return;
        read(connections_.emplace_back(std::move(socket)));
        accept();
    });
}

void dns_stub::read(connection& from) {
    asio::async_read(from.socket, asio::buffer(from.length), [this, &from](error_code ec, std::size_t) {
        if (ec) return;
        from.body.resize(u16_at(from.length, 0));
        asio::async_read(from.socket, asio::buffer(from.body), [this, &from](error_code failed, std::size_t) {
            if (failed) return;
            take(from.body, true, from.socket.remote_endpoint().port());
            read(from);
        });
    });
}

void dns_stub::take(dns_octets octets, bool by_tcp, std::uint16_t port) {
    const auto read = protocol::dns_name::read(octets, 12);
    if (!read) return;
    dns_query query;
    query.id = u16_at(octets, 0);
    query.asks_ad = (octets[3] & 0x20) != 0;
    query.has_opt = u16_at(octets, 10) == 1;
    query.name = read->name.to_string();
    query.type = u16_at(octets, read->end);
    query.by_tcp = by_tcp;
    query.port = port;
    query.octets = std::move(octets);
    seen.push_back(query);
    how_(*this, query);
}

void dns_stub::reply(const dns_query& to, const dns_octets& octets) {
    if (!to.by_tcp) {
        udp_.send_to(asio::buffer(octets), udp::endpoint(loopback, to.port));
        return;
    }
    reply_in_part(to, octets, 2 + octets.size());
}

void dns_stub::reply_in_part(const dns_query& to, const dns_octets& octets, std::size_t count) {
    for (auto& one : connections_) {
        error_code ec;
        if (one.socket.remote_endpoint(ec).port() != to.port || ec) continue;
        dns_octets framed;
        append_u16(framed, octets.size());
        framed.insert(framed.end(), octets.begin(), octets.end());
        framed.resize(count);
        asio::write(one.socket, asio::buffer(framed), ec);
    }
}

void dns_stub::cut_connections() {
    error_code ignored;
    for (auto& one : connections_) one.socket.shutdown(asio::socket_base::shutdown_both, ignored);
}

void dns_stub::reply_from_elsewhere(const dns_query& to, const dns_octets& octets) {
    udp::socket other(on_, udp::endpoint(loopback, 0));
    other.send_to(asio::buffer(octets), udp::endpoint(loopback, to.port));
}

} // namespace postern::testing
