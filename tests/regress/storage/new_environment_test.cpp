// The first commands of a fresh state folder, run at once: whoever came while another one made the file took
// the empty one for damage.
#include "storage/lmdb.hpp"
#include "tests/support/temporary_folder.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace postern::storage;
using postern::testing::temporary_folder;

namespace {

std::string octets_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

TEST_CASE("many processes make one environment at once") {
    for (int round = 0; round < 50; ++round) {
        const temporary_folder folder(temporary_folder::in_memory());
        int go[2] = {-1, -1};
        REQUIRE(::pipe(go) == 0);
        std::array<pid_t, 8> children{};
        for (auto& child : children) {
            child = ::fork();
            REQUIRE(child >= 0);
            if (child != 0) continue;
            ::close(go[1]);
            char octet = 0;
            (void)::read(go[0], &octet, 1); // until all are there
            ::_exit(lmdb::environment::open(folder.path(), {}) ? 0 : 4);
        }
        ::close(go[0]);
        ::close(go[1]);
        for (const auto child : children) {
            int status = -1;
            REQUIRE(::waitpid(child, &status, 0) == child);
            REQUIRE(status == 0);
        }
    }
}

TEST_CASE("an environment that is being made is waited for; one that stays cut is damaged") {
    const temporary_folder made, folder;
    (void)lmdb::environment::open(made.path(), {}).value();
    const std::string path = folder.path() + "/data.mdb", whole = octets_of(made.path() + "/data.mdb");
    REQUIRE(whole.size() > 4096);
    for (const std::size_t octets : {0U, 100U, 4096U}) {
        std::ofstream(path, std::ios::binary | std::ios::trunc) << whole.substr(0, octets);
        for (const auto mode : {lmdb::access::read, lmdb::access::write})
            CHECK(lmdb::environment::open(folder.path(), {.mode = mode}).error() == storage_errc::corrupt);
        std::thread maker([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            std::ofstream(path, std::ios::binary | std::ios::in) << whole;
        });
        const auto opened = lmdb::environment::open(folder.path(), {});
        maker.join();
        CHECK(opened);
    }
}
