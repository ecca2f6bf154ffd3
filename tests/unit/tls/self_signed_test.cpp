#include "tls/self_signed.hpp"

#include "tests/unit/tls/tls_peer.hpp"
#include "tls/certificate.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <openssl/ssl.h>
#include <sys/stat.h>

using namespace postern;
using namespace postern::test;
using tls::self_signed_certificate;

namespace {

constexpr std::int64_t year = 365 * test_day;

struct attempt {
    conf::certificate_settings files;
    bool made = false;
};

attempt ask(const std::string& folder, const std::string& hostname, std::int64_t now = test_now) {
    attempt got;
    const auto files = self_signed_certificate(folder, hostname, now, got.made);
    REQUIRE(files.has_value());
    got.files = *files;
    return got;
}

unsigned mode_of(const std::string& path) {
    struct stat facts{};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    return facts.st_mode & 07777U;
}

tls::certificate read(const conf::certificate_settings& files) {
    std::vector<tls::certificate_flaw> flaws;
    auto loaded = tls::read_certificate(files, flaws);
    REQUIRE(loaded);
    return std::move(*loaded);
}

} // namespace

TEST_CASE("a certificate of our own is made once, private, and used again") {
    const temporary_folder base;
    const std::string folder = base.file("tls");
    const attempt first = ask(folder, "MX.example.net");
    CHECK(first.made);
    CHECK(mode_of(folder) == 0700);
    CHECK(mode_of(first.files.key) == 0600);
    CHECK(first.files.cert == folder + "/self-signed.crt");
    CHECK(std::distance(std::filesystem::directory_iterator(folder), {}) == 2); // nothing left beside them
    const tls::certificate loaded = read(first.files);
    CHECK(loaded.names == std::vector<std::string>{"mx.example.net"});
    CHECK(loaded.not_before == test_now - 3600);
    CHECK(loaded.not_after > test_now + 10 * year);
    const std::string before = read_text(first.files.cert);
    CHECK_FALSE(ask(folder, "mx.example.net", test_now + 9 * year).made);
    CHECK(read_text(first.files.cert) == before);
}

TEST_CASE("a certificate of our own is made anew when it no longer serves") {
    const temporary_folder base;
    const std::string folder = base.file("tls");
    const attempt first = ask(folder, "mx.example.net");
    const std::string before = read_text(first.files.cert);
    std::string hostname = "mx.example.net";
    std::int64_t now = test_now;
    SECTION("another host name") { hostname = "other.example.net"; }
    SECTION("29 days left") { now = read(first.files).not_after - 29 * test_day; }
    SECTION("not valid yet: the clock was wrong") { now = test_now - year; }
    SECTION("the key is another's: a crash between the two files") {
        write_text(first.files.key, read_text(issue(base, "x", {.common_name = "x", .names = {}}).key));
    }
    SECTION("damaged") { write_text(first.files.cert, "-----BEGIN CERTIFICATE-----\n"); }
    SECTION("the key is gone") { std::filesystem::remove(first.files.key); }
    SECTION("a half-written file of an earlier crash lies there") {
        std::filesystem::remove(first.files.key);
        write_text(first.files.key + ".new", "half");
    }
    const attempt second = ask(folder, hostname, now);
    CHECK(second.made);
    CHECK(read_text(first.files.cert) != before);
    CHECK(mode_of(second.files.key) == 0600);
    CHECK_FALSE(ask(folder, hostname, now).made);
}

TEST_CASE("host names that are no domain names, and long ones, still get a certificate that is used again") {
    const std::string longest = std::string(63, 'a') + "." + std::string(63, 'b') + ".example.net";
    const std::string hostname =
        GENERATE_COPY(as<std::string>(), longest, "mx,DNS:evil.test", "p\xc5\x99\xc3\xadklad.cz", "",
                      std::string(300, 'x'), "localhost", "a b");
    CAPTURE(hostname);
    const temporary_folder base;
    CHECK(ask(base.file("tls"), hostname).made);
    CHECK_FALSE(ask(base.file("tls"), hostname).made);
    const tls::certificate loaded = read(ask(base.file("tls"), hostname).files);
    REQUIRE(loaded.names.size() == 1);
    CHECK(loaded.names.front() != "evil.test");
    if (hostname == longest) CHECK(loaded.names.front() == longest);
}

TEST_CASE("a folder that can't be made is an error with its reason") {
    const temporary_folder base;
    bool made = true;
    const auto files = self_signed_certificate(base.file("no/such/parent"), "mx.example.net", test_now, made);
    REQUIRE(files.has_error());
    CHECK(files.error().value() == ENOENT);
    CHECK_FALSE(made);
    write_text(base.file("plain"), "");
    CHECK(self_signed_certificate(base.file("plain"), "mx.example.net", test_now, made).has_error());
}

TEST_CASE("a server starts with a certificate of our own") {
    const temporary_folder base;
    const conf::tls_settings settings{"1.2", {ask(base.file("tls"), "mx.example.net").files}};
    std::vector<tls::certificate_problem> problems;
    const auto contexts = tls::server_contexts::load(settings, {{"mx", tls::cipher_policy::strict, nullptr}},
                                                     test_now, problems);
    REQUIRE(contexts);
    CHECK(meet(*contexts, "mx")->done);
}
