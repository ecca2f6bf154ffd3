// The rows of submission's counters: what is kept, what may be lost, what pushes out what.
#include "storage/tables/rates.hpp"

#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace postern;
using namespace postern::storage;
using testing::temporary_folder;

namespace {

std::unique_ptr<rates> open(const temporary_folder& in, rates_limits limits = {}) {
    auto opened = open_lmdb_rates(in.path(), limits);
    REQUIRE(opened.has_value());
    return std::move(*opened);
}

std::string value_of(const rates& table, const std::string& key) {
    const auto found = table.get(key);
    REQUIRE(found.has_value());
    return found->value_or("(none)");
}

std::size_t rows_of(const rates& table, std::string_view sort) {
    const auto rows = table.list(sort, "", 10000);
    REQUIRE(rows.has_value());
    return rows->size();
}

} // namespace

TEST_CASE("SipHash-2-4 is that of its paper", "[rates]") {
    sip_key key{};
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
    std::string octets;
    CHECK(sip_hash(key, octets) == 0x726fdb47dd0e0e31);
    for (char i = 0; i < 15; ++i) octets.push_back(i);
    CHECK(sip_hash(key, octets) == 0xa129ca6149be45e5); // appendix A
}

TEST_CASE("a rate is there at once, and after a flush it survives", "[rates]") {
    const temporary_folder folder(temporary_folder::in_memory());
    {
        const auto table = open(folder);
        REQUIRE(table->put("akey", "one", 100).has_value());
        CHECK(value_of(*table, "akey") == "one");
        REQUIRE(table->put("akey", "two", 100).has_value());
        REQUIRE(table->flush().has_value());
        REQUIRE(table->put("alost", "x", 100).has_value());
        CHECK(value_of(*table, "akey") == "two");
    }
    const auto table = open(folder);
    CHECK(value_of(*table, "akey") == "two");
    CHECK(value_of(*table, "alost") == "(none)");
}

TEST_CASE("what is removed stays away, written or not", "[rates]") {
    const temporary_folder folder(temporary_folder::in_memory());
    const auto table = open(folder);
    REQUIRE(table->put_now("s1", "x", 100).has_value());
    REQUIRE(table->remove("s1").has_value());
    CHECK(value_of(*table, "s1") == "(none)");
    REQUIRE(table->flush().has_value());
    CHECK(value_of(*table, "s1") == "(none)");
    REQUIRE(table->put("s2", "x", 100).has_value());
    CHECK(*table->remove_now("s2"));
    REQUIRE(table->flush().has_value());
    CHECK(value_of(*table, "s2") == "(none)");
    CHECK_FALSE(*table->remove_now("s2"));
}

TEST_CASE("a command's row of the same moment is not undone by what waited", "[rates]") {
    const temporary_folder folder(temporary_folder::in_memory());
    const auto table = open(folder);
    REQUIRE(table->put("s1", "old", 100).has_value());
    REQUIRE(table->put_now("s1", "new", 100).has_value());
    REQUIRE(table->flush().has_value());
    CHECK(value_of(*table, "s1") == "new");
}

TEST_CASE("the sweep forgets what has expired and nothing else, a bounded step at a time", "[rates]") {
    const temporary_folder folder(temporary_folder::in_memory());
    const auto table = open(folder);
    for (int i = 0; i < 100; ++i)
        REQUIRE(table->put(fmt::format("a{:03}", i), "x", i % 2 == 0 ? 100 : 200).has_value());
    REQUIRE(table->flush().has_value());
    int steps = 1;
    for (auto more = table->sweep(150, 10); more && *more; more = table->sweep(150, 10)) ++steps;
    CHECK(steps >= 10);
    CHECK(rows_of(*table, "a") == 50);
    CHECK(value_of(*table, "a001") == "x");
    CHECK(value_of(*table, "a002") == "(none)");
}

TEST_CASE("a flood of one sort pushes out itself, and no other sort", "[rates]") {
    const temporary_folder folder(temporary_folder::in_memory());
    rates_limits limits;
    limits.caps = {{'g', 100}};
    const auto table = open(folder, limits);
    for (int i = 0; i < 50; ++i) REQUIRE(table->put(fmt::format("a{}", i), "x", 100).has_value());
    for (int i = 0; i < 1000; ++i) {
        const auto hash = sip_hash(table->secret(), std::to_string(i));
        REQUIRE(
            table->put("g" + std::string(reinterpret_cast<const char*>(&hash), 8), "x", 100 + i).has_value());
        if (i % 100 == 0) REQUIRE(table->flush().has_value());
    }
    REQUIRE(table->flush().has_value());
    CHECK(rows_of(*table, "g") == 100);
    CHECK(rows_of(*table, "a") == 50);
}

TEST_CASE("what waits for a disk is bounded", "[rates]") {
    const temporary_folder folder(temporary_folder::in_memory());
    rates_limits limits;
    limits.unwritten = 2;
    const auto table = open(folder, limits);
    REQUIRE(table->put("a1", "x", 1).has_value());
    REQUIRE(table->put("a2", "x", 1).has_value());
    CHECK(table->put("a3", "x", 1).error() == storage_errc::busy);
    CHECK(table->put("a2", "y", 1).has_value());
    REQUIRE(table->flush().has_value());
    CHECK(table->put("a3", "x", 1).has_value());
    CHECK(table->put("", "x", 1).error() == storage_errc::invalid);
    CHECK(table->put(std::string(rates_key_max + 1, 'a'), "x", 1).error() == storage_errc::invalid);
}

TEST_CASE("the secret of digests stays the table's own", "[rates]") {
    const temporary_folder one(temporary_folder::in_memory()), other(temporary_folder::in_memory());
    const auto first = open(one)->secret();
    CHECK(open(one)->secret() == first);
    CHECK(open(other)->secret() != first);
}
