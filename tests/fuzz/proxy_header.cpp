// The PROXY header: the beginnings of a header ask for more until it is complete; what is complete or invalid
// stays so whatever follows; a header is never longer than its limit.
#include "protocol/net/proxy_header.hpp"

#include "tests/fuzz/split.hpp"

#include <algorithm>

using namespace postern::protocol;
using namespace postern::fuzz;

namespace {

bool same(const std::optional<proxy_header::endpoint>& a, const std::optional<proxy_header::endpoint>& b) {
    if (!a || !b) return a.has_value() == b.has_value();
    return a->address == b->address && a->port == b->port;
}

bool same(const proxy_header& a, const proxy_header& b) {
    return a.status == b.status && a.length == b.length && same(a.source, b.source) &&
           same(a.destination, b.destination);
}

void check_form(const proxy_header& header, std::size_t offered) {
    require(header.source.has_value() == header.destination.has_value());
    if (header.status == proxy_status::complete) {
        require(header.length > 0 && header.length <= offered && header.length <= proxy_header_max);
        return;
    }
    require(header.length == 0 && !header.source);
    if (header.status == proxy_status::need_more) require(offered < proxy_header_max);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = as_text(data, std::min(size, proxy_header_max + 16));
    const proxy_header whole = parse_proxy_header(input);
    check_form(whole, input.size());
    if (whole.status != proxy_status::need_more)
        require(same(parse_proxy_header(std::string(input) + "\r\n"), whole));
    const std::size_t step = input.size() < 512 ? 1 : 37;
    for (std::size_t known = 0; known < input.size(); known += step) {
        const std::string beginning(input.substr(0, known));
        const proxy_header header = parse_proxy_header(beginning);
        check_form(header, known);
        if (header.status != proxy_status::need_more) require(same(header, whole));
        if (whole.status == proxy_status::complete && known < whole.length)
            require(header.status == proxy_status::need_more);
    }
    return 0;
}
