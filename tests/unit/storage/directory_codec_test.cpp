#include "storage/tables/directory_codec.hpp"

#include <catch2/catch.hpp>

using namespace postern::storage;
using postern::result;

namespace {

const mailbox_record full{"u@f.test", 0x0102030405060708, false, "$y$secret",
                          -2,         {"Buy now", "x"},   true,  "4096,s,k,k"};
const mailbox_record without_scram{"u@f.test", 0x0102030405060708, false, "$y$secret",
                                   -2,         {"Buy now", "x"},   true,  ""};
const mailbox_record plain{"u@f.test", 0x0102030405060708, false, "$y$secret", -2, {}, false};

template <class Record>
void check_cuts(const std::string& value, result<Record> (*decode)(std::string_view, std::string_view)) {
    REQUIRE(decode("k", value).has_value());
    for (std::size_t size = 0; size < value.size(); ++size) {
        INFO(size);
        CHECK(decode("k", value.substr(0, size)).error() == storage_errc::corrupt);
    }
    CHECK(decode("k", value + '\0').error() == storage_errc::corrupt);
}

} // namespace

TEST_CASE("a record cut anywhere or followed by octets is corrupt, never a shorter record", "[directory]") {
    check_cuts(encode_mailbox(full).value(), decode_mailbox);
    check_cuts(encode_mailbox(without_scram).value(), decode_mailbox);
    check_cuts(encode_mailbox(plain).value(), decode_mailbox);
    check_cuts(encode_domain({"f.test", "tier", "g.test"}).value(), decode_domain);
}

TEST_CASE("records decode to what was encoded", "[directory]") {
    const auto mailbox = decode_mailbox(full.address, encode_mailbox(full).value()).value();
    CHECK(mailbox.address == full.address);
    CHECK(mailbox.quota == full.quota);
    CHECK(mailbox.antispam == full.antispam);
    CHECK(mailbox.password == full.password);
    CHECK(mailbox.created == full.created);
    CHECK(mailbox.subject_phrases == full.subject_phrases);
    CHECK(mailbox.accept_redirected);
    CHECK(mailbox.scram == full.scram);
    const auto domain = decode_domain("f.test", encode_domain({"f.test", "c", "g.test"}).value()).value();
    CHECK(domain.name == "f.test");
    CHECK(domain.tier == "c");
    CHECK(domain.alias_of == "g.test");
}

TEST_CASE("a mailbox that uses nothing new is written as the version before wrote it", "[directory]") {
    const auto value = encode_mailbox(plain).value();
    CHECK(value == std::string("\1\1\2\3\4\5\6\7\x08\0\xff\xff\xff\xff\xff\xff\xff\xfe\0\x09$y$secret", 29));
    const auto mailbox = decode_mailbox("u@f.test", value).value();
    CHECK(mailbox.subject_phrases.empty());
    CHECK_FALSE(mailbox.accept_redirected);
    CHECK(mailbox.scram.empty());
    CHECK(encode_mailbox(without_scram).value().front() == 2);
    CHECK(decode_mailbox("u@f.test", encode_mailbox(without_scram).value()).value().scram.empty());
    CHECK(encode_mailbox(full).value().front() == 3);
    auto keys_alone = plain;
    keys_alone.scram = "4096,s,k,k";
    CHECK(decode_mailbox("u@f.test", encode_mailbox(keys_alone).value()).value().scram == "4096,s,k,k");
}

TEST_CASE("subject phrases beyond their limits are neither stored nor read", "[directory]") {
    auto record = full;
    record.subject_phrases.assign(subject_phrases_max, std::string(subject_phrase_max, 'x'));
    CHECK(decode_mailbox("k", encode_mailbox(record).value()).value().subject_phrases ==
          record.subject_phrases);
    record.subject_phrases.push_back("x");
    CHECK(encode_mailbox(record).error() == storage_errc::invalid);
    record.subject_phrases = {std::string(subject_phrase_max + 1, 'x')};
    CHECK(encode_mailbox(record).error() == storage_errc::invalid);
    record.subject_phrases = {""};
    CHECK(encode_mailbox(record).error() == storage_errc::invalid);
    CHECK(
        decode_mailbox("k", encode_mailbox(plain).value().replace(0, 1, 1, '\2') + std::string("\0\1\0\0", 4))
            .error() == storage_errc::corrupt);
}

TEST_CASE("a record of a later version is told apart from a damaged one", "[directory]") {
    auto value = encode_mailbox(full).value();
    value[0] = 5;
    CHECK(decode_mailbox("k", value).error() == storage_errc::newer_format);
    value[0] = static_cast<char>(0xff);
    CHECK(decode_mailbox("k", value).error() == storage_errc::newer_format);
    value[0] = 0;
    CHECK(decode_mailbox("k", value).error() == storage_errc::corrupt);
    CHECK(decode_domain("k", "\x03").error() == storage_errc::newer_format);
}

TEST_CASE("a flag of a mailbox is 0 or 1", "[directory]") {
    auto value = encode_mailbox(full).value();
    value[9] = 2; // version, quota, then the flag
    CHECK(decode_mailbox("k", value).error() == storage_errc::corrupt);
}

TEST_CASE("a field beyond its limit is not stored", "[directory]") {
    auto record = full;
    record.password.assign(password_max, 'x');
    CHECK(decode_mailbox("k", encode_mailbox(record).value()).value().password == record.password);
    record.password += 'x';
    CHECK(encode_mailbox(record).error() == storage_errc::invalid);
    record.password = "x";
    record.scram.assign(scram_max, 'x');
    CHECK(decode_mailbox("k", encode_mailbox(record).value()).value().scram == record.scram);
    record.scram += 'x';
    CHECK(encode_mailbox(record).error() == storage_errc::invalid);
    CHECK(encode_domain({"f.test", std::string(600, 't'), ""}).error() == storage_errc::invalid);
    CHECK(encode_domain({"f.test", "", std::string(600, 't')}).error() == storage_errc::invalid);
}

TEST_CASE("a length in a record beyond the limit is corrupt even where the octets are there", "[directory]") {
    std::string value = "\x01";
    value += std::string("\x04\x01", 2) + std::string(1025, 't') + std::string(2, '\0');
    CHECK(decode_domain("k", value).error() == storage_errc::corrupt);
}

TEST_CASE("a limit of its own is kept, and a record without one is what older programs read") {
    mailbox_record one;
    one.address = "u@a.test";
    const auto without = encode_mailbox(one);
    REQUIRE(without.has_value());
    CHECK(without->front() == 1);
    CHECK(decode_mailbox(one.address, *without)->hourly_limit == 0);
    one.hourly_limit = 1'000'000;
    CHECK(decode_mailbox(one.address, *encode_mailbox(one))->hourly_limit == 1'000'000);
    CHECK(decode_mailbox(one.address, encode_mailbox(one)->substr(0, encode_mailbox(one)->size() - 1))
              .error() == storage_errc::corrupt);
    domain_record of_all{.name = "a.test", .tier = "d", .alias_of = "", .hourly_limit = 0};
    CHECK(encode_domain(of_all)->front() == 1);
    of_all.hourly_limit = 7;
    CHECK(decode_domain("a.test", *encode_domain(of_all))->hourly_limit == 7);
}
