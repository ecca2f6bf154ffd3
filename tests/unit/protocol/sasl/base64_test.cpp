#include "protocol/sasl/base64.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol::sasl;

TEST_CASE("base64 of every length and octet comes back as it was", "[sasl]") {
    for (std::size_t size = 0; size < 300; ++size) {
        std::string octets;
        for (std::size_t i = 0; i < size; ++i) octets += static_cast<char>(i * 7 + size);
        const auto text = encode_base64(octets);
        CHECK(text.size() == (size + 2) / 3 * 4);
        const auto back = decode_base64(text);
        REQUIRE(back);
        CHECK(back->view() == octets);
    }
    CHECK(encode_base64("foob") == "Zm9vYg=="); // RFC 4648 §10
    CHECK(encode_base64("foobar") == "Zm9vYmFy");
    CHECK(encode_base64("\xfb\xff\xbe") == "+/++");
}

TEST_CASE("what is not the one spelling of its octets is no base64", "[sasl]") {
    for (const std::string text :
         {"=",      "==",    "===",      "====",     "A",      "AA",       "AAA",
          "A===",   "AA=",   "QQ==QQ==", "QUFB QUE", "QUFBQ",  "QR==",     "QUF=QQ==",
          "QUJ=",   "Q=Q=",  "=QQQ",     "QQ=Q",     "QUF_",   "QUF-",     "QUFB\r",
          "QUFB\n", "QU\tB", " QUFB",    "QUFB=",    "QUFB==", "QUFB====", "\xff\xff\xff\xff"}) {
        INFO(text);
        CHECK_FALSE(decode_base64(text));
    }
    CHECK_FALSE(decode_base64(std::string("QUF\0", 4)));
}

// CVE-2018-6789: the buffer for 4n+3 octets of text was one too small.
TEST_CASE("every length of text, padded or not, is decoded within its buffer", "[sasl]") {
    for (std::size_t size = 0; size < 130; ++size)
        for (std::size_t padding = 0; padding <= std::min<std::size_t>(3, size); ++padding) {
            const auto text = std::string(size - padding, 'A') + std::string(padding, '=');
            const auto octets = decode_base64(text);
            INFO(text);
            CHECK(octets.has_value() == (size % 4 == 0 && padding <= 2));
            if (octets) CHECK(octets->size() == size / 4 * 3 - padding);
        }
}

TEST_CASE("a secret leaves nothing where it was moved from", "[sasl]") {
    secret from("hunter2");
    const char* was = from.c_str(); // short: it lies in the object
    secret to(std::move(from));
    CHECK(to.view() == "hunter2");
    CHECK(std::string_view(was, 7) == std::string_view("\0\0\0\0\0\0\0", 7));
    secret other("other");
    other = std::move(to);
    CHECK(other.view() == "hunter2");
    std::string text(100, 'x');
    wipe(text);
    CHECK(text.empty());
    CHECK(std::string_view(text.data(), 100) == std::string(100, '\0'));
}
