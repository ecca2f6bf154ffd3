// Stored settings of every kind that is read, each made by another program, and those that are refused.
#include "policy/submission/credentials.hpp"

#include "policy/password.hpp"
#include "policy/submission/decoys.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace postern::policy;
using postern::protocol::sasl::secret;

namespace {

const secret password("Zwölf graue Räder");
const std::string sha512 =
    "$6$abcdefghijklmnop$j.W/uLPjI7FpyuNykFn0DupBjDAUU7Cf8GrjITtxVmoDajwFHK8TrbD2eXCB.JdWBDBP4RZwHd0."
    "SipU48aP10";
const std::string bcrypt = "$2y$05$abcdefghijklmnopqrstuuXAVRtf8fCNUPE0CUHIMe809LUNX9kSa";
const std::string sha256 = "$5$abcdefghijklmnop$o8.IV5Uj4jYdKrd1zCMrZX.1cPoPgsSXnO68j3vVmBB";
const std::string yescrypt = "$y$j75$abcdefghijklmnopqrstu.$2JNmqgRVpDAAY7tqdaYpp9Z7T/vPy1t3w8mNO4QdjUA";

const std::string settings[] = {
    sha512,
    "$6$rounds=10000$abcdefgh$fbzmQ6YB47bYqdtmzSVEBL8.BOfgvGEkemVLsfsXtGHKpqI3eDX2CSs/"
    "0xrGTmOz5T90ZuZVyT1S1TwRSsuL21",
    sha256,
    "$2b$05$abcdefghijklmnopqrstuuXAVRtf8fCNUPE0CUHIMe809LUNX9kSa",
    bcrypt,
    "$2a$05$abcdefghijklmnopqrstuuXAVRtf8fCNUPE0CUHIMe809LUNX9kSa",
    yescrypt,
    "$7$BU..../....abcdefghijklmnop$ylFl2FWWudRun9zGfFzmZvg/zqEeN6We1W.m1hvO2e4",
    "{SSHA512}nmnSsWp28/E8aBJnFCIyApf43njcngjdBTBn30RabTK1T6MhGKa+KuSVoXd1v0hdOvpblvVBndeU567X+6UJJ3NhbHQ=",
    "{ssha256.b64}CLVDx+DxJj6Uk8YQ3r46Sq+tNFU8/iVDbhIBB7nO65RzYWx0",
    "{SSHA256}CLVDx+DxJj6Uk8YQ3r46Sq+tNFU8/iVDbhIBB7nO65RzYWx0",
    "{CRYPT}" + sha512,
    "{CRYPT}" + yescrypt,
    "{BLF-CRYPT}" + bcrypt,
    "{SHA512-CRYPT}" + sha512,
    "{sha256-crypt}" + sha256,
};

} // namespace

TEST_CASE("a password is right for its setting of whatever kind, another is wrong", "[credentials]") {
    for (const auto& stored : settings) {
        INFO(stored);
        CHECK(setting_problem(stored).empty());
        CHECK(check_password(password, stored) == password_match::right);
        CHECK(check_password(secret("Zwölf graue Räde"), stored) == password_match::wrong);
        CHECK(check_password(secret("Zwölf graue Räder "), stored) == password_match::wrong);
        CHECK(check_password(secret("zwölf graue räder"), stored) == password_match::wrong);
    }
}

TEST_CASE("a setting that was changed is not right any more", "[credentials]") {
    for (const auto& stored : settings)
        for (const std::size_t from_end : {1U, 8U, 20U}) {
            if (stored.ends_with("c2FsdA==") && from_end == 1) continue;
            auto changed = stored;
            auto& c = changed[changed.size() - from_end];
            c = c == 'x' ? 'y' : 'x';
            INFO(changed);
            CHECK(check_password(password, changed) != password_match::right);
        }
}

