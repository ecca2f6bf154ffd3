// Places at next hops, and who waits for one.
#include "server/delivery/hop_lines.hpp"
#include "server/delivery/hop_places.hpp"

#include <catch2/catch.hpp>

using namespace postern;
using server::hop_lines;
using server::hop_places;
using storage::queue_id;

namespace {

conf::relay_hop hop(const std::string& name) {
    conf::relay_hop made;
    made.what = conf::relay_hop::kind::host;
    made.name = name;
    return made;
}

} // namespace

TEST_CASE("a hop has its own places, and what it holds is nobody else's trouble") {
    int freed = 0;
    hop_places places([&] { ++freed; });
    std::vector<hop_places::place> held;
    for (std::size_t i = 0; i < hop_places::of_hop_max; ++i) held.push_back(places.take("a"));
    CHECK(std::ranges::none_of(held, [](const auto& one) { return one == nullptr; }));
    CHECK(places.take("a") == nullptr);
    CHECK(places.take("b") != nullptr); // given back at once
    CHECK(freed == 1);
    held.pop_back();
    CHECK(freed == 2);
    CHECK(places.take("a") != nullptr);
}

TEST_CASE("all hops together have no more places than that, and a place may outlive them") {
    std::vector<hop_places::place> held;
    {
        hop_places places([] {});
        for (std::size_t i = 0; i < hop_places::of_all_max; ++i)
            held.push_back(places.take(std::to_string(i)));
        CHECK(held.back() != nullptr);
        CHECK(places.take("one more") == nullptr);
        held.pop_back();
        CHECK(places.take("one more") != nullptr);
    }
    held.clear();
}

TEST_CASE("whoever waits at a hop leaves in the order of arrival, once, and is parked until then") {
    hop_lines lines;
    lines.park(hop("a"), {3});
    lines.park(hop("a"), {1});
    lines.park(hop("a"), {3});
    lines.add(hop("a"), {2}); // not due: nobody else would take it
    lines.park(hop("b"), {1});
    CHECK(lines.parked() == 2);
    CHECK(lines.is_parked({1}));
    CHECK_FALSE(lines.is_parked({2}));
    CHECK(lines.hops().size() == 2);
    CHECK(lines.pop(hop("a")) == queue_id{1});
    CHECK_FALSE(lines.is_parked({1})); // it is tried for both
    CHECK(lines.pop(hop("a")) == queue_id{2});
    CHECK(lines.pop(hop("a")) == queue_id{3});
    CHECK_FALSE(lines.pop(hop("a")));
    CHECK(lines.hops() == std::vector{hop("b")});
}

TEST_CASE("a hop that is away has no line, and one that overflowed is told when it is empty") {
    hop_lines lines;
    lines.park(hop("a"), {1});
    lines.clear(hop("a"));
    CHECK(lines.parked() == 0);
    CHECK(lines.hops().empty());
    for (std::size_t i = 0; i < hop_lines::of_hop_max; ++i) lines.park(hop("a"), {i + 1});
    CHECK_FALSE(lines.may_park(hop("a")));
    CHECK(lines.may_park(hop("b")));
    lines.overflow(hop("a"));
    while (lines.pop(hop("a"))) CHECK_FALSE((lines.parked() != 0 && lines.drained(hop("a"))));
    CHECK(lines.may_park(hop("a")));
    CHECK(lines.drained(hop("a")));
    CHECK_FALSE(lines.drained(hop("a")));
    CHECK(lines.hops().empty());
}

TEST_CASE("many hops that hang don't make the line of all grow without end") {
    hop_lines lines;
    for (std::size_t i = 0; i < hop_lines::parked_max; ++i) lines.park(hop(std::to_string(i % 20)), {i + 1});
    CHECK_FALSE(lines.may_park(hop("new")));
}
