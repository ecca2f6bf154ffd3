#include "tests/unit/storage/maildir_fixture.hpp"

#include <catch2/catch.hpp>
#include <chrono>

using namespace postern;
using namespace postern::storage;
using postern::testing::mail_store;
using strings = std::vector<std::string>;

namespace {

constexpr const char* letter = "To: u\r\n\r\nhi\r\n"; // 13 octets, 30 with its Return-Path

bool has_room(const mail_store& store, std::uint64_t size) {
    const auto room = maildir_has_room(system_files(), store.target(), size);
    REQUIRE(room.has_value());
    return *room;
}

// As if everything in the box but maildirsize had last changed an hour ago.
void make_old(const mail_store& store) {
    const auto past = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(store.box()))
        if (entry.path().filename() != "maildirsize") std::filesystem::last_write_time(entry.path(), past);
}

} // namespace

TEST_CASE("a mailbox may be filled to the last octet and not one more", "[maildir]") {
    mail_store store;
    store.quota = 60;
    REQUIRE(store.deliver("1.a", letter).has_value());
    CHECK(store.content("maildirsize") == "60S\n0 0\n30 1\n");
    CHECK(has_room(store, 30));
    CHECK_FALSE(has_room(store, 31));
    CHECK(store.deliver("2.a", "To: uu\r\n\r\nhi\r\n").error() == storage_errc::over_quota);
    REQUIRE(store.deliver("2.b", letter).has_value());
    CHECK(store.deliver("3.a", letter).error() == storage_errc::over_quota);
    CHECK_FALSE(has_room(store, 1));
    CHECK(store.names("new") == strings{"1.a,S=30", "2.b,S=30"});
    CHECK(store.names("tmp").empty());
}

TEST_CASE("what is left out of a message does not count against the quota", "[maildir]") {
    mail_store store;
    store.quota = 30;
    REQUIRE(store.deliver("1.a", std::string("Return-Path: <somebody@far.test>\r\n") + letter).has_value());
    CHECK(store.names("new") == strings{"1.a,S=30"});
}

TEST_CASE("a mailbox that does not exist yet has room for what its quota allows", "[maildir]") {
    mail_store store;
    CHECK(has_room(store, 1000));
    store.quota = 100;
    CHECK(has_room(store, 100));
    CHECK_FALSE(has_room(store, 101));
    CHECK(store.deliver("1.a", std::string(101, 'x')).error() == storage_errc::over_quota);
    CHECK(store.names("new").empty());
    CHECK(store.names("tmp").empty());
}

TEST_CASE("maildirsize is believed when it is well-formed and counted again when it is not", "[maildir]") {
    const struct {
        const char* name;
        std::string text;
        const char* after; // a delivery of 30 octets; the count again finds 40 + 5 + 7
    } rows[] = {
        {"ours", "1000S\n100 2\n", "1000S\n100 2\n30 1\n"},
        {"with a limit of messages", "1000S,50C\n100 2\n-10 -1\n", "1000S,50C\n100 2\n-10 -1\n30 1\n"},
        {"the other way round", "50C,1000S\n", "50C,1000S\n30 1\n"},
        {"padded as Courier does", "1000S\n         100            2\n",
         "1000S\n         100            2\n30 1\n"},
        {"for another quota", "2000S\n100 2\n", "1000S\n52 3\n30 1\n"},
        {"empty", "", "1000S\n52 3\n30 1\n"},
        {"no quota line", "100 2\n", "1000S\n52 3\n30 1\n"},
        {"messages only", "50C\n", "1000S\n52 3\n30 1\n"},
        {"an empty limit", "1000S,\n,\n", "1000S\n52 3\n30 1\n"},
        {"words", "1000S\nten 1\n", "1000S\n52 3\n30 1\n"},
        {"one number", "1000S\n100\n", "1000S\n52 3\n30 1\n"},
        {"three numbers", "1000S\n100 1 1\n", "1000S\n52 3\n30 1\n"},
        {"an empty line", "1000S\n\n", "1000S\n52 3\n30 1\n"},
        {"a torn line", "1000S\n100 2\n30", "1000S\n52 3\n30 1\n"},
        {"below nothing", "1000S\n-1 0\n", "1000S\n52 3\n30 1\n"},
        {"beyond 63 bits", "1000S\n9223372036854775807 1\n9223372036854775807 1\n", "1000S\n52 3\n30 1\n"},
        {"beyond 64 bits", "1000S\n99999999999999999999 1\n", "1000S\n52 3\n30 1\n"},
        {"too long",
         "1000S\n" + std::string(1279, ' ') + "1 1\n" +
             [] {
                 std::string lines;
                 while (lines.size() < 4000) lines += "0 0\n";
                 return lines;
             }(),
         "1000S\n52 3\n30 1\n"},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        mail_store store;
        store.quota = 1000;
        store.write("new/1.x,S=40", "x");            // the name is believed
        store.write("cur/2.x:2,S", "12345");         // no size in it
        store.write(".Sent/cur/3.x,S=7,W=8:2,", ""); // Maildir++
        store.write("new/.hidden", "12345");
        store.write(".notes", "12345");
        store.write("other/cur/4.x,S=900", "");
        std::filesystem::create_directory(store.box() / "tmp");
        store.write("maildirsize", row.text);
        REQUIRE(store.deliver("1.a", letter).has_value());
        CHECK(store.content("maildirsize") == row.after);
        CHECK(store.names("tmp").empty());
    }
}