TEST_CASE("keys of SCRAM alone are a setting too", "[credentials]") {
    using namespace postern::protocol::sasl;
    const auto keys = make_scram_keys("Zwölf graue Räder", "salt of the user", 4096).value();
    const auto stored = "{SCRAM-SHA-256}" + to_text(keys);
    CHECK(setting_problem(stored).empty());
    CHECK(check_password(password, stored) == password_match::right);
    CHECK(check_password(secret("other"), stored) == password_match::wrong);
    CHECK(check_password(password, decoy_of(stored)) == password_match::wrong);
}

TEST_CASE("what can't be judged is refused with the reason, and never right", "[credentials]") {
    const struct {
        std::string stored;
        const char* reason;
    } cases[] = {
        {"", "empty"},
        {"garbage", "begins with"},
        {"Zwölf graue Räder", "begins with"},
        {"abcdefghijklm", "begins with"},
        {"$1$abcdefgh$ZfBcYbRyu8hEjD5Z7tzGr/", "begins with"},
        {"$2x$05$abcdefghijklmnopqrstuuXAVRtf8fCNUPE0CUHIMe809LUNX9kSa", "begins with"},
        {"$sha1$1000$abc$abcdefghijklmnopqrstuvwxyz01", "begins with"},
        {"$2y$31$abcdefghijklmnopqrstuuXAVRtf8fCNUPE0CUHIMe809LUNX9kSa", "cost"},
        {"$2y$15$abcdefghijklmnopqrstuuXAVRtf8fCNUPE0CUHIMe809LUNX9kSa", "cost"},
        {"$2y$5$abcdefghijklmnopqrstuuXAVRtf8fCNUPE0CUHIMe809LUNX9kSa", "cost"},
        {"$6$rounds=99999999$abcdefgh$" + std::string(86, 'x'), "rounds"},
        {"$6$rounds=x$abcdefgh$" + std::string(86, 'x'), "rounds"},
        {"$y$jZT$abcdefghijklmnopqrstu.$" + std::string(43, 'x'), "cost"},
        {"$y$$$", "cost"},
        {"$7$ZU..../....abcdefgh$" + std::string(43, 'x'), "cost"},
        {"$6$abcdefgh", "no hash"},
        {"$6$abcdefgh$", "no hash"},
        {"$y$j9T$abcdefghijklmnopqrstu.", "no hash"},
        {bcrypt.substr(0, 59), "no hash"},
        {"{CRYPT}", "begins with"},
        {"{CRYPT}{CRYPT}" + sha512, "begins with"},
        {"{BLF-CRYPT}" + sha512, "prefix"},
        {"{SHA512-CRYPT}" + sha256, "prefix"},
        {"{CRYPT.B64}" + sha512, "encoding"},
        {"{SSHA512}" + std::string(88, 'A'), "base64"}, // 66 octets, but see below
        {"{SSHA512}AAAA", "base64"},
        {"{SSHA512.HEX}00", "encoding"},
        {"{SSHA512}not base64", "base64"},
        {"{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$abc$def", "Argon2"},
        {"{ARGON2I}x", "Argon2"},
        {"{MD5-CRYPT}$1$abc$def", "weak"},
        {"{PLAIN}Zwölf graue Räder", "password itself"},
        {"{NTLM}abc", "not known"},
        {"{", "}"},
        {"{}x", "not known"},
        {"{SCRAM-SHA-256}4096,abc", "iterations"},
        {"$6$abc;efgh$" + std::string(86, 'x'), "character"},
        {std::string("$6$abc\0efgh$", 12) + std::string(86, 'x'), "character"},
        {"$6$" + std::string(2000, 'x'), "longer"},
    };
    for (const auto& row : cases) {
        INFO(row.stored << ": " << setting_problem(row.stored));
        if (row.stored == "{SSHA512}" + std::string(88, 'A')) {
            CHECK(setting_problem(row.stored).empty()); // 64 octets of hash and two of salt
            continue;
        }
        CHECK(setting_problem(row.stored).find(row.reason) != std::string::npos);
        CHECK(check_password(password, row.stored) != password_match::right);
    }
}

