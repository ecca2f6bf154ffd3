#include "tls/certificate.hpp"

#include "tls/file_io.hpp"
#include "tls/name_table.hpp"

#include <algorithm>
#include <ctime>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pemerr.h>
#include <openssl/x509v3.h>

namespace postern::tls {
namespace {

struct free_general_names {
    void operator()(GENERAL_NAMES* owned) const { GENERAL_NAMES_free(owned); }
};
struct free_octets {
    void operator()(unsigned char* owned) const { OPENSSL_free(owned); }
};

std::string openssl_reason() {
    const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason != nullptr ? reason : "unknown reason";
}

bio_handle over(const std::string& text) {
    return bio_handle(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); // at most pem_file_max
}

// OpenSSL would ask the terminal; we note that it wanted to and refuse.
int refuse_password(char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
}

bool at_end_of_pem() {
    const unsigned long code = ERR_peek_last_error();
    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

class reader {
  public:
    explicit reader(std::vector<certificate_flaw>& flaws) : flaws_(flaws) {}

    std::vector<x509_handle> certificates(const std::string& path) {
        std::vector<x509_handle> found;
        const std::optional<std::string> text = file(certificate_file::cert, path);
        if (!text) return found;
        const bio_handle source = over(*text);
        ERR_clear_error();
        while (x509_handle next{PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr)})
            found.push_back(std::move(next));
        if (!at_end_of_pem()) {
            say(certificate_file::cert,
                "holds a damaged certificate (" + openssl_reason() + "): copy the file again");
            found.clear();
        } else if (found.empty()) {
            say(certificate_file::cert,
                "holds no certificate: it must be PEM, beginning with BEGIN CERTIFICATE");
        }
        return found;
    }

    key_handle private_key(const std::string& path) {
        const std::optional<std::string> text = file(certificate_file::key, path);
        if (!text) return nullptr;
        const bio_handle source = over(*text);
        bool asked = false;
        ERR_clear_error();
        key_handle key(PEM_read_bio_PrivateKey(source.get(), nullptr, refuse_password, &asked));
        if (asked) {
            say(certificate_file::key,
                "is protected by a password: store it without one (openssl pkey -in OLD -out NEW)");
        } else if (!key) {
            say(certificate_file::key,
                "holds no private key (" + openssl_reason() + "): it must be PEM, with BEGIN PRIVATE KEY");
        }
        return asked ? nullptr : std::move(key);
    }

    void say(certificate_file where, std::string problem) { flaws_.push_back({where, std::move(problem)}); }

  private:
    std::optional<std::string> file(certificate_file where, const std::string& path) {
        auto content = read_pem_file(path);
        if (content) return std::move(*content);
        std::string problem = "cannot be read: " + content.error().message() + " (" + path + ")";
        if (content.error() == boost::system::errc::permission_denied)
            problem += ": let the server's user read it and enter its folders (chgrp USER, chmod g+r)";
        say(where, std::move(problem));
        return std::nullopt;
    }

    std::vector<certificate_flaw>& flaws_; // the caller of read_certificate() holds it
};

std::string_view text_of(const ASN1_STRING* value) {
    const auto* const octets = ASN1_STRING_get0_data(value);
    return {reinterpret_cast<const char*>(octets), static_cast<std::size_t>(ASN1_STRING_length(value))};
}

std::vector<std::string> common_name(X509* leaf) {
    X509_NAME* const subject = X509_get_subject_name(leaf);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0) return {};
    unsigned char* raw = nullptr;
    const int size = ASN1_STRING_to_UTF8(&raw, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (size < 0) return {};
    const std::unique_ptr<unsigned char, free_octets> octets(raw);
    return {lower_case({reinterpret_cast<const char*>(octets.get()), static_cast<std::size_t>(size)})};
}

std::vector<std::string> names_of(X509* leaf) {
    void* const extension = X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr);
    const std::unique_ptr<GENERAL_NAMES, free_general_names> alternatives(
        static_cast<GENERAL_NAMES*>(extension));
    if (!alternatives) return common_name(leaf);
    std::vector<std::string> names;
    for (int at = 0; at < sk_GENERAL_NAME_num(alternatives.get()); ++at) {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(alternatives.get(), at);
        if (name->type == GEN_DNS) names.push_back(lower_case(text_of(name->d.dNSName)));
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

std::optional<std::int64_t> unix_seconds(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
    return timegm(&parts);
}

std::string date_text(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm parts{};
    char text[32];
    if (gmtime_r(&time, &parts) == nullptr) return "?";
    return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%d", &parts));
}

bool is_usable_type(const EVP_PKEY* key) {
    constexpr int types[] = {EVP_PKEY_EC, EVP_PKEY_RSA, EVP_PKEY_RSA_PSS, EVP_PKEY_ED25519, EVP_PKEY_ED448};
    return std::find(std::begin(types), std::end(types), EVP_PKEY_get_base_id(key)) != std::end(types);
}

// What stands in the certificate itself.
std::optional<certificate> public_part(std::vector<x509_handle> chain, reader& from) {
    if (chain.empty()) return std::nullopt;
    certificate loaded;
    loaded.leaf = std::move(chain.front());
    chain.erase(chain.begin());
    loaded.chain = std::move(chain);
    const auto not_before = unix_seconds(X509_get0_notBefore(loaded.leaf.get()));
    const auto not_after = unix_seconds(X509_get0_notAfter(loaded.leaf.get()));
    if (!not_before || !not_after) {
        from.say(certificate_file::cert, "holds a damaged certificate (its dates): copy the file again");
        return std::nullopt;
    }
    loaded.not_before = *not_before;
    loaded.not_after = *not_after;
    loaded.names = names_of(loaded.leaf.get());
    return loaded;
}

} // namespace

std::optional<certificate> read_certificate(const conf::certificate_settings& files,
                                            std::vector<certificate_flaw>& flaws) {
    reader from(flaws);
    std::vector<x509_handle> chain = from.certificates(files.cert);
    key_handle key = from.private_key(files.key);
    if (chain.empty() || !key) return std::nullopt;
    if (!is_usable_type(key.get())) {
        from.say(certificate_file::key, "is of a type that TLS can't use: make a P-256 or RSA key");
        return std::nullopt;
    }
    if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
        from.say(certificate_file::key, "does not belong to the certificate in " + files.cert +
                                            " (the server's own certificate must be the first in that file)");
        return std::nullopt;
    }
    auto loaded = public_part(std::move(chain), from);
    if (loaded) loaded->key = std::move(key);
    return loaded;
}

std::optional<certificate> read_public_part(const std::string& cert_file,
                                            std::vector<certificate_flaw>& flaws) {
    reader from(flaws);
    return public_part(from.certificates(cert_file), from);
}

namespace {

std::array<std::uint8_t, 32> digest_of(unsigned char* der, int size) {
    const std::unique_ptr<unsigned char, free_octets> octets(der);
    std::array<std::uint8_t, 32> digest{};
    if (size <= 0 || EVP_Digest(octets.get(), static_cast<std::size_t>(size), digest.data(), nullptr,
                                EVP_sha256(), nullptr) != 1)
        throw std::bad_alloc();
    return digest;
}

} // namespace

std::array<std::uint8_t, 32> public_key_digest(const certificate& loaded) {
    unsigned char* raw = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(loaded.leaf.get()), &raw);
    return digest_of(raw, size);
}

std::optional<std::array<std::uint8_t, 32>> key_file_digest(const std::string& file, std::string& problem) {
    const auto text = read_pem_file(file);
    if (!text) {
        problem = "cannot be read: " + text.error().message();
        return std::nullopt;
    }
    bool asked = false;
    key_handle key(PEM_read_bio_PUBKEY(over(*text).get(), nullptr, refuse_password, &asked));
    if (!key) key.reset(PEM_read_bio_PrivateKey(over(*text).get(), nullptr, refuse_password, &asked));
    ERR_clear_error();
    if (!key) {
        problem = asked ? "is encrypted: store it without a password" : "holds no key in PEM";
        return std::nullopt;
    }
    unsigned char* raw = nullptr;
    const int size = i2d_PUBKEY(key.get(), &raw);
    return digest_of(raw, size);
}

std::optional<std::string> validity_problem(const certificate& loaded, std::int64_t now) {
    if (now > loaded.not_after) return "expired on " + date_text(loaded.not_after) + ": renew it";
    if (now < loaded.not_before) {
        return "is not valid before " + date_text(loaded.not_before) +
               ": check this machine's clock, or use another";
    }
    return std::nullopt;
}

} // namespace postern::tls
