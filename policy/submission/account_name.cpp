#include "policy/submission/account_name.hpp"

#include "protocol/smtp/address.hpp"

namespace postern::policy {

namespace {

std::string_view local_part(std::string_view text) { return text.substr(0, text.rfind('@')); }

} // namespace

std::optional<std::string> account_of(std::string_view login) {
    const auto address = protocol::parse_address(login);
    if (!address || address->domain.empty() || address->is_literal()) return std::nullopt;
    if (local_part(address->to_string()) != local_part(login)) return std::nullopt;
    return address->folded();
}

} // namespace postern::policy
