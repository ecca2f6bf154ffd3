// The PROXY header: who may be named in it, what is refused, and that not one octet too many is consumed.
#include "protocol/net/proxy_header.hpp"

#include <catch2/catch.hpp>

using postern::protocol::ip_address;
using postern::protocol::parse_proxy_header;
using postern::protocol::proxy_header;
using postern::protocol::proxy_header_max;
using postern::protocol::proxy_status;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

std::string shown(const std::optional<proxy_header::endpoint>& endpoint) {
    return endpoint ? endpoint->address.to_literal() + ":" + std::to_string(endpoint->port) : "none";
}

const std::string signature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string v2(unsigned char command, unsigned char family, const std::string& payload) {
    std::string header = signature;
    header += static_cast<char>(command);
    header += static_cast<char>(family);
    header += static_cast<char>(payload.size() / 256);
    header += static_cast<char>(payload.size() % 256);
    return header + payload;
}

const std::string addresses4("\xc0\x00\x02\x01\xcb\x00\x71\x05\x30\x39\x00\x19", 12);
const std::string addresses6 = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01"s + "\x20\x01\x0d\xb8"s +
                               std::string(11, '\0') + "\x02"s + "\xff\xff\x01\xd1"s;

// Each beginning asks for more, the whole is complete, and more octets change nothing.
void check_every_split(const std::string& header, std::string_view source, std::string_view destination) {
    for (std::size_t cut = 0; cut < header.size(); ++cut) {
        CAPTURE(cut);
        CHECK(parse_proxy_header(std::string_view(header).substr(0, cut)).status == proxy_status::need_more);
    }
    for (const std::string& after : {""s, "\r\n"s, "EHLO a\r\n"s, "\x16\x03\x01"s, header}) {
        const proxy_header parsed = parse_proxy_header(header + after);
        CHECK(parsed.status == proxy_status::complete);
        CHECK(parsed.length == header.size());
        CHECK(shown(parsed.source) == source);
        CHECK(shown(parsed.destination) == destination);
    }
}

} // namespace

