// Versions, of Postern and of what it was built with; of shared libraries the one that is loaded now.
#include "server/version.hpp"

#include <CLI/Version.hpp>
#include <boost/version.hpp>
#include <crypt.h>
#include <fmt/core.h>
#include <idn2.h>
#include <lmdb.h>
#include <openssl/crypto.h>
#include <toml++/impl/version.h>

#ifndef POSTERN_VERSION
#error "POSTERN_VERSION is set by CMakeLists.txt from project()"
#endif

namespace postern::server {

std::string_view version() { return POSTERN_VERSION; }

std::string version_report() {
    std::string report = fmt::format("postern {}\n", version());
    report += fmt::format("build {}\n", POSTERN_BUILD_TYPE);
    report += fmt::format("compiler {}\n", __VERSION__);
    report += fmt::format("openssl {}\n", OpenSSL_version(OPENSSL_VERSION_STRING));
    report += fmt::format("lmdb {}\n", mdb_version(nullptr, nullptr, nullptr));
    report += fmt::format("boost {}.{}.{}\n", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000,
                          BOOST_VERSION % 100);
    report += fmt::format("fmt {}.{}.{}\n", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100);
    report += fmt::format("toml++ {}.{}.{}\n", TOML_LIB_MAJOR, TOML_LIB_MINOR, TOML_LIB_PATCH);
    report += fmt::format("cli11 {}\n", CLI11_VERSION);
    report += fmt::format("libidn2 {}\n", idn2_check_version(nullptr));
    report += fmt::format("libxcrypt {}\n", XCRYPT_VERSION_STR);
    return report;
}

} // namespace postern::server
