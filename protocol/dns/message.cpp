// Making a question; walking an answer: header, question, three sections, and not one octet more. What the
// records mean together is concluded in conclude.cpp.
#include "protocol/dns/message.hpp"

#include "protocol/dns/conclude.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace postern::protocol {
namespace {

// RFC 1035 §4.1.1, RFC 2535 §6.1: the flags of a header.
constexpr std::uint16_t flag_response = 0x8000, flags_opcode = 0x7800, flag_truncated = 0x0200,
                        flag_recursion = 0x0100, flag_authenticated = 0x0020, flags_rcode = 0x000f;
constexpr std::uint16_t class_in = 1;
constexpr std::uint16_t type_ns = 2, type_cname = 5, type_soa = 6, type_opt = 41;
constexpr std::uint32_t opt_signatures = 0x8000; // DO, RFC 3225 §3
constexpr std::size_t header_size = 12;

using octets = std::vector<std::uint8_t>;

void append_u16(octets& message, std::uint16_t value) {
    message.push_back(static_cast<std::uint8_t>(value >> 8U));
    message.push_back(static_cast<std::uint8_t>(value & 0xffU));
}

// RFC 6891 §6.1.2: the root, OPT, payload as class, flags as TTL, no options.
void append_opt(octets& message, const dns_asking& asking) {
    message.push_back(0);
    append_u16(message, type_opt);
    append_u16(message, std::max(asking.payload, dns_payload_min));
    append_u16(message, 0);
    append_u16(message, asking.signatures ? opt_signatures : 0);
    append_u16(message, 0);
}

// RFC 2181 §8: with the top bit set it is zero.
std::uint32_t bounded_ttl(std::uint32_t ttl) {
    return (ttl & 0x80000000U) != 0 ? 0 : std::min(ttl, dns_ttl_max);
}

enum class section { answer, authority, additional };

struct record {
    dns_name owner;
    std::uint16_t type = 0, klass = 0;
    std::uint32_t ttl = 0; // as it came: OPT has flags there
    dns_reader rdata;
};

class walk {
  public:
    walk(std::span<const std::uint8_t> message, std::uint16_t id, const dns_question& question)
        : message_(message), reader_(message), id_(id), question_(question) {}

    dns_answer answer() {
        if (const auto trouble = read()) return dns_later{*trouble, found_.rcode};
        return conclude(found_, question_);
    }

  private:
    std::optional<dns_trouble> read();
    std::optional<dns_trouble> read_question(std::uint16_t count);
    bool read_section(section where, std::uint16_t count);
    bool take(section where, const record& one);
    bool take_answer(const record& one);
    bool take_soa(const record& one);
    bool take_opt(section where, const record& one);