TEST_CASE("exactly 5,120 octets of maildirsize are still believed", "[maildir]") {
    mail_store store;
    store.quota = 1000;
    std::string text = "1000S\n";
    while (text.size() < 5000) text += "0 0\n";
    std::filesystem::create_directories(store.box() / "tmp");
    for (const bool longer : {false, true}) {
        text.insert(6, longer ? 1 : 5120 - text.size(), ' ');
        INFO(text.size());
        store.write("maildirsize", text);
        CHECK(has_room(store, 1000));
        CHECK((store.content("maildirsize") == text) == !longer);
    }
}

TEST_CASE("a mailbox that a mail reader emptied has room again", "[maildir]") {
    mail_store store;
    store.quota = 60;
    REQUIRE(store.deliver("1.a", letter).has_value());
    REQUIRE(store.deliver("2.a", letter).has_value());
    CHECK_FALSE(has_room(store, 30));
    std::filesystem::remove(store.box() / "new" / "1.a,S=30"); // and does not tell maildirsize
    CHECK(has_room(store, 30));
    CHECK(store.content("maildirsize") == "60S\n30 1\n");
}

TEST_CASE("a full mailbox in which nothing changed is not counted for every recipient", "[maildir]") {
    mail_store store;
    store.quota = 60;
    store.write("new/1.x,S=1", "");
    std::filesystem::create_directory(store.box() / "tmp");
    store.write("maildirsize", "60S\n60 1\n"); // wrong, and newer than everything
    make_old(store);
    CHECK_FALSE(has_room(store, 1));
    std::filesystem::last_write_time(store.box() / "new", std::filesystem::file_time_type::clock::now());
    CHECK(has_room(store, 59));
}

TEST_CASE("without a quota maildirsize is kept up to date where it is, and not made", "[maildir]") {
    const mail_store store;
    REQUIRE(store.deliver("1.a", letter).has_value());
    CHECK_FALSE(std::filesystem::exists(store.box() / "maildirsize"));
    store.write("maildirsize", "0S\n30 1\n");
    REQUIRE(store.deliver("2.a", letter).has_value());
    CHECK(store.content("maildirsize") == "0S\n30 1\n30 1\n");
}

TEST_CASE("a repeated delivery is done even when the first one filled the mailbox", "[maildir]") {
    mail_store store;
    store.quota = 30;
    REQUIRE(store.deliver("1.a", letter).has_value());
    REQUIRE(store.deliver("1.a", letter).has_value());
    CHECK(store.names("new") == strings{"1.a,S=30"});
    CHECK_FALSE(has_room(store, 1)); // counted once
    CHECK(store.deliver("1.b", letter).error() == storage_errc::over_quota);
}

TEST_CASE("a link among the folders is not counted", "[maildir]") {
    const mail_store other;
    other.write("cur/1.x,S=5000", "");
    mail_store store;
    store.quota = 100;
    store.write("cur/1.x,S=5", "");
    std::filesystem::create_directory_symlink(other.box(), store.box() / ".Linked");
    CHECK(has_room(store, 95));
    CHECK_FALSE(has_room(store, 96));
}

TEST_CASE("sizes in names that add up beyond 64 bits leave no room instead of much", "[maildir]") {
    mail_store store;
    store.quota = 100;
    store.write("cur/1.x,S=18446744073709551615", "");
    store.write("cur/2.x,S=18446744073709551615", "");
    CHECK(has_room(store, 0));
    CHECK_FALSE(has_room(store, 1));
}
