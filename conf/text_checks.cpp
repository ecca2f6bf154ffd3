#include "conf/text_checks.hpp"

#include "conf/settings.hpp"

#include "protocol/scan/order.hpp"
#include "protocol/smtp/grammar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace postern::conf {

namespace {

constexpr std::size_t quoted_max = 60;
constexpr std::size_t socket_path_max = 107; // sun_path of unix(7) without its NUL
constexpr std::size_t short_name_max = 32;
constexpr std::size_t local_part_max = 64; // RFC 5321 §4.5.3.1.1

constexpr std::string_view name_characters = "abcdefghijklmnopqrstuvwxyz0123456789_-";
constexpr std::string_view program_characters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";

bool only(std::string_view text, std::string_view characters) {
    return text.find_first_not_of(characters) == std::string_view::npos;
}

problem not_a(std::string_view text, std::string_view what, std::string_view cure) {
    return {fmt::format("{} is not {}", quoted(text), what), cure};
}

// In one component "a" and "b-c" look like "a-b" and "c". A domain has no "@", so behind the last one it is
// told from any local part.
bool tells_apart(std::string_view component) {
    constexpr std::string_view local = "{local}", domain = "{domain}", address = "{local}@{domain}";
    const auto placeholders = std::ranges::count(component, '{');
    if (component.find(local) == std::string_view::npos || component.find(domain) == std::string_view::npos)
        return true;
    return placeholders == 2 && component.find(address) != std::string_view::npos;
}

checked<std::string> apart_or_address(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('/', at), text.size());
        const auto component = text.substr(at, end - at);
        if (!tells_apart(component))
            return problem{
                fmt::format("{} has {{local}} and {{domain}} in one name, so that two mailboxes could "
                            "share a folder",
                            quoted(component)),
                "write them as two folders, \"{domain}/{local}\", or as \"{local}@{domain}\""};
        at = end + 1;
    }
    return std::string{text};
}

} // namespace

problem::problem(std::string_view what, std::string_view cure)
    : text(cure.empty() ? std::string{what} : fmt::format("{}; {}", what, cure)) {}

void throw_exception_from_error(const problem& what, const boost::source_location& /*where*/) {
    throw std::logic_error("value of a failed check: " + what.text);
}

std::string quoted(std::string_view text) {
    return fmt::format("\"{}\"", protocol::printable(text, quoted_max));
}

checked<std::string> absolute_path(std::string_view text) {
    if (text.starts_with('/')) return std::string{text};
    return not_a(text, "an absolute path", "write it from the root on, beginning with \"/\"");
}

checked<std::string> absolute_path_or_empty(std::string_view text) {
    return text.empty() ? std::string() : absolute_path(text);
}

checked<std::string> file_extension(std::string_view text) {
    constexpr std::size_t longest = 32;
    const bool plain = text.size() > 1 && text.size() <= longest && text.front() == '.' &&
                       text.find_first_of("/\\ *?", 0) == std::string_view::npos &&
                       protocol::is_ascii(text) && text.back() != '.';
    if (plain) return protocol::to_lower(text);
    return not_a(text, "an extension", "write the end of a file name with its dot, such as \".exe\"");
}

checked<std::string> log_destination(std::string_view text) {
    if (text == "-" || text.starts_with('/')) return std::string{text};
    return not_a(text, "a place for the log", "write \"-\" for standard output or an absolute path");
}

checked<std::string> socket_path(std::string_view text) {
    if (!text.starts_with('/')) return absolute_path(text);
    if (text.size() <= socket_path_max) return std::string{text};
    return problem{fmt::format("{} has {} octets and a socket's path at most {}", quoted(text), text.size(),
                               socket_path_max),
                   "write a shorter one"};
}

checked<std::string> system_user(std::string_view text) {
    const bool digits_only = !text.empty() && only(text, "0123456789");
    if (only(text, name_characters) && !text.starts_with('-') && text.size() <= short_name_max &&
        !digits_only) {
        return std::string{text};
    }
    return not_a(text, "the name of a system user",
                 "write one such as \"postern\", or \"\" to stay who started it");
}

checked<std::string> syslog_name(std::string_view text) {
    if (!text.empty() && text.size() <= short_name_max && only(text, program_characters))
        return std::string{text};
    return not_a(text, "a program name",
                 "write up to 32 letters, digits, \"-\", \"_\", \".\" or \"/\", such as \"postfix\"");
}

