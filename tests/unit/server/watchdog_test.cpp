// Signs of life: who stands still for a whole interval is named, and nobody else.
#include "server/watchdog.hpp"

#include <array>
#include <catch2/catch.hpp>

using namespace postern::server;
using namespace std::chrono_literals;

namespace {

struct bench {
    watchdog one{10s};
    watchdog::time_point now{1000s};
    std::array<std::uint64_t, 2> beats{};
    std::optional<watchdog::time_point> writing_since;

    std::string after(std::chrono::seconds time) {
        now += time;
        return one.look(now, beats, writing_since);
    }
};

} // namespace

TEST_CASE("a worker that stands still for an interval is named, and is well again when it goes on") {
    bench with;
    CHECK(with.after(0s).empty());
    for (int i = 0; i < 4; ++i) {
        ++with.beats[0];
        const auto said = with.after(5s);
        CHECK(said == (i < 1 ? "" : "worker 2"));
    }
    ++with.beats[1];
    ++with.beats[0];
    CHECK(with.after(5s).empty());
}

TEST_CASE("a writer that waits for work is well, one in a batch for an interval is not") {
    bench with;
    const auto beat = [&with] {
        for (auto& each : with.beats) ++each;
        return with.after(5s);
    };
    for (int i = 0; i < 10; ++i) CHECK(beat().empty());
    with.writing_since = with.now;
    CHECK(beat().empty());
    CHECK(beat() == "the queue's writer");
    CHECK(beat() == "the queue's writer");
    with.writing_since = with.now; // the next batch
    CHECK(beat().empty());
}

TEST_CASE("after a stop of the whole process everybody begins anew") {
    bench with;
    with.writing_since = with.now;
    CHECK(with.after(0s).empty());
    CHECK(with.after(600s).empty());
    CHECK(with.after(5s) == "the queue's writer");
    ++with.beats[0];
    ++with.beats[1];
    with.writing_since.reset();
    CHECK(with.after(5s).empty());
}

TEST_CASE("without workers, as in a drain, the one who asks is enough") {
    bench with;
    CHECK(with.after(0s).empty());
    for (int i = 0; i < 5; ++i) CHECK(with.one.look(with.now += 5s, {}, std::nullopt).empty());
}
