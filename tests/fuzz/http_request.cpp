// Requests to the small HTTP server: whatever comes, a page gets one whose body has the length that was
// declared, once; words of forms, hosts and languages take nothing down; nothing is markup.
#include "server/admin/http.hpp"
#include "tests/fuzz/split.hpp"

using namespace postern::server;
using namespace postern::fuzz;

namespace {

struct one_form final : http_pages {
    std::optional<http_answer> answer(const http_request&) override { return std::nullopt; }
    bool takes_post(std::string_view path) const override { return path == "/identity"; }
};

void check_words(std::string_view text) {
    const auto form = parse_form(text);
    require(form.size() <= form_fields_max);
    const auto place = place_of(text);
    require(place.origin.empty() || place.origin.ends_with(place.host));
    (void)preferred_language(text, {"en", "cs"});
    const auto shown = html_escaped(text);
    require(shown.find_first_of("<>\"'\r\n") == std::string::npos);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = as_text(data, size);
    check_words(text);
    const one_form pages;
    const auto read = read_http_request(text, pages);
    if (read.status != 0) return 0;
    const auto& asked = read.request;
    require(asked.body.size() <= http_body_max);
    require(asked.method == http_method::post || asked.body.empty());
    require(asked.method != http_method::post || asked.path == "/identity");
    check_words(asked.query);
    check_words(asked.body);
    (void)is_sent_by_own_page(asked, "https://mail.firma.cz");
    (void)host_name(asked.host);
    return 0;
}
