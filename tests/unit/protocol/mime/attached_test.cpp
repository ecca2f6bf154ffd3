// Files within the octets of a part become parts: those of an Outlook container, and those in text.
#include "protocol/mime/charset.hpp"
#include "tests/unit/protocol/mime/seen.hpp"
#include "tests/unit/protocol/mime/tnef_maker.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol::mime;
using namespace postern::test;
using namespace std::string_literals;

namespace {

seen walked_tnef(const std::string& container, const limits& bounds = {}) {
    return walked(
        "Content-Type: application/ms-tnef; name=x.dat\r\nContent-Transfer-Encoding: binary\r\n\r\n" +
            container,
        bounds);
}

bool has_file(const seen& told, const std::string& name, const std::string& octets) {
    return std::any_of(told.parts.begin(), told.parts.end(), [&](const auto& one) {
        const auto& part = one.second;
        return part.kind == part_kind::embedded && part.octets == octets && part.ended &&
               std::find(part.names.begin(), part.names.end(), name) != part.names.end();
    });
}

const std::string rtf = little(0, 4) + little(10, 4) + "LZFu" + little(0, 4) + "\x0d\0\x04x\x0c\xf1\x0d\x90"s;

std::string text_with(const std::string& body) { return crlf("Content-Type: text/plain\n\n" + body); }

} // namespace

TEST_CASE("a file of an Outlook container is a part with its names and octets") { // MI-12
    struct row {
        std::string name, container;
    };
    const auto file = tnef_attribute(2, tnef_file, "octets");
    const auto begins = tnef_attribute(2, tnef_begins, std::string(14, '\0'));
    const row one = GENERATE_COPY(values<row>({
        {"title", begins + tnef_attribute(2, tnef_title, "evil.exe\0"s) + file},
        {"title behind the file", begins + file + tnef_attribute(2, tnef_title, "evil.exe\0"s)},
        {"transport name", begins + file + tnef_attribute(2, tnef_transport_name, "evil.exe\0"s)},
        {"long name",
         begins + tnef_attribute(2, tnef_title, "EVIL~1.TXT\0"s) + file +
             tnef_attribute(2, tnef_attachment, mapi_properties({mapi_string(0x3707, "evil.exe")}))},
        {"long name in UTF-16",
         begins + file +
             tnef_attribute(2, tnef_attachment, mapi_properties({mapi_unicode(0x3707, "evil.exe")}))},
        {"short name",
         begins + file +
             tnef_attribute(2, tnef_attachment, mapi_properties({mapi_string(0x3704, "evil.exe")}))},
        {"path", begins + file +
                     tnef_attribute(2, tnef_attachment,
                                    mapi_properties({mapi_string(0x3708, "C:\\temp\\evil.exe")}))},
        {"display name",
         begins + file +
             tnef_attribute(2, tnef_attachment, mapi_properties({mapi_string(0x3001, "evil.exe")}))},
        {"octets among the properties",
         begins + tnef_attribute(2, tnef_attachment,
                                 mapi_properties({mapi_long(0x3705, 1), mapi_binary(0x3701, "octets"),
                                                  mapi_string(0x3707, "evil.exe")}))},
        {"properties of all kinds before it",
         begins + file +
             tnef_attribute(2, tnef_attachment,
                            mapi_properties({mapi_long(0x0e21, 3), mapi_named_number(7),
                                             mapi_named_text("some name"), mapi_several(),
                                             mapi_string(0x3702, ""), mapi_string(0x3707, "evil.exe")}))},
        {"no beginning", tnef_attribute(2, tnef_title, "evil.exe\0"s) + file},
        {"no names but the second's", begins + begins + tnef_attribute(2, tnef_title, "evil.exe\0"s) + file},
    }));
    CAPTURE(one.name);
    const auto told = walked_tnef(tnef(one.container));
    CAPTURE(told.findings_text(), told.names());
    CHECK(has_file(told, "evil.exe", "octets"));
    CHECK(told.has(finding::tnef));
    CHECK_FALSE(told.has(finding::bad_tnef));
}

TEST_CASE("what is attached as an object is a container of its own") {
    const auto inner =
        tnef(tnef_attribute(2, tnef_begins, "") + tnef_attribute(2, tnef_title, "evil.exe\0"s) +
             tnef_attribute(2, tnef_file, "octets"));
    const auto outer =
        tnef(tnef_attribute(2, tnef_begins, "") +
             tnef_attribute(2, tnef_attachment,
                            mapi_properties({mapi_string(0x3001, "see example.com"),
                                             mapi_string(0x3707, "a.msg"), mapi_object(0x3701, inner)})));
    const auto told = walked_tnef(outer);
    CHECK(has_file(told, "evil.exe", "octets"));
    CHECK(told.has_name("a.msg"));
    CHECK_FALSE(told.has_name("see example.com")); // the message's subject, where there is a name
    CHECK_FALSE(told.has(finding::bad_tnef));
    limits shallow;
    shallow.depth = 1;
    CHECK(walked_tnef(outer, shallow).has(finding::too_deep));
}

