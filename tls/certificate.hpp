// A certificate with its chain and private key, read from PEM files. Says everything that is wrong with them;
// never asks for a password, never waits.
#pragma once

#include "conf/config.hpp"
#include "tls/handles.hpp"

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

// Why it can't be used at `now`: "expired on 2024-05-01: renew it".
std::optional<std::string> validity_problem(const certificate& loaded, std::int64_t now);

} // namespace postern::tls
