// What an account may send: exact, whatever happens at the same time or goes wrong.
#include "policy/submission/limits.hpp"

#include "tests/unit/policy/submission/rates_fixture.hpp"

#include <atomic>
#include <fmt/format.h>
#include <thread>

using namespace postern;
using namespace postern::policy;

namespace {

constexpr rate_seconds noon = 1'800'000'000;
constexpr std::string_view jan = "jan.novak@firma.cz";

struct desk : testing::rates_fixture {
    std::optional<account_book> book{*rows};
    std::optional<sending_limits> limits{*book};
    sending_terms terms{};
    protocol::ip_address client = testing::address("192.0.2.1");
    int next_stranger = 0;

    void restart() {
        limits.reset();
        book.reset();
        rates_fixture::restart();
        book.emplace(*rows);
        limits.emplace(*book);
    }
    static std::vector<std::string> friends(std::size_t count) {
        std::vector<std::string> made;
        for (std::size_t i = 0; i < count; ++i) made.push_back(fmt::format("friend{}@example.org", i));
        return made;
    }
    std::variant<reservation, over_limit> ask(std::size_t copies, rate_seconds now,
                                              std::string_view who = jan) {
        auto answer = limits->reserve(who, client, friends(copies), terms, now);
        REQUIRE(answer.has_value());
        return std::move(*answer);
    }
    bool sends(std::size_t copies, rate_seconds now, std::string_view who = jan) {
        auto answer = ask(copies, now, who);
        if (auto* room = std::get_if<reservation>(&answer)) room->kept();
        return std::holds_alternative<reservation>(answer);
    }
    over_limit refused(std::size_t copies, rate_seconds now) {
        auto answer = ask(copies, now);
        REQUIRE(std::holds_alternative<over_limit>(answer));
        return std::get<over_limit>(answer);
    }
};

} // namespace

TEST_CASE("300 copies within the hour from the first, then none until it ends", "[limits]") {
    desk at;
    for (int i = 0; i < 3; ++i) CHECK(at.sends(100, noon + i * 600));
    const auto over = at.refused(1, noon + 1300);
    CHECK(over.which == over_limit::kind::copies);
    CHECK(over.limit == 300);
    CHECK(over.ends == noon + 3600);
    CHECK(at.sends(1, noon + 1300, "somebody.else@firma.cz"));
    CHECK_FALSE(at.sends(1, noon + 3599));
    CHECK(at.sends(100, noon + 3600));
}

TEST_CASE("a message whose copies don't all fit is refused as a whole and counts nothing", "[limits]") {
    desk at;
    CHECK(at.sends(100, noon));
    CHECK(at.sends(100, noon));
    CHECK(at.sends(99, noon));
    CHECK_FALSE(at.sends(2, noon));
    CHECK(at.sends(1, noon));
    CHECK_FALSE(at.sends(1, noon));
}

TEST_CASE("a session that asks with a time from before the window gives the other its room back",
          "[limits]") {
    desk at;
    {
        const auto lost = at.ask(100, noon + 1);
        CHECK(at.sends(100, noon)); // it read the clock first and came second
    }
    CHECK(at.sends(100, noon + 2));
    CHECK(at.sends(100, noon + 2));
    CHECK(at.refused(1, noon + 2).ends == noon + 1 + 3600);
}

TEST_CASE("what was not stored is given back, and begins no hour", "[limits]") {
    desk at;
    {
        const auto lost = at.ask(100, noon);
    }
    CHECK(at.sends(100, noon + 1800));
    CHECK(at.sends(100, noon + 1800));
    {
        const auto lost = at.ask(100, noon + 1900);
    }
    CHECK(at.sends(100, noon + 1900));
    CHECK(at.refused(1, noon + 2000).ends == noon + 1800 + 3600);
}

