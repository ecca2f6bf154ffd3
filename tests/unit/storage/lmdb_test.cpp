#include "storage/lmdb.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <lmdb.h>
#include <vector>

using namespace postern::storage;
using postern::testing::temporary_folder;

namespace {

std::unique_ptr<lmdb::environment> open_in(const temporary_folder& folder, unsigned readers = 16) {
    lmdb::environment_options with;
    with.map_size = 1 << 24;
    with.readers = readers;
    auto opened = lmdb::environment::open(folder.path(), with);
    return opened ? std::move(*opened) : nullptr;
}

lmdb::table table_in(lmdb::environment& in) {
    auto begun = in.begin_write();
    REQUIRE(begun.has_value());
    const auto table = begun->open_table("t", lmdb::when_absent::make);
    REQUIRE(table.has_value());
    REQUIRE(begun->commit());
    return *table;
}

} // namespace

TEST_CASE("LMDB's codes keep their meaning") {
    const std::pair<int, storage_errc> rows[] = {
        {MDB_KEYEXIST, storage_errc::exists},     {MDB_NOTFOUND, storage_errc::not_found},
        {MDB_CORRUPTED, storage_errc::corrupt},   {MDB_PAGE_NOTFOUND, storage_errc::corrupt},
        {MDB_INVALID, storage_errc::corrupt},     {MDB_VERSION_MISMATCH, storage_errc::newer_format},
        {MDB_MAP_FULL, storage_errc::map_full},   {MDB_READERS_FULL, storage_errc::busy},
        {MDB_BAD_VALSIZE, storage_errc::invalid}, {MDB_PANIC, storage_errc::io},
        {ENOSPC, storage_errc::no_space},         {EIO, storage_errc::io},
        {EROFS, storage_errc::read_only},         {EACCES, storage_errc::permission}};
    for (const auto& [code, expected] : rows) {
        INFO(code);
        CHECK(lmdb::error_of(code) == expected);
    }
}

TEST_CASE("a transaction that is not committed leaves nothing") {
    const temporary_folder folder;
    const auto environment = open_in(folder);
    REQUIRE(environment);
    const lmdb::table table = table_in(*environment);
    {
        auto begun = environment->begin_write();
        REQUIRE(begun.has_value());
        REQUIRE(begun->put(table, "k", "v", lmdb::put_mode::insert));
        CHECK(begun->get(table, "k")->value() == "v");
    }
    const auto reading = environment->begin_read();
    REQUIRE(reading.has_value());
    CHECK_FALSE(reading->get(table, "k")->has_value());
}

TEST_CASE("appending below the last key is stored in its place, and an existing key is told from it") {
    const temporary_folder folder;
    const auto environment = open_in(folder);
    REQUIRE(environment);
    const lmdb::table table = table_in(*environment);
    auto begun = environment->begin_write();
    REQUIRE(begun.has_value());
    for (const char* key : {"b", "d", "c", "a"}) CHECK(begun->put(table, key, key, lmdb::put_mode::append));
    CHECK(begun->put(table, "c", "other", lmdb::put_mode::append).error() == storage_errc::exists);
    CHECK(begun->put(table, "d", "other", lmdb::put_mode::append).error() == storage_errc::exists);
    CHECK(begun->put(table, "a", "other", lmdb::put_mode::insert).error() == storage_errc::exists);
    CHECK(begun->put(table, "a", "A", lmdb::put_mode::replace));
    auto walk = lmdb::cursor::open(*begun, table);
    REQUIRE(walk.has_value());
    std::string keys, values;
    for (auto entry = walk->first(); entry && *entry; entry = walk->next()) {
        keys += (*entry)->key;
        values += (*entry)->value;
    }
    CHECK(keys == "abcd");
    CHECK(values == "Abcd");
    CHECK(walk->seek("bb")->value().key == "c");
    CHECK(walk->seek("")->value().key == "a");
    CHECK_FALSE(walk->seek("e")->has_value());
    CHECK(walk->last()->value().key == "d");
    CHECK(begun->entries(table).value() == 4);
    CHECK(begun->remove(table, "a").value());
    CHECK_FALSE(begun->remove(table, "a").value());
}

TEST_CASE("a key that LMDB can't hold is invalid, not cut") {
    const temporary_folder folder;
    const auto environment = open_in(folder);
    REQUIRE(environment);
    const lmdb::table table = table_in(*environment);
    auto begun = environment->begin_write();
    REQUIRE(begun.has_value());
    CHECK(begun->put(table, std::string(lmdb::key_max, 'k'), "v", lmdb::put_mode::insert));
    for (const std::size_t length : {std::size_t{0}, lmdb::key_max + 1}) {
        CHECK(begun->put(table, std::string(length, 'k'), "v", lmdb::put_mode::insert).error() ==
              storage_errc::invalid);
    }
}

TEST_CASE("one reader too many is busy, and gets in when another leaves") {
    const temporary_folder folder;
    const auto environment = open_in(folder, 3);
    REQUIRE(environment);
    (void)table_in(*environment);
    std::vector<lmdb::transaction> readers;
    for (int i = 0; i < 3; ++i) {
        auto begun = environment->begin_read();
        REQUIRE(begun.has_value());
        readers.push_back(std::move(*begun));
    }
    const auto refused = environment->begin_read();
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error() == storage_errc::busy);
    readers.pop_back();
    CHECK(environment->begin_read().has_value());
}

TEST_CASE("a folder that holds nothing, garbage or a later LMDB is told apart") {
    const temporary_folder folder;
    lmdb::environment_options with;
    with.absent = lmdb::when_absent::fail;
    CHECK(lmdb::environment::open(folder.path(), with).error() == storage_errc::not_found);
    with.mode = lmdb::access::read;
    with.absent = lmdb::when_absent::make;
    CHECK(lmdb::environment::open(folder.path(), with).error() == storage_errc::not_found);
    CHECK(std::filesystem::is_empty(folder.path()));
    CHECK(lmdb::environment::open(folder.path() + "/none", {}).error() == storage_errc::not_found);
    (void)table_in(*open_in(folder));
    std::fstream file(folder.path() + "/data.mdb", std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(16 + 4).put(2);
    file.close();
    CHECK(lmdb::environment::open(folder.path(), {}).error() == storage_errc::newer_format);
    std::ofstream(folder.path() + "/data.mdb", std::ios::trunc) << std::string(100'000, 'g');
    CHECK(lmdb::environment::open(folder.path(), {}).error() == storage_errc::corrupt);
}

TEST_CASE("an environment with much history passes the check of its pages") {
    const temporary_folder folder;
    std::uint64_t chance = 1;
    for (int opened = 0; opened < 20; ++opened) {
        const auto environment = open_in(folder); // checks every page
        REQUIRE(environment);
        const lmdb::table table = table_in(*environment);
        for (int i = 0; i < 20; ++i) {
            auto begun = environment->begin_write();
            REQUIRE(begun.has_value());
            for (int k = 0; k < 60; ++k) {
                chance = chance * 6364136223846793005ULL + 1442695040888963407ULL;
                const std::string key = std::to_string(chance >> 54);
                const std::string value((chance >> 40) % 9000, 'v');
                if ((chance >> 33) % 3 == 0) {
                    REQUIRE(begun->remove(table, key).has_value());
                } else {
                    REQUIRE(begun->put(table, key, value, lmdb::put_mode::replace));
                }
            }
            REQUIRE(begun->commit());
        }
    }
}
