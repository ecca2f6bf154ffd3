#include "server/admin/queue_filter.hpp"

#include "protocol/net/ip_address.hpp"
#include "server/route.hpp"

#include <algorithm>

namespace postern::server {
using storage::is_open;
using storage::queued_message;
using storage::queued_recipient;

namespace {

bool is_of(const std::string& address, const address_pattern& wanted) {
    if (address.empty() || wanted.domain.empty()) return address.empty() && wanted.domain.empty();
    const auto read = protocol::parse_address(address);
    if (!read || read->domain != wanted.domain) return false;
    return wanted.address.empty() || read->folded() == wanted.address;
}

bool is_hop(const conf::relay_hop& hop, std::string_view wanted) {
    if (hop.what == conf::relay_hop::kind::address) return hop.address.address.to_string() == wanted;
    return hop.name == wanted;
}

// A domain, also after "@"; a host, or an address with or without brackets. "" = none of these.
std::string read_destination(std::string text) {
    if (text.starts_with('@')) text.erase(0, 1);
    const bool in_brackets = text.starts_with('[') && text.ends_with(']');
    auto plain = in_brackets ? text.substr(1, text.size() - 2) : text;
    if (protocol::to_lower(plain).starts_with("ipv6:")) plain.erase(0, 5);
    if (const auto address = protocol::ip_address::parse(plain)) return address->to_string();
    auto domain = protocol::canonical_domain(text, protocol::unicode::allow);
    return domain ? *domain : std::string();
}

} // namespace

std::optional<address_pattern> parse_pattern(const std::string& text, empty_address empty) {
    if (text.empty() || text == "<>") {
        if (empty == empty_address::refuse) return std::nullopt;
        return address_pattern{};
    }
    if (text.starts_with('@')) {
        auto domain = protocol::canonical_domain(std::string_view(text).substr(1), protocol::unicode::allow);
        if (!domain) return std::nullopt;
        return address_pattern{"", std::move(*domain)};
    }
    const bool in_brackets = text.starts_with('<') && text.ends_with('>');
    const auto read = protocol::parse_address(in_brackets ? text.substr(1, text.size() - 2) : text);
    if (!read || read->domain.empty()) return std::nullopt;
    return address_pattern{read->folded(), read->domain};
}

bool is_server(std::string_view named, std::string_view wanted) {
    const auto bracket = named.find('[');
    if (bracket == std::string_view::npos) {
        const auto colon = named.rfind(':');
        return named == wanted || named.substr(0, colon) == wanted;
    }
    const auto end = std::min(named.find(']', bracket), named.size());
    return named.substr(0, bracket) == wanted || named.substr(bracket + 1, end - bracket - 1) == wanted;
}

bool queue_filter::is_given(const arguments& given) {
    return given.has("--sender") || given.has("--recipient") || given.has("--destination");
}

std::optional<queue_filter> queue_filter::read(const arguments& given, terminal& with) {
    queue_filter made;
    const auto wrong = [&with](const std::string& text, std::string_view why) {
        fail(with, exit_code::bad_data, text.empty() ? "\"\"" : text, why);
        return std::nullopt;
    };
    if (given.has("--sender")) {
        made.sender_ = parse_pattern(given.one("--sender"), empty_address::allow);
        if (!made.sender_) return wrong(given.one("--sender"), "is no address, @domain or <>");
    }
    if (given.has("--recipient")) {
        made.recipient_ = parse_pattern(given.one("--recipient"), empty_address::refuse);
        if (!made.recipient_) return wrong(given.one("--recipient"), "is no address or @domain");
    }
    if (given.has("--destination")) {
        made.destination_ = read_destination(given.one("--destination"));
        if (made.destination_.empty())
            return wrong(given.one("--destination"), "is no domain, host or IP address");
    }
    return made;
}

bool queue_filter::matches(const queued_recipient& to, const conf::config& config) const {
    if (recipient_ && !is_of(to.address, *recipient_) && !is_of(to.original, *recipient_)) return false;
    if (destination_.empty() || is_of(to.address, {"", destination_})) return true;
    const auto hop = hop_for(config, to);
    return hop && is_hop(*hop, destination_);
}

bool queue_filter::was_tried_there(const queued_message& message, const history_source& history) const {
    const auto tries = history(message.id);
    for (std::uint32_t i = 0; i < message.recipients.size(); ++i) {
        const auto& to = message.recipients[i];
        if (!is_open(to)) continue;
        if (recipient_ && !is_of(to.address, *recipient_) && !is_of(to.original, *recipient_)) continue;
        const auto last =
            std::find_if(tries.rbegin(), tries.rend(), [i](const auto& one) { return one.recipient == i; });
        if (last != tries.rend() && is_server(last->server, destination_)) return true;
    }
    return false;
}

bool queue_filter::matches(const queued_message& message, const conf::config& config,
                           const history_source& history) const {
    if (sender_ && !is_of(message.sender, *sender_)) return false;
    if (!recipient_ && destination_.empty()) return true;
    const bool any = std::ranges::any_of(message.recipients,
                                         [&](const auto& to) { return is_open(to) && matches(to, config); });
    return any || (!destination_.empty() && was_tried_there(message, history));
}

} // namespace postern::server