TEST_CASE("what is given back after its hour takes nothing from the next", "[limits]") {
    desk at;
    at.terms.copies = 100;
    std::optional<std::variant<reservation, over_limit>> slow(at.ask(100, noon));
    CHECK(at.sends(100, noon + 3600));
    slow.reset();
    CHECK_FALSE(at.sends(1, noon + 3601));
}

TEST_CASE("50 sessions at once never exceed the limit, nor stay below it", "[limits]") {
    desk at;
    constexpr int sessions = 50, tries = 20;
    at.terms.first_time = 0;
    std::atomic<int> sent{0}, others{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < sessions; ++i)
        threads.emplace_back([&, i] {
            const std::vector<std::string> whom{fmt::format("r{}@example.org", i)};
            for (int n = 0; n < tries; ++n) {
                auto answer = at.limits->reserve(jan, at.client, whom, at.terms, noon + n);
                if (!answer) continue;
                auto* room = std::get_if<reservation>(&*answer);
                if (room == nullptr) continue;
                room->kept();
                ++sent;
            }
            auto other = at.limits->reserve("else@firma.cz", at.client, whom, at.terms, noon);
            if (other && std::holds_alternative<reservation>(*other)) ++others;
        });
    for (auto& one : threads) one.join();
    CHECK(sent == 300);
    CHECK(others == sessions);
}

TEST_CASE("the hour goes on over a restart", "[limits]") {
    desk at;
    for (int i = 0; i < 3; ++i) CHECK(at.sends(100, noon));
    at.restart();
    CHECK_FALSE(at.sends(1, noon + 60));
    CHECK(at.sends(1, noon + 3600));
}

TEST_CASE("the first hit of a window is told of once", "[limits]") {
    desk at;
    at.terms.copies = 10;
    CHECK(at.sends(10, noon));
    const auto looked = at.limits->look(jan, at.terms, noon);
    REQUIRE(looked.has_value());
    REQUIRE(looked->has_value());
    CHECK((*looked)->is_first_hit);
    CHECK_FALSE(at.refused(1, noon + 1).is_first_hit);
    CHECK(at.sends(10, noon + 3600));
    CHECK(at.refused(1, noon + 3601).is_first_hit);
    CHECK_FALSE(at.refused(1, noon + 3602).is_first_hit);
}

TEST_CASE("recipients that were never written to are limited by the day, known ones are not", "[limits]") {
    desk at;
    at.terms.copies = 0;
    at.terms.first_time = 10;
    CHECK(at.sends(10, noon));
    CHECK(at.sends(10, noon + 10)); // the same ten
    const auto over = at.refused(11, noon + 20);
    CHECK(over.which == over_limit::kind::first_time);
    CHECK(over.ends == noon + rate_day);
    CHECK(over.is_first_hit);
    CHECK(at.sends(11, noon + rate_day));
    CHECK(at.sends(10, noon + rate_day + 30 * rate_day)); // forgotten: they count again, and fit
    CHECK_FALSE(at.sends(11, noon + rate_day + 30 * rate_day));
}

TEST_CASE("recipients of a message that was not stored are not known", "[limits]") {
    desk at;
    at.terms.first_time = 10;
    {
        const auto lost = at.ask(10, noon);
    }
    CHECK(at.sends(10, noon + 1));
    CHECK_FALSE(at.sends(11, noon + 2));
}

TEST_CASE("a message that never fits says so, and tells nobody", "[limits]") {
    desk at;
    at.terms.copies = 5;
    const auto over = at.refused(6, noon);
    CHECK(over.which == over_limit::kind::too_wide);
    CHECK_FALSE(over.is_first_hit);
    CHECK(at.sends(5, noon));
}

TEST_CASE("no limit is no limit", "[limits]") {
    desk at;
    at.terms.copies = 0;
    at.terms.first_time = 0;
    for (int i = 0; i < 100; ++i) REQUIRE(at.sends(50, noon));
    CHECK_FALSE(at.limits->look(jan, at.terms, noon)->has_value());
}
