// TL-09: which TLSA records count.
#include "tls/dane.hpp"

#include "tests/unit/tls/dane_peer.hpp"
#include "tls/certificate.hpp"

#include <catch2/catch.hpp>

using namespace postern;
using namespace postern::test;
using protocol::tlsa_record;
using tls::tlsa_standing;

namespace {

tlsa_record with(int usage, int selector, int type, std::size_t octets) {
    return {static_cast<std::uint8_t>(usage), static_cast<std::uint8_t>(selector),
            static_cast<std::uint8_t>(type), std::vector<std::uint8_t>(octets, 7)};
}

bool is_usable(const tlsa_record& one) { return tls::choose_tlsa({one}).usable == std::vector{one}; }

} // namespace

TEST_CASE("without TLSA records nothing is asked for") {
    CHECK(tls::choose_tlsa({}).what == tlsa_standing::none);
}

TEST_CASE("digests of usages 2 and 3 are usable when they have their length", "[TL-09]") {
    for (const int usage : {2, 3}) {
        for (const int selector : {0, 1}) {
            CHECK(is_usable(with(usage, selector, 1, 32)));
            CHECK(is_usable(with(usage, selector, 2, 64)));
            for (const std::size_t wrong : std::initializer_list<std::size_t>{0, 1, 31, 33, 64})
                CHECK_FALSE(is_usable(with(usage, selector, 1, wrong)));
            for (const std::size_t wrong : std::initializer_list<std::size_t>{0, 32, 63, 65})
                CHECK_FALSE(is_usable(with(usage, selector, 2, wrong)));
        }
    }
}

TEST_CASE("records that nobody may use for SMTP, or knows, make TLS a must and prove nothing", "[TL-09]") {
    const std::vector<tlsa_record> useless{with(0, 1, 1, 32),   with(1, 1, 1, 32), with(4, 1, 1, 32),
                                           with(255, 1, 1, 32), with(3, 2, 1, 32), with(3, 1, 3, 32),
                                           with(3, 1, 255, 32), with(3, 1, 1, 0)};
    const auto all = tls::choose_tlsa(useless);
    CHECK(all.what == tlsa_standing::unusable);
    CHECK(all.usable.empty());
    for (const auto& one : useless) CHECK(tls::choose_tlsa({one}).what == tlsa_standing::unusable);
}

TEST_CASE("of a mix only the usable records count, each once", "[TL-09]") {
    const auto good = with(3, 1, 1, 32);
    const auto chosen =
        tls::choose_tlsa({with(1, 1, 1, 32), good, with(3, 1, 1, 20), good, with(3, 1, 9, 0)});
    CHECK(chosen.what == tlsa_standing::usable);
    CHECK(chosen.usable == std::vector{good});
}

TEST_CASE("of the digests of one usage and selector the strongest counts, and whole data beside them") {
    const authority ca("ca");
    const auto weak = with(3, 1, 1, 32), strong = with(3, 1, 2, 64);
    const tlsa_record whole{3, 1, 0, ca.key_der()};
    CHECK(tls::choose_tlsa({weak, strong, whole}).usable == std::vector{strong, whole});
    // Another usage or selector is another matter.
    const auto of_certificate = with(3, 0, 1, 32), of_authority = with(2, 1, 1, 32);
    CHECK(tls::choose_tlsa({strong, of_certificate, of_authority}).usable ==
          std::vector{strong, of_certificate, of_authority});
    // One that can't be used outdoes nothing.
    CHECK(tls::choose_tlsa({weak, with(3, 1, 2, 63)}).usable == std::vector{weak});
}

TEST_CASE("whole data are one certificate or one key in DER, to the last octet", "[TL-09]") {
    const authority ca("ca");
    CHECK(is_usable({2, 0, 0, ca.certificate_der()}));
    CHECK(is_usable({3, 1, 0, ca.key_der()}));
    CHECK_FALSE(is_usable({3, 1, 0, ca.certificate_der()}));
    CHECK_FALSE(is_usable({3, 0, 0, ca.key_der()}));
    CHECK_FALSE(is_usable({3, 0, 0, {}}));
    for (auto der : {ca.certificate_der()}) {
        der.push_back(0);
        CHECK_FALSE(is_usable({2, 0, 0, der}));
        der.resize(der.size() - 2);
        CHECK_FALSE(is_usable({2, 0, 0, der}));
    }
    auto key = ca.key_der();
    key.push_back(0);
    CHECK_FALSE(is_usable({3, 1, 0, key}));
}

TEST_CASE("a certificate fits the records of its key, its octets, and its authority behind it") {
    const temporary_folder folder;
    const auto files = issue(folder, "mx", {"mx.d.test", {"mx.d.test"}});
    const authority ca("ca"), other("other");
    // The authority's certificate in the file, behind the server's own.
    write_text(files.cert, read_text(files.cert) + ca.certificate_pem());
    std::vector<tls::certificate_flaw> flaws;
    const auto shown = tls::read_public_part(files.cert, flaws);
    REQUIRE(shown);
    const auto digest = tls::public_key_digest(*shown);
    CHECK(tls::fits({3, 1, 1, {digest.begin(), digest.end()}}, *shown));
    CHECK_FALSE(tls::fits({2, 1, 1, {digest.begin(), digest.end()}}, *shown));
    CHECK_FALSE(tls::fits({1, 1, 1, {digest.begin(), digest.end()}}, *shown));
    for (const int selector : {0, 1})
        for (const int type : {0, 1, 2}) {
            CHECK(tls::fits(ca.record(2, selector, type), *shown));
            CHECK_FALSE(tls::fits(ca.record(3, selector, type), *shown));
            CHECK_FALSE(tls::fits(other.record(2, selector, type), *shown));
        }
}

TEST_CASE("a record has words for the log") {
    CHECK(tls::tlsa_words(with(3, 1, 1, 32)) == "DANE-EE 3 1 1");
    CHECK(tls::tlsa_words(with(2, 0, 2, 64)) == "DANE-TA 2 0 2");
}