TEST_CASE("a good PROXY header is read at any split and no octet beyond it", "[proxy_header]") {
    struct row {
        std::string header;
        std::string_view source, destination;
    };
    const auto r = GENERATE(values<row>({
        {"PROXY TCP4 192.0.2.1 203.0.113.5 12345 25\r\n", "[192.0.2.1]:12345", "[203.0.113.5]:25"},
        {"PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "[0.0.0.0]:0", "[255.255.255.255]:65535"},
        {"PROXY TCP6 2001:db8::1 2001:db8::2 65535 465\r\n", "[IPv6:2001:db8::1]:65535",
         "[IPv6:2001:db8::2]:465"},
        {"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "[192.0.2.1]:1", "[IPv6:::1]:2"},
        {"PROXY UNKNOWN\r\n", "none", "none"},
        {"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "none", "none"},
        {v2(0x21, 0x11, addresses4), "[192.0.2.1]:12345", "[203.0.113.5]:25"},
        {v2(0x21, 0x21, addresses6), "[IPv6:2001:db8::1]:65535", "[IPv6:2001:db8::2]:465"},
        {v2(0x21, 0x11, addresses4 + "\x03\x00\x04\x01\x02\x03\x04"s), "[192.0.2.1]:12345",
         "[203.0.113.5]:25"},
        {v2(0x20, 0x00, ""), "none", "none"},
        {v2(0x20, 0x11, addresses4), "none", "none"}, // LOCAL: whatever addresses it carries are not believed
        {v2(0x20, 0x31, std::string(216, 'u')), "none", "none"},
        {v2(0x21, 0x11, addresses4 + std::string(2048 - 12, 't')), "[192.0.2.1]:12345", "[203.0.113.5]:25"},
    }));
    CAPTURE(r.header);
    check_every_split(r.header, r.source, r.destination);
}

TEST_CASE("a v1 line that is not exactly right is refused", "[proxy_header]") {
    const std::string_view text = GENERATE(values<std::string_view>({
        "PROXY\r\n",
        "PROXY \r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP4 \r\n",
        "proxy TCP4 192.0.2.1 203.0.113.5 1 2\r\n",
        "PROXY tcp4 192.0.2.1 203.0.113.5 1 2\r\n",
        "PROXY TCP5 192.0.2.1 203.0.113.5 1 2\r\n",
        "PROXY UDP4 192.0.2.1 203.0.113.5 1 2\r\n",
        "PROXY UNKNOWNX\r\n",
        "PROXY TCP4 192.0.2.1 203.0.113.5 1\r\n",
        "PROXY TCP4 192.0.2.1 203.0.113.5 1 2 3\r\n",
        "PROXY TCP4 192.0.2.1 203.0.113.5 1 2 \r\n",
        "PROXY TCP4  192.0.2.1 203.0.113.5 1 2\r\n",
        "PROXY TCP4 192.0.2.1  203.0.113.5 1 2\r\n",
        "PROXY TCP4 192.0.2.1\t203.0.113.5 1 2\r\n",
        "PROXY TCP4 192.0.2.1 203.0.113.5 01 2\r\n",
        "PROXY TCP4 192.0.2.1 203.0.113.5 1 00\r\n",
        "PROXY TCP4 192.0.2.1 203.0.113.5 65536 2\r\n",
        "PROXY TCP4 192.0.2.1 203.0.113.5 1 99999\r\n",
        "PROXY TCP4 192.0.2.1 203.0.113.5 1 4294967297\r\n",
        "PROXY TCP4 192.0.2.1 203.0.113.5 -1 2\r\n",
        "PROXY TCP4 192.0.2.1 203.0.113.5 +1 2\r\n",
        "PROXY TCP4 192.0.2.1 203.0.113.5 1 0x2\r\n",
        "PROXY TCP4 192.0.2.1 203.0.113.5  2\r\n",
        "PROXY TCP4 192.0.2.256 203.0.113.5 1 2\r\n",
        "PROXY TCP4 192.0.02.1 203.0.113.5 1 2\r\n",
        "PROXY TCP4 192.0.2.1 ::1 1 2\r\n",
        "PROXY TCP4 ::ffff:192.0.2.1 203.0.113.5 1 2\r\n",
        "PROXY TCP6 192.0.2.1 203.0.113.5 1 2\r\n",
        "PROXY TCP6 ::1 [::1] 1 2\r\n",
        "PROXY TCP6 ::1%lo ::1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 203.0.113.5 1 2\n",
        "PROXY TCP4 192.0.2.1 203.0.113.5 1 2\rX",
        "PROXY TCP4 192.0.2.1 203.0.113.5 1 2\r\r\n",
        "PROXY UNKNOWN \x01\r\n",
        "PROXY UNKNOWN \xff\r\n",
    }));
    CAPTURE(text);
    CHECK(parse_proxy_header(text).status == proxy_status::invalid);
}

TEST_CASE("a v1 line ends within 107 octets", "[proxy_header]") {
    const std::string start = "PROXY UNKNOWN ";
    const std::string longest = start + std::string(107 - 2 - start.size(), 'x');
    CHECK(parse_proxy_header(longest + "\r\n").length == 107);
    CHECK(parse_proxy_header(longest + "x\r\n").status == proxy_status::invalid);
    CHECK(parse_proxy_header(longest).status == proxy_status::need_more);
    CHECK(parse_proxy_header(longest + "\r").status == proxy_status::need_more);
    CHECK(parse_proxy_header(longest + "xx").status == proxy_status::invalid); // 107 octets, no CRLF
}

TEST_CASE("a client that sends no PROXY header is told apart at its first wrong octet", "[proxy_header]") {
    struct row {
        std::string_view text;
        proxy_status status;
    };
    const auto [text, status] = GENERATE(values<row>({
        {"P", proxy_status::need_more},
        {"PR", proxy_status::need_more},
        {"PROXY ", proxy_status::need_more},
        {"PROXY T", proxy_status::need_more},
        {"PROXY UNK", proxy_status::need_more},
        {"E", proxy_status::invalid},
        {"EHLO a\r\n", proxy_status::invalid},
        {"PO", proxy_status::invalid},
        {"PROXYX", proxy_status::invalid},
        {"PROXY X", proxy_status::invalid},
        {"PROXY TCP7", proxy_status::invalid},
        {"PROXY TCP4 a\n", proxy_status::invalid},
        {"\r", proxy_status::need_more},
        {"\r\n", proxy_status::need_more},
        {"\r\nX", proxy_status::invalid},
        {"\n", proxy_status::invalid},
        {"\x16", proxy_status::invalid},
    }));
    CAPTURE(text);
    CHECK(parse_proxy_header(text).status == status);
}

TEST_CASE("a v2 header that cannot be right is refused as soon as that is known", "[proxy_header]") {
    struct row {
        std::string header;
        std::size_t known_at; // octets after which it is refused
    };
    const auto r = GENERATE(values<row>({
        {signature + "\x11"s, 13},             // version 1 in a version 2 header
        {signature + "\x31"s, 13},             // version 3
        {signature + "\x22"s, 13},             // no such command
        {signature + "\x21\x00"s, 14},         // PROXY without a family
        {signature + "\x21\x10"s, 14},         // IPv4, unspecified transport
        {signature + "\x21\x12"s, 14},         // a datagram
        {signature + "\x21\x22"s, 14},         //
        {signature + "\x21\x31"s, 14},         // a UNIX socket is no SMTP client of ours
        {signature + "\x21\x41"s, 14},         // no such family
        {signature + "\x21\x11\x00\x0b"s, 16}, // no room for two IPv4 endpoints
        {signature + "\x21\x21\x00\x23"s, 16}, // nor for IPv6 ones
        {signature + "\x21\x11\x08\x01"s, 16}, // endless TLVs
        {signature + "\x20\x00\xff\xff"s, 16}, // LOCAL is no excuse
    }));
    CAPTURE(r.header);
    CHECK(parse_proxy_header(std::string_view(r.header).substr(0, r.known_at - 1)).status ==
          proxy_status::need_more);
    CHECK(parse_proxy_header(std::string_view(r.header).substr(0, r.known_at)).status ==
          proxy_status::invalid);
    CHECK(parse_proxy_header(r.header + std::string(70000, 'x')).status == proxy_status::invalid);
}

TEST_CASE("no header is longer than the limit", "[proxy_header]") {
    const std::string largest = v2(0x21, 0x11, addresses4 + std::string(proxy_header_max - 16 - 12, 't'));
    CHECK(largest.size() == proxy_header_max);
    CHECK(parse_proxy_header(largest).length == proxy_header_max);
}
