// Guessing passwords: who is slowed, who is blocked, and who never is.
#include "policy/submission/guessing.hpp"

#include "tests/unit/policy/submission/rates_fixture.hpp"

#include <fmt/format.h>

using namespace postern;
using namespace postern::policy;
using kind = admission::kind;
using outcome = guess_brake::outcome;

namespace {

constexpr rate_seconds noon = 1'800'000'000;

struct gate : testing::rates_fixture {
    std::optional<guess_brake> brake{*rows};
    guess_terms terms{};
    rate_seconds now = noon;

    admission ask(std::string_view client, std::string_view login) {
        auto answer = brake->before(testing::address(client), login, terms, now);
        REQUIRE(answer.has_value());
        return std::move(*answer);
    }
    kind try_with(std::string_view client, std::string_view login, std::string_view password,
                  outcome what = outcome::wrong) {
        const auto answer = ask(client, login);
        if (answer.what != kind::go) return answer.what;
        REQUIRE(brake->after(testing::address(client), login, password, what, terms, now).has_value());
        return kind::go;
    }
    // How many of so many different passwords were looked at.
    int guess(std::string_view client, std::string_view login, int passwords) {
        int looked_at = 0;
        for (int i = 0; i < passwords; ++i)
            if (try_with(client, login, fmt::format("guess {}", i)) == kind::go) ++looked_at;
        return looked_at;
    }
    void restart() {
        brake.reset();
        rates_fixture::restart();
        brake.emplace(*rows);
    }
};

} // namespace

TEST_CASE("a dictionary from one address is slowed, growing from one second, and then blocked",
          "[guessing]") {
    gate at;
    std::vector<long> waits;
    for (int i = 0; i < 10; ++i) {
        waits.push_back(at.ask("192.0.2.1", "jan@firma.cz").wait.count());
        CHECK(at.try_with("192.0.2.1", fmt::format("user{}@firma.cz", i), fmt::format("{}", i)) == kind::go);
    }
    CHECK(waits == std::vector<long>{0, 0, 0, 1000, 2000, 4000, 8000, 8000, 8000, 8000});
    const auto blocked = at.ask("192.0.2.1", "another@firma.cz");
    CHECK(blocked.what == kind::blocked);
    CHECK(blocked.until == noon + at.terms.block);
    at.now = blocked.until;
    CHECK(at.ask("192.0.2.1", "another@firma.cz").what == kind::go);
}

TEST_CASE("each block after another is twice as long", "[guessing]") {
    gate at;
    at.guess("192.0.2.1", "jan@firma.cz", 10);
    at.now += at.terms.block;
    CHECK(at.try_with("192.0.2.1", "jan@firma.cz", "one more") == kind::go);
    CHECK(at.ask("192.0.2.1", "jan@firma.cz").until == at.now + 2 * at.terms.block);
}

TEST_CASE("one wrong password counts once however often it comes", "[guessing]") {
    gate at;
    for (int i = 0; i < 1000; ++i) {
        CHECK(at.try_with("192.0.2.1", "jan@firma.cz", "the old one") == kind::go);
        at.now += 5;
    }
    CHECK(at.ask("192.0.2.1", "jan@firma.cz").wait.count() == 0);
}

TEST_CASE("a user guessed from many addresses is slowed there and logs in elsewhere", "[guessing]") {
    gate at;
    for (int i = 0; i < 200; ++i)
        CHECK(at.try_with(fmt::format("10.{}.0.1", i), "jan@firma.cz", fmt::format("{}", i)) == kind::go);
    const auto elsewhere = at.ask("198.51.100.7", "jan@firma.cz");
    CHECK(elsewhere.what == kind::go);
    CHECK(elsewhere.wait.count() == 8000); // never more
    CHECK(at.ask("198.51.100.7", "eva@firma.cz").wait.count() == 0);
}

TEST_CASE("a /64 is one client, and so is a /24 that guesses together", "[guessing]") {
    gate at;
    int looked_at = 0;
    for (int i = 0; i < 20; ++i)
        looked_at += at.try_with(fmt::format("2001:db8::{:x}", i + 1), "jan@firma.cz",
                                 fmt::format("{}", i)) == kind::go;
    CHECK(looked_at == 10);
    looked_at = 0;
    for (int i = 0; i < 100; ++i)
        looked_at +=
            at.try_with(fmt::format("192.0.2.{}", i), "eva@firma.cz", fmt::format("{}", i)) == kind::go;
    CHECK(looked_at == 50);
    CHECK(at.ask("192.0.3.1", "eva@firma.cz").what == kind::go);
}

