#include "tests/unit/policy/content/archives.hpp"
#include "tests/unit/policy/content/world.hpp"

#include <catch2/catch.hpp>

using namespace postern::policy::content::testing;

namespace {

const std::vector<file> evil{{"a.txt", "hello"}, {"run.exe", std::string(200, 'x')}};

} // namespace

TEST_CASE("encrypted entries are found, and their names apart from others") { // AR-04
    struct row {
        std::string what, octets;
        bool names; // can be read
    };
    std::vector<row> rows{
        {"zip, both headers", make_zip({{.name = "run.exe", .octets = "x", .flags = 1}}), true},
        {"zip, local header only", make_zip({{.name = "run.exe", .octets = "x", .local_flags = 1}}), true},
        {"zip, directory only", make_zip({{.name = "run.exe", .octets = "x", .flags = 1, .local_flags = 1}}),
         true},
        {"rar4 data", make_rar4({{"run.exe", "x"}}, {.encrypted_data = true}), true},
        {"rar4 headers", make_rar4({{"run.exe", "x"}}, {.encrypted_headers = true}), false},
        {"rar5 data", make_rar5({{"a.txt", "y"}, {"run.exe", "x"}}, {.encrypted_data = true}), true},
        {"rar5 headers", make_rar5({{"run.exe", "x"}}, {.encrypted_headers = true}), false},
    };
    if (have_7z()) {
        rows.push_back({"7z data", make_by_7z("-psecret", "x.7z", evil), true});
        rows.push_back({"7z headers", make_by_7z("-psecret -mhe=on", "x.7z", evil), false});
        rows.push_back({"zip by ZipCrypto", make_by_7z("-psecret", "x.zip", evil), true});
        rows.push_back({"zip by AES", make_by_7z("-psecret -mem=AES256", "x.zip", evil), true});
    }
    for (const row& one : rows) {
        auto asked = attachments_order();
        const auto made = look_at_file("x.bin", one.octets, asked);
        INFO(one.what << " " << text_of(made));
        CHECK(has(made, finding_kind::encrypted, "x.bin"));
        CHECK(has(made, finding_kind::encrypted_name, "x.bin/run.exe", ".exe") == one.names);
        CHECK_FALSE(has_any(made, finding_kind::extension));
        // Behind a program, too.
        const auto behind = look_at_file("x.bin", "MZ" + std::string(3000, '\x90') + one.octets, asked);
        INFO("behind a program: " << text_of(behind));
        CHECK(has(behind, finding_kind::encrypted, "x.bin"));
    }
}

TEST_CASE("an entry beside encrypted ones is looked at as any") { // AR-04: some entries
    const auto made = look_at_file(
        "x.zip", make_zip({{.name = "secret.txt", .octets = "x", .flags = 1}, {"run.exe", marker}}));
    INFO(text_of(made));
    CHECK(has(made, finding_kind::encrypted, "x.zip"));
    CHECK(has(made, finding_kind::extension, "x.zip/run.exe"));
    CHECK(has(made, finding_kind::virus, "x.zip/run.exe"));
}
