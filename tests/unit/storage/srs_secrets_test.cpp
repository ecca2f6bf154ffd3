#include "storage/srs_secrets.hpp"

#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <sys/stat.h>

using namespace postern::storage;

namespace {

const std::string first(16, 'a'), second(64, 'b');
using secrets = std::vector<std::string>;

postern::result<secrets> read_from(const std::string& text) {
    const postern::testing::temporary_folder folder;
    std::ofstream(folder.path() + "/srs_secrets") << text;
    auto read = read_srs_secrets(system_files(), folder.path());
    // What is there is never replaced.
    const auto made = make_srs_secrets(system_files(), folder.path(), second);
    CHECK(made.has_value() == read.has_value());
    if (made && read) CHECK(*made == *read);
    return read;
}

} // namespace

TEST_CASE("the secret of forwarded senders is made once and nobody else can read it", "[secret]") {
    const postern::testing::temporary_folder folder;
    auto& files = system_files();
    CHECK(read_srs_secrets(files, folder.path()).error() == storage_errc::not_found);
    CHECK(make_srs_secrets(files, folder.path(), "short").error() == storage_errc::invalid);
    CHECK(make_srs_secrets(files, folder.path(), first + '\n' + first).error() == storage_errc::invalid);
    CHECK(make_srs_secrets(files, folder.path(), first).value() == secrets{first});
    CHECK(make_srs_secrets(files, folder.path(), second).value() == secrets{first});
    CHECK(read_srs_secrets(files, folder.path()).value() == secrets{first});
    struct stat facts{};
    REQUIRE(::stat((folder.path() + "/srs_secrets").c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777) == 0600);
}

TEST_CASE("a new secret is put in front of the old one", "[secret]") {
    CHECK(read_from(second + '\n' + first + '\n').value() == secrets{second, first});
    CHECK(read_from("# of May\r\n\r\n" + second + "\r\n\n#" + first + '\n' + first).value() ==
          secrets{second, first});
}

TEST_CASE("secrets that can be guessed, or none at all, are damage", "[secret]") {
    std::string many;
    for (int i = 0; i < 17; ++i) many += first + '\n';
    for (const std::string& text :
         {std::string(), std::string("\n# x\n"), first.substr(1), first + "\nshort\n", std::string(513, 'x'),
          many, first + '\n' + std::string(64 * 1024, '#')})
        CHECK(read_from(text).error() == storage_errc::corrupt);
    CHECK(read_from(many.substr(17)).value().size() == 16);
}
