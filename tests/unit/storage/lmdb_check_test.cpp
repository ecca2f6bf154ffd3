// Damage that random octets hardly ever make: pages that are well-formed and claimed twice, nodes that
// overlap.
#include "storage/lmdb.hpp"
#include "tests/support/temporary_folder.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>
#include <vector>

using namespace postern::storage;
using postern::testing::temporary_folder;

namespace {

constexpr std::size_t page = 4096, page_head = 16, meta_body = 16;
constexpr std::uint16_t branch = 1, leaf = 2;

template <class Number> Number number_at(const std::string& octets, std::size_t at) {
    Number value{};
    std::memcpy(&value, octets.data() + at, sizeof value);
    return value;
}
template <class Number> void put_number(std::string& octets, std::size_t at, Number value) {
    std::memcpy(octets.data() + at, &value, sizeof value);
}

// The octets of an environment with one table of many leaves, and with freed pages.
struct sound_file {
    temporary_folder folder;
    std::string octets;
    std::size_t meta = 0; // where the current one begins

    sound_file() {
        {
            const auto opened = lmdb::environment::open(folder.path(), {});
            REQUIRE(opened.has_value());
            lmdb::table table = 0;
            for (int round = 0; round < 4; ++round) {
                auto begun = (*opened)->begin_write();
                REQUIRE(begun.has_value());
                if (round == 0) table = begun->open_table("t", lmdb::when_absent::make).value();
                for (int key = 1000; key < 1400; ++key) {
                    const std::string value(100, static_cast<char>('a' + round));
                    REQUIRE(begun->put(table, std::to_string(key), value, lmdb::put_mode::replace));
                }
                REQUIRE(begun->commit());
            }
        }
        std::ifstream in(folder.path() + "/data.mdb", std::ios::binary);
        octets.assign(std::istreambuf_iterator<char>(in), {});
        const std::size_t id = meta_body + 128;
        if (number_at<std::uint64_t>(octets, page + id) > number_at<std::uint64_t>(octets, id)) meta = page;
    }
    boost::system::error_code open_as(const std::string& changed) const {
        std::ofstream(folder.path() + "/data.mdb", std::ios::binary | std::ios::trunc) << changed;
        const auto opened = lmdb::environment::open(folder.path(), {});
        return opened ? boost::system::error_code() : opened.error();
    }
    std::uint64_t free_root() const { return number_at<std::uint64_t>(octets, meta + meta_body + 24 + 40); }
    std::uint64_t main_root() const { return number_at<std::uint64_t>(octets, meta + meta_body + 72 + 40); }
    std::size_t node(std::uint64_t in_page, std::size_t index) const {
        return in_page * page + number_at<std::uint16_t>(octets, in_page * page + page_head + 2 * index);
    }
    // The main tree holds one node: "t", and its tree.
    std::uint64_t table_root() const {
        return number_at<std::uint64_t>(octets, node(main_root(), 0) + 8 + 1 + 40);
    }
    std::uint64_t child(std::size_t index) const {
        return number_at<std::uint32_t>(octets, node(table_root(), index));
    }
};

} // namespace

TEST_CASE("a file with freed pages and several leaves is what these tests change") {
    const sound_file file;
    REQUIRE(number_at<std::uint16_t>(file.octets, file.table_root() * page + 10) == branch);
    REQUIRE(number_at<std::uint16_t>(file.octets, file.child(0) * page + 10) == leaf);
    REQUIRE(number_at<std::uint64_t>(file.octets, file.node(file.free_root(), 0) + 16) >
            1); // pages in the first list
    CHECK_FALSE(file.open_as(file.octets));
}

TEST_CASE("a page that two branches lead to is corrupt") {
    const sound_file file;
    std::string changed = file.octets;
    put_number<std::uint32_t>(changed, file.node(file.table_root(), 1),
                              static_cast<std::uint32_t>(file.child(0)));
    CHECK(file.open_as(changed) == storage_errc::corrupt);
}

TEST_CASE("a live page in the list of free ones is corrupt: LMDB would write over it") {
    const sound_file file;
    const std::size_t list = file.node(file.free_root(), 0) + 16; // after the head and the key
    const auto count = number_at<std::uint64_t>(file.octets, list);
    const auto entry = [&](std::size_t i) { return number_at<std::uint64_t>(file.octets, list + 8 * i); };
    int tried = 0;
    for (std::size_t i = 1; i <= count; ++i) {
        const std::uint64_t above = i == 1 ? UINT64_MAX : entry(i - 1), below = i == count ? 0 : entry(i + 1);
        for (std::size_t leaf_index = 0; leaf_index < 8; ++leaf_index) {
            const std::uint64_t live = file.child(leaf_index);
            if (live >= above || live <= below) continue; // the list stays in order
            std::string changed = file.octets;
            put_number<std::uint64_t>(changed, list + 8 * i, live);
            CHECK(file.open_as(changed) == storage_errc::corrupt);
            ++tried;
        }
    }
    CHECK(tried > 0);
}

TEST_CASE("a list of free pages out of order, too long or from the future is corrupt") {
    const sound_file file;
    const std::size_t list = file.node(file.free_root(), 0) + 16;
    std::string changed = file.octets;
    std::swap_ranges(changed.begin() + static_cast<std::ptrdiff_t>(list + 8),
                     changed.begin() + static_cast<std::ptrdiff_t>(list + 16),
                     changed.begin() + static_cast<std::ptrdiff_t>(list + 16));
    CHECK(file.open_as(changed) == storage_errc::corrupt);
    changed = file.octets;
    put_number<std::uint64_t>(changed, list, std::uint64_t{1} << 61);
    CHECK(file.open_as(changed) == storage_errc::corrupt);
    changed = file.octets;
    const std::size_t lower = number_at<std::uint16_t>(changed, file.free_root() * page + 12);
    put_number<std::uint64_t>(changed, file.node(file.free_root(), (lower - page_head) / 2 - 1) + 8,
                              1'000'000);
    CHECK(file.open_as(changed) == storage_errc::corrupt);
}

TEST_CASE("nodes of a page that overlap or leave a gap are corrupt: LMDB moves memory by their sizes") {
    const sound_file file;
    const std::size_t at = file.child(0) * page + page_head;
    std::string changed = file.octets;
    put_number<std::uint16_t>(changed, at + 2, number_at<std::uint16_t>(changed, at));
    CHECK(file.open_as(changed) == storage_errc::corrupt);
    changed = file.octets;
    const std::size_t size = file.node(file.child(0), 0);
    put_number<std::uint16_t>(changed, size,
                              static_cast<std::uint16_t>(number_at<std::uint16_t>(changed, size) - 20));
    CHECK(file.open_as(changed) == storage_errc::corrupt);
}

TEST_CASE("a tree deeper or shallower than it says is corrupt") {
    const sound_file file;
    const std::size_t depth = file.node(file.main_root(), 0) + 8 + 1 + 6;
    for (const std::uint16_t other : std::array<std::uint16_t, 5>{0, 1, 3, 33, 65535}) {
        std::string changed = file.octets;
        put_number<std::uint16_t>(changed, depth, other);
        CHECK(file.open_as(changed) == storage_errc::corrupt);
    }
}
