// The files that operators get: they must load, and what they say of defaults must be true.
#include "conf/load.hpp"
#include "conf/setting.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

using namespace postern::conf;

namespace {

std::string source_file(const std::string& path) {
    std::ifstream in(std::string{POSTERN_SOURCE_DIR} + "/" + path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// "#key = value", "#"domain" = value", "#SIGN = value" and "#[[section]]" are settings behind a comment sign;
// "# Prose" isn't.
bool is_setting_in_comment(const std::string& line) {
    return line.size() > 1 && line[0] == '#' &&
           (line[1] == '[' || line[1] == '"' || (line[1] >= 'a' && line[1] <= 'z') ||
            (line[1] >= 'A' && line[1] <= 'Z'));
}

std::string with_settings_uncommented(const std::string& text) {
    std::istringstream in(text);
    std::string out;
    for (std::string line; std::getline(in, line);)
        out += (is_setting_in_comment(line) ? line.substr(1) : line) + "\n";
    return out;
}

loaded load(const std::string& toml) {
    auto result = load_text(toml, "shipped.toml", {"mx1.example.com"});
    for (const auto& one : result.findings) UNSCOPED_INFO(one.to_string());
    return result;
}

} // namespace

TEST_CASE("the shipped configuration is the defaults and one listener on port 25") {
    const auto shipped = load(source_file("conf/postern.toml"));
    REQUIRE(shipped.ok());
    CHECK(shipped.findings.empty());
    const auto least = load("[[listener]]\nname = \"mx1\"\naddress = \"0.0.0.0:25\"\n");
    REQUIRE(least.ok());
    CHECK(*shipped.snapshot == *least.snapshot);
}

TEST_CASE("every default that the shipped configuration shows in a comment is the one that counts") {
    const auto shipped = load(source_file("conf/postern.toml"));
    const auto uncommented = load(with_settings_uncommented(source_file("conf/postern.toml")));
    REQUIRE(uncommented.ok());
    // The only things there without a default.
    REQUIRE(uncommented.snapshot->tls.certificates.size() == 1);
    REQUIRE(uncommented.snapshot->dnsbl.zones.size() == 1);
    auto read = *uncommented.snapshot;
    read.tls.certificates.clear();
    read.dnsbl.zones.clear();
    REQUIRE(read.relay.routes.size() == 1);
    read.relay.routes.clear();
    REQUIRE(read.spam.phrases.size() == 1);
    read.spam.phrases.clear();
    REQUIRE(read.spam.weights.size() == 1);
    read.spam.weights.clear();
    std::ranges::sort(read.tiers, {}, &tier_settings::name);
    CHECK(read == *shipped.snapshot);
}

TEST_CASE("every setting is in the shipped configuration, in its section") {
    std::istringstream in(with_settings_uncommented(source_file("conf/postern.toml")));
    std::string section_name;
    std::vector<std::string> keys;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with('['))
            section_name = line.substr(line.rfind('[') + 1, line.find(']') - line.rfind('[') - 1);
        if (section_name.starts_with("tier.")) section_name = "tier";
        if (const auto end = line.find(" = "); end != std::string::npos && line[0] != '#') {
            const bool is_domain = line[0] == '"';
            const bool is_sign = section_name == "spam.weight";
            keys.push_back(section_name + "." +
                           (is_domain ? "DOMAIN"
                            : is_sign ? "SIGN"
                                      : line.substr(0, end)));
        }
    }
    for (const auto& row : all_settings()) {
        const auto key = std::string{row.section} + "." + std::string{row.key};
        CAPTURE(key);
        CHECK(std::count(keys.begin(), keys.end(), key) == 1);
    }
}

TEST_CASE("the loopback example loads once its folder is filled in") {
    auto toml = source_file("conf/examples/loopback.toml.in");
    for (std::size_t at = 0; (at = toml.find("@DIR@", at)) != std::string::npos;)
        toml.replace(at, 5, "/tmp/x");
    const auto result = load(toml);
    REQUIRE(result.ok());
    CHECK(result.findings.empty());
    REQUIRE(result.snapshot->listeners.size() == 1);
    CHECK(result.snapshot->listeners[0].addresses[0].to_string() == "127.0.0.1:0");
    CHECK(result.snapshot->server.state_dir == "/tmp/x/state");
}
