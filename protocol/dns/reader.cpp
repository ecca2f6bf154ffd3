// Every access goes through octets() or dns_name::read(), which check it.
#include "protocol/dns/reader.hpp"

namespace postern::protocol {

std::span<const std::uint8_t> dns_reader::octets(std::size_t count) {
    if (failed_ || count > left()) {
        failed_ = true;
        return {};
    }
    at_ += count;
    return message_.subspan(at_ - count, count);
}

std::uint8_t dns_reader::u8() {
    const auto octet = octets(1);
    return octet.empty() ? std::uint8_t{0} : octet[0];
}

std::uint16_t dns_reader::u16() {
    const auto two = octets(2);
    return two.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>(two[0] * 256U + two[1]);
}

std::uint32_t dns_reader::u32() {
    const std::uint32_t upper = u16();
    return upper * 0x10000U + u16();
}

dns_name dns_reader::name() {
    if (failed_) return {};
    const auto read = dns_name::read(message_, at_);
    failed_ = !read;
    if (failed_) return {};
    at_ = read->end;
    return read->name;
}

dns_reader dns_reader::part(std::size_t count) {
    dns_reader made = *this;
    octets(count);
    made.failed_ = failed_;
    if (!failed_) made.message_ = message_.first(at_);
    return made;
}

} // namespace postern::protocol
