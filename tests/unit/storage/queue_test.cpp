#include "queue_support.hpp"

#include "storage/spool_file.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace postern::storage;
using namespace postern::testing;

namespace {

std::vector<std::uint64_t> ids_due(const queue& in, std::int64_t now, std::size_t limit = 100,
                                   due_message after = before_all) {
    std::vector<std::uint64_t> ids;
    const auto found = in.due_after(after, now, limit);
    REQUIRE(found.has_value());
    for (const due_message& each : *found) ids.push_back(each.id.value);
    return ids;
}

using ids = std::vector<std::uint64_t>;

} // namespace

TEST_CASE("what was committed is there, octet for octet, after closing and opening") {
    const temporary_folder folder;
    const std::size_t sizes[] = {0, 1, 4096, inline_body_max};
    {
        const auto queue = open_queue(folder.path());
        REQUIRE(queue);
        std::vector<queue_operation> batch;
        for (std::uint64_t id = 1; id <= 4; ++id) batch.push_back(insert_of(id, sizes[id - 1]));
        REQUIRE(queue->commit(batch));
    }
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    for (std::uint64_t id = 1; id <= 4; ++id) {
        const auto message = queue->find({id});
        REQUIRE(message.has_value());
        REQUIRE(message->has_value());
        CHECK(same(**message, message_of(id, sizes[id - 1])));
        CHECK(stored_body(*queue, **message) == body_of(id, sizes[id - 1]));
    }
    CHECK(queue->totals()->messages == 4);
    CHECK(queue->totals()->octets >= inline_body_max);
    CHECK_FALSE(queue->find({5})->has_value());
}

TEST_CASE("an id that is taken fails the whole batch and changes nothing") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    REQUIRE(commit_one(*queue, insert_of(5)));
    const queue_operation batch[] = {insert_of(6), removal_of(5), insert_of(4), insert_of(6)};
    CHECK(queue->commit(batch).error() == storage_errc::exists);
    CHECK(commit_one(*queue, insert_of(5, 7)).error() == storage_errc::exists);
    CHECK(queue->totals()->messages == 1);
    CHECK(stored_body(*queue, message_of(5)) == body_of(5, 100));
    CHECK(ids_due(*queue, 1000) == ids{5});
    CHECK(queue->highest_id().value() == queue_id{5});
}

TEST_CASE("ids that reach the writer out of order are all kept, and listed in order") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    for (const std::uint64_t id : {10U, 30U, 20U, 5U, 40U}) REQUIRE(commit_one(*queue, insert_of(id)));
    const queue_operation batch[] = {insert_of(42), insert_of(41), insert_of(7)};
    REQUIRE(queue->commit(batch));
    ids listed;
    const auto first = queue->list({0}, 5);
    REQUIRE(first.has_value());
    for (const auto& message : first->messages) listed.push_back(message.id.value);
    const auto rest = queue->list(*first->last, 100);
    REQUIRE(rest.has_value());
    for (const auto& message : rest->messages) listed.push_back(message.id.value);
    CHECK(listed == ids{5, 7, 10, 20, 30, 40, 41, 42});
    CHECK(queue->list({42}, 10)->messages.empty());
    CHECK_FALSE(queue->list({UINT64_MAX}, 10)->last);
    CHECK(queue->highest_id().value() == queue_id{42});
}

TEST_CASE("the highest id is remembered although its message is gone") {
    const temporary_folder folder;
    {
        const auto queue = open_queue(folder.path());
        REQUIRE(queue);
        CHECK(queue->highest_id().value() == queue_id{0});
        REQUIRE(commit_one(*queue, insert_of(900)));
        REQUIRE(commit_one(*queue, removal_of(900)));
    }
    CHECK(open_queue(folder.path())->highest_id().value() == queue_id{900});
}

