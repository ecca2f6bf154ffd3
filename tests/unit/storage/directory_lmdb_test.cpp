#include "storage/lmdb.hpp"
#include "storage/tables/directory.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace postern::storage;
using postern::testing::temporary_folder;
using strings = std::vector<std::string>;

namespace {

std::unique_ptr<directory> open(const temporary_folder& folder) {
    auto accounts = open_lmdb_directory(folder.path());
    REQUIRE(accounts.has_value());
    return std::move(*accounts);
}

// Octets into a table behind the directory's back.
void put_raw(const temporary_folder& folder, const char* table, std::string_view key,
             std::string_view value) {
    auto environment = lmdb::environment::open(folder.path() + "/accounts", {}).value();
    auto within = environment->begin_write().value();
    const auto in = within.open_table(table, lmdb::when_absent::make).value();
    REQUIRE(within.put(in, key, value, lmdb::put_mode::replace));
    REQUIRE(within.commit());
}

} // namespace

TEST_CASE("accounts outlive the process that wrote them", "[directory]") {
    const temporary_folder folder;
    {
        const auto accounts = open(folder);
        REQUIRE(accounts->put_mailbox({"u@f.test", 7, true, "", 0}));
        REQUIRE(accounts->add_alias("a@f.test", strings{"u@f.test"}));
    }
    const auto accounts = open(folder);
    CHECK(accounts->find_mailbox("u@f.test").value()->quota == 7);
    CHECK(accounts->find_alias("a@f.test", 9).value() == strings{"u@f.test"});
}

TEST_CASE("a command's write is seen by the next look-up of a running server", "[directory]") {
    const temporary_folder folder;
    // The command is another process; it is forked before this one opens the environment.
    int go[2];
    REQUIRE(::pipe(go) == 0);
    const auto command = ::fork();
    REQUIRE(command >= 0);
    if (command == 0) {
        char octet = 0;
        if (::read(go[0], &octet, 1) != 1) ::_exit(2);
        const auto accounts = open_lmdb_directory(folder.path());
        if (!accounts) ::_exit(3);
        ::_exit((*accounts)->put_mailbox({"new@f.test", 5, true, "", 0}) ? 0 : 4);
    }
    const auto accounts = open(folder);
    CHECK_FALSE(accounts->find_mailbox("new@f.test").value().has_value());
    REQUIRE(::write(go[1], "x", 1) == 1);
    int status = -1;
    REQUIRE(::waitpid(command, &status, 0) == command);
    REQUIRE(status == 0);
    CHECK(accounts->find_mailbox("new@f.test").value().has_value());
    ::close(go[0]);
    ::close(go[1]);
}

TEST_CASE("a damaged record is an error, not an absent mailbox", "[directory]") {
    const temporary_folder folder;
    open(folder).reset();
    put_raw(folder, "mailboxes", "u@f.test", "garbage");
    put_raw(folder, "domains", "f.test", std::string("\0", 1));
    put_raw(folder, "aliases", std::string("a@f.test\0u@f.test", 17), "garbage");
    put_raw(folder, "aliases", std::string("b@f.test\0", 9), "\x01");
    const auto accounts = open(folder);
    CHECK(accounts->find_mailbox("u@f.test").has_error());
    CHECK(accounts->find_alias("a@f.test", 5).has_error());
    CHECK(accounts->find_alias("b@f.test", 5).error() == storage_errc::corrupt);
    CHECK(accounts->find_domain("f.test").error() == storage_errc::corrupt);
    CHECK(accounts->each_domain([](const auto&) { return true; }).error() == storage_errc::corrupt);
}

TEST_CASE("accounts of a later version are not opened", "[directory]") {
    const struct {
        const char* version;
        storage_errc error;
    } rows[] = {
        {"2", storage_errc::newer_format}, {"one", storage_errc::corrupt}, {"", storage_errc::corrupt}};
    for (const auto& row : rows) {
        INFO(row.version);
        const temporary_folder folder;
        open(folder).reset();
        put_raw(folder, "format", "version", row.version);
        CHECK(open_lmdb_directory(folder.path()).error() == row.error);
    }
}

TEST_CASE("a file that is no LMDB environment is corrupt", "[directory]") {
    const temporary_folder folder;
    std::filesystem::create_directory(folder.path() + "/accounts");
    std::ofstream(folder.path() + "/accounts/data.mdb") << std::string(8192, 'x');
    CHECK(open_lmdb_directory(folder.path()).error() == storage_errc::corrupt);
}

