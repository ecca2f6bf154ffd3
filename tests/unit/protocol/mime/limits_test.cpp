// No shape of message costs more than a constant for each octet, and every limit that is reached is a
// finding.
#include "tests/unit/protocol/mime/seen.hpp"
#include "tests/unit/protocol/mime/tnef_maker.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <functional>

using namespace postern::protocol::mime;
using namespace postern::test;
using namespace std::string_literals;

namespace {

class counter final : public visitor {
  public:
    void begin_part(const part& begun) override { deepest = std::max(deepest, begun.depth), ++begun_parts; }
    void name_of_part(part_id, const name&) override {}
    void octets(part_id, std::string_view decoded) override { told += decoded.size(); }
    void end_part(part_id) override { ++ended_parts; }
    void found(part_id, finding what) override { all_found.insert(what); }

    unsigned deepest = 0, begun_parts = 0, ended_parts = 0;
    std::size_t told = 0;
    std::set<finding> all_found;
};

std::string repeated(std::string_view text, std::size_t octets) {
    std::string made;
    while (made.size() < octets) made += text;
    return made;
}

std::string nested(unsigned levels, const std::string& boundary) {
    std::string made;
    for (unsigned i = 0; i < levels; ++i) {
        const auto own = boundary + std::to_string(i);
        made += "Content-Type: multipart/mixed; boundary=" + own + "\r\n\r\n--" + own + "\r\n";
    }
    return made;
}

struct shape {
    std::string_view name;
    std::function<std::string(std::size_t)> make; // a message of about so many octets
};

const std::vector<shape>& worst_shapes() {
    static const std::vector<shape> shapes{
        {"line ends in nested parts",
         [](std::size_t n) { return nested(19, "b") + "\r\n" + repeated("\n", n); }},
        {"dashes in nested parts",
         [](std::size_t n) { return nested(19, "b") + "\r\n" + repeated("\n-", n); }},
        {"double dashes in nested parts",
         [](std::size_t n) { return nested(19, "b") + "\r\n" + repeated("\n--", n); }},
        {"dashes alone", [](std::size_t n) { return nested(19, "b") + "\r\n" + repeated("-", n); }},
        {"delimiters", [](std::size_t n) { return nested(1, "b") + repeated("--b0\r\n", n); }},
        {"last delimiters", [](std::size_t n) { return nested(1, "b") + repeated("--b0--\r\n", n); }},
        {"half delimiters", [](std::size_t n) { return nested(1, "b") + repeated("--b0x\r\n", n); }},
        {"nested multiparts", [](std::size_t n) { return nested(unsigned(n / 60), "b"); }},
        {"nested messages",
         [](std::size_t n) { return repeated("Content-Type: message/rfc822\r\n\r\n", n); }},
        {"fields",
         [](std::size_t n) { return repeated("Content-Type: a/b; name=\"=?utf-8?q?a?=\"\r\n", n); }},
        {"one field", [](std::size_t n) { return "Content-Type: a/b" + repeated("; name=\"(a\\\"b", n); }},
        {"folds", [](std::size_t n) { return "Content-Type: a/b;\r\n" + repeated(" =?u?q?x?=\r\n", n); }},
        {"comments", [](std::size_t n) { return "Content-Type: a/b; name=" + repeated("(", n); }},
        {"parts with many names",
         [](std::size_t n) {
             std::string header = "--b0\r\nContent-Disposition: a";
             for (int i = 0; i < 1000; ++i)
                 header += "; filename=\"" + std::to_string(i) +
                           "%41\xEF\xBC\x8E"
                           "exe:" +
                           repeated("\xE2\x84\xA2", 30) + "\"";
             return nested(1, "b") + repeated(header + "\r\n\r\n", n);
         }},
        {"base64 in many readings",
         [](std::size_t n) {
             return "Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: quoted-printable\r\n"
                    "Content-Transfer-Encoding: 8bit\r\n\r\n" +
                    repeated("=\r", n);
         }},
        {"multiparts in many readings",
         [](std::size_t n) {
             std::string made;
             for (int i = 0; i < 19; ++i)
                 made += "Content-Type: multipart/mixed; boundary=a; boundary=b\r\nodd\r\n\r\n--a\r\n--b\r\n";
             return made + repeated("\n--ab", n);
         }},
        {"files in text", [](std::size_t n) { return "\r\n" + repeated("begin 644 a\n#0V%T\nend\n", n); }},
        {"one file in text", [](std::size_t n) { return "\r\nbegin 644 a\n" + repeated("#0V%T\n", n); }},
        {"names in text", [](std::size_t n) { return "\r\n" + repeated("=ybegin name=a.exe\n", n); }},
        {"yEnc in text", [](std::size_t n) { return "\r\n=ybegin name=a.exe\n" + repeated("=y=\n", n); }},
        {"multiparts that are cut short",
         [](std::size_t n) {
             std::string made = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
             for (int i = 0; i < 12; ++i)
                 made += "--b\r\nContent-Type: multipart/mixed; boundary=i" + std::to_string(i) +
                         "\r\n\r\n--i" + std::to_string(i) + "\r\n\r\n";
             return made + repeated("\n--", n);
         }},
        {"titles in a container",
         [](std::size_t n) {
             return "Content-Type: application/ms-tnef\r\n\r\n" +
                    tnef(repeated(tnef_attribute(2, tnef_title, "a.exe"), n));
         }},
        {"containers in each other",
         [](std::size_t n) {
             std::string made = tnef("");
             for (unsigned i = 0; i < 30; ++i)
                 made = tnef(tnef_attribute(2, tnef_begins, "") +
                             tnef_attribute(2, tnef_file, made + std::string(n / 30, 'x')));
             return "Content-Type: application/ms-tnef\r\n\r\n" + made;
         }},
        {"properties in a container",
         [](std::size_t n) {
             return "Content-Type: application/ms-tnef\r\n\r\n" +
                    tnef(tnef_attribute(2, tnef_attachment,
                                        "\xff\xff\xff\x7f" + repeated(mapi_string(0x3707, "a.exe"), n)));
         }},
        {"carriage returns", [](std::size_t n) { return "Content-Type:" + repeated("\r", n); }},
    };
    return shapes;
}

void walk_in_time(const shape& one, std::size_t octets, double nanoseconds_for_each) {
    const std::string message = one.make(octets);
    counter told;
    const auto start = std::chrono::steady_clock::now();
    walker walked(told);
    walked.feed(message);
    walked.finish();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    CAPTURE(one.name, message.size(), took.count() / 1e6);
    CHECK(took.count() / double(message.size()) < nanoseconds_for_each);
    CHECK(told.deepest <= limits().depth + 1);
    CHECK(told.begun_parts <= limits().parts);
    CHECK(told.begun_parts == told.ended_parts);
}

} // namespace

