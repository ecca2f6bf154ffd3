#include "storage/server_secret.hpp"

#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <sys/stat.h>

using namespace postern::storage;

namespace {
const std::string first(server_secret_octets, 'a'), second(server_secret_octets, 'b');
}

TEST_CASE("the server's secret is made once and nobody else can read it", "[secret]") {
    const postern::testing::temporary_folder folder;
    auto& files = system_files();
    CHECK(server_secret(files, folder.path(), first).value() == first);
    CHECK(server_secret(files, folder.path(), second).value() == first);
    struct stat facts{};
    REQUIRE(::stat((folder.path() + "/secret").c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777) == 0600);
    CHECK(::stat((folder.path() + "/secret.new").c_str(), &facts) != 0);
}

TEST_CASE("a secret of another size is damage, and not replaced", "[secret]") {
    const postern::testing::temporary_folder folder;
    for (const std::size_t size : {std::size_t{0}, server_secret_octets - 1, server_secret_octets + 1}) {
        std::ofstream(folder.path() + "/secret") << std::string(size, 'x');
        CHECK(server_secret(system_files(), folder.path(), second).error() == storage_errc::corrupt);
    }
    CHECK(server_secret(system_files(), folder.path() + "/absent", second).error() ==
          storage_errc::not_found);
    CHECK(server_secret(system_files(), folder.path(), "short").error() == storage_errc::invalid);
}

TEST_CASE("what a crash left of a secret is written anew", "[secret]") {
    const postern::testing::temporary_folder folder;
    std::ofstream(folder.path() + "/secret.new") << "half of it, or more than all of it: it is overwritten";
    CHECK(server_secret(system_files(), folder.path(), second).value() == second);
    CHECK(server_secret(system_files(), folder.path(), first).value() == second);
}
