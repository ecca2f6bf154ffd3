// What test 8 gathers of a message: any octets give facts that fit into a report.
#include "policy/content/facts.hpp"
#include "protocol/smtp/grammar.hpp"

#include <cstdlib>

using namespace postern;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view message(reinterpret_cast<const char*>(data), size);
    const protocol::scan::phrase phrases[] = {{"limited offer", protocol::scan::phrase_place::anywhere},
                                              {"a", protocol::scan::phrase_place::body}};
    const auto about = policy::content::read_facts(message, phrases);
    const bool fits = about.subject.size() <= protocol::scan::subject_max &&
                      about.authors.size() <= protocol::scan::authors_max &&
                      about.signs.size() <= protocol::scan::signs_max && about.phrases.size() <= 2 &&
                      about.tokens.size() <= protocol::scan::tokens_max;
    if (!fits || !protocol::is_valid_utf8(about.subject)) std::abort();

    // HTML by itself, since few inputs find the way to it.
    const auto seen = policy::content::read_html(message);
    if (seen.links.size() > policy::content::html_links_max) std::abort();
    return 0;
}
