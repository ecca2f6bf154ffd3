// Words were bounded in all, lessons only for each owner: their rows could fill the file, and from then on
// nobody could teach anything.
#include "storage/tables/tokens.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <random>

using namespace postern;

namespace {

// As far from each other as those of messages are.
std::string digest_of(std::mt19937_64& chance) {
    std::string octets(16, '\0');
    for (char& octet : octets) octet = static_cast<char>(chance());
    return octets;
}

} // namespace

TEST_CASE("many lessons of few words leave room to learn") {
    const testing::temporary_folder folder(testing::temporary_folder::in_memory());
    auto taught = *storage::open_lmdb_tokens(folder.path(), {.octets = std::uint64_t{1} << 20});
    std::mt19937_64 chance(1);
    const std::uint64_t words[] = {1, 2, 3};
    for (int owner = 0; owner < 4; ++owner)
        for (int i = 0; i < 5000; ++i) {
            const std::string name = std::to_string(owner) + "@d.test", digest = digest_of(chance);
            const auto learned = taught->learn(name, storage::lesson::spam, digest, words, 1);
            INFO("lesson " << i << " of " << name << ": " << learned.error().message());
            REQUIRE(learned.has_value());
        }
    const auto found = taught->find("3@d.test", words);
    REQUIRE(found.has_value());
    CHECK(found->messages.spam == 5000);
}
