// Times, sizes and endpoints between their text and their value. Pure; anything not of the form is nullopt.
#include "conf/settings.hpp"

#include "conf/text_checks.hpp"
#include "protocol/smtp/grammar.hpp"

#include <fmt/format.h>

#include <array>
#include <limits>

namespace postern::conf {

namespace {

struct unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::uint64_t longest_duration = std::uint64_t{100} * 366 * 24 * 3600;

// Largest first: format_* takes the first that divides.
constexpr std::array<unit, 4> time_units{{{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}}};
constexpr std::array<unit, 7> size_units{{{"GiB", std::uint64_t{1} << 30},
                                          {"GB", 1'000'000'000},
                                          {"MiB", std::uint64_t{1} << 20},
                                          {"MB", 1'000'000},
                                          {"KiB", std::uint64_t{1} << 10},
                                          {"KB", 1'000},
                                          {"", 1}}};

// Digits and then exactly one of the units.
std::optional<std::uint64_t> parse_with_unit(std::string_view text, std::span<const unit> units) {
    const auto end_of_digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto number = protocol::parse_number(text.substr(0, end_of_digits));
    if (!number) return std::nullopt;
    for (const auto& [name, factor] : units) {
        if (text.substr(end_of_digits) != name) continue;
        if (*number > std::numeric_limits<std::uint64_t>::max() / factor) return std::nullopt;
        return *number * factor;
    }
    return std::nullopt;
}

std::string format_with_unit(std::uint64_t value, std::span<const unit> units) {
    for (const auto& [name, factor] : units) {
        if (value >= factor && value % factor == 0) return fmt::format("{}{}", value / factor, name);
    }
    return fmt::format("{}{}", value, units.back().name);
}

} // namespace

std::optional<seconds> parse_duration(std::string_view text) {
    const auto value = parse_with_unit(text, time_units);
    if (!value || *value > longest_duration) return std::nullopt;
    return seconds{static_cast<seconds::rep>(*value)};
}

std::optional<std::uint64_t> parse_size(std::string_view text) { return parse_with_unit(text, size_units); }

std::string format_duration(seconds value) {
    return format_with_unit(value.count() < 0 ? 0 : static_cast<std::uint64_t>(value.count()), time_units);
}

std::string format_size(std::uint64_t octets) { return format_with_unit(octets, size_units); }

std::optional<endpoint> parse_endpoint(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto digits = text.substr(colon + 1);
    auto host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    if (bracketed != (host.find(':') != std::string_view::npos)) return std::nullopt;

    const auto port = protocol::parse_number(digits);
    const auto address = protocol::ip_address::parse(host);
    if (!address || !port || *port > 65535 || digits.size() > 5) return std::nullopt;
    return endpoint{*address, static_cast<std::uint16_t>(*port)};
}

namespace {

// "unix:/path" or an address with a port, behind the scheme.
std::optional<next_hop> parse_server(std::string_view text, std::string_view scheme) {
    constexpr std::string_view unix_scheme = "unix:";
    if (!text.starts_with(scheme)) return std::nullopt;
    text.remove_prefix(scheme.size());
    if (text.starts_with(unix_scheme)) {
        const auto path = text.substr(unix_scheme.size());
        if (!path.starts_with('/')) return std::nullopt;
        return next_hop{std::string{path}, {}};
    }
    const auto address = parse_endpoint(text);
    if (!address || address->port == 0) return std::nullopt;
    return next_hop{{}, *address};
}

} // namespace

std::optional<next_hop> parse_lmtp(std::string_view transport) { return parse_server(transport, "lmtp:"); }
std::optional<next_hop> parse_dovecot(std::string_view source) { return parse_server(source, "dovecot:"); }

namespace {

// A name whose last label is a number is an address with a slip in it.
bool looks_like_address(std::string_view name) {
    const auto last = name.substr(name.rfind('.') + 1);
    return last.find_first_not_of("0123456789") == std::string_view::npos;
}

} // namespace

std::optional<endpoint> parse_http_server(std::string_view text) {
    constexpr std::string_view scheme = "http://";
    if (!text.starts_with(scheme)) return std::nullopt;
    text.remove_prefix(scheme.size());
    if (text.ends_with('/')) text.remove_suffix(1);
    return parse_endpoint(text);
}

std::optional<relay_hop> parse_relay_server(std::string_view text) {
    if (text == "mx") return relay_hop{relay_hop::kind::mx, {}, {}};
    if (const auto address = parse_endpoint(text)) return relay_hop{relay_hop::kind::address, *address, {}};
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto digits = text.substr(colon + 1);
    const auto port = protocol::parse_number(digits);
    const auto name = domain_name(text.substr(0, colon));
    if (!name || looks_like_address(*name) || !port || *port > 65535 || digits.size() > 5)
        return std::nullopt;
    return relay_hop{relay_hop::kind::host, {{}, static_cast<std::uint16_t>(*port)}, *name};
}

std::string relay_hop::to_string() const {
    switch (what) {
    case kind::address: break;
    case kind::host: return fmt::format("{}:{}", name, address.port);
    case kind::mx: return "mx:" + name;
    case kind::domain: return name;
    }
    return address.to_string();
}

std::string next_hop::to_string() const { return path.empty() ? address.to_string() : path; }

std::string endpoint::to_string() const {
    return address.is_v4() ? fmt::format("{}:{}", address.to_string(), port)
                           : fmt::format("[{}]:{}", address.to_string(), port);
}

} // namespace postern::conf
