// The signs of a stolen account, and what is kept of a suspension.
#include "policy/submission/limits.hpp"
#include "policy/submission/suspension.hpp"

#include "tests/unit/policy/submission/rates_fixture.hpp"

#include <fmt/format.h>

using namespace postern;
using namespace postern::policy;

namespace {

constexpr rate_seconds noon = 1'800'000'000;
constexpr std::string_view jan = "jan.novak@firma.cz";

struct desk : testing::rates_fixture {
    account_book book{*rows};
    sending_limits limits{book};
    suspensions held{*rows, book};
    suspension_terms terms{};

    void send(std::string_view client, std::string to, rate_seconds now) {
        const std::vector<std::string> whom{std::move(to)};
        auto answer = limits.reserve(jan, testing::address(client), whom, {}, now);
        REQUIRE(answer.has_value());
        std::get<reservation>(*answer).kept();
    }
    std::optional<std::string> examine(rate_seconds now, suspensions::use how = suspensions::use::suspend) {
        const auto why = held.examine(jan, terms, how, now);
        REQUIRE(why.has_value());
        return *why;
    }
    bool is_suspended() const { return held.find(jan)->has_value(); }
};

} // namespace

TEST_CASE("many recipients that it never wrote to suspend an account, within an hour only", "[suspension]") {
    desk at;
    for (int i = 0; i < 99; ++i) at.send("192.0.2.1", fmt::format("v{}@example.org", i), noon + i);
    at.send("192.0.2.1", "v1@example.org", noon + 200); // known
    CHECK_FALSE(at.examine(noon + 200));
    at.send("192.0.2.1", "v99@example.org", noon + 300);
    CHECK_FALSE(suspicion(signs_of(*at.book.look(jan), noon + 3600), at.terms));
    CHECK(at.examine(noon + 300) ==
          "it wrote to 100 recipients within an hour that it never wrote to before");
    CHECK(at.is_suspended());
    CHECK_FALSE(at.examine(noon + 301)); // told once
}

TEST_CASE("many networks within a day suspend an account, many addresses of one don't", "[suspension]") {
    desk at;
    for (int i = 0; i < 100; ++i) at.send(fmt::format("192.0.2.{}", i), "a@example.org", noon);
    CHECK_FALSE(at.examine(noon));
    for (int i = 0; i < 18; ++i) at.send(fmt::format("10.{}.0.1", i), "a@example.org", noon + i);
    CHECK_FALSE(at.examine(noon + 20));
    at.send("2001:db8:1::1", "a@example.org", noon + 30);
    CHECK_FALSE(suspicion(signs_of(*at.book.look(jan), noon + rate_day + 30), at.terms));
    CHECK(at.examine(noon + 40));
}

TEST_CASE("copies that mostly fail suspend an account, a few of many don't", "[suspension]") {
    desk at;
    REQUIRE(at.held.settled(jan, 100, 29, noon).has_value());
    CHECK_FALSE(at.examine(noon)); // too few
    REQUIRE(at.held.settled(jan, 0, 70, noon + 1).has_value());
    CHECK_FALSE(at.examine(noon)); // 99 of 199
    REQUIRE(at.held.settled(jan, 0, 2, noon + 2).has_value());
    CHECK(at.examine(noon + 2) == "101 of 201 copies that it sent within a day could not be delivered");
}

TEST_CASE("a day's failures are of that day's copies", "[suspension]") {
    desk at;
    REQUIRE(at.held.settled(jan, 0, 29, noon).has_value());
    REQUIRE(at.held.settled(jan, 0, 29, noon + rate_day).has_value());
    CHECK_FALSE(at.examine(noon + rate_day));
}

TEST_CASE("mail refused as spam or for a virus is a sign", "[suspension]") {
    desk at;
    for (int i = 0; i < 10; ++i) {
        CHECK_FALSE(at.examine(noon + i));
        REQUIRE(at.held.refused_as_unwanted(jan, noon + i).has_value());
    }
    CHECK(at.examine(noon + 10));
}

TEST_CASE("a sign of zero is none", "[suspension]") {
    CHECK_FALSE(suspicion({1000, 32, 100, 100, 100}, {0, 0, 0, 0, 0}));
}

TEST_CASE("to report only suspends nobody and is said once a day", "[suspension]") {
    desk at;
    at.terms.unwanted = 1;
    REQUIRE(at.held.refused_as_unwanted(jan, noon).has_value());
    CHECK(at.examine(noon, suspensions::use::report));
    CHECK_FALSE(at.examine(noon + 1, suspensions::use::report));
    CHECK_FALSE(at.is_suspended());
}

TEST_CASE("release forgets the signs, not the hour's copies", "[suspension]") {
    desk at;
    at.terms.unwanted = 1;
    at.send("192.0.2.1", "a@example.org", noon);
    REQUIRE(at.held.refused_as_unwanted(jan, noon).has_value());
    CHECK(at.examine(noon));
    CHECK(*at.held.release(jan, noon + 1));
    CHECK_FALSE(at.is_suspended());
    CHECK_FALSE(at.examine(noon + 2));
    CHECK(at.book.look(jan)->copies.counted(noon + 2, rate_hour) == 1);
    CHECK_FALSE(*at.held.release(jan, noon + 3));
}

TEST_CASE("a suspension survives a restart with its reason, and is listed", "[suspension]") {
    testing::rates_fixture at;
    {
        account_book book(*at.rows);
        suspensions held(*at.rows, book);
        REQUIRE(held.suspend(jan, "phished on Monday", noon).has_value());
    }
    at.restart();
    account_book book(*at.rows);
    const suspensions held(*at.rows, book);
    const auto all = held.list("", 10);
    REQUIRE(all.has_value());
    REQUIRE(all->size() == 1);
    CHECK(all->front().account == jan);
    CHECK(all->front().how.why == "phished on Monday");
    CHECK(all->front().how.whom == suspended::by::person);
    CHECK(all->front().how.since == noon);
}
