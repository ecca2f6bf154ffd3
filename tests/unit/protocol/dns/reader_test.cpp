// The reader of a message: what isn't there reads as zero, and once something was missing nothing more is
// read.
#include "protocol/dns/reader.hpp"

#include "tests/unit/protocol/dns/packet.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;
using namespace postern::test;
using namespace std::string_literals;

TEST_CASE("numbers are read in network order to the last octet", "[dns_message]") {
    const octets message = from_hex("01fffefdfcfb8001");
    dns_reader reader(message);
    CHECK(reader.u8() == 1);
    CHECK(reader.u16() == 0xfffe);
    CHECK(reader.u32() == 0xfdfcfb80);
    CHECK(reader.left() == 1);
    CHECK(reader.octets(1)[0] == 1);
    CHECK(reader.octets(0).empty());
    CHECK(!reader.failed());
    CHECK(reader.u8() == 0);
    CHECK(reader.failed());
}

TEST_CASE("after something was missing, nothing more is read", "[dns_message]") {
    const octets message = from_hex("016100"); // a name, to who would read one
    dns_reader reader(message);
    CHECK(reader.u32() == 0x01610000); // what is there of it
    CHECK(reader.failed());
    dns_reader again(message);
    CHECK(again.octets(4).empty());
    CHECK(again.u8() == 0);
    CHECK(again.u16() == 0);
    CHECK(again.octets(1).empty());
    CHECK(again.name().is_root());
    CHECK(again.part(1).failed());
    CHECK(again.failed());
    const octets cut = from_hex("0161");
    dns_reader bad_name(cut);
    CHECK(bad_name.name().is_root());
    CHECK(bad_name.u8() == 0);
    CHECK(bad_name.failed());
}

TEST_CASE("a part ends where it was told to, and knows what stands before it", "[dns_message]") {
    const octets message = as_octets(std::string(12, '\0') + "\1a\0\1b\xc0\x0c\1c\0"s);
    dns_reader reader(message);
    reader.octets(15);
    dns_reader part = reader.part(4);
    CHECK(part.left() == 4);
    CHECK(part.name().to_string() == "b.a");
    CHECK(part.u8() == 0);
    CHECK(part.failed());
    CHECK(!reader.failed());
    CHECK(reader.left() == 3);
    dns_reader cut = reader.part(2);
    CHECK(cut.name().is_root());
    CHECK(cut.failed());
    CHECK(reader.part(2).failed());
}
