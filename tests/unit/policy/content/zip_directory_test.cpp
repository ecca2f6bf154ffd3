#include "policy/content/zip_directory.hpp"

#include "tests/unit/policy/content/archives.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>

using namespace postern::policy::content;
using namespace postern::policy::content::testing;

namespace {

constexpr std::size_t most = 100'000;

bool has_name(const zip_listing& listing, std::string_view name) {
    return std::any_of(listing.names.begin(), listing.names.end(),
                       [&](const auto& one) { return one.name == name; });
}
bool is_odd(const zip_listing& listing, zip_oddity what) {
    return std::any_of(listing.odd.begin(), listing.odd.end(),
                       [&](const auto& one) { return one.what == what; });
}
std::string odd_text(const zip_listing& listing) {
    std::string text;
    for (const auto& one : listing.odd) text += std::string(text_of(one.what)) + "; ";
    return text;
}

const zip_file a{"a.txt", "some text"}, b{"b.exe", "other text"};

} // namespace

TEST_CASE("an honest ZIP has its names and nothing odd") {
    const std::string inner = make_zip({a, b});
    const auto by_libarchive = make_archive("zip", {{"a.txt", std::string(5000, 'x')}, {"b.exe", "y"}});
    struct row {
        const char* what;
        std::string octets;
        std::size_t names;
    };
    const row rows[] = {
        {"two entries", inner, 2},
        {"by libarchive, with data descriptors", by_libarchive, 2},
        {"a ZIP stored in a ZIP", make_zip({{"inner.zip", inner}, b}), 2},
        {"with a prefix", make_zip({a, b}, {.prefix = std::string(100, 'M')}), 2},
        {"with a prefix that the offsets count",
         make_zip({a, b}, {.prefix = std::string(100, 'M'), .adjusted = true}), 2},
        {"with a comment", make_zip({a, b}, {.comment = "made by hand"}), 2},
        {"with octets behind", make_zip({a, b}, {.behind = "\r\n"}), 2},
        {"with ZIP64 records", make_zip({a, b}, {.zip64_more = 0}), 2},
        {"an empty one", make_zip({}), 0},
        {"with a hole", make_zip({a, {.name = "c", .octets = "d", .before = std::string(64, '\0')}}), 2},
    };
    for (const row& one : rows) {
        const auto listing = read_zip(one.octets, most);
        INFO(one.what << ": " << odd_text(listing));
        CHECK(listing.is_zip);
        CHECK(listing.names.size() == one.names);
        CHECK(listing.entries == one.names);
        CHECK(listing.odd.empty());
    }
}

TEST_CASE("every contradiction of a ZIP is found, and every name told") { // AR-04, AR-05, AR-07, AR-08
    struct row {
        zip_oddity what;
        std::string octets;
        std::string name; // that is told, too
    };
    const auto one = make_zip({a}), other = make_zip({b});
    const auto end = make_zip({{"x.js", "z"}});
    auto cut = make_zip({a, b});
    cut.resize(cut.size() - 22);
    auto wrong_place = make_zip({a, b}, {.prefix = std::string(64, 'p'), .adjusted = true});
    wrong_place[wrong_place.size() - 22 + 16] = 64; // where the first local header is
    auto larger = make_zip({a, b});
    larger[18] = 5; // the packed size in the local header
    const row rows[] = {
        {zip_oddity::names_differ, make_zip({{.name = "note.txt", .octets = "x", .local_name = "evil.exe"}}),
         "evil.exe"},
        {zip_oddity::names_differ, make_zip({{.name = "evil.exe", .octets = "x", .local_name = "note.txt"}}),
         "evil.exe"},
        {zip_oddity::names_differ,
         make_zip({{.name = "a.txt", .octets = "x", .extra = unicode_path("a.txt", "evil.exe")}}),
         "evil.exe"},
        {zip_oddity::flags_differ, make_zip({{.name = "a.txt", .octets = "x", .local_flags = 1}}), "a.txt"},
        {zip_oddity::flags_differ, make_zip({{.name = "a.txt", .octets = "x", .flags = 1, .local_flags = 1}}),
         "a.txt"},
        {zip_oddity::sizes_differ, larger, "a.txt"},
        {zip_oddity::overlapping_entries, make_zip({a, {.name = "b.exe", .octets = "", .same_as = 0}}),
         "b.exe"},
        {zip_oddity::entry_not_listed,
         make_zip({a, {.name = "c", .octets = "d", .before = make_zip({b}, {.directory = false})}}), "b.exe"},
        {zip_oddity::entry_not_listed, make_zip({a}, {.prefix = make_zip({b}, {.directory = false})}),
         "b.exe"},
        {zip_oddity::entry_not_listed, make_zip({a}, {.behind = make_zip({b}, {.directory = false})}),
         "b.exe"},
        {zip_oddity::count_differs, make_zip({a, b}, {.count_more = 1}), "b.exe"},
        {zip_oddity::count_differs, make_zip({a, b}, {.count_more = -1}), "b.exe"},
        {zip_oddity::several_directories, one + other, "a.txt"},
        {zip_oddity::several_directories, one + other, "b.exe"},
        {zip_oddity::end_in_comment, make_zip({a}, {.comment = end}), "x.js"},
        {zip_oddity::end_in_comment, make_zip({a}, {.comment = end}), "a.txt"},
        {zip_oddity::zip64_differs, make_zip({a, b}, {.zip64_more = 3}), "b.exe"},
        {zip_oddity::no_directory, make_zip({a, b}, {.directory = false}), "b.exe"},
        {zip_oddity::no_directory, "junk" + make_zip({a, b}, {.directory = false}), "b.exe"},
        {zip_oddity::no_local_header,
         [] {
             auto octets = make_zip({a, b});
             octets[0] = 'X';
             return octets;
         }(),
         "a.txt"},
    };
    std::size_t number = 0;
    for (const row& case_ : rows) {
        const auto listing = read_zip(case_.octets, most);
        INFO("row " << number++ << ": " << text_of(case_.what) << " among: " << odd_text(listing));
        CHECK(is_odd(listing, case_.what));
        CHECK(has_name(listing, case_.name));
        CHECK(listing.is_zip);
    }
}

