#include "policy/submission/keyed_digest.hpp"

#include <cstdint>
#include <cstring>
#include <new>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string>

namespace postern::policy {

digest keyed_digest(std::string_view key, std::initializer_list<std::string_view> parts) {
    std::size_t octets = 0;
    for (const auto part : parts) octets += sizeof(std::uint64_t) + part.size();
    std::string all;
    all.reserve(octets); // so that no copy of a password is left behind
    for (const auto part : parts) {
        std::array<char, sizeof(std::uint64_t)> size{};
        const std::uint64_t number = part.size();
        std::memcpy(size.data(), &number, size.size());
        all.append(size.data(), size.size()).append(part);
    }
    digest made{};
    unsigned length = 0;
    const auto* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                            reinterpret_cast<const unsigned char*>(all.data()), all.size(),
                            reinterpret_cast<unsigned char*>(made.data()), &length);
    ::explicit_bzero(all.data(), all.size());
    if (done == nullptr || length != made.size()) throw std::bad_alloc();
    return made;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace postern::policy
