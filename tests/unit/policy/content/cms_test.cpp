// A message that is signed as a whole is read, as mail programs do.
#include "policy/content/cms.hpp"

#include "tests/unit/policy/content/world.hpp"

#include <catch2/catch.hpp>

using namespace postern::policy::content;
using namespace postern::policy::content::testing;
using namespace std::string_literals;

namespace {

std::string element(unsigned char tag, const std::string& octets) {
    std::string made(1, static_cast<char>(tag));
    if (octets.size() < 128) return made + static_cast<char>(octets.size()) + octets;
    made += "\x84";
    for (int shift = 24; shift >= 0; shift -= 8) made += static_cast<char>(octets.size() >> shift & 0xff);
    return made + octets;
}
std::string endless(unsigned char tag, const std::string& octets) {
    return std::string(1, static_cast<char>(tag)) + "\x80" + octets + "\0\0"s;
}

const std::string data_id = element(6, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01");
std::string id_of(char last) { return element(6, std::string("\x2a\x86\x48\x86\xf7\x0d\x01\x07") + last); }

using form = std::string (*)(unsigned char, const std::string&);
// `content` is an octet string, or nothing.
std::string signed_data(const std::string& content, form how = &element) {
    const auto wrapped = content.empty() ? content : how(0xa0, content);
    return how(0x30, id_of(2) + how(0xa0, how(0x30, element(2, "\1") + how(0x31, element(0x30, data_id)) +
                                                        how(0x30, data_id + wrapped) + element(0x31, ""))));
}

std::string content_of(const std::string& octets, cms_kind expected = cms_kind::signed_data) {
    std::string content;
    CHECK(read_cms(octets, [&](std::string_view part) {
              content += part;
              return true;
          }) == expected);
    return content;
}

report looked_at(const std::string& octets) {
    const auto asked = all_order();
    const std::string folder = "/nonexistent";
    const stopwatch no_time;
    look shared(asked, &our_signatures(), folder, no_time);
    piece one;
    one.octets = octets;
    one.where = path().below("smime.p7m");
    one.names = {"smime.p7m"};
    look_at_cms(shared, one);
    return shared.take();
}

const std::string evil =
    crlf("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: a/b; name=evil.exe\n"
         "Content-Transfer-Encoding: base64\n\n") +
    base64(marker) + "\r\n--b--\r\n";

} // namespace

TEST_CASE("the content of signed data is told, in each form that it may have") {
    CHECK(content_of(signed_data(element(4, "abc"))) == "abc");
    CHECK(content_of(signed_data(element(4, std::string(5000, 'x')))) == std::string(5000, 'x'));
    CHECK(content_of(signed_data(endless(0x24, element(4, "ab") + element(4, "c")), &endless)) == "abc");
    CHECK(content_of(signed_data(element(0x24, element(4, "ab") + element(4, "c")))) == "abc");
    CHECK(content_of(signed_data(endless(0x24, endless(0x24, element(4, "ab")) + element(4, "c")),
                                 &endless)) == "abc");
    CHECK(content_of(signed_data({})).empty()); // beside what it signs
}

TEST_CASE("what is encrypted, cut or something else is told apart") {
    CHECK(content_of(element(0x30, id_of(3)), cms_kind::encrypted).empty());
    CHECK(content_of("", cms_kind::none).empty());
    CHECK(content_of(std::string(2000, '0'), cms_kind::none).empty());
    const auto whole = signed_data(element(4, "abcdef"));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        std::string told;
        (void)read_cms(std::string_view(whole).substr(0, size), [&](std::string_view part) {
            told += part;
            return true;
        });
        CHECK(std::string("abcdef").starts_with(told));
    }
    const std::string deep =
        element(0x30, id_of(2) + element(0xa0, element(0x30, element(2, "\1") + "\x31\x80")));
    CHECK(content_of(deep + std::string(100'000, '\x80'), cms_kind::broken).empty());
}

TEST_CASE("a forbidden file and a virus in a signed message are found") {
    for (const auto& octets :
         {signed_data(element(4, evil)), signed_data(endless(0x24, element(4, evil)), &endless)}) {
        const auto made = looked_at(octets);
        INFO(text_of(made));
        CHECK(has(made, finding_kind::extension, "evil.exe", ".exe"));
        CHECK(has(made, finding_kind::virus, "evil.exe", "Postern.Test.Marker"));
    }
    CHECK(has(looked_at(element(0x30, id_of(3))), finding_kind::encrypted));
    CHECK(looked_at("text").findings.empty());
    CHECK(looked_at(signed_data({})).findings.empty());
}