TEST_CASE("the worst shapes take no more than linear time") {
    // Far above what is measured, also under sanitizers; a quadratic walk of 2 MB is far above this.
    for (const shape& one : worst_shapes()) walk_in_time(one, 2'000'000, 3000);
}

TEST_CASE("50 MB of the worst shapes take seconds", "[.long]") {
    for (const shape& one : worst_shapes()) walk_in_time(one, 50'000'000, 200);
}

TEST_CASE("every limit that is reached is found") {
    struct row {
        std::string message;
        finding expected;
    };
    const row one = GENERATE(values<row>({
        {nested(30, "b"), finding::too_deep},
        {repeated("Content-Type: message/rfc822\r\n\r\n", 2000), finding::too_deep},
        {nested(1, "b") + repeated("--b0\r\n\r\n", 20000), finding::too_many_parts},
        {"\r\n" + repeated("begin 644 a\nend\n", 20000), finding::too_many_parts},
        {"\r\n" + repeated("=ybegin name=a.exe\n", 50000), finding::too_many_parts},
        {"Content-Type: application/ms-tnef\r\n\r\n" +
             tnef(repeated(tnef_attribute(2, tnef_title, "a.exe"), 50000)),
         finding::too_many_names},
        {"Content-Type: application/ms-tnef\r\n\r\n" +
             tnef(repeated(tnef_attribute(2, tnef_begins, "") + tnef_attribute(2, tnef_title, "a.exe"),
                           50000)),
         finding::too_many_parts},
        {"Content-Type: multipart/mixed; boundary=a; boundary=b; boundary=c; boundary=d; boundary=e; "
         "boundary=f; "
         "boundary=g; boundary=h; boundary=i; boundary=j\r\n\r\n",
         finding::too_many_readings},
    }));
    counter told;
    walker walked(told);
    walked.feed(one.message);
    walked.finish();
    CAPTURE(name_of(one.expected));
    CHECK(told.all_found.count(one.expected) == 1);
    CHECK(walked.given_up() == (one.expected == finding::too_many_parts));
    CHECK(told.begun_parts == told.ended_parts);
}

TEST_CASE("work beyond the limit ends the walk") {
    limits bounds;
    bounds.work_at_least = 1000;
    bounds.work_for_each_octet = 3;
    const auto told = walked(nested(10, "b") + "\r\n" + repeated("text\r\n", 10000), bounds);
    CHECK(told.has(finding::too_much_work));
}
