// Every transcript of tests/scripts against the pure session: client octets whole, one at a time, and cut at
// every place.
#include "tests/support/session_rig.hpp"
#include "tests/support/transcript.hpp"

#include <catch2/catch.hpp>

using namespace postern::testing;

namespace {

constexpr std::size_t every_place_max = 1500; // longer groups are cut at spread places
constexpr std::size_t spread_places = 120;

// How a group of client octets is cut into reads.
using cutter = std::function<std::vector<std::string_view>(std::string_view)>;

std::string feed_pieces(session_rig& rig, const std::vector<std::string_view>& pieces) {
    std::string received;
    for (const auto piece : pieces)
        if (!piece.empty()) received += rig.feed(piece);
    return received;
}

void replay(const transcript& script, const cutter& cut) {
    session_rig rig;
    std::string received = rig.start();
    for (const auto& step : script.exchanges) {
        INFO(script.name << ".smtp:" << step.line);
        received += feed_pieces(rig, cut(step.sent));
        REQUIRE(compare_reply(step, received) == "");
        REQUIRE(rig.closed() == step.closes);
        if (step.starts_tls) REQUIRE(rig.wants_tls());
        received.clear();
    }
    INFO(script.name);
    if (script.messages >= 0) REQUIRE(rig.messages().size() == static_cast<std::size_t>(script.messages));
    for (std::size_t i = 0; i < script.bodies.size(); ++i)
        REQUIRE(rig.messages().at(i).body == script.bodies[i]);
}

std::vector<std::size_t> places(std::size_t longest) {
    std::vector<std::size_t> made;
    const std::size_t stride = longest <= every_place_max ? 1 : longest / spread_places;
    for (std::size_t at = 1; at < longest; at += stride) made.push_back(at);
    return made;
}

} // namespace

TEST_CASE("transcripts, each group of lines in one segment") {
    const auto scripts = read_transcripts(POSTERN_SOURCE_DIR "/tests/scripts");
    REQUIRE(scripts.size() >= 60);
    for (const auto& script : scripts) replay(script, [](std::string_view all) { return std::vector{all}; });
}

TEST_CASE("transcripts, an octet at a time") {
    for (const auto& script : read_transcripts(POSTERN_SOURCE_DIR "/tests/scripts")) {
        if (script.whole_only) continue;
        replay(script, [](std::string_view all) {
            std::vector<std::string_view> pieces;
            for (std::size_t i = 0; i < all.size(); ++i) pieces.push_back(all.substr(i, 1));
            return pieces;
        });
    }
}

TEST_CASE("transcripts, cut in two at every place") {
    for (const auto& script : read_transcripts(POSTERN_SOURCE_DIR "/tests/scripts")) {
        if (script.whole_only) continue;
        std::size_t longest = 0;
        for (const auto& step : script.exchanges) longest = std::max(longest, step.sent.size());
        for (const auto at : places(longest))
            replay(script, [at](std::string_view all) {
                const auto first = std::min(at, all.size());
                return std::vector{all.substr(0, first), all.substr(first)};
            });
    }
}