TEST_CASE("an office is blocked much later, and who logged in from there goes on", "[guessing]") {
    gate at;
    REQUIRE(at.try_with("192.0.2.1", "eva@firma.cz", "hers", outcome::good) == kind::go);
    at.now += rate_day;
    CHECK(at.guess("192.0.2.1", "jan@firma.cz", 500) == 100);
    CHECK(at.ask("192.0.2.1", "jan@firma.cz").what == kind::blocked);
    {
        const auto hers = at.ask("192.0.2.1", "eva@firma.cz");
        CHECK(hers.what == kind::go);
        CHECK(hers.wait.count() == 0);
    }
    at.now += 30 * rate_day; // not seen for so long
    CHECK(at.guess("192.0.2.1", "jan@firma.cz", 500) == 10);
}

TEST_CASE("who logs in from there is blocked with the others once that very login is guessed", "[guessing]") {
    gate at;
    REQUIRE(at.try_with("192.0.2.1", "eva@firma.cz", "hers", outcome::good) == kind::go);
    at.guess("192.0.2.1", "jan@firma.cz", 100);
    CHECK(at.guess("192.0.2.1", "eva@firma.cz", 100) == 10);
    CHECK(at.ask("198.51.100.7", "eva@firma.cz").what == kind::go);
}

TEST_CASE("a good login washes off no wrong ones of the network", "[guessing]") {
    gate at;
    at.guess("192.0.2.1", "jan@firma.cz", 9);
    REQUIRE(at.try_with("192.0.2.1", "mallory@firma.cz", "his", outcome::good) == kind::go);
    CHECK(at.ask("192.0.2.1", "jan@firma.cz").wait.count() == 8000);
}

TEST_CASE("50 attempts at once are not 50 guesses", "[guessing]") {
    gate at;
    std::vector<admission> under_way;
    int go = 0, later = 0;
    for (int i = 0; i < 50; ++i) {
        under_way.push_back(at.ask("192.0.2.1", fmt::format("user{}@firma.cz", i)));
        go += under_way.back().what == kind::go;
        later += under_way.back().what == kind::later;
    }
    CHECK(go == 10);
    CHECK(later == 40);
    CHECK(at.ask("192.0.2.2", "jan@firma.cz").what == kind::go);
    under_way.clear();
    CHECK(at.ask("192.0.2.1", "jan@firma.cz").what == kind::go);
}

TEST_CASE("proofs that tell nothing of the password count once a minute", "[guessing]") {
    gate at;
    for (int i = 0; i < 60; ++i) at.try_with("192.0.2.1", "jan@firma.cz", "");
    CHECK(at.ask("192.0.2.1", "jan@firma.cz").what == kind::go);
    for (int i = 0; i < 20; ++i, at.now += 60) at.try_with("192.0.2.1", "jan@firma.cz", "");
    CHECK(at.ask("192.0.2.1", "jan@firma.cz").what == kind::blocked);
}

TEST_CASE("what is known of guesses survives a restart, is listed, and is lifted by one call", "[guessing]") {
    gate at;
    REQUIRE(at.try_with("192.0.2.9", "eva@firma.cz", "hers", outcome::good) == kind::go);
    at.guess("192.0.2.1", "jan@firma.cz", 10);
    at.guess("192.0.2.2", "jan@firma.cz", 5);
    at.restart();
    CHECK(at.ask("192.0.2.1", "jan@firma.cz").what == kind::blocked);
    CHECK(at.guess("192.0.2.2", "jan@firma.cz", 10) == 10); // of which five were known
    const auto all = at.brake->blocked(at.now, "", 10);
    REQUIRE(all.has_value());
    REQUIRE(all->size() == 1);
    CHECK(all->front().network == "192.0.2.1/32");
    CHECK(all->front().until == noon + at.terms.block);
    const auto network = protocol::cidr::parse("192.0.2.1/32");
    CHECK(*at.brake->unblock(*network, at.terms, at.now));
    CHECK(at.ask("192.0.2.1", "jan@firma.cz").what == kind::go);
    CHECK(at.ask("192.0.2.1", "new@firma.cz").wait.count() == 0);
    REQUIRE(at.rows->flush().has_value());
    CHECK(at.brake->blocked(at.now, "", 10)->size() == 1); // that of 192.0.2.2
    CHECK_FALSE(*at.brake->unblock(*network, at.terms, at.now));
}
