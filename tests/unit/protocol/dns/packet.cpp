#include "tests/unit/protocol/dns/packet.hpp"

#include <fmt/format.h>
#include <iterator>
#include <stdexcept>

namespace postern::test {

using namespace protocol;

dns_name name(std::string_view text) {
    const auto parsed = dns_name::parse(text);
    if (!parsed) throw std::invalid_argument("no name: " + std::string(text));
    return *parsed;
}

std::string wire(std::string_view text) { return std::string(name(text).wire()); }

std::string u16(unsigned value) {
    return {static_cast<char>(value / 256 % 256), static_cast<char>(value % 256)};
}

std::string u32(std::uint32_t value) { return u16(value >> 16U) + u16(value & 0xffffU); }

octets as_octets(std::string_view text) {
    octets made(text.begin(), text.end());
    made.shrink_to_fit();
    return made;
}

octets from_hex(std::string_view hex) {
    octets made;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        made.push_back(static_cast<std::uint8_t>(std::stoul(std::string(hex.substr(i, 2)), nullptr, 16)));
    return made;
}

std::string rr::bytes() const {
    const auto length = static_cast<unsigned>(static_cast<int>(rdata.size()) + lie);
    return owner + u16(type) + u16(klass) + u32(ttl) + u16(length) + rdata;
}

rr record(std::string_view owner, unsigned type, std::string rdata, std::uint32_t ttl) {
    return {wire(owner), type, std::move(rdata), ttl};
}

rr a(std::string_view owner, std::string_view text, std::uint32_t ttl) {
    const auto address = ip_address::parse(text);
    if (!address) throw std::invalid_argument("no address: " + std::string(text));
    const auto bytes = address->bytes();
    return record(owner, address->is_v4() ? 1 : 28, std::string(bytes.begin(), bytes.end()), ttl);
}

rr cname(std::string_view owner, std::string_view target, std::uint32_t ttl) {
    return record(owner, 5, wire(target), ttl);
}

rr mx(std::string_view owner, unsigned preference, std::string_view exchange) {
    return record(owner, 15, u16(preference) + wire(exchange));
}

rr soa(std::string_view owner, std::uint32_t ttl, std::uint32_t minimum) {
    return record(owner, 6,
                  wire("ns.test") + wire("h.test") + u32(1) + u32(2) + u32(3) + u32(4) + u32(minimum), ttl);
}

rr ns(std::string_view owner) { return record(owner, 2, wire("ns.test")); }

rr opt(unsigned extended_rcode, std::string options) {
    return {std::string(1, '\0'), 41, std::move(options), extended_rcode << 24U, 1232};
}

std::string asking(std::string_view text, dns_type type, unsigned klass) {
    return wire(text) + u16(static_cast<unsigned>(type)) + u16(klass);
}

octets packet::bytes() const {
    const std::size_t sizes[] = {question.empty() ? 0U : 1U, answer.size(), authority.size(),
                                 additional.size()};
    std::string made = u16(id) + u16(flags);
    for (std::size_t i = 0; i < 4; ++i)
        made += u16(counts[i] < 0 ? static_cast<unsigned>(sizes[i]) : static_cast<unsigned>(counts[i]));
    made += question;
    for (const auto* section : {&answer, &authority, &additional})
        for (const rr& one : *section) made += one.bytes();
    return as_octets(made + garbage);
}

std::string shown(const dns_records& records) {
    std::string text;
    const auto add = [&](const std::string& one) { text += (text.empty() ? "" : " | ") + one; };
    for (const auto& one : records.addresses) add(one.to_string());
    for (const auto& one : records.pointers) add(one.to_string());
    for (const auto& one : records.exchangers)
        add(fmt::format("{} {}", one.preference, one.exchange.to_string()));
    for (const auto& one : records.texts) add("\"" + one + "\"");
    for (const auto& one : records.services)
        add(fmt::format("{} {} {} {}", one.priority, one.weight, one.port, one.target.to_string()));
    for (const auto& one : records.tlsa) {
        std::string hex;
        for (const auto octet : one.data) fmt::format_to(std::back_inserter(hex), "{:02x}", octet);
        add(fmt::format("{} {} {} {}", one.usage, one.selector, one.matching_type, hex));
    }
    return text;
}

namespace {

std::string shown(dns_trouble why) {
    switch (why) {
    case dns_trouble::not_ours: return "not ours";
    case dns_trouble::truncated: return "truncated";
    case dns_trouble::server_failure: return "server failure";
    case dns_trouble::refused: return "refused";
    case dns_trouble::other_rcode: return "other rcode";
    case dns_trouble::malformed: return "malformed";
    case dns_trouble::referral: return "referral";
    case dns_trouble::alias_loop: return "alias loop";
    case dns_trouble::too_many_aliases: return "too many aliases";
    case dns_trouble::too_many_records: return "too many records";
    }
    return "?";
}

struct describe {
    static std::string ad(bool authenticated) { return authenticated ? " ad" : ""; }

    std::string operator()(const dns_found& found) const {
        return fmt::format("found {} {}{}: {}", found.name.to_string(), found.ttl, ad(found.authenticated),
                           test::shown(found.records));
    }
    std::string operator()(const dns_absent& absent) const {
        const bool no_name = absent.what == dns_absent::kind::no_name;
        return fmt::format("{} {} {}{}", no_name ? "no name" : "no data", absent.name.to_string(), absent.ttl,
                           ad(absent.authenticated));
    }
    std::string operator()(const dns_alias& alias) const {
        return fmt::format("alias {} after {}, {}{}", alias.name.to_string(), alias.followed, alias.ttl,
                           ad(alias.authenticated));
    }
    std::string operator()(const dns_later& later) const {
        return shown(later.why) + (later.rcode == 0 ? "" : fmt::format(" ({})", later.rcode));
    }
};

} // namespace

std::string shown(const dns_answer& answer) { return std::visit(describe(), answer); }

std::string reading(const octets& message, std::string_view asked, dns_type type) {
    return shown(read_answer(message, asked_id, {name(asked), type}));
}

} // namespace postern::test