checked<std::string> short_name(std::string_view text) {
    if (!text.empty() && text.size() <= short_name_max && only(text, name_characters))
        return std::string{text};
    return not_a(text, "a name", "write up to 32 of a-z, 0-9, \"-\" and \"_\", such as \"mx1\"");
}

checked<std::string> domain_name(std::string_view text) {
    auto domain = protocol::canonical_domain(text, protocol::unicode::allow);
    // A name of digits and dots would be taken for an address wherever it is written.
    if (domain.has_value() && !protocol::ip_address::parse(*domain)) return std::move(*domain);
    return not_a(text, "a domain", "write one such as \"mx1.example.com\", without a dot at the end");
}

checked<std::string> domain_or_empty(std::string_view text) {
    if (text.empty()) return std::string{};
    return domain_name(text);
}

checked<std::string> address_or_empty(std::string_view text) {
    if (text.empty()) return std::string{};
    if (const auto where = parse_endpoint(text)) return where->to_string();
    return not_a(text, "an address with a port", "write one such as \"127.0.0.1:8025\", or \"\"");
}

checked<std::string> mailbox_or_empty(std::string_view text) {
    if (text.empty()) return std::string{};
    const auto at = text.rfind('@');
    const auto local = text.substr(0, std::min(at, text.size()));
    const bool plain = std::ranges::all_of(local, [](char c) {
        return protocol::is_atext(c) || c == '.' || static_cast<unsigned char>(c) >= 0x80;
    });
    if (at != std::string_view::npos && !local.empty() && local.size() <= local_part_max && plain) {
        const auto domain = domain_name(text.substr(at + 1));
        if (domain.has_value()) return fmt::format("{}@{}", local, *domain);
    }
    return not_a(text, "an address", "write one such as \"postmaster@example.com\", or \"\"");
}

checked<std::string> maildir_template(std::string_view text) {
    if (!text.starts_with('/')) return absolute_path(text);
    bool has_domain = false;
    bool has_local = false;
    for (std::size_t at = 0; (at = text.find_first_of("{}", at)) != std::string_view::npos;) {
        const auto end = text.find('}', at);
        const auto name = text.substr(at, end == std::string_view::npos ? 1 : end - at + 1);
        if (name == "{domain}")
            has_domain = true;
        else if (name == "{local}")
            has_local = true;
        else
            return not_a(name, "a placeholder", "write only {domain} and {local}");
        at = end + 1;
    }
    if (has_domain && has_local) return apart_or_address(text);
    return problem{fmt::format("{} has no {}, so that mailboxes would share a folder", quoted(text),
                               has_domain ? "{local}" : "{domain}"),
                   "write both, such as \"/var/mail/{domain}/{local}\""};
}

checked<std::string> mail_folder(std::string_view text) {
    constexpr std::size_t folder_max = 100;
    const bool plain = std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_';
    });
    if (plain && !text.empty() && text.size() <= folder_max) return std::string{text};
    return not_a(text, "a folder's name", "write letters, digits, \"-\" and \"_\", such as \"Junk\"");
}

checked<std::string> local_transport(std::string_view text) {
    constexpr std::string_view cure =
        "write \"maildir\", \"lmtp:unix:/run/dovecot/lmtp\" or an address such as \"lmtp:127.0.0.1:24\"";
    if (text == "maildir") return std::string{text};
    const auto server = parse_lmtp(text);
    if (!server) return not_a(text, "a transport", cure);
    if (server->path.empty()) return std::string{text};
    if (const auto path = socket_path(server->path); !path) return path;
    return std::string{text};
}

checked<std::string> relay_server(std::string_view text) {
    if (parse_relay_server(text)) return std::string{text};
    return not_a(text, "a server",
                 "write an address or a host with its port, such as \"192.0.2.7:25\" or "
                 "\"mx1.example.net:25\", or \"mx\"");
}

checked<std::string> smarthost_or_empty(std::string_view text) {
    if (text.empty()) return std::string{};
    const auto server = parse_relay_server(text);
    if (server && server->what != relay_hop::kind::mx) return std::string{text};
    return not_a(text, "a server",
                 "write an address or a host with its port, such as \"192.0.2.7:25\" or "
                 "\"relay.example.net:25\", or \"\"");
}

checked<std::string> user_or_empty(std::string_view text) {
    constexpr std::size_t user_max = 255;
    const auto is_odd = [](char octet) { return static_cast<unsigned char>(octet) <= ' ' || octet == 0x7F; };
    if (text.size() <= user_max && std::ranges::none_of(text, is_odd)) return std::string{text};
    return not_a(text, "a name for a login", "write one without blanks, of at most 255 octets");
}

