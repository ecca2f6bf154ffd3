#include "tests/unit/policy/content/archives.hpp"
#include "tests/unit/policy/content/world.hpp"

#include <catch2/catch.hpp>

using namespace postern::policy::content;
using namespace postern::policy::content::testing;

namespace {

std::string attribute(std::uint32_t id, const std::string& octets) {
    unsigned sum = 0;
    for (const char c : octets) sum += static_cast<unsigned char>(c);
    return little(2, 1) + little(id, 4) + little(octets.size(), 4) + octets + little(sum & 0xffffU, 2);
}
std::string padded(std::string octets) {
    while (octets.size() % 4 != 0) octets += '\0';
    return octets;
}
std::string wide(const std::string& text) {
    std::string out;
    for (const char c : text) out += std::string(1, c) + '\0';
    return out + std::string(2, '\0');
}
std::string property(unsigned type, unsigned id, const std::string& value) {
    return little(type, 2) + little(id, 2) + little(1, 4) + little(value.size(), 4) + padded(value);
}
const std::string start = std::string("\x78\x9f\x3e\x22", 4) + little(1, 2);
std::string attachment(const std::string& title, const std::string& octets,
                       const std::string& properties = {}) {
    return attribute(0x00069002, std::string(14, '\0')) + attribute(0x00018010, title + '\0') +
           attribute(0x0006800f, octets) +
           (properties.empty() ? properties : attribute(0x00069005, properties));
}

} // namespace

TEST_CASE("the files of an Outlook container are judged by each of their names, and looked at") { // MI-12
    const auto named = start + attachment("report.txt", "MZ" + marker);
    CHECK_FALSE(has_any(look_at_file("winmail.dat", named), finding_kind::extension));
    CHECK(has(look_at_file("winmail.dat", named), finding_kind::virus, "winmail.dat/report.txt"));
    const auto by_title = look_at_file("winmail.dat", start + attachment("evil.exe", "x"));
    INFO(text_of(by_title));
    CHECK(has(by_title, finding_kind::extension, "winmail.dat/evil.exe"));
    const std::string lists[] = {
        little(1, 4) + property(0x1e, 0x3707, std::string("evil.exe\0", 9)),
        little(1, 4) + property(0x1f, 0x3707, wide("evil.exe")),
        // Behind a number, a named property and a list of numbers.
        little(4, 4) + little(3, 2) + little(0x3705, 2) + little(1, 4) + little(3, 2) + little(0x8001, 2) +
            std::string(16, 'g') + little(1, 4) + little(10, 4) + padded(wide("name")) + little(7, 4) +
            little(0x1003, 2) + little(0x3800, 2) + little(2, 4) + little(1, 4) + little(2, 4) +
            property(0x1f, 0x3704, wide("evil.exe")),
    };
    for (const std::string& list : lists) {
        const auto made = look_at_file("x.bin", start + attachment("EVIL~1.TXT", "x", list));
        INFO(text_of(made));
        CHECK(has(made, finding_kind::extension, "x.bin/evil.exe", ".exe"));
    }
    const auto zip = make_zip({{"run.exe", "x"}});
    CHECK(has(look_at_file("winmail.dat", start + attachment("a.zip", zip)), finding_kind::extension,
              "winmail.dat/a.zip/run.exe"));
    // A message within it: an object with a container of its own.
    const auto object =
        little(1, 4) + property(0x0d, 0x3701, std::string(16, 'i') + start + attachment("run.exe", "x"));
    CHECK(has(look_at_file("winmail.dat", start + attachment("m", "", object)), finding_kind::extension,
              "winmail.dat/m/run.exe"));
}

TEST_CASE("an Outlook container without anything odd is no finding, and one that is cut is unreadable") {
    const auto whole = start + attachment("a.txt", "hello") + attachment("b.txt", "hello");
    CHECK(look_at_file("winmail.dat", whole).findings.empty());
    CHECK(has(look_at_file("winmail.dat", whole.substr(0, whole.size() - 6)), finding_kind::unreadable,
              "winmail.dat"));
}

TEST_CASE("an Outlook container in an archive is opened too") {
    const auto zip = make_zip({{"winmail.dat", start + attachment("a.zip", make_zip({{"run.exe", "x"}}))}});
    const auto made = look_at_file("a.zip", zip);
    INFO(text_of(made));
    CHECK(has(made, finding_kind::extension, "a.zip/winmail.dat/a.zip/run.exe"));
    CHECK(has(look_at_file("a.zip", make_zip({{"x", start + attachment("b", "MZ" + marker)}})),
              finding_kind::virus, "a.zip/x/b"));
    CHECK(has(look_at_file("a.zip", make_zip({{"x", start + std::string(100, '\xff')}})),
              finding_kind::unreadable, "a.zip/x"));
}
