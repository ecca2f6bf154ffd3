// Whatever a scanner sends, what is kept obeys the limits, and a report that was taken goes through another
// writing unchanged. The same for orders.
#include "protocol/scan/order.hpp"
#include "protocol/scan/report.hpp"

#include "tests/fuzz/split.hpp"

using namespace postern::protocol::scan;
using namespace postern::fuzz;

namespace {

void check_again(const report& taken) {
    report_reader again(true);
    for (const auto& one : encode(taken)) {
        require(one.size() <= datagram_max);
        require(again.feed(one) != report_reader::outcome::broken);
    }
    require(again.take() == taken);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view octets(reinterpret_cast<const char*>(data), size);
    if (const auto order = decode_order(octets)) {
        const auto again = decode_order(encode(*order));
        require(again && encode(*again) == encode(*order));
    }
    // Datagrams of 200 octets, so that reports of several come about.
    report_reader from(true);
    for (std::size_t at = 0; at < size || at == 0; at += 200) {
        const auto told = from.feed(octets.substr(at, 200));
        if (told == report_reader::outcome::broken) return 0;
        if (told == report_reader::outcome::whole) break;
    }
    check_again(from.take());
    return 0;
}
