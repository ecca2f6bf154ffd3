// What was tried for a message: kept with it while it waits, bounded, and never there for one that was
// delivered at once.
#include "queue_support.hpp"
#include "tests/support/queue_surgery.hpp"

#include <catch2/catch.hpp>
#include <map>

using namespace postern::storage;
using namespace postern::testing;

namespace {

delivery_try try_of(std::uint32_t recipient, std::uint16_t number) {
    return {.recipient = recipient,
            .number = number,
            .when = 1000 + number,
            .server = "mx.d.test[192.0.2.1]:25",
            .code = "4.2.0",
            .text = "450 4.2.0 not now, says " + std::to_string(number),
            .tls = "TLSv1.3"};
}

std::vector<std::uint16_t> numbers_of(const std::vector<delivery_try>& history, std::uint32_t recipient) {
    std::vector<std::uint16_t> made;
    for (const auto& one : history)
        if (one.recipient == recipient) made.push_back(one.number);
    return made;
}

queued_message tried(std::uint64_t id, std::uint16_t number) {
    auto message = message_of(id);
    message.recipients[0].tries = number;
    message.fresh_tries.push_back(try_of(0, number));
    return message;
}

std::uint64_t records_of_history(const std::string& folder) {
    std::uint64_t count = 0;
    change_tables(folder, [&](lmdb::transaction& within, const queue_tables& tables) {
        count = within.entries(tables.history).value();
    });
    return count;
}

} // namespace

TEST_CASE("every field of a try comes back, and nothing of another form is read", "[history]") {
    const std::vector<delivery_try> tries{try_of(0, 1), {}, try_of(4'000'000'000, 65535)};
    const auto record = encode_history(tries);
    const auto read = decode_history(record);
    REQUIRE(read.has_value());
    CHECK(*read == tries);
    for (std::size_t length = 0; length < record.size(); ++length)
        REQUIRE(decode_history(record.substr(0, length)).error() == storage_errc::corrupt);
    CHECK(decode_history(record + '\0').error() == storage_errc::corrupt);
    CHECK(decode_history('\2' + record.substr(1)).error() == storage_errc::newer_format);
    CHECK(decode_history('\0' + record.substr(1)).error() == storage_errc::corrupt);
    CHECK(decode_history("\1\xff\xff\xff\xff").error() == storage_errc::corrupt);
    CHECK(decode_history(std::string(history_octets_max + 1, '\1')).error() == storage_errc::corrupt);
    CHECK(decode_history(encode_history({}))->empty());
}

TEST_CASE("a peer's long text is cut", "[history]") {
    auto one = try_of(0, 1);
    one.server = one.code = one.text = one.tls = std::string(100'000, 'x');
    const auto read = decode_history(encode_history({{one}}));
    REQUIRE(read.has_value());
    CHECK(read->at(0).server.size() == try_server_max);
    CHECK(read->at(0).code.size() == try_code_max);
    CHECK(read->at(0).text.size() == try_text_max);
    CHECK(read->at(0).tls.size() == try_tls_max);
}

TEST_CASE("of many tries the first and the last ones are kept, for each recipient", "[history]") {
    std::vector<delivery_try> history;
    for (std::uint16_t number = 1; number <= 100; ++number) {
        std::vector<delivery_try> fresh{try_of(0, number)};
        if (number % 10 == 0) fresh.push_back(try_of(1, number / 10));
        add_tries(history, fresh);
    }
    const auto many = numbers_of(history, 0);
    REQUIRE(many.size() == tries_kept_max);
    CHECK(many.front() == 1);
    CHECK(many[1] == 82);
    CHECK(many.back() == 100);
    CHECK(numbers_of(history, 1) == std::vector<std::uint16_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
}

TEST_CASE("a message to very many keeps its history within its octets, the first tries longest",
          "[history]") {
    std::vector<delivery_try> history;
    for (std::uint16_t number = 1; number <= 8; ++number) {
        std::vector<delivery_try> fresh;
        for (std::uint32_t i = 0; i < 500; ++i) fresh.push_back(try_of(i, number));
        add_tries(history, fresh);
        CHECK(encode_history(history).size() <= history_octets_max);
    }
    std::map<std::uint16_t, std::size_t> count;
    for (const auto& one : history) ++count[one.number];
    CHECK(count[1] == 500);
    CHECK(count[8] == 500);
    CHECK(count[2] + count[3] == 0);
    std::vector<delivery_try> fresh;
    for (std::uint32_t i = 0; i < 20'000; ++i) fresh.push_back(try_of(i, 1));
    add_tries(history, fresh);
    CHECK(encode_history(history).size() <= history_octets_max);
    CHECK(history.back().recipient == 19'999);
}

TEST_CASE("tries are kept with a message until it goes", "[history]") {
    const temporary_folder folder;
    {
        const auto queue = open_queue(folder.path());
        REQUIRE(commit_one(*queue, insert_of(1)));
        CHECK(queue->history({1})->empty());
        REQUIRE(commit_one(*queue, settle_message{tried(1, 1), false, {}}));
        REQUIRE(commit_one(*queue, update_message{tried(1, 2)}));
        REQUIRE(commit_one(*queue, update_message{message_of(1)})); // an operator's wish
    }
    {
        const auto queue = open_queue(folder.path());
        CHECK(queue->history({1}).value() == std::vector{try_of(0, 1), try_of(0, 2)});
        CHECK(queue->find({1}).value()->fresh_tries.empty());
        REQUIRE(commit_one(*queue, settle_message{tried(1, 3), true, {}}));
        CHECK(queue->history({1})->empty());
    }
    CHECK(records_of_history(folder.path()) == 0);
}

TEST_CASE("a message that is delivered at its first try never has a record of tries", "[history]") {
    const temporary_folder folder;
    {
        const auto queue = open_queue(folder.path());
        REQUIRE(commit_one(*queue, insert_of(1)));
        const queue_operation settled[] = {settle_message{tried(1, 1), true, {}}, insert_of(2)};
        REQUIRE(queue->commit(settled));
    }
    CHECK(records_of_history(folder.path()) == 0);
}

TEST_CASE("a history that can't be read is begun anew and keeps no mail waiting", "[history]") {
    const temporary_folder folder;
    {
        const auto queue = open_queue(folder.path());
        REQUIRE(commit_one(*queue, insert_of(1)));
    }
    change_tables(folder.path(), [&](lmdb::transaction& within, const queue_tables& tables) {
        REQUIRE(within.put(tables.history, id_key({1}), "\1x", lmdb::put_mode::replace));
    });
    const auto queue = open_queue(folder.path());
    CHECK(queue->history({1}).error() == storage_errc::corrupt);
    REQUIRE(commit_one(*queue, update_message{tried(1, 4)}));
    CHECK(queue->history({1}).value() == std::vector{try_of(0, 4)});
}

TEST_CASE("the start removes tries of messages that are gone, and no others", "[history]") {
    const temporary_folder folder;
    {
        const auto queue = open_queue(folder.path());
        REQUIRE(commit_one(*queue, insert_of(7)));
        REQUIRE(commit_one(*queue, update_message{tried(7, 1)}));
    }
    change_tables(folder.path(), [&](lmdb::transaction& within, const queue_tables& tables) {
        for (std::uint64_t id = 10; id < 2500; ++id)
            REQUIRE(within.put(tables.history, id_key({id}), encode_history({}), lmdb::put_mode::replace));
    });
    {
        const auto queue = open_queue(folder.path());
        REQUIRE(queue->sweep_history());
        CHECK(queue->history({7})->size() == 1);
    }
    CHECK(records_of_history(folder.path()) == 1);
}
