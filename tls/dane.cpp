#include "tls/dane.hpp"

#include "tls/certificate.hpp"
#include "tls/handles.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

namespace postern::tls {
using protocol::tlsa_record;

namespace {

// RFC 6698 §2.1, with the names of RFC 7218.
constexpr std::uint8_t dane_ta = 2, dane_ee = 3;
constexpr std::uint8_t whole_certificate = 0, public_key = 1;
constexpr std::uint8_t whole_data = 0, sha2_256 = 1, sha2_512 = 2;
constexpr std::size_t sha2_256_octets = 32, sha2_512_octets = 64;

bool is_certificate(const std::vector<std::uint8_t>& der) {
    const unsigned char* at = der.data();
    const x509_handle read(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
    return read && at == der.data() + der.size() && X509_get0_pubkey(read.get()) != nullptr;
}

bool is_public_key(const std::vector<std::uint8_t>& der) {
    const unsigned char* at = der.data();
    const key_handle read(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
    return read && at == der.data() + der.size();
}

bool has_fit_data(const tlsa_record& record) {
    switch (record.matching_type) {
    case whole_data:
        if (record.data.empty()) return false;
        return record.selector == whole_certificate ? is_certificate(record.data)
                                                    : is_public_key(record.data);
    case sha2_256: return record.data.size() == sha2_256_octets;
    case sha2_512: return record.data.size() == sha2_512_octets;
    default: return false;
    }
}

bool is_usable(const tlsa_record& record) {
    if (record.usage != dane_ta && record.usage != dane_ee) return false;
    if (record.selector != whole_certificate && record.selector != public_key) return false;
    return has_fit_data(record);
}

struct free_octets {
    void operator()(unsigned char* owned) const { OPENSSL_free(owned); }
};

std::vector<std::uint8_t> association(const tlsa_record& record, x509_st* of) {
    unsigned char* raw = nullptr;
    const int size = record.selector == whole_certificate ? i2d_X509(of, &raw)
                                                          : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(of), &raw);
    const std::unique_ptr<unsigned char, free_octets> der(raw);
    if (size <= 0) return {};
    std::vector<std::uint8_t> made(raw, raw + size);
    if (record.matching_type == whole_data) return made;
    std::vector<std::uint8_t> digest(EVP_MAX_MD_SIZE);
    unsigned octets = 0;
    const auto* const by = record.matching_type == sha2_256 ? EVP_sha256() : EVP_sha512();
    if (EVP_Digest(made.data(), made.size(), digest.data(), &octets, by, nullptr) != 1) return {};
    digest.resize(octets);
    return digest;
}

// RFC 7671 §9: another digest of the same usage and selector is stronger. Whole data are none.
bool is_outdone(const tlsa_record& one, const std::vector<tlsa_record>& all) {
    if (one.matching_type == whole_data) return false;
    return std::ranges::any_of(all, [&](const tlsa_record& other) {
        return other.usage == one.usage && other.selector == one.selector &&
               other.matching_type > one.matching_type;
    });
}

} // namespace

tlsa_choice choose_tlsa(const std::vector<tlsa_record>& published) {
    tlsa_choice made;
    if (published.empty()) return made;
    std::vector<tlsa_record> fit;
    for (const auto& one : published)
        if (is_usable(one) && std::ranges::find(fit, one) == fit.end()) fit.push_back(one);
    for (const auto& one : fit)
        if (!is_outdone(one, fit)) made.usable.push_back(one);
    made.what = made.usable.empty() ? tlsa_standing::unusable : tlsa_standing::usable;
    return made;
}

bool fits(const tlsa_record& record, const certificate& shown) {
    if (!is_usable(record)) return false;
    if (record.usage == dane_ee) return association(record, shown.leaf.get()) == record.data;
    return std::ranges::any_of(
        shown.chain, [&](const x509_handle& one) { return association(record, one.get()) == record.data; });
}

std::string tlsa_words(const tlsa_record& record) {
    const char* const usage = record.usage == dane_ee   ? "DANE-EE"
                              : record.usage == dane_ta ? "DANE-TA"
                                                        : "TLSA";
    return fmt::format("{} {} {} {}", usage, record.usage, record.selector, record.matching_type);
}

} // namespace postern::tls
