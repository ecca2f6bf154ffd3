#include "tests/unit/storage/maildir_fixture.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <thread>

using namespace postern;
using namespace postern::storage;
using postern::testing::mail_store;
using postern::testing::text_body;
using strings = std::vector<std::string>;

namespace {

constexpr const char* letter = "To: u\r\n\r\nhi\r\n"; // 13 octets, 30 with its Return-Path

} // namespace

TEST_CASE("a delivery makes the Maildir and leaves the message in new", "[maildir]") {
    const mail_store store;
    REQUIRE(store.deliver("1.Q1R0.mx", letter).has_value());
    CHECK(store.names("new") == strings{"1.Q1R0.mx,S=30"});
    CHECK(store.names("tmp").empty());
    CHECK(std::filesystem::exists(store.box() / "cur"));
    CHECK(store.content("new/1.Q1R0.mx,S=30") == std::string("Return-Path: <>\r\n") + letter);
    CHECK_FALSE(std::filesystem::exists(store.box() / "maildirsize")); // no quota, no file
    struct stat found{};
    REQUIRE(::stat(store.box().c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0700);
}

TEST_CASE("Return-Path fields in the message give way to ours", "[maildir]") {
    const mail_store store;
    REQUIRE(
        store.deliver("1.a", "Return-Path: <x@y>\r\nTo: u\r\nReturn-Path: <z@y>\r\n\r\nhi\r\n").has_value());
    CHECK(store.content("new/1.a,S=30") == std::string("Return-Path: <>\r\n") + letter);
}

TEST_CASE("a message of many blocks arrives octet for octet", "[maildir]") {
    const mail_store store;
    std::string text = "To: u\r\n\r\n";
    for (int i = 0; text.size() < 300000; ++i) text += std::to_string(i) + "\r\n";
    for (const std::size_t piece : {std::size_t{1000}, std::size_t{1} << 20}) {
        text_body body(text, piece);
        const auto name = "1." + std::to_string(piece);
        REQUIRE(
            deliver_to_maildir(system_files(), store.target(), {name, "", text.size()}, body).has_value());
        CHECK(store.content("new/" + name + ",S=" + std::to_string(text.size())) == text);
    }
}

TEST_CASE("a body that is shorter or longer than announced is not delivered", "[maildir]") {
    const mail_store store;
    for (const std::uint64_t size : {12U, 14U}) {
        text_body body(letter);
        CHECK(deliver_to_maildir(system_files(), store.target(), {"1.a", "", size}, body).error() ==
              storage_errc::corrupt);
    }
    text_body failing(letter);
    failing.fails_at = 10;
    CHECK(deliver_to_maildir(system_files(), store.target(), {"1.a", "", 13}, failing).error() ==
          storage_errc::io);
    CHECK(store.names("new").empty());
    CHECK(store.names("tmp").empty());
}

TEST_CASE("a file name that would lead elsewhere is refused", "[maildir]") {
    const mail_store store;
    for (const auto& name : {std::string(), std::string("../x"), std::string(".x"), std::string("a:2,S"),
                             std::string("a\0b", 3), std::string(201, 'x')})
        CHECK(store.deliver(name, letter).error() == storage_errc::invalid);
}

TEST_CASE("a store that is not there, say not mounted, is not made", "[maildir]") {
    const mail_store store;
    auto target = store.target();
    target.base += "/absent";
    text_body body(letter);
    CHECK(deliver_to_maildir(system_files(), target, {"1.a", "", 13}, body).error() ==
          storage_errc::not_found);
    CHECK_FALSE(std::filesystem::exists(target.base));
}

TEST_CASE("links above the store are the operator's, links below it are refused", "[maildir]") {
    const mail_store elsewhere;
    const mail_store store;
    const auto root = std::filesystem::path(store.folder.path());
    SECTION("the store itself") {
        std::filesystem::create_directory_symlink(elsewhere.folder.path(), root / "mail");
        const auto target =
            maildir_target_for(store.folder.path() + "/mail/{domain}/{local}", "u", "d.test", 0);
        text_body body(letter);
        REQUIRE(deliver_to_maildir(system_files(), target, {"1.a", "", 13}, body).has_value());
        CHECK(elsewhere.names("new") == strings{"1.a,S=13"});
    }
    SECTION("the mailbox") {
        std::filesystem::create_directory(root / "d.test");
        std::filesystem::create_directories(elsewhere.box() / "new");
        std::filesystem::create_directories(elsewhere.box() / "tmp");
        std::filesystem::create_directory_symlink(elsewhere.box(), store.box());
        CHECK(store.deliver("1.a", letter).has_error());
        CHECK(elsewhere.names("new").empty());
        CHECK(elsewhere.names("tmp").empty());
    }
    SECTION("tmp, new") {
        const auto* const part = GENERATE("tmp", "new");
        std::filesystem::create_directories(store.box() / "tmp");
        std::filesystem::create_directories(store.box() / "new");
        std::filesystem::remove(store.box() / part);
        std::filesystem::create_directories(elsewhere.box());
        std::filesystem::create_directory_symlink(elsewhere.box(), store.box() / part);
        CHECK(store.deliver("1.a", letter).has_error());
        CHECK(std::filesystem::is_empty(elsewhere.box()));
    }
    SECTION("the temporary file") {
        std::filesystem::create_directories(store.box() / "tmp");
        std::filesystem::create_directories(store.box() / "new");
        std::filesystem::create_symlink(root / "victim", store.box() / "tmp" / "1.a");
        CHECK(store.deliver("1.a", letter)); // the link is taken away
        CHECK_FALSE(std::filesystem::exists(root / "victim"));
        CHECK(store.names("tmp").empty());
        CHECK(std::filesystem::is_regular_file(store.box() / "new" / store.names("new").at(0)));
    }
}

TEST_CASE("hostile local parts stay in the store", "[maildir]") {
    const mail_store store;
    const auto root = std::filesystem::path(store.folder.path());
    for (const std::string local : {"..", "../../x", "/etc/passwd", ".", "", ".new", "a/../../../b"}) {
        const auto target = maildir_target_for(root.string() + "/store/{domain}/{local}", local, "d.test", 0);
        std::filesystem::create_directories(root / "store");
        text_body body(letter);
        REQUIRE(deliver_to_maildir(system_files(), target, {"1.a", "", 13}, body).has_value());
    }
    for (const auto& entry : std::filesystem::directory_iterator(root)) CHECK(entry.path() == root / "store");
    for (const auto& entry : std::filesystem::directory_iterator(root / "store"))
        CHECK(entry.path() == root / "store" / "d.test");
    const auto boxes = std::filesystem::directory_iterator(root / "store" / "d.test");
    CHECK(std::distance(begin(boxes), end(boxes)) == 7);
}

TEST_CASE("a delivery repeated after a crash does not make a second message", "[maildir]") {
    const mail_store store;
    REQUIRE(store.deliver("1.a", letter).has_value());
    REQUIRE(store.deliver("1.a", letter).has_value());
    CHECK(store.names("new") == strings{"1.a,S=30"});
    CHECK(store.names("tmp").empty());
}

TEST_CASE("another message under the same name is kept beside it", "[maildir]") {
    const mail_store store;
    REQUIRE(store.deliver("1.a", letter).has_value());
    REQUIRE(store.deliver("1.a", "To: u\r\n\r\nho\r\n").has_value());
    REQUIRE(store.deliver("1.a", "To: u\r\n\r\nho\r\n").has_value()); // and repeated
    CHECK(store.names("new") == strings{"1.a,S=30", "1.a_1,S=30"});
    CHECK(store.content("new/1.a,S=30").ends_with("hi\r\n"));
    CHECK(store.content("new/1.a_1,S=30").ends_with("ho\r\n"));
}

TEST_CASE("what a crash left in tmp is overwritten", "[maildir]") {
    const mail_store store;
    std::filesystem::create_directories(store.box() / "new");
    store.write("tmp/1.a", std::string(100000, 'x'));
    REQUIRE(store.deliver("1.a", letter).has_value());
    CHECK(store.content("new/1.a,S=30") == std::string("Return-Path: <>\r\n") + letter);
}

TEST_CASE("four threads deliver into one new mailbox and lose nothing", "[maildir]") {
    mail_store store;
    store.quota = 1000000;
    std::atomic<int> failed = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (int n = 0; n < 25; ++n)
                if (!store.deliver(std::to_string(t) + "." + std::to_string(n), letter)) ++failed;
        });
    for (auto& thread : threads) thread.join();
    CHECK(failed == 0);
    CHECK(store.names("new").size() == 100);
    CHECK(store.names("tmp").empty());
}
