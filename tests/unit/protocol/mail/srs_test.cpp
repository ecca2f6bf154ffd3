// Forwarded senders: there and back again, whatever servers do to an address on the way, and nothing that
// wasn't signed.
#include "protocol/mail/srs.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;
using srs::standing;

namespace {

// 27 November 2026. 20784 mod 1024 = 304 = 9 * 32 + 16: "JQ".
constexpr std::int64_t today = 20784;

// Not secret at all, but different for different texts and keys (FNV-1a).
srs::signer keyed(std::string key) {
    return [key = std::move(key)](std::string_view text) {
        std::uint64_t state = 0xcbf29ce484222325U;
        for (const char c : key + std::string(text))
            state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
        state ^= state >> 29U;
        std::string octets;
        for (int i = 0; i < 8; ++i) octets += static_cast<char>(state >> (8 * i));
        return octets;
    };
}

srs::signer fixed(std::string octets) {
    return [octets = std::move(octets)](std::string_view) { return octets; };
}

address read(const std::string& text) {
    CAPTURE(text);
    const auto made = parse_address(text);
    REQUIRE(made.has_value());
    return *made;
}

std::string forwarded(const std::string& sender, std::int64_t day = today) {
    const auto made = srs::forward(read(sender), "f.test", keyed("k"), day);
    REQUIRE(made);
    return made->to_string();
}

srs::reversed back(const std::string& text, std::int64_t day = today, const std::string& key = "k") {
    const auto by = keyed(key);
    return srs::reverse(read(text), std::span(&by, 1), day, 21);
}

std::string with(std::string text, std::string_view from, std::string_view to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

} // namespace

TEST_CASE("a forwarded sender names hash, day, domain and local part", "[srs]") {
    // The first 30 bits of the digest, five a letter; the day as two letters.
    const auto form = [](std::string octets, std::int64_t day) {
        return srs::forward(read("a@s.test"), "f.test", fixed(std::move(octets)), day)->to_string();
    };
    CHECK(form(std::string(4, '\0'), 0) == "SRS0=AAAAAA=AA=s.test=a@f.test");
    CHECK(form("\xff\xff\xff\xff", today) == "SRS0=777777=JQ=s.test=a@f.test");
    // 00001 00010 00011 00100 00101 00110 and two bits that don't count
    CHECK(form("\x08\x86\x42\x98", 31) == "SRS0=BCDEFG=A7=s.test=a@f.test");
    CHECK(form("\x08\x86\x42\x9b", 32) == "SRS0=BCDEFG=BA=s.test=a@f.test");
    CHECK(form(std::string(8, '\0'), 1023) == "SRS0=AAAAAA=77=s.test=a@f.test");
    CHECK(form(std::string(8, '\0'), 1024) == "SRS0=AAAAAA=AA=s.test=a@f.test");
}

TEST_CASE("what is signed is day and address, without the case of letters", "[srs]") {
    std::vector<std::string> seen;
    const srs::signer notes = [&](std::string_view text) {
        seen.emplace_back(text);
        return std::string("1234");
    };
    REQUIRE(srs::forward(read("A.b@S.test"), "f.test", notes, today));
    CHECK(seen.front() == "JQ a.b@s.test");
    seen.clear();
    REQUIRE(srs::forward(read("SRS0=h=JQ=o.test=A@S.test"), "f.test", notes, today));
    CHECK(seen.front() == "SRS1 srs0=h=jq=o.test=a@s.test");
}

TEST_CASE("a forwarded sender comes back", "[srs]") {
    const std::string sender = GENERATE(
        as<std::string>{}, "a@s.test", "A.B@s.test", "a=b=c@s.test", "a+b-c@s.test", "\"a b\"@s.test",
        "\"a@b\"@s.test", "\"a\\\\b\\\"\"@s.test", "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]", "žluť@s.test",
        "a@xn--lut-mza28f.test", "=@s.test", "srs0@s.test", "SRS2=x@s.test", "SRS1@s.test", "SRS1=x@s.test",
        "SRS1=x=y@s.test", "SRS1=x=-bad-==y@s.test", "\"SRS1=x= =y\"@s.test");
    const auto sent = forwarded(sender);
    CAPTURE(sender, sent);
    CHECK(sent.ends_with("@f.test"));
    CHECK(parse_path('<' + sent + '>', path_kind::forward, unicode::allow).has_value());
    const auto found = back(sent);
    CHECK(found.is == standing::valid);
    CHECK(found.to == read(sender));
}

TEST_CASE("an address that is not of the form is somebody else's", "[srs]") {
    for (const auto* text :
         {"a@f.test", "srs@f.test", "SRS0@f.test", "SRS2=x@f.test", "SRS0x=h=JQ=s.test=a@f.test"})
        CHECK(back(text).is == standing::other);
}

TEST_CASE("another forwarder's address is wrapped once, and not made longer again", "[srs]") {
    const std::string first = "SRS0=abcd=JQ=o.test=a=b";
    const auto second = forwarded(first + "@hop1.test");
    CHECK(with(second, second.substr(5, 6), "") == "SRS1==hop1.test==abcd=JQ=o.test=a=b@f.test");
    CHECK(back(second).is == standing::valid);
    CHECK(back(second).to == read(first + "@hop1.test"));

    // Of an SRS1 the second forwarder is left out: what it would do, we do.
    const auto third = forwarded("SRS1=wxyz=hop1.test==abcd=JQ=o.test=a=b@hop2.test");
    CHECK(third == second);

    // Their separators are theirs.
    for (const std::string other : {"SRS0+abcd=JQ=o.test=a@hop1.test", "srs0-abcd=JQ=o.test=a@hop1.test"}) {
        const auto found = back(forwarded(other));
        CHECK(found.is == standing::valid);
        CHECK(found.to.folded() == read(other).folded());
    }
    const auto found = back(forwarded("srs1-wxyz=hop1.test=+abcd=JQ=o.test=a@hop2.test"));
    CHECK(found.to.to_string() == "SRS0+abcd=JQ=o.test=a@hop1.test");
}

TEST_CASE("an address in other letters is the same address", "[srs]") {
    const std::string sender =
        GENERATE(as<std::string>{}, "Some.Body@s.test", "SRS0=aBcD=JQ=o.test=A@hop.test", "Žluť@s.test");
    const auto sent = forwarded(sender);
    for (const auto& changed : {to_lower(sent), read(sent).folded()}) {
        const auto found = back(changed);
        CHECK(found.is == standing::valid);
        CHECK(found.to.folded() == read(sender).folded());
    }
}

TEST_CASE("whatever is altered is forged", "[srs]") {
    const auto sent = forwarded("a.person@s.test");
    const auto hash = sent.substr(5, 6);
    CHECK(back(sent, today, "other key").is == standing::forged);
    for (std::size_t i = 0; i < hash.size(); ++i) {
        auto other = hash;
        other[i] = other[i] == 'A' ? 'B' : 'A';
        CHECK(back(with(sent, hash, other)).is == standing::forged);
    }
    for (const auto* changed : {"", "A", "AAAAAA", "AAAAAAA", "======"})
        CHECK(back(with(sent, hash, changed)).is == standing::forged);
    CHECK(back(with(sent, hash, hash.substr(0, 5))).is == standing::forged);
    CHECK(back(with(sent, "=JQ=", "=JR=")).is == standing::forged);
    CHECK(back(with(sent, "=JQ=", "=J=")).is == standing::forged);
    CHECK(back(with(sent, "=JQ=", "=J1=")).is == standing::forged);
    CHECK(back(with(sent, "=s.test=", "=t.test=")).is == standing::forged);
    CHECK(back(with(sent, "=s.test=", "=s.test.=")).is == standing::forged);
    CHECK(back(with(sent, "=a.person", "=b.person")).is == standing::forged);
    CHECK(back(with(sent, "=a.person", "=")).is == standing::forged);
    CHECK(back(with(sent, "=a.person", "")).is == standing::forged);
    CHECK(back(with(sent, "SRS0", "SRS1")).is == standing::forged);
    for (const auto* text :
         {"SRS0=@f.test", "SRS0==@f.test", "SRS0===@f.test", "SRS0====@f.test", "SRS1====@f.test",
          "SRS1=h=x@f.test", "SRS1=h=hop.test=@f.test", "SRS1=h=hop.test==@f.test"})
        CHECK(back(text).is == standing::forged);

    const auto second = forwarded("SRS0=abcd=JQ=o.test=a@hop1.test");
    CHECK(back(with(second, "hop1.test", "hop2.test")).is == standing::forged);
    CHECK(back(with(second, "==abcd", "=+abcd")).is == standing::forged);
    CHECK(back(with(second, "SRS1", "SRS0")).is == standing::forged);
}

TEST_CASE("the domain that it comes to doesn't count", "[srs]") {
    CHECK(back(with(forwarded("a@s.test"), "@f.test", "@g.test")).is == standing::valid);
}

TEST_CASE("an address ages by days, and around the end of the stamps", "[srs]") {
    const auto made = GENERATE(as<std::int64_t>{}, 20784, 0, 1023, 1010);
    const auto sent = forwarded("a@s.test", made);
    CHECK(back(sent, made).is == standing::valid);
    CHECK(back(sent, made + 21).is == standing::valid);
    CHECK(back(sent, made + 22).is == standing::expired);
    CHECK(back(sent, made + 500).is == standing::expired);
    CHECK(back(sent, made + 1022).is == standing::expired);
    CHECK(back(sent, made + 1023).is == standing::valid); // or: made by a clock that is ahead
    CHECK(back(with(sent, sent.substr(5, 6), "AAAAAA"), made + 22).is == standing::forged); // that goes first
    CHECK(back(forwarded("SRS0=h=AA=o.test=a@hop.test", made), made + 500).is == standing::valid);
}

TEST_CASE("an old secret is still good for what it has signed", "[srs]") {
    const std::vector<srs::signer> signers{keyed("new"), keyed("k")};
    const auto sent = forwarded("a@s.test");
    CHECK(srs::reverse(read(sent), signers, today, 21).is == standing::valid);
    CHECK(srs::reverse(read(sent), std::span(signers).first(1), today, 21).is == standing::forged);
    CHECK(srs::reverse(read(sent), {}, today, 21).is == standing::forged);
}

TEST_CASE("a signer that gives nothing signs nothing", "[srs]") {
    CHECK_FALSE(srs::forward(read("a@s.test"), "f.test", fixed("abc"), today));
    const auto empty = fixed("");
    CHECK(srs::reverse(read("SRS0==JQ=s.test=a@f.test"), std::span(&empty, 1), today, 21).is ==
          standing::forged);
}

TEST_CASE("a forwarded sender may be longer than a local part, and not longer than a path", "[srs]") {
    const std::string local(64, 'l');
    const auto domain_of = [](std::size_t length) {
        std::string domain = "test";
        while (domain.size() + 64 < length) domain = std::string(63, 'a') + '.' + domain;
        return std::string(length - domain.size() - 1, 'b') + '.' + domain;
    };
    // "SRS0=" 6 "=" 2 "=" domain "=" 64 "@f.test": 87 octets and the domain, of 254
    const auto longest = forwarded(local + '@' + domain_of(167));
    CHECK(longest.size() == 254);
    CHECK(back(longest).to.local == local);
    CHECK_FALSE(srs::forward(read(local + '@' + domain_of(168)), "f.test", keyed("k"), today));
}

TEST_CASE("a local part that would melt into what stands before it is left alone", "[srs]") {
    // U+0338 makes "=" U+2260 in form NFC.
    const auto sender = read("\xcc\xb8x@s.test");
    CHECK_FALSE(srs::forward(sender, "f.test", keyed("k"), today));
}
