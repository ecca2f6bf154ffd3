// Headers that lie in each other, or have thousands of extra fields, must not make a small file slow.
#include "policy/content/magic.hpp"
#include "policy/content/zip_directory.hpp"
#include "policy/content/zip_records.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>

using namespace postern::policy::content;
using namespace std::chrono_literals;

namespace {

std::string number(std::uint64_t value, unsigned width) {
    std::string out;
    for (unsigned i = 0; i < width; ++i, value >>= 8U) out += static_cast<char>(value & 0xff);
    return out;
}

std::string local(const std::string& name, const std::string& extra, unsigned method = 0) {
    return std::string(zip_local_sign) + number(20, 2) + number(0, 2) + number(method, 2) + number(0, 16) +
           number(name.size(), 2) + number(extra.size(), 2) + name + extra;
}

// All its entries have the local header at 0.
std::string with_directory(const std::string& before, unsigned entries) {
    std::string central;
    for (unsigned i = 0; i < entries; ++i)
        central += std::string(zip_central_sign) + number(20, 2) + number(20, 2) + number(0, 20) +
                   number(1, 2) + number(0, 16) + "b";
    return before + central + std::string(zip_end_sign) + number(0, 4) + number(entries, 2) +
           number(entries, 2) + number(central.size(), 4) + number(before.size(), 4) + number(0, 2);
}

std::string unicode_field(const std::string& name, std::uint32_t crc) {
    return number(0x7075, 2) + number(5 + name.size(), 2) + number(1, 1) + number(crc, 4) + name;
}

// As many as an extra field holds; each is of another name, by its CRC.
std::string many_unicode_fields() {
    std::string made;
    while (made.size() + 9 <= 65'535) made += unicode_field({}, 0);
    return made;
}

template <class Work> auto time_of(Work work) {
    const auto began = std::chrono::steady_clock::now();
    work();
    return std::chrono::steady_clock::now() - began;
}

bool is_odd(const zip_listing& in, zip_oddity what) {
    return std::any_of(in.odd.begin(), in.odd.end(), [&](const auto& one) { return one.what == what; });
}

} // namespace

TEST_CASE("many Unicode paths of one long name are quick to read") { // 1.3 s for one entry
    const auto octets = with_directory(local(std::string(65'535, 'a'), many_unicode_fields()), 100);
    zip_listing listing;
    CHECK(time_of([&] { listing = read_zip(octets, 10'000); }) < 500ms);
    CHECK(is_odd(listing, zip_oddity::overlapping_entries));
}

TEST_CASE("entries that share one large header are not read without end") { // 16 MiB of header 65,000 times
    const auto octets = with_directory(local(std::string(65'535, 'a'), std::string(65'535, '\0')), 65'000);
    zip_listing listing;
    CHECK(time_of([&] { listing = read_zip(octets, 1'000'000); }) < 1s);
    CHECK(is_odd(listing, zip_oddity::overlapping_entries));
}

TEST_CASE("what only looks like headers is quick to pass over") {
    std::string octets = "X";
    for (int i = 0; i < 1000; ++i) { // each has the same name and extra field behind the last of them
        auto one = local({}, {}, 7);
        one.replace(26, 4, "\xff\xff\xff\xff");
        octets += one;
    }
    octets += std::string(65'535, 'a') + many_unicode_fields() + many_unicode_fields();
    CHECK(time_of([&] { CHECK(recognise(octets).empty()); }) < 500ms);
    CHECK(time_of([&] { CHECK(!read_zip(octets, 10'000).is_zip); }) < 500ms);
}

TEST_CASE("two Unicode paths that say different things are odd") {
    constexpr std::uint32_t crc_of_b = 0x71beeff9;
    const auto twice = [&](const std::string& one, const std::string& other) {
        return read_zip(
            with_directory(local("b", unicode_field(one, crc_of_b) + unicode_field(other, crc_of_b)), 1),
            100);
    };
    CHECK(is_odd(twice("evil.exe", "b"), zip_oddity::names_differ));
    CHECK(!is_odd(twice("b", "b"), zip_oddity::names_differ));
}
