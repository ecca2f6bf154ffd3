// RDATA, type by type. A record is kept only when its octets end where its fields do.
#include "protocol/dns/records.hpp"

#include "protocol/dns/reader.hpp"

#include <algorithm>

namespace postern::protocol {
namespace {

template <std::size_t Size> std::array<std::uint8_t, Size> address_octets(dns_reader& rdata) {
    std::array<std::uint8_t, Size> octets{};
    for (std::uint8_t& octet : octets) octet = rdata.u8();
    return octets;
}

// <character-string>s up to the end; at least one (RFC 1035 §3.3.14).
std::string joined_strings(dns_reader& rdata) {
    std::string text;
    do {
        const auto octets = rdata.octets(rdata.u8());
        text.append(octets.begin(), octets.end());
    } while (!rdata.failed() && rdata.left() != 0);
    return text;
}

mx_record read_mx(dns_reader& rdata) {
    mx_record record;
    record.preference = rdata.u16();
    record.exchange = rdata.name();
    return record;
}

srv_record read_srv(dns_reader& rdata) {
    srv_record record;
    record.priority = rdata.u16();
    record.weight = rdata.u16();
    record.port = rdata.u16();
    record.target = rdata.name();
    return record;
}

tlsa_record read_tlsa(dns_reader& rdata) {
    tlsa_record record;
    record.usage = rdata.u8();
    record.selector = rdata.u8();
    record.matching_type = rdata.u8();
    const auto data = rdata.octets(rdata.left());
    record.data.assign(data.begin(), data.end());
    return record;
}

template <class T> bool keep(std::vector<T>& records, T record, const dns_reader& rdata) {
    if (rdata.failed() || rdata.left() != 0) return false;
    records.push_back(std::move(record));
    return true;
}

} // namespace

bool add_record(dns_records& records, dns_type type, dns_reader rdata) {
    switch (type) {
    case dns_type::a: {
        const auto octets = address_octets<4>(rdata);
        return keep(records.addresses, ip_address::v4(octets), rdata);
    }
    case dns_type::aaaa: {
        const auto octets = address_octets<16>(rdata);
        return keep(records.addresses, ip_address::v6(octets), rdata);
    }
    case dns_type::ptr: {
        const dns_name name = rdata.name();
        return keep(records.pointers, name, rdata);
    }
    case dns_type::mx: {
        const mx_record record = read_mx(rdata);
        return keep(records.exchangers, record, rdata);
    }
    case dns_type::txt: {
        const std::string text = joined_strings(rdata);
        return keep(records.texts, text, rdata);
    }
    case dns_type::srv: {
        const srv_record record = read_srv(rdata);
        return keep(records.services, record, rdata);
    }
    case dns_type::tlsa: {
        const tlsa_record record = read_tlsa(rdata);
        return keep(records.tlsa, record, rdata);
    }
    }
    return false;
}

void sort_by_preference(std::vector<mx_record>& exchangers) {
    std::sort(exchangers.begin(), exchangers.end(),
              [](const auto& a, const auto& b) { return a.preference < b.preference; });
}

} // namespace postern::protocol
