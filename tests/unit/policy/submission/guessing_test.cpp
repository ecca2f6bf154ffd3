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

TEST_CASE("attempts at once from many addresses of a /24 are no more than it has left", "[guessing]") {
    gate at;
    std::vector<admission> under_way;
    int go = 0;
    for (int i = 0; i < 150; ++i) {
        under_way.push_back(at.ask(fmt::format("192.0.2.{}", i), fmt::format("user{}@firma.cz", i)));
        go += under_way.back().what == kind::go;
    }
    CHECK(go == 50);
    under_way.resize(30);
    CHECK(at.ask("192.0.2.200", "jan@firma.cz").what == kind::go);
}

TEST_CASE("while the rates have room for little, guesses of a network still count", "[guessing]") {
    gate at;
    at.brake.reset();
    at.rows.reset();
    storage::rates_limits limits;
    limits.unwritten = 1;
    auto opened = storage::open_lmdb_rates(at.folder.path(), limits);
    REQUIRE(opened.has_value());
    at.rows = std::move(*opened);
    at.brake.emplace(*at.rows);
    const auto client = testing::address("192.0.2.1");
    for (int i = 0; i < 4; ++i)
        CHECK_FALSE(
            at.brake->after(client, "jan@firma.cz", fmt::format("{}", i), outcome::wrong, at.terms, at.now)
                .has_value());
    CHECK(at.ask("192.0.2.1", "eva@firma.cz").wait.count() == 2000);
}

TEST_CASE("proofs that tell nothing of the password slow their login, one at a time, and block it there",
          "[guessing]") {
    gate at;
    std::vector<long> waits;
    for (int i = 0; i < 10; ++i) {
        const auto answer = at.ask("192.0.2.1", "jan@firma.cz");
        REQUIRE(answer.what == kind::go);
        waits.push_back(answer.wait.count());
        if (i >= 3) CHECK(at.ask("192.0.2.1", "jan@firma.cz").what == kind::later);
        REQUIRE(
            at.brake
                ->after(testing::address("192.0.2.1"), "jan@firma.cz", "", outcome::wrong, at.terms, at.now)
                .has_value());
    }
    CHECK(waits == std::vector<long>{0, 0, 0, 1000, 2000, 4000, 8000, 8000, 8000, 8000});
    int looked_at = 0;
    for (int i = 0; i < 12000; ++i) looked_at += at.try_with("192.0.2.1", "jan@firma.cz", "") == kind::go;
    CHECK(looked_at == 0);
    const auto blocked = at.ask("192.0.2.1", "jan@firma.cz");
    CHECK(blocked.until == at.now + at.terms.block);
    CHECK(at.ask("192.0.2.1", "eva@firma.cz").what == kind::go);
    CHECK(at.ask("192.0.2.2", "jan@firma.cz").wait.count() == 0);
    CHECK_FALSE(*at.brake->unblock(*protocol::cidr::parse("192.0.2.1/32"), at.terms, at.now));
    CHECK(at.ask("192.0.2.1", "jan@firma.cz").what == kind::blocked); // they wait for the disk yet
    REQUIRE(at.rows->flush().has_value());
    CHECK_FALSE(*at.brake->unblock(*protocol::cidr::parse("192.0.2.1/32"), at.terms, at.now));
    CHECK(at.ask("192.0.2.1", "jan@firma.cz").what == kind::go);
}

TEST_CASE("an old phone that shows no password blocks nobody but its own login there", "[guessing]") {
    gate at;
    for (int minute = 0; minute < 600; ++minute, at.now += 60) {
        at.try_with("192.0.2.1", "jan@firma.cz", "");
        REQUIRE(at.ask("192.0.2.1", "eva@firma.cz").what == kind::go);
        REQUIRE(at.ask("198.51.100.7", "jan@firma.cz").wait.count() == 0);
    }
}

TEST_CASE("an old phone beside a computer that logs in blocks neither", "[guessing]") {
    gate at;
    for (int minute = 0; minute < 600; ++minute, at.now += 60) {
        if (minute % 5 == 0)
            REQUIRE(at.try_with("192.0.2.1", "jan@firma.cz", "the new one", outcome::good) == kind::go);
        else
            REQUIRE(at.try_with("192.0.2.1", "jan@firma.cz", "") == kind::go);
    }
    for (int i = 0; i < 300; ++i) { // somebody beside it guesses between its logins
        at.try_with("192.0.2.1", "jan@firma.cz", "");
        if (i % 8 == 7) at.now += 1;
        if (i % 8 == 7) at.try_with("192.0.2.1", "jan@firma.cz", "the new one", outcome::good);
    }
    CHECK(at.ask("192.0.2.1", "jan@firma.cz").what == kind::blocked);
}

TEST_CASE("proofs for many logins block their network", "[guessing]") {
    gate at;
    int looked_at = 0;
    for (int i = 0; i < 100; ++i)
        looked_at += at.try_with("192.0.2.1", fmt::format("user{}@firma.cz", i), "") == kind::go;
    CHECK(looked_at == 10);
    looked_at = 0;
    for (int i = 0; i < 4000; ++i)
        looked_at += at.try_with("2001:db8::1", fmt::format("user{}@firma.cz", i % 4), "") == kind::go;
    CHECK(looked_at < 40);
    CHECK(at.ask("2001:db8::1", "eva@firma.cz").what == kind::blocked);
}

TEST_CASE("proofs for one user from many networks slow him everywhere", "[guessing]") {
    gate at;
    for (int i = 0; i < 200; ++i)
        CHECK(at.try_with(fmt::format("10.{}.0.1", i), "jan@firma.cz", "") == kind::go);
    CHECK(at.ask("198.51.100.7", "jan@firma.cz").wait.count() == 8000);
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
