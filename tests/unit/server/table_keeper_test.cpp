// What the keeper does in one round, its last: it ends before its first second is over.
#include "server/table_keeper.hpp"
#include "storage/errc.hpp"

#include <atomic>
#include <catch2/catch.hpp>

using namespace postern;
using namespace postern::server;

namespace {

struct lines final : server::log {
    std::vector<std::string> told;
    void write(const log_record& record) override { told.emplace_back(record.text); }
    void reopen(const conf::log_settings&, const std::string&) override {}
    std::uint64_t dropped() const override { return 0; }
    void flush() override {}
};

struct counting {
    std::atomic<int> flushed{0}, swept{0};
    bool works = true;
    int steps = 0; // that a sweep takes
    kept_table as(const std::string& name, std::uint64_t dropped = 0) {
        return {name,
                [this]() -> result<void> {
                    ++flushed;
                    if (!works) return storage::storage_errc::no_space;
                    return {};
                },
                [this]() -> result<bool> { return {boost::system::in_place_value, ++swept < steps}; },
                [dropped] { return dropped; }};
    }
};

} // namespace

TEST_CASE("the keeper's end writes every table, and one that can't be written holds up no other",
          "[keeper]") {
    lines journal;
    counting bad, good;
    bad.works = false;
    good.steps = 5;
    {
        const table_keeper keeper({bad.as("the bad one"), good.as("the good one")}, journal);
    }
    CHECK(bad.flushed >= 1);
    CHECK(bad.swept == 0);
    CHECK(good.flushed >= 1);
    CHECK(good.swept >= 5);
    REQUIRE(journal.told.size() == 1);
    CHECK(journal.told[0].starts_with("the bad one can't be written: "));
}

TEST_CASE("a sweep without end is left for the next second", "[keeper]") {
    lines journal;
    counting table;
    table.steps = 1'000'000;
    {
        const table_keeper keeper({table.as("it")}, journal);
    }
    CHECK(table.swept >= 1);
    CHECK(table.swept <= 20 * table.flushed);
    CHECK(journal.told.empty());
}

TEST_CASE("what was dropped is told", "[keeper]") {
    lines journal;
    counting table;
    {
        const table_keeper keeper({table.as("it", 3)}, journal);
    }
    CHECK(journal.told == std::vector<std::string>{"it has no room in memory: 3 rows were dropped"});
}
