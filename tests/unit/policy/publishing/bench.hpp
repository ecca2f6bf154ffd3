// A server's configuration, as a file would have it.
#pragma once

#include "conf/load.hpp"

#include <catch2/catch.hpp>

namespace postern::test {

inline conf::config configured(const std::string& more = {}) {
    const auto loaded = conf::load_text("[server]\nhostname = \"mx1.example.net\"\n"
                                        "[[listener]]\nname = \"submissions\"\naddress = \"0.0.0.0:465\"\n"
                                        "role = \"submission\"\ntls = \"implicit\"\n"
                                        "[[listener]]\nname = \"submission\"\naddress = \"0.0.0.0:587\"\n"
                                        "role = \"submission\"\ntls = \"starttls\"\n" +
                                            more,
                                        "x.toml", {"mx1.example.net"});
    for (const auto& one : loaded.findings) UNSCOPED_INFO(one.to_string());
    REQUIRE(loaded.ok());
    return *loaded.snapshot;
}

} // namespace postern::test
