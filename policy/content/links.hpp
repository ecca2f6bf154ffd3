// Where links lead: hosts, and what is odd about them. Nothing is ever looked up.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postern::policy::content {

struct link_host {
    std::string host;       // lower case, without port; "" = no link into the web
    bool disguised = false; // something before an @, or percent signs in the host
    bool numeric = false;   // an address, in any notation
};
link_host host_of(std::string_view url); // "https://example.com/x", "//example.com", "www.example.com"

// The domain that somebody registered, as far as a few rules know: "a.b.example.co.uk" -> "example.co.uk".
std::string_view registered_domain(std::string_view host);

bool is_shortener(std::string_view domain);
bool is_freemail(std::string_view domain);

// Links that stand in plain text, at most `most`.
std::vector<std::string_view> links_in_text(std::string_view text, std::size_t most);

} // namespace postern::policy::content
