// SPF records: whatever is read lies inside the text, is made of well-formed parts, and is read the same
// again when its terms are put together anew; no macro-string makes more than a name.
#include "protocol/spf/record.hpp"

#include "tests/fuzz/split.hpp"

using namespace postern::protocol;
using namespace postern::protocol::spf;
using namespace postern::fuzz;

namespace {

constexpr std::string_view signs = "+-~?";

void check_domain(const record& made, slice part) {
    if (part.empty()) return;
    const std::string_view text = made[part];
    require(!check_domain_spec(text) && !check_macro_string(text));
    const macro_values values{.local = made.text,
                              .sender_domain = "sender.test",
                              .domain = "domain.test",
                              .helo = text,
                              .validated = "unknown",
                              .client = *ip_address::parse("2001:db8::1")};
    require(expand(text, values).size() <= expanded_name_max);
}

std::string written_again(const record& made) {
    std::string text = "v=spf1";
    for (const directive& one : made.directives) {
        text += ' ';
        text += signs[static_cast<std::size_t>(one.on_match)];
        text += made[one.text];
    }
    if (!made.redirect.empty()) text += " redirect=" + std::string(made[made.redirect]);
    if (!made.explanation.empty()) text += " exp=" + std::string(made[made.explanation]);
    return text;
}

bool same(const record& a, const record& b) {
    if (a.directives.size() != b.directives.size()) return false;
    for (std::size_t i = 0; i < a.directives.size(); ++i) {
        const directive& x = a.directives[i];
        const directive& y = b.directives[i];
        if (x.on_match != y.on_match || x.kind != y.kind || x.prefix4 != y.prefix4 ||
            x.prefix6 != y.prefix6 || x.network != y.network || a[x.text] != b[y.text] ||
            a[x.domain_spec] != b[y.domain_spec])
            return false;
    }
    return a[a.redirect] == b[b.redirect] && a[a.explanation] == b[b.explanation];
}

void check(std::string_view text) {
    const auto read = parse_record(text);
    if (!read) {
        require(read.error().offset <= text.size() && !describe(read.error().what).empty());
        return;
    }
    require(read->text == text && text.size() <= record_octets_max);
    for (const directive& one : read->directives) {
        require(one.text.from + one.text.length <= text.size() && !one.text.empty());
        require(one.prefix4 <= 32 && one.prefix6 <= 128);
        check_domain(*read, one.domain_spec);
        (void)holds(one, *ip_address::parse("192.0.2.1"));
        (void)holds(one, *ip_address::parse("2001:db8::1"));
    }
    check_domain(*read, read->redirect);
    check_domain(*read, read->explanation);
    const std::string again = written_again(*read);
    if (again.size() > record_octets_max) return; // signs were added
    const auto second = parse_record(again);
    require(second.has_value() && same(*read, *second));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = as_text(data, size);
    check(input);
    check("v=spf1 " + std::string(input));
    std::vector<std::string> texts;
    for (std::size_t from = 0; from <= input.size() && texts.size() < 16;) {
        texts.emplace_back(input.substr(from, input.find('\n', from) - from));
        from += texts.back().size() + 1;
    }
    const selection chosen = select_record(texts);
    require((chosen.found == selected::one) != chosen.text.empty());
    return 0;
}
