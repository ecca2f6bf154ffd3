#include "storage/queue_id.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

using postern::storage::queue_id;
using postern::storage::queue_id_source;

TEST_CASE("an id reads back from its text, and texts sort as ids do") {
    const std::uint64_t values[] = {0, 1, 31, 32, 1'700'000'000'000'000ULL << 10, UINT64_MAX - 1, UINT64_MAX};
    std::string last;
    for (const auto value : values) {
        const std::string text = queue_id{value}.to_string();
        CHECK(text.size() == 13);
        CHECK(text > last);
        CHECK(queue_id::parse(text) == queue_id{value});
        last = text;
    }
    CHECK(queue_id{1}.to_string() == "0000000000001");
    CHECK(queue_id{UINT64_MAX}.to_string() == "FZZZZZZZZZZZZ");
}

TEST_CASE("what is no id is not taken for one") {
    for (const char* text : {"", "000000000000", "00000000000000", "G000000000000", "ZZZZZZZZZZZZZ",
                             "000000000000I", "000000000000L", "000000000000O", "000000000000U",
                             "000000/000000", "..00000000000", "000000000000\xc3", " 000000000000"}) {
        INFO(text);
        CHECK_FALSE(queue_id::parse(text));
    }
    CHECK_FALSE(queue_id::parse(std::string_view("000000000000\0", 13)));
    CHECK(queue_id::parse("00000000000az") == queue_id::parse("00000000000AZ"));
}

TEST_CASE("ids grow although the clock stands still, goes back or is before 1970") {
    queue_id_source source(queue_id{5000});
    queue_id last{5000};
    for (const std::int64_t now : {0LL, -5LL, 100LL, 100LL, 50LL, 1'700'000'000'000'000LL, 1LL}) {
        const queue_id next = source.next(now);
        CHECK(next > last);
        last = next;
    }
    CHECK(queue_id_source(queue_id{0}).next(3) == queue_id{3 << 10});
}

TEST_CASE("threads never get the same id") {
    queue_id_source source(queue_id{0});
    std::vector<std::vector<queue_id>> taken(4);
    std::vector<std::thread> threads;
    for (auto& mine : taken) {
        threads.emplace_back([&source, &mine] {
            for (int i = 0; i < 5000; ++i) mine.push_back(source.next(1'000'000));
        });
    }
    for (auto& thread : threads) thread.join();
    std::vector<queue_id> all;
    for (const auto& mine : taken) {
        CHECK(std::ranges::is_sorted(mine));
        all.insert(all.end(), mine.begin(), mine.end());
    }
    std::ranges::sort(all);
    CHECK(std::ranges::adjacent_find(all) == all.end());
}
