// The same octets give the same lines and faults, at the same places, however they are split; what is kept is
// bounded; and no line holds an octet that ends one.
#include "protocol/smtp/line_reader.hpp"

#include "tests/fuzz/split.hpp"

using namespace postern::protocol;
using namespace postern::fuzz;

namespace {

struct event {
    line_status status;
    std::size_t end;
    std::string line;
    bool operator==(const event&) const = default;
};

void check_outcome(const line_reader::outcome& outcome, std::size_t offered, std::size_t limit) {
    require(outcome.consumed <= offered && outcome.consumed > 0);
    require(outcome.line.size() <= limit);
    require(outcome.line.find_first_of("\r\n") == std::string_view::npos);
    if (outcome.status == line_status::complete) require(outcome.line.size() + 2 <= limit);
    if (outcome.status == line_status::need_more)
        require(outcome.consumed == offered && outcome.line.empty());
}

std::vector<event> read_all(std::string_view input, cut how, std::size_t limit) {
    line_reader reader(limit);
    std::vector<event> events;
    std::size_t end = 0;
    for (const std::string& piece : pieces(input, how)) {
        for (std::string_view rest = piece; !rest.empty();) {
            const auto outcome = reader.feed(rest);
            check_outcome(outcome, rest.size(), limit);
            require(reader.partial().size() <= limit);
            end += outcome.consumed;
            rest.remove_prefix(outcome.consumed);
            if (outcome.status != line_status::need_more)
                events.push_back({outcome.status, end, std::string(outcome.line)});
        }
    }
    return events;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = as_text(data, size);
    for (const std::size_t limit : {std::size_t{16}, std::size_t{2048}}) {
        const auto whole = read_all(input, cut::whole, limit);
        require(read_all(input, cut::every_octet, limit) == whole);
        require(read_all(input, cut::pseudo_random, limit) == whole);
        for (const event& each : whole) { // what a complete line says it ended with is there
            if (each.status == line_status::complete) require(input.substr(each.end - 2, 2) == "\r\n");
        }
    }
    return 0;
}
