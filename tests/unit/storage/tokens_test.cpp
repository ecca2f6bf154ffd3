#include "storage/lmdb.hpp"
#include "tests/contract/tokens_contract.hpp"
#include "tests/support/memory_tokens.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <numeric>

namespace {

using namespace postern;
using namespace postern::storage;
using hashes = std::vector<std::uint64_t>;

token_counts counts_of(const tokens& in, std::string_view owner, std::uint64_t token) {
    const hashes one{token};
    const auto found = in.find(owner, one);
    REQUIRE(found.has_value());
    return found->counts.at(0);
}

token_counts messages_of(const tokens& in, std::string_view owner) {
    const auto found = in.find(owner, {});
    REQUIRE(found.has_value());
    return found->messages;
}

hashes numbers(std::uint64_t first, std::size_t count) {
    hashes made(count);
    std::iota(made.begin(), made.end(), first);
    return made;
}

struct fixture {
    testing::temporary_folder folder{testing::temporary_folder::in_memory()};
    std::unique_ptr<tokens> open(const tokens_limits& limits = {}) const {
        auto opened = open_lmdb_tokens(folder.path(), limits);
        REQUIRE(opened);
        return std::move(*opened);
    }
};

std::uint64_t words_of(const tokens& in, std::string_view owner, std::uint64_t first, std::size_t count) {
    std::uint64_t known = 0;
    for (std::size_t at = 0; at < count; at += tokens_at_once) {
        const auto some = numbers(first + at, std::min(tokens_at_once, count - at));
        const auto found = in.find(owner, some);
        REQUIRE(found.has_value());
        for (const auto& one : found->counts) known += one.spam + one.ham > 0 ? 1U : 0U;
    }
    return known;
}

} // namespace

namespace postern::testing {

void check_tokens_contract(tokens& taught) {
    const hashes some{5, 0, 0xffffffffffffffffU};
    CHECK(counts_of(taught, "", 5) == token_counts{});
    CHECK(messages_of(taught, "") == token_counts{});

    CHECK(taught.learn("", lesson::spam, "m1", some, 100).value() == lesson_answer::learned);
    CHECK(taught.learn("", lesson::ham, "m2", hashes{5}, 100).value() == lesson_answer::learned);
    CHECK(messages_of(taught, "") == token_counts{1, 1});
    const auto found = taught.find("", hashes{7, 0xffffffffffffffffU, 5});
    REQUIRE(found.has_value());
    CHECK(found->counts == std::vector<token_counts>{{0, 0}, {1, 0}, {1, 1}});

    // The same message again: nothing; as the other sort: moved.
    CHECK(taught.learn("", lesson::spam, "m1", some, 101).value() == lesson_answer::known);
    CHECK(counts_of(taught, "", 0) == token_counts{1, 0});
    CHECK(taught.learn("", lesson::ham, "m1", some, 101).value() == lesson_answer::moved);
    CHECK(counts_of(taught, "", 0) == token_counts{0, 1});
    CHECK(counts_of(taught, "", 5) == token_counts{0, 2});
    CHECK(messages_of(taught, "") == token_counts{0, 2});
    CHECK(taught.learn("", lesson::spam, "m1", some, 101).value() == lesson_answer::moved);
    CHECK(messages_of(taught, "") == token_counts{1, 1});

    // Owners know nothing of each other.
    CHECK(taught.learn("a@x.example", lesson::ham, "m1", hashes{5}, 50).value() == lesson_answer::learned);
    CHECK(counts_of(taught, "a@x.example", 5) == token_counts{0, 1});
    CHECK(counts_of(taught, "", 5) == token_counts{1, 1});
    CHECK(counts_of(taught, "b@x.example", 5) == token_counts{});

    // What isn't sound changes nothing.
    CHECK(taught.learn("", lesson::spam, "m9", hashes{1, 2, 1}, 1).error() == storage_errc::invalid);
    CHECK(taught.learn("", lesson::spam, "", hashes{1}, 1).error() == storage_errc::invalid);
    CHECK(taught.learn("", lesson::spam, std::string(65, 'x'), hashes{1}, 1).error() ==
          storage_errc::invalid);
    CHECK(taught.learn("", lesson::spam, "m9", numbers(0, 2049), 1).error() == storage_errc::invalid);
    CHECK(taught.find("", numbers(0, 2049)).error() == storage_errc::invalid);
    CHECK(counts_of(taught, "", 1) == token_counts{});

    CHECK(taught.learn("a@x.example", lesson::ham, "m3", numbers(0, 2048), 50).has_value());
    CHECK(taught.forget("a@x.example").value());
    CHECK_FALSE(taught.forget("a@x.example").value());
    CHECK(messages_of(taught, "a@x.example") == token_counts{});
    CHECK(taught.learn("a@x.example", lesson::ham, "m3", hashes{5}, 50).value() == lesson_answer::learned);
    CHECK(counts_of(taught, "a@x.example", 6) == token_counts{});
}

} // namespace postern::testing

