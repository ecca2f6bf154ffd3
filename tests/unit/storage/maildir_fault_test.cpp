#include "tests/support/failing_files.hpp"
#include "tests/unit/storage/maildir_fixture.hpp"

#include <catch2/catch.hpp>
#include <cerrno>

using namespace postern;
using namespace postern::storage;
using postern::testing::failing_files;
using postern::testing::file_call;
using postern::testing::mail_store;

namespace {

constexpr const char* letter = "To: u\r\n\r\nhi\r\n";

enum class mailbox_was { absent, there, counted, miscounted, delivered_to };

void prepare(mail_store& store, mailbox_was before) {
    store.quota = before == mailbox_was::there ? 0 : 1000;
    if (before == mailbox_was::absent) return;
    REQUIRE(store.deliver(before == mailbox_was::delivered_to ? "1.a" : "0.a", letter).has_value());
    if (before == mailbox_was::miscounted) store.write("maildirsize", "torn");
}

std::size_t copies(const mail_store& store) {
    std::size_t count = 0;
    for (const auto& name : store.names("new")) count += name.starts_with("1.a") ? 1 : 0;
    return count;
}

// One delivery with the nth call failing. False: there was no nth call.
bool check_failure(mailbox_was before, std::size_t nth, int error) {
    mail_store store;
    prepare(store, before);
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
    CHECK(store.content("new/1.a,S=30").ends_with(letter));
    for (const auto& left : store.names("tmp"))
        CHECK(left.starts_with("maildirsize")); // overwritten by the next count
    return true;
}

} // namespace

TEST_CASE("whatever call fails, a message is in new once and only after success", "[maildir]") {
    for (const auto before : {mailbox_was::absent, mailbox_was::there, mailbox_was::counted,
                              mailbox_was::miscounted, mailbox_was::delivered_to})
        for (const int error : {EIO, ENOENT}) {
            std::size_t nth = 1;
            while (nth < 200 && check_failure(before, nth, error)) ++nth;
            CHECK(nth > 8);
            CHECK(nth < 200);
        }
}

TEST_CASE("a disk that stays full never yields a delivery and leaves nothing", "[maildir]") {
    for (std::size_t nth = 1; nth < 100; ++nth) {
        mail_store store;
        store.quota = 1000;
        failing_files files;
        files.fail_from(file_call::write, nth, ENOSPC);
        const auto delivered = store.deliver(files, "1.a", letter);
        if (files.failures() == 0) break;
        INFO(nth);
        CHECK(copies(store) == (delivered ? 1U : 0U));
        CHECK(store.names("tmp").empty());
        if (!delivered) CHECK(delivered.error() == storage_errc::no_space);
    }
}

TEST_CASE("a message whose folder could not be flushed is taken back, or told as one that may come twice",
          "[maildir]") {
    const mail_store store;
    REQUIRE(store.deliver("0.a", letter).has_value());
    failing_files files;
    SECTION("taken back") {
        files.fail(file_call::sync_folder, 1, EIO);
        CHECK(store.deliver(files, "1.a", letter).error() == storage_errc::io);
        CHECK(copies(store) == 0);
    }
    SECTION("flushed before success is told") {
        REQUIRE(store.deliver(files, "1.a", letter).has_value());
        CHECK(files.calls(file_call::sync_data) == 1);
        CHECK(files.calls(file_call::sync_folder) == 1);
    }
    SECTION("a repeated one is flushed again") {
        REQUIRE(store.deliver("1.a", letter).has_value());
        files.fail(file_call::sync_folder, 1, EIO);
        CHECK(store.deliver(files, "1.a", letter).error() == storage_errc::io);
        CHECK(copies(store) == 1);
    }
}

TEST_CASE("short writes and reads change nothing", "[maildir]") {
    mail_store store;
    store.quota = 1000;
    failing_files files;
    files.shorten();
    REQUIRE(store.deliver(files, "1.a", letter).has_value());
    REQUIRE(store.deliver(files, "1.a", letter).has_value());
    CHECK(copies(store) == 1);
    CHECK(store.content("new/1.a,S=30") == std::string("Return-Path: <>\r\n") + letter);
}

TEST_CASE("every folder made is flushed into its parent before the message counts", "[maildir]") {
    const mail_store store;
    failing_files files;
    REQUIRE(store.deliver(files, "1.a", letter).has_value());
    CHECK(files.calls(file_call::make_folder) == 5); // domain, mailbox, cur, new, tmp
    CHECK(files.calls(file_call::sync_folder) == 6); // and new/ with the message
}

TEST_CASE("a message that could not be noted in maildirsize is delivered and counted the next time",
          "[maildir]") {
    mail_store store;
    store.quota = 90;
    REQUIRE(store.deliver("0.a", letter).has_value());
    failing_files files;
    REQUIRE(store.deliver(files, "1.a", letter).has_value());
    const auto last_write = files.calls(file_call::write);
    store.quota = 120; // counted again, and written
    REQUIRE(maildir_has_room(system_files(), store.target(), 30).value());
    files.fail(file_call::write, last_write, ENOSPC);
    REQUIRE(store.deliver(files, "2.a", letter).has_value());
    CHECK(files.failures() == 1);
    CHECK(store.names("new").size() == 3);
    CHECK(maildir_has_room(system_files(), store.target(), 30).value());
    CHECK_FALSE(maildir_has_room(system_files(), store.target(), 31).value());
}
