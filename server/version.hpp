// What this build is. The version comes from CMake's project(); the libraries say their own.
#pragma once

#include <string>
#include <string_view>

namespace postern::server {

std::string_view version(); // "0.1.0"

// `postern version`: one "name value" a line.
std::string version_report();

} // namespace postern::server
