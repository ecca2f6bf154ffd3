// Delivery into a folder of a Maildir (Maildir++), which is made when it is missing.
#include "tests/support/failing_files.hpp"
#include "tests/unit/storage/maildir_fixture.hpp"

#include <catch2/catch.hpp>
#include <cerrno>

using namespace postern;
using namespace postern::storage;
using postern::testing::failing_files;
using postern::testing::file_call;
using postern::testing::mail_store;
using strings = std::vector<std::string>;

namespace {

constexpr const char* letter = "To: u\r\n\r\nhi\r\n"; // 13 octets, 30 with its Return-Path

struct junk_store : mail_store {
    explicit junk_store(std::uint64_t octets = 0) {
        into = "Junk";
        quota = octets;
    }
};

std::size_t copies(const mail_store& store) {
    std::size_t count = store.names("new").size(); // none belongs there
    for (const auto& name : store.names(".Junk/new")) count += name.starts_with("1.a") ? 1 : 0;
    return count;
}

enum class mailbox_was { absent, without_folder, there, delivered_to };

bool check_failure(mailbox_was before, std::size_t nth, int error) {
    junk_store store(1000);
    if (before == mailbox_was::without_folder) {
        store.into = "";
        REQUIRE(store.deliver("0.a", letter).has_value());
        std::filesystem::remove(store.box() / "new/0.a,S=30");
        store.into = "Junk";
    }
    if (before == mailbox_was::there) REQUIRE(store.deliver("0.a", letter).has_value());
    if (before == mailbox_was::delivered_to) REQUIRE(store.deliver("1.a", letter).has_value());
    const auto copies_before = copies(store);
    failing_files files;
    files.fail(file_call::any, nth, error);
    const auto delivered = store.deliver(files, "1.a", letter);
    INFO("mailbox " << static_cast<int>(before) << ", call " << nth << ", errno " << error);
    CHECK(copies(store) == (delivered ? 1 : copies_before));
    if (files.failures() == 0) {
        CHECK(delivered.has_value());
        return false;
    }
    files.stop();
    REQUIRE(store.deliver(files, "1.a", letter).has_value()); // the next try heals everything
    CHECK(copies(store) == 1);
    CHECK(std::filesystem::exists(store.box() / ".Junk/maildirfolder"));
    for (const auto* const part : {"cur", "new", "tmp", ".Junk/cur", ".Junk/tmp"})
        CHECK(std::filesystem::is_directory(store.box() / part));
    return true;
}

} // namespace

TEST_CASE("a delivery into a folder makes it, marks it and leaves the inbox alone", "[maildir]") {
    const junk_store store;
    REQUIRE(store.deliver("1.a", letter).has_value());
    CHECK(store.names(".Junk/new") == strings{"1.a,S=30"});
    CHECK(store.names(".Junk/tmp").empty());
    CHECK(store.names(".Junk") == strings{"cur", "maildirfolder", "new", "tmp"});
    CHECK(std::filesystem::file_size(store.box() / ".Junk/maildirfolder") == 0);
    CHECK(store.names(".") == strings{".Junk", "cur", "new", "tmp"});
    CHECK(store.names("new").empty());
    CHECK(store.content(".Junk/new/1.a,S=30") == std::string("Return-Path: <>\r\n") + letter);
}

TEST_CASE("what is in a folder counts against the quota of the whole Maildir", "[maildir]") {
    junk_store store(60);
    REQUIRE(store.deliver("1.a", letter).has_value());
    CHECK(store.content("maildirsize") == "60S\n0 0\n30 1\n");
    CHECK_FALSE(std::filesystem::exists(store.box() / ".Junk/maildirsize"));
    store.into = "";
    REQUIRE(store.deliver("2.a", letter).has_value());
    CHECK(store.deliver("3.a", letter).error() == storage_errc::over_quota);
    store.into = "Junk";
    CHECK(store.deliver("3.a", letter).error() == storage_errc::over_quota);
    std::filesystem::remove(store.box() / "maildirsize"); // counted again: both
    CHECK(store.deliver("3.a", letter).error() == storage_errc::over_quota);
    CHECK(store.content("maildirsize") == "60S\n60 2\n");
}

TEST_CASE("a folder that a mail server made is used as it is", "[maildir]") {
    const junk_store store;
    REQUIRE(store.deliver("1.a", letter).has_value());
    std::filesystem::remove(store.box() / ".Junk/maildirfolder");
    REQUIRE(store.deliver("2.a", letter).has_value());
    CHECK(store.names(".Junk/new") == strings{"1.a,S=30", "2.a,S=30"});
    std::filesystem::remove(store.box() / ".Junk/tmp"); // half of it is there
    REQUIRE(store.deliver("3.a", letter).has_value());
    CHECK(store.names(".Junk/new").size() == 3);
}

TEST_CASE("a link in the place of a folder is refused", "[maildir]") {
    junk_store store;
    store.into = "";
    REQUIRE(store.deliver("1.a", letter).has_value());
    std::filesystem::create_directories(store.box() / "elsewhere/new");
    std::filesystem::create_directories(store.box() / "elsewhere/tmp");
    std::filesystem::create_directory_symlink("elsewhere", store.box() / ".Junk");
    store.into = "Junk";
    CHECK(store.deliver("2.a", letter).has_error());
    CHECK(store.names("elsewhere/new").empty());
}

TEST_CASE("a repeated delivery into a folder is one message, a name that leads elsewhere none", "[maildir]") {
    junk_store store;
    REQUIRE(store.deliver("1.a", letter).has_value());
    REQUIRE(store.deliver("1.a", letter).has_value());
    CHECK(copies(store) == 1);
    for (const auto* const name : {"..", "a/b", "a.b", "J\xc3\xbcnk", "a b", "&AOQ-"}) {
        store.into = name;
        CHECK(store.deliver("2.a", letter).error() == storage_errc::invalid);
    }
    store.into = std::string(maildir_folder_max + 1, 'x');
    CHECK(store.deliver("2.a", letter).error() == storage_errc::invalid);
    store.into = std::string(maildir_folder_max, 'x');
    CHECK(store.deliver("2.a", letter).has_value());
}

TEST_CASE("whatever call fails, a message is in the folder once and only after success", "[maildir]") {
    for (const auto before :
         {mailbox_was::absent, mailbox_was::without_folder, mailbox_was::there, mailbox_was::delivered_to})
        for (const int error : {EIO, ENOENT}) {
            std::size_t nth = 1;
            while (nth < 200 && check_failure(before, nth, error)) ++nth;
            CHECK(nth > 8);
            CHECK(nth < 200);
        }
}

TEST_CASE("a folder and its mark are flushed before the message counts", "[maildir]") {
    const junk_store store;
    failing_files files;
    REQUIRE(store.deliver(files, "1.a", letter).has_value());
    CHECK(files.calls(file_call::make_folder) == 9);  // domain, mailbox with its three, .Junk with its three
    CHECK(files.calls(file_call::sync_folder) == 10); // and new/ with the message
}
