// Time that no jump of a clock touches, and windows on it.
#include "policy/submission/account_record.hpp"
#include "policy/submission/window.hpp"

#include <catch2/catch.hpp>

using namespace postern::policy;

namespace {

constexpr std::int64_t noon = 1'800'000'000;
const clock_mark mark{"boot-1", 5000, noon};

} // namespace

TEST_CASE("while the machine runs, no jump of the wall clock moves rate time", "[window]") {
    for (const std::int64_t jump :
         {-10 * 365 * rate_day, -rate_hour, rate_seconds{0}, rate_hour, 365 * rate_day})
        CHECK(rate_time(mark, {"boot-1", 5060, noon + 60 + jump}) == noon + 60);
}

TEST_CASE("over a start of the machine the wall clock is believed forwards alone", "[window]") {
    CHECK(rate_time(mark, {"boot-2", 30, noon + 600}) == noon + 600);           // it was off for ten minutes
    CHECK(rate_time(mark, {"boot-2", 30, noon - 365 * rate_day}) == noon + 30); // set back: at least so long
    CHECK(rate_time(mark, {"", 30, noon + 60}) == noon + 60);                   // nobody knows which start
}

TEST_CASE("rate time begins as the wall clock, and damage makes it neither negative nor endless",
          "[window]") {
    CHECK(rate_time(std::nullopt, {"b", 1, noon}) == noon);
    CHECK(rate_time(std::nullopt, {"b", 1, -5}) == 0);
    CHECK(rate_time(clock_mark{"b", 9000, noon}, {"b", 10, noon}) == noon); // the boot's clock went back
    const auto last = rate_time(clock_mark{"b", 0, std::int64_t{1} << 62}, {"b", 10, noon});
    CHECK(last <= std::int64_t{1} << 39);
}

TEST_CASE("a mark is read as it was written, and damage is told", "[window]") {
    CHECK(decode_mark(encode_mark(mark)) == mark);
    CHECK_FALSE(decode_mark("short"));
}

TEST_CASE("a window begins with its first and lasts exactly its length", "[window]") {
    counting_window window;
    CHECK(window.counted(noon, rate_hour) == 0);
    window.add(noon, rate_hour, 3);
    window.add(noon + 1800, rate_hour, 4);
    CHECK(window.counted(noon + 3599, rate_hour) == 7);
    CHECK(window.ends(noon + 3599, rate_hour) == noon + 3600);
    CHECK(window.counted(noon + 3600, rate_hour) == 0);
    window.add(noon + 5000, rate_hour, 1);
    CHECK(window.counted(noon + 5000, rate_hour) == 1);
}

TEST_CASE("what is taken back is of its own window, and an emptied one has not begun", "[window]") {
    counting_window window;
    window.add(noon, rate_hour, 3);
    window.take_back(noon, 3);
    window.add(noon + 100, rate_hour, 1);
    CHECK(window.ends(noon + 100, rate_hour) == noon + 3700);
    window.take_back(noon, 1); // of the window before
    CHECK(window.counted(noon + 100, rate_hour) == 1);
}

TEST_CASE("a window that begins ahead of now lasts no longer than its length", "[window]") {
    counting_window window{noon + 10 * rate_day, 5};
    CHECK(window.ends(noon, rate_hour) == noon + rate_hour);
    window.add(noon, rate_hour, 1);
    CHECK(window.counted(noon, rate_hour) == 6);
    CHECK(window.counted(noon + rate_hour, rate_hour) == 0);
}

TEST_CASE("an account's record is read as it was written, and damage makes it new", "[window]") {
    account_record record;
    record.copies = {noon, 299};
    record.failed = {noon - 5, 7};
    record.unwanted = {noon, 2};
    record.told_of_first_time = true;
    record.reported = noon;
    record.networks = {{42, noon}, {43, noon + 1}};
    const auto octets = encode_account(record);
    CHECK(decode_account(octets) == record);
    CHECK(decode_account(octets.substr(0, octets.size() - 1)) == account_record());
    CHECK(decode_account("") == account_record());
}