TEST_CASE("the texts of a container's message are told, and a message attached to it is walked") {
    const auto told = walked_tnef(
        tnef(tnef_attribute(1, tnef_body, "plain text") +
             tnef_attribute(1, tnef_message,
                            mapi_properties({mapi_binary(0x1013, "<html>"), mapi_binary(0x1009, rtf)})) +
             tnef_attribute(2, tnef_begins, "") + tnef_attribute(2, tnef_title, "a.EML\0"s) +
             tnef_attribute(2, tnef_file, "Content-Type: a/b; name=evil.exe\r\n\r\nbody of it")));
    const auto type_of = [&](std::string_view octets) {
        for (const auto& [id, one] : told.parts)
            if (one.octets == octets) return one.type;
        return "none"s;
    };
    CHECK(type_of("plain text") == "text/plain");
    CHECK(type_of("<html>") == "text/html");
    CHECK(type_of("{\\rtf1x{\\r") == "text/rtf"); // from the dictionary, as it is, from what came
    CHECK(told.has_name("evil.exe"));
    CHECK(type_of("body of it") == "a/b");
    CHECK_FALSE(told.has(finding::bad_tnef));
}

TEST_CASE("compressed RTF that is cut, or of no known form, is found") {
    const auto with = [](const std::string& octets) {
        return walked_tnef(
            tnef(tnef_attribute(1, tnef_message, mapi_properties({mapi_binary(0x1009, octets)}))));
    };
    CHECK_FALSE(with(rtf).has(finding::bad_tnef));
    CHECK_FALSE(with(little(0, 4) + little(3, 4) + "MELA" + little(0, 4) + "abc").has(finding::bad_tnef));
    CHECK(with(little(0, 4) + little(3, 4) + "MELA" + little(0, 4) + "abc").has_octets("abc"));
    CHECK(with(rtf.substr(0, 20)).has(finding::bad_tnef));
    CHECK(with(rtf.substr(0, 10)).has(finding::bad_tnef));
    CHECK(with(little(0, 4) + little(0, 4) + "none" + little(0, 4)).has(finding::bad_tnef));
}

TEST_CASE("a container that can't be read is found, and what can be read is told") {
    const auto good = tnef_attribute(2, tnef_begins, "") + tnef_attribute(2, tnef_title, "evil.exe\0"s) +
                      tnef_attribute(2, tnef_file, "octets");
    auto checksum = tnef(good);
    checksum.back() = static_cast<char>(checksum.back() + 1);
    struct row {
        std::string name, container;
    };
    const row one = GENERATE_COPY(values<row>({
        {"cut in a header", tnef(good) + "\x02\x0f"s},
        {"cut in the octets", tnef(good + tnef_attribute(2, tnef_file, std::string(50, 'x')).substr(0, 30))},
        {"checksum", checksum},
        {"level", tnef(good + tnef_attribute(3, tnef_title, "x"))},
        {"a length beyond the end", tnef(good) + "\x02\x0f\x80\x06\x00\xff\xff\xff\xff"s},
        {"fewer properties than said",
         tnef(good + tnef_attribute(2, tnef_attachment,
                                    "\x09\0\0\0"s + mapi_properties({mapi_long(0x3705, 1)}).substr(4)))},
        {"more than said",
         tnef(good + tnef_attribute(2, tnef_attachment, "\0\0\0\0"s + mapi_long(0x3705, 1)))},
        {"a property of no known type",
         tnef(good + tnef_attribute(2, tnef_attachment, mapi_properties({"\x77\x07\x07\x37"s})))},
        {"a value beyond the end",
         tnef(good + tnef_attribute(2, tnef_attachment,
                                    "\x01\0\0\0\x02\x01\x01\x37\x01\0\0\0\xff\xff\xff\xff"s + "abc"))},
        {"an object too short",
         tnef(good +
              tnef_attribute(2, tnef_attachment, "\x01\0\0\0\x0d\0\x01\x37\x01\0\0\0\x02\0\0\0\0\0\0\0"s))},
        {"a name too long", tnef(good + tnef_attribute(2, tnef_title, std::string(5000, 'x')))},
        {"text behind it", tnef(good) + "more"},
    }));
    CAPTURE(one.name);
    const auto told = walked_tnef(one.container);
    CHECK(told.has(finding::bad_tnef));
    CHECK(has_file(told, "evil.exe", "octets"));
    for (const auto& [id, part] : told.parts) CHECK(part.ended);
}

TEST_CASE("what calls itself an Outlook container and is none is found") {
    CHECK(walked_tnef("text").has(finding::bad_tnef));
    CHECK(walked_tnef("").has(finding::bad_tnef));
    CHECK(walked("Content-Type: a/b; name=winmail.dat\r\n\r\ntext").has(finding::bad_tnef));
    CHECK_FALSE(walked_tnef(tnef("")).has(finding::bad_tnef));
    CHECK_FALSE(walked_tnef(tnef("") + "\r\n").has(finding::bad_tnef)); // a line end that a gateway added
}

