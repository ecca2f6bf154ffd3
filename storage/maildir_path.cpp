// The folder of a mailbox. Whatever an address holds, its octets stay inside the components that the template
// gives them, and two addresses never share a folder: the encoding can be undone.
#include "storage/maildir.hpp"

#include <algorithm>

namespace postern::storage {
namespace {

constexpr std::size_t component_max = 255; // NAME_MAX
constexpr std::string_view local_placeholder = "{local}";
constexpr std::string_view domain_placeholder = "{domain}";
constexpr std::string_view continued =
    "%+";                                 // never comes out of encoded(): there '%' stands before two digits
constexpr std::string_view nothing = "%"; // nor does this

bool must_be_encoded(char c, bool first) {
    const auto octet = static_cast<unsigned char>(c);
    return octet < 0x20 || octet == 0x7f || c == '/' || c == '%' || (first && c == '.');
}

std::string encoded(std::string_view value) {
    constexpr char digits[] = "0123456789ABCDEF";
    if (value.empty()) return std::string(nothing);
    std::string text;
    for (const char c : value) {
        if (!must_be_encoded(c, text.empty())) {
            text.push_back(c);
            continue;
        }
        const auto octet = static_cast<unsigned char>(c);
        text.push_back('%');
        text.push_back(digits[octet >> 4]);
        text.push_back(digits[octet & 0xf]);
    }
    return text;
}

bool has_placeholder(std::string_view component) {
    return component.find(local_placeholder) != std::string_view::npos ||
           component.find(domain_placeholder) != std::string_view::npos;
}

// One pass, so that a local part "{domain}" is only a name.
std::string expand(std::string_view component, std::string_view local, std::string_view domain) {
    std::string text;
    while (!component.empty()) {
        std::size_t length = 1;
        if (component.starts_with(local_placeholder)) {
            text.append(encoded(local));
            length = local_placeholder.size();
        } else if (component.starts_with(domain_placeholder)) {
            text.append(encoded(domain));
            length = domain_placeholder.size();
        } else {
            text.push_back(component.front());
        }
        component.remove_prefix(length);
    }
    return text;
}

// A name that is too long for one folder goes on in a folder below it.
void append_component(std::string& path, std::string component) {
    if (!path.empty() && path.back() != '/') path.push_back('/');
    while (component.size() > component_max) {
        const auto head = component_max - continued.size();
        path.append(component, 0, head).append(continued).push_back('/');
        component.replace(0, head, continued);
    }
    path.append(component);
}

std::vector<std::string_view> components_of(std::string_view path) {
    std::vector<std::string_view> components;
    while (!path.empty()) {
        const auto end = std::min(path.find('/'), path.size());
        if (end > 0) components.push_back(path.substr(0, end));
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return components;
}

} // namespace

maildir_target maildir_target_for(std::string_view path_template, std::string_view local,
                                  std::string_view domain, std::uint64_t quota) {
    const auto components = components_of(path_template);
    maildir_target target;
    target.base = path_template.starts_with('/') ? "/" : "";
    target.quota = quota;
    bool below = false;
    for (std::size_t i = 0; i < components.size(); ++i) {
        below = below || has_placeholder(components[i]) || i + 1 == components.size();
        append_component(below ? target.relative : target.base, expand(components[i], local, domain));
    }
    if (target.base.empty()) target.base = ".";
    return target;
}

std::string maildir_path(std::string_view path_template, std::string_view local, std::string_view domain) {
    const auto target = maildir_target_for(path_template, local, domain, 0);
    return target.base + (target.base.ends_with('/') ? "" : "/") + target.relative;
}

} // namespace postern::storage