    std::span<const std::uint8_t> message_;
    dns_reader reader_;
    std::uint16_t id_;
    const dns_question& question_; // the caller's
    dns_findings found_;
    bool opt_seen_ = false;
};

std::optional<dns_trouble> walk::read() {
    if (message_.size() < header_size) return dns_trouble::not_ours;
    const std::uint16_t id = reader_.u16(), flags = reader_.u16();
    std::array<std::uint16_t, 4> counts{};
    for (std::uint16_t& count : counts) count = reader_.u16();
    if (id != id_ || (flags & flag_response) == 0 || (flags & flags_opcode) != 0)
        return dns_trouble::not_ours;
    if (message_.size() > dns_message_max) return dns_trouble::malformed;
    found_.rcode = flags & flags_rcode;
    found_.authenticated = (flags & flag_authenticated) != 0;
    if (const auto trouble = read_question(counts[0])) return trouble;
    if ((flags & flag_truncated) != 0) return dns_trouble::truncated;
    if (counts[1] > dns_records_max) return dns_trouble::too_many_records;
    const bool whole = read_section(section::answer, counts[1]) &&
                       read_section(section::authority, counts[2]) &&
                       read_section(section::additional, counts[3]);
    if (!whole || reader_.left() != 0) return dns_trouble::malformed;
    return std::nullopt;
}

// Servers that could not read a question leave it out of their complaint; in an answer it must be there.
std::optional<dns_trouble> walk::read_question(std::uint16_t count) {
    const bool complaint = found_.rcode != dns_rcode_none && found_.rcode != dns_rcode_no_name;
    if (count == 0 && complaint) return std::nullopt;
    if (count != 1) return dns_trouble::malformed;
    const dns_name name = reader_.name();
    const std::uint16_t type = reader_.u16(), klass = reader_.u16();
    if (reader_.failed()) return dns_trouble::malformed;
    const bool same = name == question_.name && type == static_cast<std::uint16_t>(question_.type);
    if (!same || klass != class_in) return dns_trouble::not_ours;
    return std::nullopt;
}

bool walk::read_section(section where, std::uint16_t count) {
    for (; count > 0; --count) {
        record one{reader_.name(), reader_.u16(), reader_.u16(), reader_.u32(), dns_reader({})};
        one.rdata = reader_.part(reader_.u16());
        if (reader_.failed() || !take(where, one)) return false;
    }
    return true;
}

bool walk::take(section where, const record& one) {
    if (one.type == type_opt) return take_opt(where, one);
    if (one.klass != class_in) return true;
    if (where == section::answer) return take_answer(one);
    if (where == section::additional) return true;
    if (one.type == type_ns) found_.name_servers = true;
    return one.type != type_soa || take_soa(one);
}

bool walk::take_answer(const record& one) {
    if (one.type == type_cname) {
        dns_reader rdata = one.rdata;
        const dns_name target = rdata.name();
        if (rdata.failed() || rdata.left() != 0) return false;
        found_.aliases.push_back({one.owner, target, bounded_ttl(one.ttl)});
    }
    if (one.type != static_cast<std::uint16_t>(question_.type)) return true;
    // Read now, so that what is wrong with it is seen whoever owns it.
    dns_records tried;
    if (!add_record(tried, question_.type, one.rdata)) return false;
    found_.records.push_back({one.owner, bounded_ttl(one.ttl), one.rdata});
    return true;
}

// RFC 1035 §3.3.13; the time that an absence may be kept is RFC 2308 §5's.
bool walk::take_soa(const record& one) {
    dns_reader rdata = one.rdata;
    rdata.name();
    rdata.name();
    rdata.octets(4 * sizeof(std::uint32_t)); // serial, refresh, retry, expire
    const std::uint32_t minimum = rdata.u32();
    if (rdata.failed() || rdata.left() != 0) return false;
    found_.zones.push_back({one.owner, std::min(bounded_ttl(one.ttl), bounded_ttl(minimum))});
    return true;
}

// RFC 6891 §6.1.1: one at most, at the root, among the additional records; §6.1.3: the upper octet of its TTL
// is the upper part of the RCODE.
bool walk::take_opt(section where, const record& one) {
    if (where != section::additional || opt_seen_ || !one.owner.is_root()) return false;
    opt_seen_ = true;
    found_.rcode = static_cast<std::uint16_t>(found_.rcode | (one.ttl >> 24U) << 4U);
    dns_reader options = one.rdata;
    while (!options.failed() && options.left() != 0) {
        options.u16(); // the option's code: none is asked for, none is read
        options.octets(options.u16());
    }
    return !options.failed();
}

} // namespace

std::vector<std::uint8_t> make_question(std::uint16_t id, const dns_question& question,
                                        const dns_asking& asking) {
    octets message;
    append_u16(message, id);
    append_u16(message, static_cast<std::uint16_t>((asking.recursion ? flag_recursion : 0) |
                                                   (asking.authenticated ? flag_authenticated : 0)));
    append_u16(message, 1);
    append_u16(message, 0);
    append_u16(message, 0);
    append_u16(message, asking.payload != 0 ? 1 : 0);
    const std::string_view name = question.name.wire();
    message.insert(message.end(), name.begin(), name.end());
    append_u16(message, static_cast<std::uint16_t>(question.type));
    append_u16(message, class_in);
    if (asking.payload != 0) append_opt(message, asking);
    return message;
}

dns_answer read_answer(std::span<const std::uint8_t> message, std::uint16_t id,
                       const dns_question& question) {
    return walk(message, id, question).answer();
}

} // namespace postern::protocol
