#include "storage/tables/greylist.hpp"

#include <catch2/catch.hpp>

using namespace postern::storage;
using postern::protocol::ip_address;
using postern::protocol::parse_address;

namespace {

constexpr std::int64_t hour = 60 * 60;
constexpr std::int64_t day = 24 * hour;
constexpr std::int64_t start = 1'800'000'000;
constexpr greylist_terms terms{};

// One pair's memory, asked again and again.
struct pair_under_test {
    std::optional<greylist_entry> entry;

    greylist_answer at(std::int64_t now) {
        const auto judged = judge(entry, now, terms);
        entry = judged.entry;
        return judged.answer;
    }
};

greylist_key key_of(std::string_view sender, std::string_view client) {
    return greylist_key_of(parse_address(sender).value(), *ip_address::parse(client));
}

} // namespace

TEST_CASE("greylisting refuses at 4:59 and passes at 5:00", "[greylist]") {
    pair_under_test pair;
    CHECK(pair.at(start) == greylist_answer::first);
    CHECK(pair.at(start + 299) == greylist_answer::early);
    CHECK(pair.at(start + 300) == greylist_answer::pass);
}

TEST_CASE("a retry before the delay does not restart it", "[greylist]") {
    pair_under_test pair;
    CHECK(pair.at(start) == greylist_answer::first);
    for (std::int64_t second = 1; second < 300; ++second)
        REQUIRE(pair.at(start + second) == greylist_answer::early);
    CHECK(pair.entry == greylist_entry{start, std::nullopt});
    CHECK(pair.at(start + 300) == greylist_answer::pass);
}

TEST_CASE("a pair may come back for the first time until the window ends", "[greylist]") {
    const struct {
        std::int64_t after;
        greylist_answer answer;
    } rows[] = {
        {300 + day - 1, greylist_answer::pass},
        {300 + day, greylist_answer::first},
    };
    for (const auto& row : rows) {
        INFO(row.after);
        pair_under_test pair;
        pair.at(start);
        CHECK(pair.at(start + row.after) == row.answer);
    }
}

TEST_CASE("each pass extends the window by its whole length", "[greylist]") {
    pair_under_test pair;
    pair.at(start);
    std::int64_t now = start + 300;
    REQUIRE(pair.at(now) == greylist_answer::pass);
    for (int i = 0; i < 30; ++i) REQUIRE(pair.at(now += day - 1) == greylist_answer::pass);
    CHECK(pair.at(now += day) == greylist_answer::first);
    CHECK(pair.at(now += 299) == greylist_answer::early); // from the start again
    CHECK(pair.at(now += 1) == greylist_answer::pass);
}

TEST_CASE("passes within one second do not add windows up", "[greylist]") {
    pair_under_test pair;
    pair.at(start);
    for (int i = 0; i < 100; ++i) REQUIRE(pair.at(start + 300) == greylist_answer::pass);
    CHECK(pair.at(start + 300 + day) == greylist_answer::first);
}

TEST_CASE("a clock set back costs a newcomer one delay at most", "[greylist]") {
    for (const std::int64_t back : {std::int64_t{1}, std::int64_t{60}, 2 * day, 400 * day, start}) {
        INFO(back);
        pair_under_test pair;
        pair.at(start);
        const std::int64_t now = start - back;
        CHECK(pair.at(now) == greylist_answer::early);
        CHECK(pair.at(now + 299) == greylist_answer::early);
        CHECK(pair.at(now + 300) == greylist_answer::pass);
    }
}

TEST_CASE("a clock set back never refuses who has passed, nor lets it pass for longer than a window",
          "[greylist]") {
    for (const std::int64_t back : {std::int64_t{1}, 2 * day, 400 * day, start}) {
        INFO(back);
        pair_under_test pair;
        pair.at(start - 300);
        REQUIRE(pair.at(start) == greylist_answer::pass);
        const std::int64_t now = start - back;
        CHECK(pair.at(now) == greylist_answer::pass);
        CHECK(pair.entry->last_pass == now);
        CHECK(pair.at(now + day) == greylist_answer::first);
    }
}

TEST_CASE("a clock that leaps ahead and comes back costs one delay, not days", "[greylist]") {
    pair_under_test pair;
    pair.at(start - 300);
    REQUIRE(pair.at(start) == greylist_answer::pass);
    CHECK(pair.at(start + 400 * day) == greylist_answer::first); // all is long ago
    CHECK(pair.at(start + 60) == greylist_answer::early);        // and the clock is right again
    CHECK(pair.at(start + 60 + 300) == greylist_answer::pass);
    CHECK(pair.at(start + 60 + 300 + day) == greylist_answer::first);
}

TEST_CASE("a pass noted while the clock was far ahead does not last until then", "[greylist]") {
    pair_under_test pair;
    pair.at(start + 400 * day);
    REQUIRE(pair.at(start + 400 * day + 300) == greylist_answer::pass);
    CHECK(pair.at(start) == greylist_answer::pass);
    CHECK(pair.at(start + day) == greylist_answer::first);
}

TEST_CASE("a boot in 1970 and a clock set right later cost one delay", "[greylist]") {
    pair_under_test pair;
    CHECK(pair.at(10) == greylist_answer::first);
    CHECK(pair.at(310) == greylist_answer::pass);
    CHECK(pair.at(start) == greylist_answer::first);
    CHECK(pair.at(start + 300) == greylist_answer::pass);
}

TEST_CASE("an entry expires at the second from which it is not known", "[greylist]") {
    CHECK(expiry_of({start, std::nullopt}, terms) == start + 300 + day);
    CHECK(expiry_of({start, start + 1000}, terms) == start + 1000 + day);
}

TEST_CASE("other terms than the default hold to the second too", "[greylist]") {
    constexpr greylist_terms short_ones{.delay = 1, .window = 2};
    const greylist_entry tried{start, std::nullopt};
    CHECK(judge(tried, start, short_ones).answer == greylist_answer::early);
    CHECK(judge(tried, start + 1, short_ones).answer == greylist_answer::pass);
    CHECK(judge(tried, start + 2, short_ones).answer == greylist_answer::pass);
    CHECK(judge(tried, start + 3, short_ones).answer == greylist_answer::first);
}

TEST_CASE("a pair's key has one spelling of the sender and one of the client", "[greylist]") {
    const auto key = key_of("Jan.Novak@Firma.CZ", "192.0.2.1");
    CHECK(key.sender == "jan.novak@firma.cz");
    CHECK(key == key_of("\"jan.novak\"@firma.cz", "::ffff:192.0.2.1"));
    CHECK(key != key_of("jan.novak@firma.cz", "192.0.2.2"));
    CHECK(key != key_of("jan.novak@firma.eu", "192.0.2.1"));
    CHECK(key_of("a@f.test", "2001:db8:1:2::1") == key_of("a@f.test", "2001:db8:1:2:ffff::9"));
    CHECK(key_of("a@f.test", "2001:db8:1:2::1") != key_of("a@f.test", "2001:db8:1:3::1"));
    CHECK(greylist_key_of(std::nullopt, *ip_address::parse("192.0.2.1")).sender.empty());
}
