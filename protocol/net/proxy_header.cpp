// Both versions of the PROXY header. Strict, because a balancer is a program that can be configured right,
// and a header read leniently would let a client choose its own address. `need_more` is said only while the
// bytes so far can still become a header.
#include "protocol/net/proxy_header.hpp"

#include <algorithm>
#include <limits>

namespace postern::protocol {
namespace {

using endpoint = proxy_header::endpoint;

constexpr std::string_view v1_start = "PROXY ";
constexpr std::size_t v1_max = 107; // CRLF included
constexpr std::string_view v2_signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t v2_fixed = 16;

proxy_header invalid() { return {proxy_status::invalid, 0, std::nullopt, std::nullopt}; }
proxy_header need_more() { return {}; }
proxy_header complete(std::size_t length, std::optional<endpoint> source = {},
                      std::optional<endpoint> destination = {}) {
    return {proxy_status::complete, length, source, destination};
}

// Is one of the two a beginning of the other?
bool agree(std::string_view a, std::string_view b) {
    const std::size_t common = std::min(a.size(), b.size());
    return a.substr(0, common) == b.substr(0, common);
}

std::uint8_t octet(std::string_view bytes, std::size_t index) {
    return static_cast<std::uint8_t>(bytes[index]);
}

std::uint16_t two_octets(std::string_view bytes, std::size_t index) {
    return static_cast<std::uint16_t>(octet(bytes, index) * 256U + octet(bytes, index + 1));
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    if (text.empty() || text.size() > 5 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
    std::uint32_t port = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        port = port * 10 + static_cast<std::uint32_t>(c - '0');
    }
    if (port > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
    return static_cast<std::uint16_t>(port);
}

std::optional<endpoint> parse_endpoint(std::string_view address_text, std::string_view port_text, bool v6) {
    if ((address_text.find(':') != std::string_view::npos) != v6) return std::nullopt;
    const auto address = ip_address::parse(address_text);
    const auto port = parse_port(port_text);
    if (!address || !port) return std::nullopt;
    return endpoint{*address, *port};
}

// "SRC DST SPORT DPORT", single spaces.
proxy_header parse_v1_endpoints(std::string_view text, bool v6, std::size_t length) {
    std::array<std::string_view, 4> fields;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const std::size_t end = i + 1 < fields.size() ? text.find(' ') : text.size();
        if (end == std::string_view::npos) return invalid();
        fields[i] = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    const auto source = parse_endpoint(fields[0], fields[2], v6);
    const auto destination = parse_endpoint(fields[1], fields[3], v6);
    if (!source || !destination) return invalid();
    return complete(length, source, destination);
}

bool printable_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

proxy_header parse_v1_incomplete(std::string_view bytes) {
    if (bytes.size() >= v1_max) return invalid();
    std::string_view line = bytes;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!printable_ascii(line)) return invalid();
    const std::string_view rest = line.size() > v1_start.size() ? line.substr(v1_start.size()) : "";
    const bool possible =
        agree(line, v1_start) && (agree(rest, "TCP4 ") || agree(rest, "TCP6 ") || agree(rest, "UNKNOWN"));
    return possible ? need_more() : invalid();
}

proxy_header parse_v1(std::string_view bytes) {
    const std::size_t end = bytes.substr(0, v1_max).find("\r\n");
    if (end == std::string_view::npos) return parse_v1_incomplete(bytes);
    const std::string_view line = bytes.substr(0, end);
    if (!line.starts_with(v1_start) || !printable_ascii(line)) return invalid();
    const std::string_view rest = line.substr(v1_start.size());
    if (rest == "UNKNOWN" || rest.starts_with("UNKNOWN ")) return complete(end + 2);
    if (rest.starts_with("TCP4 ")) return parse_v1_endpoints(rest.substr(5), false, end + 2);
    if (rest.starts_with("TCP6 ")) return parse_v1_endpoints(rest.substr(5), true, end + 2);
    return invalid();
}

enum class v2_command : std::uint8_t { local = 0x20, proxy = 0x21 };
constexpr std::uint8_t v2_tcp4 = 0x11, v2_tcp6 = 0x21; // address family and STREAM
constexpr std::size_t v2_addresses4 = 12, v2_addresses6 = 36;

template <std::size_t Size> ip_address address_at(std::string_view bytes, std::size_t index) {
    std::array<std::uint8_t, Size> raw{};
    for (std::size_t i = 0; i < Size; ++i) raw[i] = octet(bytes, index + i);
    if constexpr (Size == 4)
        return ip_address::v4(raw);
    else
        return ip_address::v6(raw);
}

template <std::size_t Size> proxy_header v2_endpoints(std::string_view bytes, std::size_t length) {
    const endpoint source{address_at<Size>(bytes, v2_fixed), two_octets(bytes, v2_fixed + 2 * Size)};
    const endpoint destination{address_at<Size>(bytes, v2_fixed + Size),
                               two_octets(bytes, v2_fixed + 2 * Size + 2)};
    return complete(length, source, destination);
}

// Octets 13 and 14 say what kind it is, 15 and 16 how much follows; each is judged as soon as it is there.
bool v2_start_is_possible(std::string_view bytes) {
    if (bytes.size() <= 12) return true;
    const std::uint8_t kind = octet(bytes, 12);
    const bool proxied = kind == static_cast<std::uint8_t>(v2_command::proxy);
    if (!proxied && kind != static_cast<std::uint8_t>(v2_command::local)) return false;
    if (bytes.size() <= 13) return true;
    const std::uint8_t family = octet(bytes, 13);
    if (proxied && family != v2_tcp4 && family != v2_tcp6) return false;
    if (bytes.size() < v2_fixed) return true;
    const std::size_t following = two_octets(bytes, 14);
    if (v2_fixed + following > proxy_header_max) return false;
    return !proxied || following >= (family == v2_tcp4 ? v2_addresses4 : v2_addresses6);
}

proxy_header parse_v2(std::string_view bytes) {
    if (!v2_start_is_possible(bytes)) return invalid();
    if (bytes.size() < v2_fixed) return need_more();
    const std::size_t length = v2_fixed + two_octets(bytes, 14);
    if (bytes.size() < length) return need_more();
    if (octet(bytes, 12) == static_cast<std::uint8_t>(v2_command::local)) return complete(length);
    return octet(bytes, 13) == v2_tcp4 ? v2_endpoints<4>(bytes, length) : v2_endpoints<16>(bytes, length);
}

} // namespace

proxy_header parse_proxy_header(std::string_view bytes) {
    if (bytes.empty()) return need_more();
    if (agree(bytes, v2_signature)) return parse_v2(bytes);
    if (agree(bytes, v1_start)) return parse_v1(bytes);
    return invalid();
}

} // namespace postern::protocol
