// Passwords: the easy ones are refused with a reason, the others are kept as a yescrypt hash that can be
// checked.
#include "policy/password.hpp"

#include "protocol/sasl/scram_keys.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <crypt.h>
#include <memory>

using namespace postern::policy;

namespace {

const std::string owner[] = {"frantisek.novak", "firma.cz", "Pardubice", "Pernštejn"};

bool matches(const std::string& password, const std::string& hash) {
    const auto data = std::make_unique<crypt_data>();
    return crypt_r(password.c_str(), hash.c_str(), data.get()) == hash;
}

} // namespace

TEST_CASE("a password that is easy to guess is refused with the reason", "[password]") {
    const struct {
        std::string password;
        const char* reason;
    } cases[] = {
        {"", "empty"},
        {"password", "common"},
        {"P4ssw0rd", "common"},
        {"qwertyuiop", ""},
        {"aaaaaaaaaaaaaaaa", ""},
        {"abcdefghijkl", "sequence"},
        {"frantisek.novak", "address"},
        {"firma.cz", "address"},
        {"firma1", "address"},
        {"novak2026", "address"},
        {"Pardubice77", "known here"},
        {"Pernštejn1", "known here"},
        {"12.03.1984", ""},
        {"x7#q", "short"},
        {std::string(300, 'x'), "longer than 256"},
        {"tab\there and there", "control"},
        {"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7", "UTF-8"},
        {std::string("nul\0nul and more of it", 22), "control"},
    };
    for (const auto& row : cases) {
        const std::string weakness = password_weakness(row.password, owner);
        INFO(row.password << ": " << weakness);
        CHECK_FALSE(weakness.empty());
        CHECK(weakness.find(row.reason) != std::string::npos);
        if (row.password.size() > 8) CHECK(weakness.find(row.password) == std::string::npos);
    }
}

TEST_CASE("a good password is taken", "[password]") {
    for (const std::string password :
         {"correct horse battery staple", "Zwölf graue Fahrräder", "k7Vq2-mTz9x", "Xkcd!936-Tr0mb0ne"}) {
        INFO(password << ": " << password_weakness(password, owner));
        CHECK(password_weakness(password, owner).empty());
    }
}

TEST_CASE("the estimate of a long password takes no long time", "[password]") {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 20; ++i) password_weakness(std::string(128, 'q') + std::string(128, '1'), owner);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

TEST_CASE("a hash is yescrypt, salted, and checks", "[password]") {
    const auto first = hash_password("Zwölf graue Fahrräder");
    const auto second = hash_password("Zwölf graue Fahrräder");
    REQUIRE(first);
    REQUIRE(second);
    CHECK(first->starts_with("$y$"));
    CHECK(*first != *second);
    CHECK(crypt_checksalt(first->c_str()) == CRYPT_SALT_OK);
    CHECK(matches("Zwölf graue Fahrräder", *first));
    CHECK_FALSE(matches("Zwölf graue Fahrräde", *first));
}

TEST_CASE("keys of SCRAM are made beside the hash, of the same password", "[password]") {
    using namespace postern::protocol::sasl;
    const auto first = store_password("Zwölf graue Fahrräder");
    const auto second = store_password("Zwölf graue Fahrräder");
    REQUIRE(first.has_value());
    REQUIRE(second.has_value());
    CHECK(matches("Zwölf graue Fahrräder", first->setting));
    const auto keys = parse_scram_keys(first->scram);
    REQUIRE(keys);
    CHECK(keys->iterations == scram_iterations);
    CHECK(keys->salt.size() == scram_salt_octets);
    CHECK((make_scram_keys("Zwölf graue Fahrräder", keys->salt).value() == *keys));
    CHECK(first->scram != second->scram);
    // RFC 4013 §2.3: a private-use character; PLAIN takes it all the same.
    const auto without = store_password("Zwölf \xee\x80\x80 graue Fahrräder");
    REQUIRE(without.has_value());
    CHECK(without->scram.empty());
    CHECK(without->setting.starts_with("$y$"));
}
