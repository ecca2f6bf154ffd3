#include "conf/settings.hpp"

#include <catch2/catch.hpp>

#include <limits>
#include <string>

using namespace postern::conf;

namespace {

struct duration_row {
    std::string_view text;
    std::optional<long> seconds;
};

const duration_row durations[] = {
    {"0s", 0},
    {"90s", 90},
    {"5m", 300},
    {"24h", 86400},
    {"5d", 432000},
    {"", std::nullopt},
    {"5", std::nullopt}, // no unit: seconds or minutes?
    {"s", std::nullopt},
    {"5 m", std::nullopt},
    {" 5m", std::nullopt},
    {"5m ", std::nullopt},
    {"5min", std::nullopt},
    {"5M", std::nullopt},
    {"-5m", std::nullopt},
    {"+5m", std::nullopt},
    {"1.5h", std::nullopt},
    {"1h30m", std::nullopt},
    {"36601d", std::nullopt},
    {"18446744073709551615s", std::nullopt},
    {"18446744073709551616s", std::nullopt},
    {"213503982334602d", std::nullopt}, // wraps 64 bits when multiplied
};

struct size_row {
    std::string_view text;
    std::optional<std::uint64_t> octets;
};

const size_row sizes[] = {
    {"0", 0},
    {"500", 500},
    {"64KiB", 65536},
    {"64KB", 64000},
    {"30MB", 30'000'000},
    {"1MiB", 1048576},
    {"1GB", 1'000'000'000},
    {"1GiB", 1073741824},
    {"18446744073709551615", std::numeric_limits<std::uint64_t>::max()},
    {"18446744073709551616", std::nullopt},
    {"17179869184GiB", std::nullopt}, // 2^64
    {"17179869183GiB", 18446744072635809792U},
    {"", std::nullopt},
    {"MB", std::nullopt},
    {"30 MB", std::nullopt},
    {"30mb", std::nullopt},
    {"30M", std::nullopt},
    {"-1MB", std::nullopt},
    {"1.5MB", std::nullopt},
    {"0x10", std::nullopt},
};

struct endpoint_row {
    std::string_view text;
    std::string_view canonical; // "" = refused
};

const endpoint_row endpoints[] = {
    {"0.0.0.0:25", "0.0.0.0:25"},
    {"[::1]:25", "[::1]:25"},
    {"[2001:DB8:0:0:0:0:0:1]:2525", "[2001:db8::1]:2525"},
    {"127.0.0.1:0", "127.0.0.1:0"},
    {"127.0.0.1:65535", "127.0.0.1:65535"},
    {"127.0.0.1:65536", ""},
    {"127.0.0.1:0000025", ""},
    {"127.0.0.1:", ""},
    {"127.0.0.1", ""},
    {":25", ""},
    {"::1:25", ""}, // ambiguous without brackets
    {"[::1]", ""},
    {"[::1]25", ""},
    {"[127.0.0.1]:25", ""},
    {"[]:25", ""},
    {"localhost:25", ""},
    {"127.0.0.1:25x", ""},
    {"127.0.0.1:-1", ""},
    {"unix:/run/x", ""},
    {"", ""},
};

} // namespace

TEST_CASE("a duration is a whole number and one unit, or nothing at all") {
    for (const auto& row : durations) {
        CAPTURE(row.text);
        const auto read = parse_duration(row.text);
        REQUIRE(read.has_value() == row.seconds.has_value());
        if (read) CHECK(read->count() == *row.seconds);
    }
}

TEST_CASE("a size never wraps around 64 bits") {
    for (const auto& row : sizes) {
        CAPTURE(row.text);
        CHECK(parse_size(row.text) == row.octets);
    }
}

TEST_CASE("what is shown as a unit reads back as the same value") {
    for (const std::uint64_t octets :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{999}, std::uint64_t{1000}, std::uint64_t{1024},
          std::uint64_t{1'024'000}, std::uint64_t{100'000'000}, std::uint64_t{67108864},
          std::numeric_limits<std::uint64_t>::max()}) {
        CAPTURE(octets);
        CHECK(parse_size(format_size(octets)) == octets);
    }
    for (const long count : {0L, 1L, 59L, 60L, 61L, 3600L, 86400L, 86401L}) {
        CAPTURE(count);
        CHECK(parse_duration(format_duration(seconds{count})) == seconds{count});
    }
    CHECK(format_size(67108864) == "64MiB");
    CHECK(format_size(100'000'000) == "100MB");
    CHECK(format_duration(seconds{300}) == "5m");
    CHECK(format_duration(seconds{0}) == "0s");
}

TEST_CASE("an endpoint is an address and a port, never a name") {
    for (const auto& row : endpoints) {
        CAPTURE(row.text);
        const auto read = parse_endpoint(row.text);
        REQUIRE(read.has_value() == !row.canonical.empty());
        if (read) CHECK(read->to_string() == row.canonical);
    }
}