TEST_CASE("the due index follows every insert, update and removal") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    CHECK_FALSE(queue->next_due()->has_value());
    const queue_operation batch[] = {insert_of(1, 10, 300), insert_of(2, 10, 100), insert_of(3, 10, -50),
                                     insert_of(4, 10, 200)};
    REQUIRE(queue->commit(batch));
    CHECK(ids_due(*queue, 200) == ids{3, 2, 4});
    CHECK(ids_due(*queue, 200, 2) == ids{3, 2});
    CHECK(*queue->next_due() == -50);

    queued_message message = message_of(3, 10, 5000);
    message.recipients[0].tries = 1;
    REQUIRE(commit_one(*queue, update_message{message}));
    CHECK(ids_due(*queue, 10'000) == ids{2, 4, 1, 3});
    message.recipients[0].state = recipient_state::failed;
    REQUIRE(commit_one(*queue, update_message{message}));
    CHECK(ids_due(*queue, 10'000) == ids{2, 4, 1});
    CHECK((*queue->find({3}))->recipients[0].state == recipient_state::failed);
    CHECK(stored_body(*queue, message) == body_of(3, 10));
    message.recipients[0].state = recipient_state::waiting;
    REQUIRE(commit_one(*queue, update_message{message}));
    CHECK(ids_due(*queue, 10'000) == ids{2, 4, 1, 3});

    const queue_operation removals[] = {removal_of(2), removal_of(3), removal_of(4), removal_of(1)};
    REQUIRE(queue->commit(removals));
    CHECK(ids_due(*queue, 10'000).empty());
    CHECK(queue->totals()->messages == 0);
    CHECK(queue->open_body(message).error() == storage_errc::not_found);
}

TEST_CASE("operations of one batch on one message apply in order") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    const queue_operation batch[] = {insert_of(1), update_message{message_of(1, 100, 7)}, insert_of(2),
                                     removal_of(2)};
    REQUIRE(queue->commit(batch));
    CHECK(ids_due(*queue, 1000) == ids{1});
    CHECK(*queue->next_due() == 7);
}

TEST_CASE("an update or removal of a message that was deleted meanwhile changes nothing") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    const queue_operation batch[] = {update_message{message_of(1)}, removal_of(2), insert_of(3)};
    REQUIRE(queue->commit(batch));
    CHECK(queue->totals()->messages == 1);
    CHECK(ids_due(*queue, 1000) == ids{3});
}

TEST_CASE("what could not be read back is refused before anything is written") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    const auto refused = [&](auto change) {
        insert_message wanted{message_of(1), body_of(1, 100)};
        change(wanted);
        const queue_operation batch[] = {insert_of(2), wanted};
        const auto committed = queue->commit(batch);
        CHECK(queue->totals()->messages == 0);
        return committed ? boost::system::error_code() : committed.error();
    };
    CHECK(refused([](auto& m) { m.message.id.value = 0; }) == storage_errc::invalid);
    CHECK(refused([](auto& m) { m.message.recipients.clear(); }) == storage_errc::invalid);
    CHECK(refused([](auto& m) { m.message.size = 99; }) == storage_errc::invalid);
    CHECK(refused([](auto& m) { m.message.body_in_file = true; }) == storage_errc::invalid);
    CHECK(refused([](auto& m) { m.message.body_type = 3; }) == storage_errc::invalid);
    CHECK(refused([](auto& m) { m.message.recipients[0].state = recipient_state{7}; }) ==
          storage_errc::invalid);
    CHECK(refused([](auto& m) { m.message.helo.resize(record_text_max + 1); }) == storage_errc::too_large);
    CHECK(refused([](auto& m) { m.message.recipients.resize(recipients_max + 1); }) ==
          storage_errc::too_large);
    CHECK(refused([](auto& m) {
              m.message.size = inline_body_max + 1;
              m.body.resize(inline_body_max + 1);
          }) == storage_errc::too_large);
    REQUIRE(commit_one(*queue, insert_of(1)));
    queued_message other = message_of(1);
    other.recipients.resize(2);
    CHECK(commit_one(*queue, update_message{other}).error() == storage_errc::invalid);
}

TEST_CASE("a large body is read from its file, and goes with its message") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    queued_message message = message_of(1, 200'000);
    message.body_in_file = true;
    const std::string body = body_of(1, 200'000);
    {
        const auto file = queue->create_body(message.id);
        REQUIRE(file.has_value());
        REQUIRE((*file)->append(body));
        REQUIRE((*file)->make_durable());
        REQUIRE(commit_one(*queue, insert_message{message, ""}));
        (*file)->keep();
    }
    const std::string path = folder.path() + "/bodies/" + body_path(message.id);
    CHECK(stored_body(*queue, message) == body);
    std::filesystem::resize_file(path, 199'999);
    CHECK(stored_body(*queue, message).starts_with("error: damaged"));
    std::filesystem::resize_file(path, 200'001);
    CHECK(stored_body(*queue, message).size() == 200'000);
    REQUIRE(commit_one(*queue, remove_message{message.id, true}));
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK(queue->open_body(message).error() == storage_errc::not_found);
}

TEST_CASE("the file of a body stays when the removal of its message fails") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    queued_message message = message_of(1, 3);
    message.body_in_file = true;
    const auto file = queue->create_body(message.id);
    REQUIRE(file.has_value());
    REQUIRE((*file)->append("abc"));
    (*file)->keep();
    REQUIRE(commit_one(*queue, insert_message{message, ""}));
    const queue_operation batch[] = {remove_message{message.id, true}, insert_of(2), insert_of(2)};
    CHECK(queue->commit(batch).error() == storage_errc::exists);
    CHECK(stored_body(*queue, message) == "abc");
}

TEST_CASE("a command reads the queue of a stopped server, and finds none where none is") {
    const temporary_folder folder;
    CHECK(queue::open_for_reading(system_files(), folder.path()).error() == storage_errc::not_found);
    CHECK(std::filesystem::is_empty(folder.path()));
    {
        const auto writer = open_queue(folder.path());
        REQUIRE(writer);
        REQUIRE(commit_one(*writer, insert_of(1)));
    }
    const auto reader = queue::open_for_reading(system_files(), folder.path());
    REQUIRE(reader.has_value());
    CHECK((*reader)->totals()->messages == 1);
    CHECK(stored_body(**reader, message_of(1)) == body_of(1, 100));
    CHECK(commit_one(**reader, insert_of(2)).error() == storage_errc::read_only);
}

TEST_CASE("readers see whole batches while the writer commits") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    std::atomic<bool> stop = false;
    std::atomic<int> torn = 0, errors = 0, reads = 0;
    std::vector<std::thread> readers;
    for (int i = 0; i < 2; ++i) {
        readers.emplace_back([&] {
            while (!stop) {
                const auto listed = queue->list({0}, 1'000'000);
                if (!listed) ++errors;
                if (listed && listed->messages.size() % 3 != 0) ++torn;
                ++reads;
            }
        });
    }
    for (std::uint64_t id = 1; id < 150 || reads < 20; id += 3) {
        const queue_operation batch[] = {insert_of(id), insert_of(id + 1), insert_of(id + 2)};
        if (!queue->commit(batch)) break;
    }
    stop = true;
    for (auto& each : readers) each.join();
    CHECK(torn == 0);
    CHECK(errors == 0);
    CHECK(queue->totals()->messages >= 150);
}

TEST_CASE("no descriptor of the queue is inherited by a program that the server starts") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    const auto file = queue->create_body({1});
    REQUIRE(file.has_value());
    int seen = 0;
    for (int fd = 3; fd < 100; ++fd) {
        std::string target(4096, '\0');
        const std::string link = "/proc/self/fd/" + std::to_string(fd);
        const auto length = ::readlink(link.c_str(), target.data(), target.size());
        if (length < 0 || !target.starts_with(folder.path())) continue;
        ++seen;
        INFO(target.substr(0, static_cast<std::size_t>(length)));
        CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    }
    CHECK(seen >= 5); // the data file twice, the lock, two folders, the body
}

TEST_CASE("an empty batch is no transaction") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    CHECK(queue->commit({}));
}

TEST_CASE("times due are read on from any of them") {
    const temporary_folder folder;
    const auto queue = open_queue(folder.path());
    REQUIRE(queue);
    constexpr auto never = std::numeric_limits<std::int64_t>::max();
    const std::int64_t times[] = {-5, 100, 200, 300, 300, 40'000'000, never};
    std::uint64_t id = 0;
    for (const std::int64_t time : times) REQUIRE(commit_one(*queue, insert_of(++id, 100, time)));
    CHECK(ids_due(*queue, 100, 100) == ids{1, 2});
    CHECK(ids_due(*queue, 300, 2, {-5, {1}}) == ids{2, 3});
    CHECK(ids_due(*queue, 300, 100, {200, {3}}) == ids{4, 5});
    CHECK(ids_due(*queue, never, 100, {300, {4}}) == ids{5, 6, 7});
    CHECK(ids_due(*queue, never, 100, {301, {}}) == ids{6, 7});
    CHECK(ids_due(*queue, never, 1, {301, {}}) == ids{6});
    CHECK(ids_due(*queue, never - 1, 100, {301, {}}) == ids{6});
    CHECK(ids_due(*queue, never, 100, {never, {7}}).empty());
}
