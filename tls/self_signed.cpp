#include "tls/self_signed.hpp"

#include "tls/certificate.hpp"
#include "tls/file_io.hpp"
#include "tls/name_table.hpp"

#include <algorithm>
#include <cerrno>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

namespace postern::tls {
namespace {

constexpr std::size_t common_name_max = 64; // RFC 5280 appendix A.1, ub-common-name
constexpr int serial_bits = 128;
constexpr std::int64_t hour = 3600;
constexpr std::int64_t day = 24 * hour;
constexpr std::int64_t renew_before = 30 * day;
constexpr std::int64_t lifetime = 3652 * day; // ten years

struct free_number {
    void operator()(BIGNUM* owned) const { BN_free(owned); }
};
struct free_extension {
    void operator()(X509_EXTENSION* owned) const { X509_EXTENSION_free(owned); }
};
struct free_time {
    void operator()(ASN1_TIME* owned) const { ASN1_TIME_free(owned); }
};

// OpenSSL fails here only for want of memory or random numbers.
boost::system::error_code out_of_means() {
    return make_error_code(boost::system::errc::resource_unavailable_try_again);
}

std::string common_name(const std::string& hostname) {
    std::string name = hostname.substr(0, common_name_max);
    const auto odd = [](char octet) { return octet < ' ' || octet > '~'; };
    std::replace_if(name.begin(), name.end(), odd, '?');
    return name.empty() ? "localhost" : name;
}

std::vector<std::string> names_for(const std::string& hostname) {
    return {lower_case(is_host_name(hostname) ? hostname : common_name(hostname))};
}

bool still_serves(const conf::certificate_settings& files, const std::string& hostname, std::int64_t now) {
    std::vector<certificate_flaw> flaws;
    const std::optional<certificate> loaded = read_certificate(files, flaws);
    return loaded && loaded->names == names_for(hostname) && !validity_problem(*loaded, now) &&
           loaded->not_after >= now + renew_before;
}

bool set_serial(X509* made) {
    const std::unique_ptr<BIGNUM, free_number> number(BN_new());
    return number && BN_rand(number.get(), serial_bits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
           BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(made)) != nullptr;
}

bool set_validity(X509* made, std::int64_t now) {
    const std::unique_ptr<ASN1_TIME, free_time> from(ASN1_TIME_set(nullptr, now - hour));
    const std::unique_ptr<ASN1_TIME, free_time> until(ASN1_TIME_set(nullptr, now + lifetime));
    return from && until && X509_set1_notBefore(made, from.get()) == 1 &&
           X509_set1_notAfter(made, until.get()) == 1;
}

bool set_names(X509* made, const std::string& hostname) {
    const std::string name = common_name(hostname);
    const auto* const octets = reinterpret_cast<const unsigned char*>(name.data());
    X509_NAME* const subject = X509_get_subject_name(made); // `made` keeps it
    return X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, octets,
                                      static_cast<int>(name.size()), -1, 0) == 1 &&
           X509_set_issuer_name(made, subject) == 1;
}

bool add_extension(X509* made, int kind, const std::string& value) {
    const std::unique_ptr<X509_EXTENSION, free_extension> extension(
        X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
    return extension && X509_add_ext(made, extension.get(), -1) == 1;
}

bool add_extensions(X509* made, const std::string& hostname) {
    return add_extension(made, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(made, NID_key_usage, "critical,digitalSignature") &&
           add_extension(made, NID_ext_key_usage, "serverAuth") &&
           // A host name that passed is_host_name() has nothing that this little language of OpenSSL's could
           // misread.
           (!is_host_name(hostname) ||
            add_extension(made, NID_subject_alt_name, "DNS:" + lower_case(hostname)));
}

x509_handle make_certificate(EVP_PKEY* key, const std::string& hostname, std::int64_t now) {
    x509_handle made(X509_new());
    const bool complete = made && X509_set_version(made.get(), X509_VERSION_3) == 1 &&
                          set_serial(made.get()) && set_validity(made.get(), now) &&
                          set_names(made.get(), hostname) && X509_set_pubkey(made.get(), key) == 1 &&
                          add_extensions(made.get(), hostname) &&
                          X509_sign(made.get(), key, EVP_sha256()) > 0;
    return complete ? std::move(made) : nullptr;
}

std::string_view content_of(BIO* memory) {
    char* start = nullptr;
    const long size = BIO_get_mem_data(memory, &start);
    return {start, static_cast<std::size_t>(size)};
}

result<void> write_pair(const conf::certificate_settings& files, EVP_PKEY* key, X509* made) {
    const bio_handle key_text(BIO_new(BIO_s_secmem()));
    const bio_handle text(BIO_new(BIO_s_mem()));
    if (!key_text || !text ||
        PEM_write_bio_PrivateKey(key_text.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
        PEM_write_bio_X509(text.get(), made) != 1) {
        return out_of_means();
    }
    // A crash between the two leaves a pair that doesn't match: the next start sees that and makes both anew.
    if (auto written = replace_file(files.key, content_of(key_text.get()), 0600); !written) return written;
    return replace_file(files.cert, content_of(text.get()), 0644);
}

} // namespace

conf::certificate_settings self_signed_files(const std::string& folder) {
    return {folder + "/self-signed.crt", folder + "/self-signed.key"};
}

result<conf::certificate_settings> self_signed_certificate(const std::string& folder,
                                                           const std::string& hostname, std::int64_t now,
                                                           bool& made) {
    made = false;
    const auto files = self_signed_files(folder);
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
        return boost::system::error_code(errno, boost::system::system_category());
    }
    if (still_serves(files, hostname, now)) return files;
    const key_handle key(EVP_EC_gen("P-256"));
    if (!key) return out_of_means();
    const x509_handle issued = make_certificate(key.get(), hostname, now);
    if (!issued) return out_of_means();
    if (const auto written = write_pair(files, key.get(), issued.get()); !written) return written.error();
    made = true;
    return files;
}

} // namespace postern::tls
