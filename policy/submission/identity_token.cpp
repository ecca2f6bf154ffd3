#include "policy/submission/identity_token.hpp"

#include "protocol/smtp/grammar.hpp"

#include <array>
#include <openssl/evp.h>
#include <unistd.h>

namespace postern::policy {
namespace {

constexpr std::string_view letters = "abcdefghijkmnpqrstuvwxyz23456789"; // none that looks like another
static_assert(letters.size() == 32);

} // namespace

std::string new_identity_token() {
    std::array<unsigned char, identity_token_size> chance{};
    if (::getentropy(chance.data(), chance.size()) != 0) return {};
    std::string token;
    for (const auto octet : chance) token += letters[octet % letters.size()];
    return token;
}

std::optional<storage::token_digest> digest_of_token(std::string_view token) {
    std::string text;
    for (const char c : token) {
        if (c == ' ' || c == '-') continue;
        const char lower = protocol::to_lower(c);
        if (letters.find(lower) == std::string_view::npos || text.size() == identity_token_size)
            return std::nullopt;
        text += lower;
    }
    if (text.size() != identity_token_size) return std::nullopt;
    storage::token_digest digest{};
    unsigned int size = 0;
    if (EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
                   EVP_sha256(), nullptr) != 1 ||
        size != digest.size())
        return std::nullopt;
    return digest;
}

} // namespace postern::policy
