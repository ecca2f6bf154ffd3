// A certificate with its chain and private key, read from PEM files. Says everything that is wrong with them;
// never asks for a password, never waits.
#pragma once

#include "conf/config.hpp"
#include "tls/handles.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace postern::tls {

struct certificate {
    x509_handle leaf;
    std::vector<x509_handle> chain; // what follows the leaf in the file, in the file's order
    key_handle key;
    std::vector<std::string>
        names; // dNSNames, or the common name when it has no alternative names; lower case, sorted, once each
    std::int64_t not_before = 0; // unix seconds
    std::int64_t not_after = 0;
};

enum class certificate_file { cert, key };

struct certificate_flaw {
    certificate_file where = certificate_file::cert;
    std::string problem; // what is wrong and the cure, one line
};

// Nothing is returned when there is any flaw in the files. Validity is not looked at.
std::optional<certificate> read_certificate(const conf::certificate_settings& files,
                                            std::vector<certificate_flaw>& flaws);

// The certificate alone: `key` stays null, and nothing is said of it. For those who may not read keys.
std::optional<certificate> read_public_part(const std::string& cert_file,
                                            std::vector<certificate_flaw>& flaws);

// SHA-256 of its SubjectPublicKeyInfo: the data of TLSA records with selector 1 and matching type 1 (RFC 6698
// §2.1). The same for every certificate of one key. Throws std::bad_alloc.
std::array<std::uint8_t, 32> public_key_digest(const certificate& loaded);

// The same of a key in a PEM file, private or public; nullopt: `problem` is what is wrong with it, one line.
std::optional<std::array<std::uint8_t, 32>> key_file_digest(const std::string& file, std::string& problem);

// Why it can't be used at `now`: "expired on 2024-05-01: renew it".
std::optional<std::string> validity_problem(const certificate& loaded, std::int64_t now);

} // namespace postern::tls