namespace {

TEST_CASE("what was learned in memory keeps the contract") {
    testing::memory_tokens taught;
    testing::check_tokens_contract(taught);
}

TEST_CASE("what was learned in LMDB keeps the contract") {
    const fixture made;
    const auto taught = made.open();
    testing::check_tokens_contract(*taught);
}

TEST_CASE("what was learned outlives the program") {
    const fixture made;
    CHECK(made.open()->learn("", lesson::spam, "m", hashes{1, 2}, 10).has_value());
    const auto again = made.open();
    CHECK(counts_of(*again, "", 2) == token_counts{1, 0});
    CHECK(again->learn("", lesson::spam, "m", hashes{1, 2}, 10).value() == lesson_answer::known);
}

TEST_CASE("counts that get large count half, of words not met since too") {
    const fixture made;
    const auto taught = made.open({.halve_at = 10});
    for (int at = 0; at < 10; ++at)
        CHECK(taught->learn("", lesson::spam, "s" + std::to_string(at), hashes{1}, 1).has_value());
    CHECK(taught->learn("", lesson::ham, "h", hashes{1, 2}, 1).has_value());
    CHECK(messages_of(*taught, "") == token_counts{10, 1});
    CHECK(taught->learn("", lesson::spam, "s10", hashes{3}, 1).has_value());
    CHECK(messages_of(*taught, "") == token_counts{5, 0});
    CHECK(counts_of(*taught, "", 1) == token_counts{5, 0});
    CHECK(counts_of(*taught, "", 2) == token_counts{0, 0});
    CHECK(taught->learn("", lesson::spam, "s11", hashes{1}, 1).has_value());
    CHECK(counts_of(*taught, "", 1) == token_counts{6, 0});
}

TEST_CASE("an owner's words are bounded, and the oldest go first") {
    const fixture made;
    const auto taught = made.open({.words_of_server = 30, .words_of_mailbox = 20});
    CHECK(taught->learn("a", lesson::spam, "m1", numbers(0, 10), 1).has_value());
    CHECK(taught->learn("a", lesson::spam, "m2", numbers(10, 10), 2).has_value());
    CHECK(taught->learn("a", lesson::ham, "m3", numbers(0, 5), 3).has_value()); // those are young again
    CHECK(taught->learn("a", lesson::spam, "m4", numbers(20, 5), 4).has_value());
    CHECK(words_of(*taught, "a", 0, 5) == 5);
    CHECK(words_of(*taught, "a", 5, 5) == 0);
    CHECK(words_of(*taught, "a", 10, 15) == 15);
    CHECK(taught->learn("", lesson::spam, "m", numbers(0, 40), 1).has_value());
    CHECK(words_of(*taught, "", 0, 40) == 30);
}

TEST_CASE("the messages that are remembered are bounded") {
    const fixture made;
    const auto taught = made.open({.lessons = 3});
    for (const auto digest : {"a", "b", "c", "d"})
        CHECK(taught->learn("", lesson::spam, digest, hashes{1}, 1).has_value());
    CHECK(taught->learn("", lesson::spam, "d", hashes{1}, 1).value() == lesson_answer::known);
    CHECK(taught->learn("", lesson::spam, "b", hashes{1}, 1).value() == lesson_answer::known);
    CHECK(taught->learn("", lesson::spam, "a", hashes{1}, 1).value() == lesson_answer::learned);
}

TEST_CASE("a mailbox that teaches without end fills no disk, and pushes out itself") {
    const fixture made;
    const auto taught = made.open({.octets = std::uint64_t{4} << 20, .words_of_mailbox = 1'000'000});
    CHECK(taught->learn("good", lesson::ham, "m", numbers(0, 500), 1).has_value());
    for (std::uint64_t at = 0; at < 40; ++at)
        CHECK(taught
                  ->learn("bad", lesson::spam, "m" + std::to_string(at), numbers(10'000 + at * 2048, 2048),
                          static_cast<std::int64_t>(2 + at))
                  .has_value());
    CHECK(words_of(*taught, "good", 0, 500) == 500);
    CHECK(words_of(*taught, "bad", 10'000, 2048) == 0);
    CHECK(words_of(*taught, "bad", 10'000 + 39 * 2048, 2048) == 2048);
}

TEST_CASE("what a later version wrote is not touched, and damage is no word") {
    const fixture made;
    CHECK(made.open()->learn("", lesson::spam, "m", hashes{1}, 1).has_value());
    {
        auto environment = lmdb::environment::open(made.folder.path() + "/tokens", {});
        REQUIRE(environment.has_value());
        auto writing = (*environment)->begin_write();
        REQUIRE(writing.has_value());
        const auto words = writing->open_table("words", lmdb::when_absent::fail);
        REQUIRE(words.has_value());
        REQUIRE(
            writing->put(*words, std::string("\0\0\0\1\0\0\0\0\0\0\0\1", 12), "x", lmdb::put_mode::replace)
                .has_value());
        REQUIRE(writing->commit().has_value());
    }
    CHECK(counts_of(*made.open(), "", 1) == token_counts{});
    {
        auto environment = lmdb::environment::open(made.folder.path() + "/tokens", {});
        auto writing = (*environment)->begin_write();
        const auto meta = writing->open_table("meta", lmdb::when_absent::fail);
        REQUIRE(writing->put(*meta, "format", std::string("\0\0\0\0\0\0\0\2", 8), lmdb::put_mode::replace)
                    .has_value());
        REQUIRE(writing->commit().has_value());
    }
    CHECK(open_lmdb_tokens(made.folder.path()).error() == storage_errc::newer_format);
}

} // namespace
