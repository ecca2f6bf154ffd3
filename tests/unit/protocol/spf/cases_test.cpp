// Every case of cases/*.txt, driven in every way: the result is that of the file, and the same conclusion
// whatever is asked early and in whatever order the answers come.
#include "tests/unit/protocol/spf/world.hpp"

#include <catch2/catch.hpp>
#include <cstdio>

using namespace postern::protocol::spf;
using namespace postern::tests;

namespace {

std::string found(const spf_run& run, const std::string& key) {
    if (key == "by") return run.end.mechanism;
    if (key == "in") return run.end.record_domain;
    if (key == "via") return run.end.via;
    if (key == "terms") return std::to_string(run.end.lookup_terms);
    if (key == "voids") return std::to_string(run.end.void_terms);
    if (key == "questions") return std::to_string(run.questions);
    if (key == "rounds") return std::to_string(run.rounds);
    return "no such thing can be asserted";
}

// Whether all is as the case wants it.
bool check(const spf_case& one) {
    CAPTURE(one.file_line, one.title);
    const spf_run first = run_spf(*one.world, one.subject, drive::needed_only);
    bool good = true;
    const auto expect = [&](const std::string& is, const std::string& should) {
        CHECK(is == should);
        good = good && is == should;
    };
    CAPTURE(first.end.explanation);
    expect(std::string(to_string(first.end.result)), one.result);
    for (const auto& [key, value] : one.also) {
        CAPTURE(key);
        expect(found(first, key), value);
    }
    const bool error = first.end.result == outcome::temperror || first.end.result == outcome::permerror;
    CHECK(first.end.problem.empty() != error);
    CHECK_FALSE(first.end.explanation.empty());
    for (const drive how : all_drives) {
        CAPTURE(static_cast<int>(how));
        const bool same = run_spf(*one.world, one.subject, how).end == first.end;
        CHECK(same);
        good = good && same;
    }
    return good;
}

} // namespace

TEST_CASE("RFC 7208 is kept, clause by clause", "[spf]") {
    const std::string file = GENERATE("initial", "syntax", "mechanisms", "modifiers", "macros", "limits");
    const auto cases = read_spf_cases(POSTERN_SOURCE_DIR "/tests/unit/protocol/spf/cases/" + file + ".txt");
    std::size_t good = 0;
    for (const spf_case& one : cases) good += check(one) ? 1 : 0;
    std::printf("SPF cases/%s.txt: %zu of %zu as they should be\n", file.c_str(), good, cases.size());
    CHECK(cases.size() >= 20);
}
