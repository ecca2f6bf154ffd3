// The result of an attempt and the notices that it causes are written together, or not at all.
#include "queue_support.hpp"

#include "storage/spool_file.hpp"

#include <catch2/catch.hpp>

using namespace postern::storage;
using namespace postern::testing;

namespace {

insert_message notice_of(std::uint64_t id) { return std::get<insert_message>(insert_of(id)); }

} // namespace

TEST_CASE("a settled message leaves as its notice comes") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    REQUIRE(commit_one(*queue, insert_of(5)));
    REQUIRE(commit_one(*queue, settle_message{message_of(5), true, {notice_of(9)}}));
    CHECK_FALSE(queue->find({5})->has_value());
    CHECK(stored_body(*queue, message_of(9)) == body_of(9, 100));
    CHECK(queue->highest_id().value() == queue_id{9});
    CHECK(queue->due_after(before_all, 1000, 10)->size() == 1);
}

TEST_CASE("a message that waits on keeps what was learned, the told delay too") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    REQUIRE(commit_one(*queue, insert_of(5)));
    auto message = message_of(5);
    message.delay_told = true;
    message.recipients[0].next_try = 777;
    REQUIRE(commit_one(*queue, settle_message{message, false, {notice_of(9)}}));
    const auto found = queue->find({5});
    REQUIRE(found->has_value());
    CHECK((*found)->delay_told);
    CHECK((*found)->recipients[0].next_try == 777);
    CHECK_FALSE((*queue->find({9}))->delay_told);
    CHECK(queue->totals()->messages == 2);
}

TEST_CASE("a notice that can't be stored leaves the message as it was, and no one else pays") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    REQUIRE(commit_one(*queue, insert_of(5)));
    REQUIRE(commit_one(*queue, insert_of(9)));
    const queue_operation batch[] = {settle_message{message_of(5), true, {notice_of(9)}}, insert_of(11)};
    const auto outcomes = queue->commit_each(batch);
    CHECK(outcomes[0] == storage_errc::exists);
    CHECK_FALSE(outcomes[1]);
    CHECK(queue->find({5})->has_value());
    CHECK(queue->find({11})->has_value());
    auto huge = notice_of(12);
    huge.body.assign(inline_body_max + 1, 'x');
    huge.message.size = huge.body.size();
    CHECK(commit_one(*queue, settle_message{message_of(5), true, {huge}}).error() == storage_errc::too_large);
    CHECK(queue->find({5})->has_value());
}

TEST_CASE("of a message that was taken away nobody is told") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    REQUIRE(commit_one(*queue, settle_message{message_of(5), true, {notice_of(9)}}));
    CHECK(queue->totals()->messages == 0);
}

TEST_CASE("a settled message's body file goes with it") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    auto message = message_of(5, inline_body_max + 1);
    {
        auto file = queue->create_body(message.id).value();
        REQUIRE(file->append(body_of(5, inline_body_max + 1)));
        REQUIRE(file->make_durable());
        message.body_in_file = true;
        REQUIRE(commit_one(*queue, insert_message{message, {}}));
        file->keep();
    }
    CHECK(queue->open_body(message).has_value());
    REQUIRE(commit_one(*queue, settle_message{message, true, {}}));
    CHECK_FALSE(queue->open_body(message).has_value());
}
