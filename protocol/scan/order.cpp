#include "protocol/scan/order.hpp"

#include "protocol/scan/octets.hpp"

#include <boost/system/errc.hpp>

namespace postern::protocol::scan {
namespace {

constexpr std::uint32_t mark = 0x314f5350; // "PSO1"

enum wanted : std::uint8_t { attachments = 1, antivirus = 2, facts = 4, everything = 8, all_of_them = 15 };

std::uint8_t wants(const order& what) {
    unsigned bits = 0;
    if (what.attachments) bits |= wanted::attachments;
    if (what.antivirus) bits |= wanted::antivirus;
    if (what.facts) bits |= wanted::facts;
    if (what.everything) bits |= wanted::everything;
    return static_cast<std::uint8_t>(bits);
}

void read_extensions(octet_reader& from, order& to) {
    const std::size_t count = from.number<std::uint16_t>();
    if (count > extensions_max) from.fail();
    for (std::size_t i = 0; i < count && !from.bad(); ++i) to.extensions.emplace_back(from.text(text_max));
}

void read_phrases(octet_reader& from, order& to) {
    const std::size_t count = from.number<std::uint16_t>();
    if (count > phrases_max) from.fail();
    for (std::size_t i = 0; i < count && !from.bad(); ++i) {
        const auto where = from.number<std::uint8_t>();
        if (where > static_cast<std::uint8_t>(phrase_place::anywhere)) return from.fail();
        to.phrases.push_back({std::string(from.text(text_max)), static_cast<phrase_place>(where)});
    }
}

} // namespace

std::string encode(const order& what) {
    std::string made;
    put(made, mark);
    put(made, what.id);
    put(made, what.from);
    put(made, what.size);
    put(made, wants(what));
    put(made, what.max_depth);
    put(made, what.max_entries);
    put(made, what.max_unpacked);
    put(made, what.max_ratio);
    put(made, what.milliseconds);
    put(made, static_cast<std::uint64_t>(what.now));
    const auto extensions = std::min(what.extensions.size(), extensions_max);
    put(made, static_cast<std::uint16_t>(extensions));
    for (std::size_t i = 0; i < extensions; ++i) put_text(made, what.extensions[i], text_max);
    const auto phrases = std::min(what.phrases.size(), phrases_max);
    put(made, static_cast<std::uint16_t>(phrases));
    for (std::size_t i = 0; i < phrases; ++i) {
        put(made, static_cast<std::uint8_t>(what.phrases[i].where));
        put_text(made, what.phrases[i].text, text_max);
    }
    return made;
}

result<order> decode_order(std::string_view octets) {
    const auto broken = make_error_code(boost::system::errc::invalid_argument);
    octet_reader from(octets);
    if (from.number<std::uint32_t>() != mark) return broken;
    order made;
    made.id = from.number<std::uint64_t>();
    made.from = from.number<std::uint64_t>();
    made.size = from.number<std::uint64_t>();
    const auto bits = from.number<std::uint8_t>();
    if (bits > wanted::all_of_them) return broken;
    made.attachments = (bits & wanted::attachments) != 0;
    made.antivirus = (bits & wanted::antivirus) != 0;
    made.facts = (bits & wanted::facts) != 0;
    made.everything = (bits & wanted::everything) != 0;
    made.max_depth = from.number<std::uint32_t>();
    made.max_entries = from.number<std::uint32_t>();
    made.max_unpacked = from.number<std::uint64_t>();
    made.max_ratio = from.number<std::uint32_t>();
    made.milliseconds = from.number<std::uint32_t>();
    made.now = static_cast<std::int64_t>(from.number<std::uint64_t>());
    read_extensions(from, made);
    read_phrases(from, made);
    if (from.bad() || !from.at_end()) return broken;
    return made;
}

} // namespace postern::protocol::scan
