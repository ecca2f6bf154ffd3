#include "tls/published_keys.hpp"

#include "tests/unit/tls/tls_peer.hpp"

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>

using namespace postern;
using namespace postern::test;

namespace {

std::string hex(const std::array<std::uint8_t, 32>& digest) {
    std::string text;
    for (const auto octet : digest) text += fmt::format("{:02x}", octet);
    return text;
}

// What openssl(1) says of the certificate, as every guide to DANE has it.
std::string by_openssl(const std::string& cert) {
    const auto command =
        fmt::format("openssl x509 -in '{}' -noout -pubkey | openssl pkey -pubin -outform DER | "
                    "openssl dgst -sha256 -r",
                    cert);
    FILE* const out = ::popen(command.c_str(), "r");
    REQUIRE(out != nullptr);
    char text[65] = {};
    const auto read = std::fread(text, 1, 64, out);
    ::pclose(out);
    REQUIRE(read == 64);
    return text;
}

struct keys_of_a_server {
    temporary_folder folder;
    conf::tls_settings settings{"1.2", {}};
    std::vector<std::string> flaws;

    std::string add(const std::string& name, std::vector<std::string> names, key_kind kind = key_kind::p256) {
        settings.certificates.push_back(
            issue(folder, name, {.common_name = name, .names = std::move(names), .kind = kind}));
        return settings.certificates.back().cert;
    }
    tls::published_keys load() { return tls::published_keys(settings, flaws); }
};

} // namespace

TEST_CASE("the digest of a key is what openssl makes of it, and the same after renewal with that key") {
    keys_of_a_server with;
    const auto cert = with.add("mx", {"mx.example.net"});
    const auto digests = with.load().digests_for("mx.example.net");
    REQUIRE(digests.size() == 1);
    CHECK(hex(digests[0]) == by_openssl(cert));
    CHECK(with.flaws.empty());
}

TEST_CASE("a name has the keys of all certificates that may answer for it, an unknown one the first's") {
    keys_of_a_server with;
    const auto other = with.add("default", {"default.example.net"});
    const auto wild = with.add("wild", {"*.mx.example.net"});
    const auto wild_rsa = with.add("wild-rsa", {"*.mx.example.net"}, key_kind::rsa2048);
    const auto keys = with.load();
    const auto digests = keys.digests_for("Firma--CZ.mx.example.net");
    REQUIRE(digests.size() == 2);
    CHECK(hex(digests[0]) == by_openssl(wild));
    CHECK(hex(digests[1]) == by_openssl(wild_rsa));
    const auto unknown = keys.digests_for("a.b.mx.example.net");
    REQUIRE(unknown.size() == 1);
    CHECK(hex(unknown[0]) == by_openssl(other));
    CHECK(keys.has_name("firma--cz.mx.example.net"));
    CHECK_FALSE(keys.has_name("a.b.mx.example.net"));
}

TEST_CASE("keys need not be readable, and a certificate that isn't is said and left out") {
    keys_of_a_server with;
    with.add("first", {"first.example.net"});
    const auto second = with.add("second", {"second.example.net"});
    with.settings.certificates[0].cert = with.folder.file("nowhere.crt");
    with.settings.certificates[1].key = with.folder.file("nowhere.key");
    const auto keys = with.load();
    REQUIRE(with.flaws.size() == 1);
    CHECK_THAT(with.flaws[0], Catch::Contains("nowhere.crt: cannot be read"));
    REQUIRE(keys.digests_for("first.example.net").size() == 1);
    CHECK(hex(keys.digests_for("first.example.net")[0]) == by_openssl(second));
    with.settings.certificates.clear();
    CHECK(with.load().digests_for("first.example.net").empty());
}

TEST_CASE("the key that is to come has its digest beside, from a private or a public file") {
    keys_of_a_server with;
    with.add("mx", {"mx.example.net"});
    const auto next = issue(with.folder, "next", {.common_name = "next", .names = {"mx.example.net"}});
    with.settings.certificates[0].next_key = next.key;
    auto digests = with.load().next_digests_for("mx.example.net");
    REQUIRE(digests.size() == 1);
    CHECK(hex(digests[0]) == by_openssl(next.cert));
    const auto pub = with.folder.file("next.pub");
    REQUIRE(::system(fmt::format("openssl pkey -in '{}' -pubout -out '{}'", next.key, pub).c_str()) == 0);
    with.settings.certificates[0].next_key = pub;
    digests = with.load().next_digests_for("mx.example.net");
    REQUIRE(digests.size() == 1);
    CHECK(hex(digests[0]) == by_openssl(next.cert));
    CHECK(with.flaws.empty());
    for (const auto& [file, what] :
         {std::pair{with.folder.file("nowhere.key"), "nowhere.key: cannot be read"},
          std::pair{next.cert, "next.crt: holds no key in PEM"}}) {
        with.flaws.clear();
        with.settings.certificates[0].next_key = file;
        CHECK(with.load().next_digests_for("mx.example.net").empty());
        REQUIRE(with.flaws.size() == 1);
        CHECK_THAT(with.flaws[0], Catch::Contains(what));
    }
}

TEST_CASE("a host is fit when each of its certificates fits a record") {
    keys_of_a_server with;
    with.add("ec", {"mx.example.net"});
    with.add("rsa", {"mx.example.net"}, key_kind::rsa2048);
    const auto keys = with.load();
    const auto digests = keys.digests_for("mx.example.net");
    REQUIRE(digests.size() == 2);
    std::vector<protocol::tlsa_record> records;
    for (const auto& one : digests) records.push_back({3, 1, 1, {one.begin(), one.end()}});
    CHECK(keys.all_fit("mx.example.net", records));
    CHECK_FALSE(keys.all_fit("mx.example.net", {records[0]}));
    CHECK_FALSE(keys.all_fit("mx.example.net", {records[1]}));
    with.settings.certificates.clear();
    CHECK(with.load().all_fit("mx.example.net", {records[0]})); // nothing can be said
}