TEST_CASE("an entry is encrypted if either of its headers says so") { // AR-04
    for (const std::uint16_t central : {std::uint16_t(0), std::uint16_t(1)})
        for (const std::uint16_t local : {std::uint16_t(0), std::uint16_t(1)}) {
            const auto octets = make_zip({{.name = "a.exe",
                                           .octets = "x",
                                           .flags = central,
                                           .local_flags = static_cast<std::uint16_t>(central ^ local)}});
            const auto listing = read_zip(octets, most);
            REQUIRE(listing.names.size() == 1);
            CHECK(listing.names[0].encrypted == (central != 0 || local != 0));
        }
}

TEST_CASE("a raw name in another code page is no contradiction to the Unicode one") {
    const std::string raw = "r\x82sum\x82.doc";
    const auto octets = make_zip({{.name = raw, .octets = "x", .extra = unicode_path(raw, "résumé.doc")}});
    const auto listing = read_zip(octets, most);
    CHECK(has_name(listing, "résumé.doc"));
    CHECK(listing.odd.empty());
    // One that is not of this name (its CRC is wrong) is not applied by anybody.
    const auto stale = make_zip({{.name = "b.doc", .octets = "x", .extra = unicode_path("other", "c.exe")}});
    CHECK_FALSE(has_name(read_zip(stale, most), "c.exe"));
}

TEST_CASE("a ZIP has at most as many entries as are asked for") { // AR-03
    std::vector<zip_file> files;
    for (int i = 0; i < 50; ++i) files.push_back({std::to_string(i), ""});
    const auto octets = make_zip(files);
    const auto all = read_zip(octets, 50);
    CHECK(all.entries == 50);
    CHECK(all.odd.empty());
    const auto some = read_zip(octets, 49);
    CHECK(some.entries == 49);
    CHECK(is_odd(some, zip_oddity::too_many));
}

TEST_CASE("100,000 entries, and a file full of signatures, take linear time") { // AR-03
    std::vector<zip_file> files(100'000);
    for (std::size_t i = 0; i < files.size(); ++i) files[i].name = "directory/" + std::to_string(i) + ".txt";
    const auto begun = std::chrono::steady_clock::now();
    const auto listing = read_zip(make_zip(files), 1'000'000);
    CHECK(listing.entries == 100'000);
    CHECK_FALSE(is_odd(listing, zip_oddity::count_differs)); // it has 16 bits for the number
    for (const std::string_view sign : {"PK\5\6", "PK\1\2", "PK\3\4", "PPPP"}) {
        std::string octets;
        while (octets.size() < 4'000'000) octets += sign;
        read_zip(octets, 1'000'000);
    }
    std::string ends; // each with the same directory
    const auto whole = make_zip(std::vector<zip_file>(files.begin(), files.begin() + 5000));
    ends = whole;
    for (int i = 0; i < 1000; ++i) ends += whole.substr(whole.size() - 22);
    read_zip(ends, 1'000'000);
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(20)); // 0.3 s without a sanitizer
}

TEST_CASE("octets that are no ZIP have no entries") {
    for (const std::string& octets :
         {std::string(), std::string("PK"), std::string("PK\5\6"), std::string(100, 'P'),
          std::string(100, '\0'), "text about PK\5\6" + std::string(40, 'x')}) {
        const auto listing = read_zip(octets, most);
        CHECK_FALSE(listing.is_zip);
        CHECK(listing.names.empty());
        CHECK(listing.odd.empty());
    }
}