TEST_CASE("a decoy costs the same and opens to nobody", "[credentials]") {
    for (const auto& stored : settings) {
        const auto decoy = decoy_of(stored);
        INFO(stored << " -> " << decoy);
        CHECK_FALSE(decoy.empty());
        CHECK(decoy != stored);
        CHECK(cost_of(decoy) == cost_of(stored));
        CHECK(check_password(password, decoy) == password_match::wrong);
        CHECK(check_password(secret("other"), decoy) == password_match::wrong);
    }
    CHECK(cost_of(bcrypt) == "$2y$05");
    CHECK(cost_of("{CRYPT}" + sha512) == cost_of(sha512));
    CHECK(cost_of(sha512) != cost_of(settings[1]));
    CHECK(decoy_of("garbage").empty());
    CHECK(cost_of("garbage").empty());
}

TEST_CASE("an unknown login is checked against what new passwords are, when there are no accounts",
          "[credentials]") {
    const decoys none("key");
    const auto fresh = hash_password("some password of somebody").value();
    CHECK(cost_of(none.setting_for("u@f.test")) == cost_of(fresh));
    CHECK(check_password(password, none.setting_for("u@f.test")) == password_match::wrong);
}

TEST_CASE("an unknown login has one kind for good, as often as the accounts have it", "[credentials]") {
    decoys mixed("key");
    for (int i = 0; i < 30; ++i) mixed.count(sha512);
    for (int i = 0; i < 10; ++i) mixed.count(bcrypt);
    mixed.count("");
    mixed.count("garbage");
    decoys again("key");
    for (int i = 0; i < 10; ++i) again.count(bcrypt);
    for (int i = 0; i < 30; ++i) again.count(sha512);
    int slow = 0, differ = 0;
    const decoys other("another key");
    for (int i = 0; i < 1000; ++i) {
        const auto login = "u" + std::to_string(i) + "@f.test";
        const auto setting = mixed.setting_for(login);
        CHECK(cost_of(setting) == cost_of(again.setting_for(login)));
        slow += cost_of(setting) == cost_of(bcrypt) ? 1 : 0;
        differ += mixed.keys_for(login) == other.keys_for(login) ? 0 : 1;
    }
    CHECK(slow > 200);
    CHECK(slow < 300);
    mixed.count(bcrypt); // and hardly anybody's kind is another
    int moved = 0;
    for (int i = 0; i < 1000; ++i) {
        const auto login = "u" + std::to_string(i) + "@f.test";
        moved += cost_of(mixed.setting_for(login)) == cost_of(again.setting_for(login)) ? 0 : 1;
    }
    CHECK(moved < 60);
    CHECK(differ == 1000);
}

TEST_CASE("the keys of an unknown login look like anybody's, and stay", "[credentials]") {
    const decoys made("key");
    const auto keys = made.keys_for("u@f.test");
    CHECK((keys == decoys("key").keys_for("u@f.test")));
    CHECK((postern::protocol::sasl::parse_scram_keys(postern::protocol::sasl::to_text(keys)) == keys));
    CHECK(keys.iterations == postern::protocol::sasl::scram_iterations);
    CHECK(keys.salt.size() == postern::protocol::sasl::scram_salt_octets);
    CHECK(keys.salt != made.keys_for("v@f.test").salt);
    CHECK(keys.stored_key != keys.server_key);
}

TEST_CASE("a keyed digest is HMAC-SHA-256 of its parts, which don't run together", "[credentials]") {
    const std::set<digest> different{keyed_digest("k", {"ab", "c"}), keyed_digest("k", {"a", "bc"}),
                                     keyed_digest("k", {"abc"}), keyed_digest("l", {"abc"}),
                                     keyed_digest("k", {"abc", ""})};
    CHECK(different.size() == 5);
    CHECK(keyed_digest("k", {"ab", "c"}) == keyed_digest("k", {"ab", "c"}));
    CHECK(equal_in_constant_time("abc", "abc"));
    CHECK_FALSE(equal_in_constant_time("abc", "abd"));
    CHECK_FALSE(equal_in_constant_time("abc", "ab"));
    CHECK(equal_in_constant_time("", ""));
}
