// Every transcript of tests/scripts against the pure session: each group of client octets at once, an octet
// at a time, and cut in two at every place. What the peer sees and what is kept must be the same.
#include "tests/support/session_rig.hpp"
#include "tests/support/transcript.hpp"

#include <catch2/catch.hpp>
#include <functional>

using namespace postern::tests;

namespace {

constexpr std::size_t cut_everywhere_up_to = 1200; // octets of a group; longer ones are cut at spread places
constexpr std::size_t ends_cut = 100;
constexpr std::size_t spread_cuts = 60;

// Gives the octets of one exchange to the session in the pieces of one way of cutting.
using feeder = std::function<std::string(session_rig&, const std::string&)>;

std::string feed_whole(session_rig& rig, const std::string& octets) { return rig.feed(octets); }

std::string feed_octets(session_rig& rig, const std::string& octets) {
    std::string received = octets.empty() ? rig.start() : std::string();
    for (const char octet : octets) {
        if (rig.closed()) break;
        received += rig.feed({&octet, 1});
    }
    return received;
}

std::string run_exchange(session_rig& rig, const exchange& each, const feeder& feed) {
    if (rig.closed()) return "the session had ended before";
    const std::string received = feed(rig, each.sent);
    if (auto differs = compare_reply(each, received); !differs.empty()) return differs;
    if (rig.closed() != each.closes) return each.closes ? "not closed" : "closed";
    if (rig.take_tls() != each.starts_tls) return each.starts_tls ? "no TLS started" : "TLS started";
    return {};
}

std::string check_kept(const session_rig& rig, const transcript& script) {
    if (script.messages >= 0 && rig.messages().size() != static_cast<std::size_t>(script.messages))
        return "messages kept: " + std::to_string(rig.messages().size());
    for (std::size_t i = 0; i < script.bodies.size(); ++i)
        if (i >= rig.messages().size() || rig.messages()[i].body != script.bodies[i])
            return "body " + std::to_string(i) + " differs";
    return {};
}

// Runs the whole conversation; `special` feeds the exchange numbered `at`, the others go whole.
std::string run(const transcript& script, std::size_t at, const feeder& special) {
    session_rig rig;
    for (std::size_t i = 0; i < script.exchanges.size(); ++i) {
        const auto& each = script.exchanges[i];
        const auto differs = run_exchange(rig, each, i == at ? special : feed_whole);
        if (!differs.empty()) return script.name + ".smtp:" + std::to_string(each.line) + ": " + differs;
    }
    const auto differs = check_kept(rig, script);
    return differs.empty() ? differs : script.name + ".smtp: " + differs;
}

std::vector<std::size_t> cuts_of(std::size_t length) {
    std::vector<std::size_t> cuts;
    const std::size_t step = length <= cut_everywhere_up_to ? 1 : length / spread_cuts;
    const std::size_t ends = length > 100 * cut_everywhere_up_to ? ends_cut / 5 : ends_cut;
    for (std::size_t cut = 1; cut < length;
         cut += cut < ends || cut + ends >= length ? 1 : std::min(step, length - ends - cut))
        cuts.push_back(cut);
    return cuts;
}

std::vector<transcript> scripts() { return read_transcripts(POSTERN_SOURCE_DIR "/tests/scripts"); }

} // namespace

TEST_CASE("every transcript holds when its groups of lines come whole") {
    const auto all = scripts();
    REQUIRE(all.size() >= 70);
    for (const auto& script : all) CHECK(run(script, script.exchanges.size(), feed_whole) == "");
}

TEST_CASE("every transcript holds when it comes an octet at a time") {
    for (const auto& script : scripts()) {
        if (script.whole_only) continue;
        session_rig rig;
        std::string differs;
        for (const auto& each : script.exchanges) {
            differs = run_exchange(rig, each, feed_octets);
            if (!differs.empty()) differs = std::to_string(each.line) + ": " + differs;
            if (!differs.empty()) break;
        }
        if (differs.empty()) differs = check_kept(rig, script);
        INFO(script.name);
        CHECK(differs == "");
    }
}

TEST_CASE("every transcript holds wherever one of its groups is cut in two") {
    std::size_t runs = 0;
    for (const auto& script : scripts()) {
        if (script.whole_only) continue;
        for (std::size_t i = 0; i < script.exchanges.size(); ++i) {
            for (const std::size_t cut : cuts_of(script.exchanges[i].sent.size())) {
                const auto differs = run(script, i, [cut](session_rig& rig, const std::string& octets) {
                    auto received = rig.feed(std::string_view(octets).substr(0, cut));
                    if (!rig.closed()) received += rig.feed(std::string_view(octets).substr(cut));
                    return received;
                });
                ++runs;
                INFO("exchange " << i << " cut at " << cut);
                if (!differs.empty()) CHECK(differs == "");
                if (!differs.empty()) break;
            }
        }
    }
    CHECK(runs > 5000);
}