TEST_CASE("a state folder that is not there is an error", "[directory]") {
    const temporary_folder folder;
    CHECK(open_lmdb_directory(folder.path() + "/absent").error() == storage_errc::not_found);
}

TEST_CASE("a full map refuses the write and keeps what is there", "[directory]") {
    const temporary_folder folder;
    auto accounts = open_lmdb_directory(folder.path(), 256 * 1024).value();
    std::vector<alias_record> records;
    for (int i = 0; i < 20000; ++i) records.push_back({std::to_string(i) + "@f.test", "u@f.test"});
    CHECK(accounts->add_aliases(records).error() == storage_errc::map_full);
    CHECK(accounts->find_alias("0@f.test", 5).value().empty());
    REQUIRE(accounts->add_alias("0@f.test", strings{"u@f.test"}));
}

TEST_CASE("readers in many threads and a writer do not disturb each other", "[directory]") {
    const temporary_folder folder;
    const auto accounts = open(folder);
    REQUIRE(accounts->put_mailbox({"u@f.test", 1, true, "", 0}));
    std::atomic<int> wrong = 0;
    std::vector<std::thread> readers;
    for (int i = 0; i < 4; ++i)
        readers.emplace_back([&] {
            for (int n = 0; n < 500; ++n)
                if (const auto found = accounts->find_mailbox("u@f.test"); !found || !*found) ++wrong;
        });
    for (std::uint64_t n = 0; n < 20; ++n)
        if (!accounts->put_mailbox({"u@f.test", n, true, "", 0})) ++wrong;
    for (auto& reader : readers) reader.join();
    CHECK(wrong == 0);
}

TEST_CASE("200,000 aliases in one transaction are all found", "[directory]") {
    constexpr int count = 200000;
    const temporary_folder folder;
    const auto accounts = open(folder);
    std::vector<alias_record> records;
    records.reserve(count);
    for (int i = 0; i < count; ++i)
        records.push_back(
            {"alias" + std::to_string(i) + "@f.test", "user" + std::to_string(i % 977) + "@f.test"});
    REQUIRE(accounts->add_aliases(records));

    const auto start = std::clock(); // processor time: other programs don't count
    int wrong = 0;
    for (const auto& record : records) {
        const auto found = accounts->find_alias(record.address, 1000);
        if (!found || found->size() != 1 || found->front() != record.target) ++wrong;
    }
    const double microseconds = static_cast<double>(std::clock() - start) * 1e6 / CLOCKS_PER_SEC;
    CHECK(wrong == 0);
    std::printf("alias look-up among %d: %.2f us\n", count, microseconds / count);
    CHECK(accounts->find_alias("alias" + std::to_string(count) + "@f.test", 5).value().empty());
}

TEST_CASE("tables from before there was a way back get one", "[directory]") {
    const temporary_folder folder;
    {
        auto accounts = open(folder);
        REQUIRE(accounts->put_domain({"f.test", "", ""}));
        REQUIRE(accounts->put_domain({"e.test", "", "f.test"}));
        const strings targets{"u@f.test"};
        REQUIRE(accounts->add_alias("a@f.test", targets));
    }
    std::filesystem::create_directory(folder.path() + "/older");
    std::filesystem::create_directory(folder.path() + "/older/accounts");
    {
        auto from = lmdb::environment::open(folder.path() + "/accounts", {}).value();
        auto to = lmdb::environment::open(folder.path() + "/older/accounts", {}).value();
        auto read = from->begin_read().value();
        auto write = to->begin_write().value();
        for (const auto* name : {"format", "domains", "mailboxes", "aliases"}) {
            const auto in = read.open_table(name, lmdb::when_absent::fail).value();
            const auto out = write.open_table(name, lmdb::when_absent::make).value();
            auto at = lmdb::cursor::open(read, in).value();
            for (auto entry = at.first(); entry.value(); entry = at.next())
                REQUIRE(write.put(out, (*entry)->key, (*entry)->value, lmdb::put_mode::replace));
        }
        REQUIRE(write.commit());
    }
    const auto accounts = open_lmdb_directory(folder.path() + "/older").value();
    CHECK(accounts->aliases_to("u@f.test", 9).value() == strings{"a@f.test"});
    CHECK(accounts->alias_domains_of("f.test", 9).value() == strings{"e.test"});
}