TEST_CASE("of two files by one name in a container both are told") {
    const auto told = walked_tnef(
        tnef(tnef_attribute(2, tnef_begins, "") + tnef_attribute(2, tnef_title, "a.txt\0"s) +
             tnef_attribute(2, tnef_file, "one") + tnef_attribute(2, tnef_file, "two") +
             tnef_attribute(2, tnef_attachment, mapi_properties({mapi_binary(0x3701, "three")}))));
    CHECK(has_file(told, "a.txt", "one"));
    for (const auto* octets : {"two", "three"})
        CHECK(std::any_of(told.parts.begin(), told.parts.end(), [&](const auto& one) {
            return one.second.octets == octets && one.second.alternative_of != 0;
        }));
    CHECK(told.has(finding::several_readings));
}

TEST_CASE("a container is the same however it is cut") {
    const auto message =
        "Content-Type: application/ms-tnef\r\n\r\n" +
        tnef(tnef_attribute(1, tnef_body, "text") + tnef_attribute(2, tnef_begins, "") +
             tnef_attribute(2, tnef_title, "a.eml\0"s) + tnef_attribute(2, tnef_file, "A: b\r\n\r\noctets") +
             tnef_attribute(2, tnef_attachment,
                            mapi_properties({mapi_named_text("n"), mapi_unicode(0x3707, "evil.exe"),
                                             mapi_object(0x3701, tnef(""))})));
    const auto whole = walked(message);
    for (std::size_t cut = 0; cut <= message.size(); ++cut) {
        seen told;
        walker two(told);
        two.feed(std::string_view(message).substr(0, cut));
        two.feed(std::string_view(message).substr(cut));
        two.finish();
        CAPTURE(cut);
        REQUIRE(told.names() == whole.names());
        REQUIRE(told.findings_text() == whole.findings_text());
        REQUIRE(told.parts.size() == whole.parts.size());
        for (const auto& [id, part] : whole.parts) REQUIRE(told.parts.at(id).octets == part.octets);
    }
}

TEST_CASE("yEnc is decoded") {
    const auto body = "=ybegin part=1 line=128 size=10 name=my evil.exe\n=ypart begin=1 "
                      "end=10\nmk~=yk\n=}=n=M\n=yend size=10\ntext\n";
    const auto told = walked(text_with(body));
    CAPTURE(told.names());
    // The octets of "Cat": each 42 more; "=" and 64 more where that is needed.
    CHECK(has_file(told, "my evil.exe", "CAT\x0f"s + "A" + "\x13\x04\xe3"s));
    CHECK(told.has(finding::yenc));
    std::string long_line; // far beyond what is kept of a line
    for (int i = 0; i < 5000; ++i) long_line += "m";
    CHECK(has_file(walked(text_with("=ybegin line=9999 size=5000 name=a.exe\n" + long_line + "\n=yend\n")),
                   "a.exe", std::string(5000, 'C')));
    CHECK(has_file(walked(text_with("=ybegin size=1 name=a.exe\nm")), "a.exe", "C"));
}

TEST_CASE("uuencoded files in base64, with encoded names, and one behind another that nobody ended") {
    CHECK(has_file(walked(text_with("begin-base64 644 evil.exe\nQ2F0\nQ2F0end=\n====\ntext\n")), "evil.exe",
                   "CatCat\x7a\x77"s));
    CHECK(has_file(walked(text_with("begin-base64-encoded 644 ZXZpbC5leGU=\nQ2F0\n====\n")), "evil.exe",
                   "Cat"));
    CHECK(has_file(walked(text_with("begin-encoded 644 ZXZpbC5leGU=\n#0V%T\n`\nend\n")), "evil.exe", "Cat"));
    const auto two = walked(text_with("begin 644 a.txt\n#0V%T\nbegin 644 evil.exe\n#0V%T\nend\n"));
    CHECK(has_file(two, "a.txt", "Cat"));
    CHECK(has_file(two, "evil.exe", "Cat"));
    CHECK_FALSE(walked(text_with("begin-base64 is a form of\nbegin 644\n")).has(finding::uuencoded));
}

TEST_CASE("charsets that can hide ASCII are undone") {
    CHECK(to_utf8("utf-7", "evil+AC4-exe") == "evil.exe");
    CHECK(to_utf8("UNICODE-1-1-UTF-7", "evil+AC4AZQB4AGU") == "evil.exe");
    CHECK(to_utf8("utf-7", "a+-b+") == "a+b");
    CHECK(to_utf8("iso-2022-jp", "evil.\x1b(Bexe") == "evil.exe");
    CHECK(to_utf8("iso-2022-jp", "\x1b$B%3#a!%#e#x#e\x1b(J") == "\xef\xbf\xbd"
                                                                "a.exe");
    CHECK(to_utf8("iso-2022-jp", "a\x1b") == "a");
    CHECK(walked(crlf("Content-Type: a/b; name=\"=?utf-7?Q?evil+AC4-exe?=\"\n\n")).has_name("evil.exe"));
    CHECK(walked(crlf("Content-Disposition: a; filename*=utf-7''evil+AC4-exe\n\n")).has_name("evil.exe"));
}
