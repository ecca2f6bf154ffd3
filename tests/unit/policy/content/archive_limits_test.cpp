#include "tests/unit/policy/content/archives.hpp"
#include "tests/unit/policy/content/world.hpp"

#include <catch2/catch.hpp>
#include <chrono>

using namespace postern::policy::content::testing;

namespace {

std::string zeros_gz(std::size_t size) {
    return make_archive("raw", {{"x", std::string(size, '\0')}}, {"gzip"});
}

void check_limit(const report& made, std::string_view where, std::string_view what) {
    INFO(text_of(made));
    CHECK(has(made, finding_kind::limit, where, what));
    CHECK(has(made, finding_kind::not_scanned, where, what)); // antivirus was asked
}

} // namespace

TEST_CASE("a bomb is over a limit, and was not scanned") { // AR-01
    auto asked = all_order();
    check_limit(look_at_file("b.gz", zeros_gz(20'000'000), asked), "b.gz", "ratio");
    asked.max_ratio = 0;
    asked.max_unpacked = 3'000'000;
    check_limit(look_at_file("b.gz", zeros_gz(20'000'000), asked), "b.gz", "unpacked");
    check_limit(look_at_file("b.zip", make_archive("zip", {{"z", std::string(20'000'000, '\0')}}), asked),
                "b.zip", "unpacked");
    // All archives of a message together.
    const auto two = with_attachment(
        "b.zip", make_archive("zip", {{"1.gz", zeros_gz(2'000'000)}, {"2.gz", zeros_gz(2'000'000)}}));
    check_limit(look_at_octets(two, asked), "b.zip/2.gz", "unpacked");
    asked.antivirus = false;
    const auto without = look_at_file("b.gz", zeros_gz(20'000'000), asked);
    CHECK(has(without, finding_kind::limit, "b.gz", "unpacked"));
    CHECK_FALSE(has_any(without, finding_kind::not_scanned));
}

TEST_CASE("entries that share their octets are a bomb") { // AR-01
    std::vector<zip_file> files{{"0", std::string(1000, 'x')}};
    for (int i = 1; i < 50; ++i)
        files.push_back({.name = std::to_string(i), .octets = files[0].octets, .same_as = 0});
    const auto made = look_at_file("b.zip", make_zip(files));
    INFO(text_of(made));
    check_limit(made, "b.zip", "zip: entries overlap");
    CHECK(has(made, finding_kind::malformed, "b.zip", "zip: entries overlap"));
}

TEST_CASE("ordinary archives are within the limits") {
    std::string log;
    for (int i = 0; log.size() < 3'000'000; ++i) log += std::to_string(i * 7919) + " connect from host\n";
    const auto made = look_at_file("log.gz", make_archive("raw", {{"x", log}}, {"gzip"}));
    INFO(text_of(made));
    CHECK(made.findings.empty());
    // Small files may be all the same octet.
    CHECK(look_at_file("z.gz", zeros_gz(900'000)).findings.empty());
}

TEST_CASE("archives too deep within each other are over a limit") { // AR-02
    auto asked = all_order();
    std::string octets = make_zip({{"run.exe", marker}});
    for (int i = 1; i < 8; ++i) octets = make_zip({{"inner.zip", octets}});
    const auto just = look_at_file("x.zip", octets, asked);
    INFO(text_of(just));
    CHECK(has(just, finding_kind::extension, "inner.zip/run.exe"));
    CHECK(has(just, finding_kind::virus, "run.exe"));
    CHECK_FALSE(has_any(just, finding_kind::limit));
    check_limit(look_at_file("x.zip", make_zip({{"inner.zip", octets}}), asked), "inner.zip", "depth");
    for (int i = 0; i < 92; ++i) octets = make_zip({{"inner.zip", octets}});
    check_limit(look_at_file("x.zip", octets, asked), "inner.zip", "depth");
    asked.max_depth = 3;
    check_limit(look_at_file("x.tar.gz",
                             make_archive("ustar", {{"a", "b"}}, {"gzip", "gzip", "gzip", "gzip"}), asked),
                "x.tar.gz", "depth");
    asked.max_depth = 0; // none is opened
    const auto shut = look_at_file("x.zip", make_zip({{"run.exe", "b"}}), asked);
    check_limit(shut, "x.zip", "depth");
    CHECK_FALSE(has_any(shut, finding_kind::extension));
}

TEST_CASE("too many entries are over a limit, in all archives together") { // AR-03
    auto asked = all_order();
    asked.max_entries = 100;
    std::vector<zip_file> names;
    std::vector<file> files;
    for (int i = 0; i < 101; ++i) names.push_back({std::to_string(i), ""});
    for (int i = 0; i < 101; ++i) files.push_back({std::to_string(i), ""});
    check_limit(look_at_file("x.zip", make_zip(names), asked), "x.zip", "entries");
    check_limit(look_at_file("x.tar", make_archive("ustar", files), asked), "x.tar", "entries");
    names.pop_back();
    CHECK_FALSE(has_any(look_at_file("x.zip", make_zip(names), asked), finding_kind::limit));
    names.resize(60);
    const auto half = make_zip(names);
    check_limit(look_at_file("x.zip", make_zip({{"1.zip", half}, {"2.zip", half}}), asked), "x.zip/2.zip",
                "entries");
    const auto long_name = look_at_file("x.zip", make_zip({{std::string(60'000, 'n') + ".exe", "x"}}));
    check_limit(long_name, "x.zip", "name");
    CHECK(has(long_name, finding_kind::extension, "x.zip/", ".exe"));
}

TEST_CASE("time ends the inspection") {
    auto asked = all_order();
    asked.milliseconds = 30; // 200 MB take longer on any machine
    asked.max_ratio = 0;
    asked.max_unpacked = ~std::uint64_t(0) / 2;
    std::vector<file> files;
    std::string some(4'000'000, 'x');
    for (std::size_t i = 0; i < 50; ++i) {
        some[i] = 'y'; // no two are the same
        files.push_back({std::to_string(i), some});
    }
    const auto message = with_attachment("x.tar.gz", make_archive("ustar", files, {"gzip"}));
    const auto begun = std::chrono::steady_clock::now();
    check_limit(look_at_octets(message, asked), "x.tar.gz", "time");
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
}
