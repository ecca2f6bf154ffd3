// The header From: whatever is read as authors are addresses that are read as themselves, alone and as a
// list; a header gives the same wherever it is cut; nothing takes the process down. The input is a header.
#include "protocol/mail/author_list.hpp"
#include "tests/fuzz/split.hpp"

using namespace postern::protocol;
using namespace postern::fuzz;

namespace {

void check_value(std::string_view value) {
    const auto found = parse_authors(value);
    if (!found) {
        require(!fault_text(found.error()).empty());
        return;
    }
    require(!found->empty() && found->size() <= authors_max);
    std::string list;
    for (const auto& one : *found) {
        const auto again = parse_address(one.to_string());
        require(again.has_value() && *again == one);
        list += (list.empty() ? "<" : ", <") + one.to_string() + ">";
    }
    const auto again = parse_authors(list);
    require(again.has_value() && *again == *found);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = as_text(data, size);
    check_value(text);
    header_scan whole, cut;
    whole.feed(text);
    whole.end();
    for (const char& c : text) cut.feed(std::string_view(&c, 1));
    cut.end();
    const auto found = authors_of(whole);
    const auto found_cut = authors_of(cut);
    require(found.has_value() == found_cut.has_value());
    if (!found) {
        require(found.error() == found_cut.error());
        return 0;
    }
    require(*found == *found_cut && !found->empty());
    for (const auto& field : whole.from())
        check_value(std::string_view(field.text).substr(field.text.find(':') + 1));
    return 0;
}
