// One record that can't be read refused the start and hid all others; an index of times due that had parted
// from the records kept a message for ever.
#include "storage/queue_tables.hpp"
#include "storage/recovery.hpp"
#include "storage/spool_file.hpp"
#include "tests/unit/storage/queue_support.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

using namespace postern::storage;
using namespace postern::testing;

namespace {

constexpr std::uint64_t map_size = std::uint64_t{1} << 30;

// A queue whose tables are changed behind its back.
struct breakable_queue {
    temporary_folder folder{temporary_folder::in_memory()};
    std::unique_ptr<queue> opened = open_queue(folder.path(), map_size);

    template <class Change> void change(Change change) {
        opened.reset();
        {
            const auto environment =
                lmdb::environment::open(folder.path() + "/queue", {.map_size = map_size});
            REQUIRE(environment.has_value());
            auto begun = (*environment)->begin_write();
            REQUIRE(begun.has_value());
            const auto tables = open_queue_tables(*begun, lmdb::when_absent::fail);
            REQUIRE(tables.has_value());
            change(*begun, *tables);
            REQUIRE(begun->commit());
        }
        opened = open_queue(folder.path(), map_size);
        REQUIRE(opened);
    }
    void insert(std::uint64_t first, std::uint64_t last, std::int64_t next_try = 1000) const {
        std::vector<queue_operation> batch;
        for (std::uint64_t id = first; id <= last; ++id) batch.push_back(insert_of(id, 100, next_try));
        REQUIRE(opened->commit(batch));
    }
    recovery_report recovered() const {
        const auto report = recover(system_files(), *opened);
        REQUIRE(report.has_value());
        return *report;
    }
    std::vector<std::uint64_t> due() const {
        std::vector<std::uint64_t> ids;
        for (const auto& each : opened->due_after(before_all, 5000, 100'000).value())
            ids.push_back(each.id.value);
        return ids;
    }
};

using ids = std::vector<std::uint64_t>;
constexpr auto replace = lmdb::put_mode::replace;

} // namespace

TEST_CASE("records that can't be read are damaged, keep their files and hide no other message") {
    breakable_queue at;
    at.insert(1, 200);
    const auto file = at.opened->create_body({5 << 10});
    REQUIRE(file.has_value());
    REQUIRE((*file)->append("xyz"));
    (*file)->keep();
    queued_message large = message_of(5 << 10, 3);
    large.body_in_file = true;
    REQUIRE(commit_one(*at.opened, insert_message{large, ""}));
    at.change([](lmdb::transaction& within, const queue_tables& tables) {
        REQUIRE(within.put(tables.messages, id_key({7}), "\x01\x02\x03", replace));
        REQUIRE(within.put(tables.messages, id_key({8}), "\x7f later", replace));
        REQUIRE(within.put(tables.states, id_key({90}), "", replace));
        REQUIRE(within.remove(tables.states, id_key({91})).value());
        REQUIRE(within.put(tables.messages, id_key({5 << 10}), "x", replace));
    });
    const auto report = at.recovered();
    CHECK(report.damaged == std::vector<queue_id>{{7}, {8}, {90}, {91}, {5 << 10}});
    CHECK(report.messages == 201);
    CHECK(report.orphans_removed == 0);
    CHECK(std::filesystem::exists(at.folder.path() + "/bodies/" + body_path({5 << 10})));
    CHECK(report.due.added + report.due.removed + report.due.left == 0);
    const auto listed = at.opened->list({}, 1000);
    REQUIRE(listed.has_value());
    CHECK(listed->messages.size() == 196);
    CHECK(listed->unreadable == report.damaged);
    const auto page = at.opened->list({6}, 2);
    CHECK(page->messages.empty());
    CHECK(page->last == queue_id{8});
}

TEST_CASE("recovery makes the times due those of the records") {
    breakable_queue at;
    at.insert(1, 3);
    at.insert(4, 4, -1);
    at.insert(2000, 5500); // more than are looked at at once
    queued_message done = message_of(3);
    done.recipients[0].state = recipient_state::failed;
    REQUIRE(commit_one(*at.opened, update_message{done}));
    const auto before = at.due();
    at.change([](lmdb::transaction& within, const queue_tables& tables) {
        REQUIRE(within.remove(tables.due, due_key({1000, {1}})).value());
        REQUIRE(within.remove(tables.due, due_key({1000, {2}})).value());
        REQUIRE(within.put(tables.due, due_key({400, {2}}), {}, replace));
        REQUIRE(within.put(tables.due, due_key({400, {3}}), {}, replace));    // none waits
        REQUIRE(within.put(tables.due, due_key({400, {9999}}), {}, replace)); // no such message
        REQUIRE(within.put(tables.due, "no time", {}, replace));
        for (std::uint64_t id = 2000; id <= 5500; id += 7)
            REQUIRE(within.remove(tables.due, due_key({1000, {id}})).value());
        REQUIRE(within.remove(tables.messages, id_key({5000})).value());
    });
    const auto report = at.recovered();
    CHECK(report.due.added == 2 + 501);
    CHECK(report.due.removed == 4 + 1);
    auto expected = before;
    std::erase(expected, 5000U);
    CHECK(at.due() == expected);
    CHECK(at.recovered().due.added + at.recovered().due.removed == 0);
    for (const std::uint64_t id : {1U, 2U, 3U, 4U, 2000U}) REQUIRE(commit_one(*at.opened, removal_of(id)));
}
