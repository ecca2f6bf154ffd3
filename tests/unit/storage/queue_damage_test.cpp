// A queue whose file was cut or overwritten: an error, or every message whole; never a crash, and never a new
// empty queue in its place. LMDB alone dies of SIGBUS, SIGFPE or an assertion in many of these cases.
#include "queue_support.hpp"
#include "storage/queue_tables.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <unistd.h>

using namespace postern::storage;
using namespace postern::testing;

namespace {

constexpr std::size_t page = 4096, meta_length = 16 + 136;
constexpr std::uint64_t messages = 60;

std::size_t size_of(std::uint64_t id) { return id % 3 == 0 ? 10'000 : 200; }

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::string& path, const std::string& octets) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << octets;
}

// A queue with a history: freed pages, an update, bodies in and beside the tree.
struct healthy_queue {
    temporary_folder folder;
    std::string data = folder.path() + "/queue/data.mdb";
    std::string octets;

    healthy_queue() {
        {
            const auto queue = open_queue(folder.path());
            REQUIRE(queue);
            std::vector<queue_operation> batch;
            for (std::uint64_t id = 1000; id < 1040; ++id) batch.push_back(insert_of(id, 5000));
            REQUIRE(queue->commit(batch));
            for (auto& each : batch) each = removal_of(std::get<insert_message>(each).message.id.value);
            REQUIRE(queue->commit(batch));
            batch.clear();
            for (std::uint64_t id = 1; id <= messages; ++id) batch.push_back(insert_of(id, size_of(id)));
            REQUIRE(queue->commit(batch));
            REQUIRE(commit_one(*queue, insert_of(2000, 60'000)));
            REQUIRE(commit_one(*queue, insert_of(2001, 60'000)));
        }
        octets = read_file(data);
        while (whole_when(octets.substr(0, octets.size() - page))) octets.resize(octets.size() - page);
    }

    // Pages at the end may be free, and then they may be missing: cut here, so that the last page is one that
    // matters.
    bool whole_when(const std::string& cut) const {
        write_file(data, cut);
        const auto opened = queue::open(system_files(), folder.path(), {1 << 30});
        if (!opened) return false;
        for (std::uint64_t id = 1; id <= messages; ++id) {
            REQUIRE(stored_body(**opened, message_of(id, size_of(id))) == body_of(id, size_of(id)));
        }
        return true;
    }

    // Opens the queue with these octets; true when it opened, and then everything was read and something
    // written.
    bool survives(const std::string& damaged) const {
        write_file(data, damaged);
        std::filesystem::remove(folder.path() + "/queue/lock.mdb");
        const auto opened = queue::open(system_files(), folder.path(), {1 << 30});
        if (!opened) return false;
        (void)(*opened)->due_after(before_all, 10'000, 1000);
        (void)(*opened)->totals();
        const auto listed = (*opened)->list({0}, 1000);
        if (!listed) return true;
        for (const auto& message : listed->messages) (void)stored_body(**opened, message);
        (void)commit_one(**opened, insert_of(5000, 30'000));
        std::vector<queue_operation> removals;
        for (const auto& message : listed->messages) removals.push_back(removal_of(message.id.value));
        (void)(*opened)->commit(removals);
        return true;
    }
};

boost::system::error_code error_of_opening(const std::string& state_dir) {
    const auto opened = queue::open(system_files(), state_dir, {1 << 30});
    return opened ? boost::system::error_code() : opened.error();
}

} // namespace

TEST_CASE("a file cut at its end, anywhere or to nothing is refused") {
    const healthy_queue healthy;
    for (std::size_t cut = 1; cut < healthy.octets.size(); cut += 3 * page - 7) {
        write_file(healthy.data, healthy.octets.substr(0, healthy.octets.size() - cut));
        INFO("cut by " << cut);
        REQUIRE(error_of_opening(healthy.folder.path()) == storage_errc::corrupt);
        REQUIRE_FALSE(queue::open_for_reading(system_files(), healthy.folder.path()).has_value());
    }
    for (const std::size_t left : {0U, 1U, 100U, 4096U, 4200U, 8192U}) {
        write_file(healthy.data, healthy.octets.substr(0, left));
        INFO("left " << left);
        REQUIRE(error_of_opening(healthy.folder.path()) == storage_errc::corrupt);
        REQUIRE(std::filesystem::file_size(healthy.data) == left);
    }
    write_file(healthy.data, healthy.octets);
    CHECK_FALSE(error_of_opening(healthy.folder.path()));
}

TEST_CASE("a queue folder without its file is refused, not filled with a new queue") {
    const healthy_queue healthy;
    std::filesystem::remove(healthy.data);
    CHECK(error_of_opening(healthy.folder.path()) == storage_errc::corrupt);
    CHECK_FALSE(std::filesystem::exists(healthy.data));
}

TEST_CASE("a start that died while it made the queue does not hinder the next") {
    const temporary_folder folder;
    std::filesystem::create_directories(folder.path() + "/queue.new");
    write_file(folder.path() + "/queue.new/data.mdb", "half");
    write_file(folder.path() + "/queue.new/lock.mdb", "");
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    CHECK(commit_one(*queue, insert_of(1)));
    CHECK_FALSE(std::filesystem::exists(folder.path() + "/queue.new"));
}

TEST_CASE("any octet of the meta pages may be flipped without a crash") {
    const healthy_queue healthy;
    int refused = 0;
    for (const std::size_t at : {std::size_t{0}, page}) {
        for (std::size_t i = 0; i < meta_length; ++i) {
            for (const char flip : {'\x01', '\xff'}) {
                std::string damaged = healthy.octets;
                damaged[at + i] = static_cast<char>(damaged[at + i] ^ flip);
                if (!healthy.survives(damaged)) ++refused;
            }
        }
    }
    CHECK(refused > 100);
}

// The heads of overflow pages are not read at the start (one read for each body there is), so they are left
// out here.
bool is_overflow_head(const std::string& octets, std::size_t at) {
    std::uint64_t number = 0;
    std::memcpy(&number, octets.data() + at, sizeof number);
    return number == at / page && (octets[at + 10] & 4) != 0;
}

TEST_CASE("any page of a tree may be overwritten without a crash") {
    const healthy_queue healthy;
    std::mt19937 chance(1);
    int refused = 0;
    const std::size_t pages = healthy.octets.size() / page;
    for (std::size_t round = 0; round < 600; ++round) {
        std::string damaged = healthy.octets;
        const std::size_t at = round % pages * page;
        const std::size_t from = round % 2 == 0 ? 0 : chance() % page;
        const std::size_t length = round % 3 == 0 ? page - from : std::min<std::size_t>(8, page - from);
        if (is_overflow_head(healthy.octets, at)) continue;
        for (std::size_t i = from; i < from + length; ++i) damaged[at + i] = static_cast<char>(chance());
        if (!healthy.survives(damaged)) ++refused;
    }
    CHECK(refused > 20);
}

TEST_CASE("a queue of a later version is refused by name") {
    const healthy_queue healthy;
    std::string newer = healthy.octets;
    for (auto at = newer.find("format"); at != std::string::npos; at = newer.find("format", at + 1)) {
        newer[at + 6 + 7] = queue_format + 1; // the key, then a number of eight octets
    }
    write_file(healthy.data, newer);
    CHECK(error_of_opening(healthy.folder.path()) == storage_errc::newer_format);
    CHECK(queue::open_for_reading(system_files(), healthy.folder.path()).error() ==
          storage_errc::newer_format);
}

TEST_CASE("a folder that may not be read or written says so") {
    if (::geteuid() == 0) return; // permissions do not bind root
    const healthy_queue healthy;
    std::filesystem::permissions(healthy.folder.path() + "/queue", std::filesystem::perms::none);
    CHECK(error_of_opening(healthy.folder.path()) == storage_errc::permission);
    CHECK(queue::open_for_reading(system_files(), healthy.folder.path()).error() == storage_errc::permission);
    std::filesystem::permissions(healthy.folder.path() + "/queue", std::filesystem::perms::owner_all);
}
