#include "tests/support/temporary_folder.hpp"
#include "tests/unit/policy/content/archives.hpp"
#include "tests/unit/policy/content/world.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sys/resource.h>

using namespace postern::policy::content;
using namespace postern::policy::content::testing;
using postern::testing::temporary_folder;

namespace {

// While it lives no file grows beyond so many octets.
class file_limit {
  public:
    explicit file_limit(rlim_t octets) {
        handler_ = std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit now{octets, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &now);
    }
    ~file_limit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    file_limit(const file_limit&) = delete;
    file_limit& operator=(const file_limit&) = delete;

  private:
    rlimit before_{};
    void (*handler_)(int) = nullptr;
};

report scan(std::string_view octets, std::uint32_t deadline = 10'000) {
    report made;
    our_signatures().scan(octets, "file", all_order(), deadline, made);
    return made;
}

} // namespace

TEST_CASE("a folder without signatures, or with broken ones, is an error with a sentence") {
    const temporary_folder empty;
    const auto none = signatures::load(empty.path(), empty.path(), empty.path());
    REQUIRE_FALSE(none);
    CHECK(none.error().find(empty.path()) != std::string::npos);
    CHECK_FALSE(signatures::load(empty.path() + "/absent", empty.path(), empty.path()));
    const temporary_folder broken;
    std::ofstream(broken.path() + "/x.ndb") << "not a signature\n";
    CHECK_FALSE(signatures::load(broken.path(), broken.path(), broken.path()));
    CHECK(our_signatures().count() == 2);
}

TEST_CASE("the engine finds what its signatures say, also within what it unpacks itself") {
    CHECK(scan("clean text").findings.empty());
    CHECK(scan("").findings.empty());
    CHECK(has(scan("x" + marker + "y"), finding_kind::virus, "file", "Postern.Test.Marker"));
    CHECK(has(scan(make_archive("zip", {{"a", std::string(1000, 'x') + marker}})), finding_kind::virus,
              "file"));
}

TEST_CASE("what the engine could not look at is not clean") {
    const auto encrypted = scan(make_zip({{.name = "a.txt", .octets = std::string(50, 'x'), .flags = 1}}));
    INFO(text_of(encrypted));
    CHECK(has(encrypted, finding_kind::encrypted, "file", "Heuristics.Encrypted"));
    CHECK_FALSE(has_any(encrypted, finding_kind::virus));
    // Deeper than it goes.
    std::string deep = std::string(300, 'x') + marker;
    for (int i = 0; i < 60; ++i) deep = make_archive("zip", {{"x", deep + std::string(300, 'x')}});
    const auto made = scan(deep);
    INFO(text_of(made));
    CHECK(has(made, finding_kind::not_scanned, "file"));
    CHECK_FALSE(has(made, finding_kind::virus, "file", "Heuristics"));
}

TEST_CASE("the engine ends when its time is up, and says so") {
    std::string large(40'000'000, 'x');
    for (std::size_t i = 0; i < large.size(); i += 97) large[i] = static_cast<char>(i * 31 % 251);
    const auto made = scan(make_archive("zip", {{"a", large}}), 1);
    INFO(text_of(made));
    CHECK(has(made, finding_kind::not_scanned, "file"));
}

TEST_CASE("a file above a megabyte is scanned, and without room it is not taken for clean") {
    const std::string large = std::string(3'000'000, 'x') + marker;
    CHECK(has(look_at_file("a.bin", large), finding_kind::virus, "a.bin"));
    const auto message = with_attachment("a.bin", large);
    const auto made = inspect(message, all_order(), &our_signatures(), "/nonexistent");
    INFO(text_of(made));
    CHECK(has(made, finding_kind::limit, "a.bin", "room"));
    CHECK(has(made, finding_kind::not_scanned, "a.bin", "room"));
}

TEST_CASE("octets that find no room at any point of a file are not taken for clean") {
    const std::string large = std::string(2'900'000, 'x') + marker;
    const auto part = with_attachment("a.bin", large);
    const auto entry = with_attachment("a.zip", make_zip({{"a.bin", large}}));
    const auto solo = with_attachment("a.gz", make_archive("raw", {{"a.bin", large}}, {"gzip"}));
    our_signatures();
    for (const rlim_t octets : {500'000UL, 1'500'000UL, 2'500'000UL, 2'899'000UL}) {
        const file_limit limited(octets);
        for (const std::string& message : {part, entry, solo}) {
            auto asked = all_order();
            asked.max_ratio = 0;
            const auto made = look_at_octets(message, asked);
            INFO(octets << " " << text_of(made));
            CHECK(has(made, finding_kind::limit, "a.", "room"));
            CHECK(has(made, finding_kind::not_scanned, "a.", "room"));
        }
    }
}

TEST_CASE(
    "the engine does not read mail itself: its own way takes seconds and gigabytes for a few megabytes") {
    std::string message = "From: a@s.test\r\nTo: b@d.test\r\nSubject: x\r\nContent-Type: text/plain\r\n\r\n";
    for (int i = 0; i < 400'000; ++i) message += "begin 644 a\r\n"; // 2.6 s, when it did
    report made;
    const auto began = std::chrono::steady_clock::now();
    made = scan(message);
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(1));
    CHECK(made.findings.empty());
    CHECK(has(scan(message + marker), finding_kind::virus));
}