checked<std::string> sender_pattern(std::string_view text) {
    constexpr std::size_t pattern_max = 255;
    if (!text.empty() && text.size() <= pattern_max && text.find_first_of(" \t") == std::string_view::npos)
        return std::string{text};
    return not_a(text, "a pattern of senders", "write one such as \"*.cz\" or \"*@example.com\"");
}

checked<std::string> capital_word(std::string_view text) {
    if (!text.empty() && text.size() <= 40 && only(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"))
        return std::string{text};
    return not_a(text, "the name of a sign", "write one such as DATE_MISSING; docs/antispam.md has them all");
}

checked<std::string> spam_phrase(std::string_view text) {
    if (!text.empty() && text.size() <= protocol::scan::text_max && protocol::is_valid_utf8(text))
        return std::string{text};
    return not_a(text, "a phrase", "write 1 to 128 octets");
}

checked<std::string> http_server(std::string_view text) {
    if (parse_http_server(text)) return std::string{text};
    return not_a(text, "a server", "write its address with http:// and the port: \"http://127.0.0.1:11333\"");
}

checked<std::string> auth_source(std::string_view text) {
    if (text == "accounts" || parse_dovecot(text)) return std::string{text};
    return not_a(text, "a source of passwords",
                 "write \"accounts\", or Dovecot's socket such as \"dovecot:unix:/run/dovecot/auth-client\"");
}

checked<std::string> local_word(std::string_view text) {
    constexpr std::size_t word_max = 64;
    if (!text.empty() && text.size() <= word_max && protocol::is_valid_utf8(text)) return std::string{text};
    return not_a(text, "a word", "write 1 to 64 octets");
}

checked<std::string> web_page_or_empty(std::string_view text) {
    constexpr std::size_t page_max = 200;
    const auto host = text.starts_with("https://")  ? text.substr(8)
                      : text.starts_with("http://") ? text.substr(7)
                                                    : std::string_view();
    const bool plain = only(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/[]");
    if (text.empty() || (!host.empty() && host.front() != '/' && plain && text.size() <= page_max))
        return std::string{text};
    return not_a(text, "a page", "write its address without a query: \"https://mail.example.com/identity\"");
}

namespace {

// With the placeholders filled in as any domain would fill them.
std::optional<std::string> filled(std::string_view host) {
    constexpr std::string_view whole = "{domain}", one_label = "{domain--}";
    std::string made;
    while (!host.empty()) {
        if (host.starts_with(whole)) {
            made += "d.example";
            host.remove_prefix(whole.size());
        } else if (host.starts_with(one_label)) {
            made += "ddd--example";
            host.remove_prefix(one_label.size());
        } else if (host.front() == '{' || host.front() == '}') {
            return std::nullopt;
        } else {
            made += host.front();
            host.remove_prefix(1);
        }
    }
    return made;
}

bool is_host_template(std::string_view text) {
    const auto host = filled(text);
    return host && domain_name(*host).has_value() && protocol::is_ascii(*host);
}

} // namespace

std::optional<mail_server> parse_mail_server(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || !is_host_template(text.substr(0, colon))) return std::nullopt;
    // Its reader of ports is the one of addresses.
    const auto port = parse_endpoint("127.0.0.1" + std::string(text.substr(colon)));
    if (!port || port->port == 0) return std::nullopt;
    return mail_server{protocol::to_lower(text.substr(0, colon)), port->port};
}

checked<std::string> host_template_or_empty(std::string_view text) {
    if (text.empty() || is_host_template(text)) return protocol::to_lower(text);
    return not_a(text, "a host name",
                 "write one such as \"mail.example.net\" or \"{domain--}.mx.example.net\", or \"\"");
}

checked<std::string> mail_server_or_empty(std::string_view text) {
    if (text.empty() || parse_mail_server(text)) return protocol::to_lower(text);
    return not_a(text, "a host with a port", "write one such as \"imap.example.net:993\", or \"\"");
}

checked<std::string> host_or_empty(std::string_view text) {
    return text.empty() ? std::string() : domain_name(text);
}

checked<std::string> shown_name(std::string_view text) {
    constexpr std::size_t name_max = 100;
    if (text.size() <= name_max && protocol::is_valid_utf8(text)) return std::string{text};
    return not_a(text, "a name to show", "write up to 100 octets");
}

} // namespace postern::conf
