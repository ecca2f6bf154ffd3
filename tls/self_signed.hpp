// A certificate of our own for a server that has none: P-256, ten years, for one host name.
#pragma once

#include "conf/config.hpp"
#include "protocol/result.hpp"

#include <cstdint>
#include <string>

namespace postern::tls {

// <folder>/self-signed.crt and .key (mode 0600): used again while they match the host name and are valid for
// 30 more days, else made anew, P-256, from an hour ago for ten years (both written beside the old ones and
// renamed). `made` says which. The folder is made when it is missing (mode 0700), not its parents. A host
// name that is no domain name becomes a common name only.
result<conf::certificate_settings>
self_signed_certificate(const std::string& folder, const std::string& hostname, std::int64_t now, bool& made);
// Where it is or will be.
conf::certificate_settings self_signed_files(const std::string& folder);

} // namespace postern::tls
