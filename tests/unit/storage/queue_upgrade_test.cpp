// A queue with records of the versions before: read, delivered from and written to by this one.
#include "queue_support.hpp"
#include "tests/support/queue_surgery.hpp"

#include <catch2/catch.hpp>

using namespace postern::storage;
using namespace postern::testing;

namespace {

// As version 2 wrote it: an octet of version, of flags (here: the sender is proved), and no result fields.
std::string second_version_of(const queued_message& message) {
    auto before = message;
    before.proof = sender_proof::proved;
    auto record = encode_message(before);
    REQUIRE(record[0] == 2);
    return record;
}

} // namespace

TEST_CASE("messages that the version before stored are read, updated and settled", "[queue]") {
    const temporary_folder folder;
    {
        const auto queue = open_queue(folder.path());
        for (std::uint64_t id = 1; id <= 2; ++id) REQUIRE(commit_one(*queue, insert_of(id)));
    }
    const auto before = message_of(1);
    change_tables(folder.path(), [&](lmdb::transaction& within, const queue_tables& tables) {
        REQUIRE(within.put(tables.messages, id_key({1}), second_version_of(before), lmdb::put_mode::replace));
    });
    const auto queue = open_queue(folder.path());
    auto found = queue->find({1});
    REQUIRE((found && *found));
    auto message = **found;
    CHECK(message.proof == sender_proof::proved);
    CHECK(message.sender == before.sender);
    CHECK(message.result_fields.empty());
    CHECK_FALSE(message.recipients.at(0).junk);
    CHECK(stored_body(*queue, message) == body_of(1, 100));
    message.recipients[0].next_try = 5000;
    REQUIRE(commit_one(*queue, update_message{message}));
    CHECK(queue->find({1}).value()->recipients[0].next_try == 5000);
    REQUIRE(commit_one(*queue, settle_message{message, true, {}}));
    CHECK_FALSE(queue->find({1}).value());
    CHECK(queue->list({}, 10)->messages.size() == 1);
}

TEST_CASE("an update and a restart keep Junk and what was found", "[queue]") {
    const temporary_folder folder;
    auto message = message_of(7);
    message.result_fields = "X-Spam-Status: Yes\r\n";
    message.recipients.push_back(message.recipients[0]);
    message.recipients[1].junk = true;
    const auto check = [&](const queue& in) {
        const auto found = in.find({7});
        REQUIRE((found && *found));
        CHECK((*found)->result_fields == message.result_fields);
        CHECK_FALSE((*found)->recipients.at(0).junk);
        CHECK((*found)->recipients.at(1).junk);
        CHECK((*found)->recipients.at(0).tries == message.recipients[0].tries);
    };
    {
        const auto queue = open_queue(folder.path());
        REQUIRE(commit_one(*queue, insert_message{message, body_of(7, 100)}));
        check(*queue);
        message.recipients[0].tries = 3;
        REQUIRE(commit_one(*queue, update_message{message}));
        check(*queue);
        message.recipients[0].tries = 4;
        REQUIRE(commit_one(*queue, settle_message{message, false, {}}));
        check(*queue);
    }
    check(*open_queue(folder.path()));
}
