#include "tests/unit/policy/content/archives.hpp"
#include "tests/unit/policy/content/world.hpp"

#include <catch2/catch.hpp>

using namespace postern::policy::content::testing;

namespace {

const std::vector<file> evil{{"readme.txt", "hello"},
                             {"folder/run.exe", "MZ" + std::string(100, 'x') + marker}};

struct sample {
    std::string what, octets;
    std::string path = "run.exe"; // of the finding
};

std::string tar_of(const std::vector<file>& files) { return make_archive("ustar", files); }

} // namespace

TEST_CASE(
    "a forbidden name is found in every kind of archive, and a virus too, by octets not names") { // AR-10
    const sample samples[] = {
        {"zip", make_archive("zip", evil)},
        {"zip, stored", make_zip({{"a.txt", "x"}, {"run.exe", marker}})},
        {"7z", make_archive("7zip", evil)},
        {"tar", tar_of(evil)},
        {"tar.gz", make_archive("ustar", evil, {"gzip"})},
        {"tar.bz2", make_archive("ustar", evil, {"bzip2"})},
        {"tar.xz", make_archive("ustar", evil, {"xz"})},
        {"tar.zst", make_archive("ustar", evil, {"zstd"})},
        {"tar.lz4", make_archive("ustar", evil, {"lz4"})},
        {"tar.lzma", make_archive("ustar", evil, {"lzma"})},
        {"tar.lz", make_archive("ustar", evil, {"lzip"})},
        {"tar.Z", make_archive("ustar", evil, {"compress"})},
        {"tar.gz.gz", make_archive("ustar", evil, {"gzip", "gzip"})},
        {"cpio", make_archive("newc", evil)},
        {"iso", make_archive("iso9660", evil)},
        {"xar", make_archive("xar", evil)},
        {"deb", make_archive("arbsd", {{"data.tar.xz", make_archive("ustar", evil, {"xz"})}}),
         "data.tar.xz/run.exe"},
        {"rar4", make_rar4({{"a.txt", "x"}, {"run.exe", marker}})},
        {"rar5", make_rar5({{"a.txt", "x"}, {"run.exe", marker}})},
        {"cab", make_cab({{"a.txt", "x"}, {"run.exe", marker}})},
        {"lha", make_lha({{"a.txt", "x"}, {"run.exe", marker}})},
    };
    for (const sample& one : samples) {
        const auto made = look_at_file("report.pdf", one.octets);
        INFO(one.what << " " << text_of(made));
        CHECK(has(made, finding_kind::extension, "report.pdf/" + one.path, ".exe"));
        CHECK(has(made, finding_kind::virus, "run.exe", "Postern.Test.Marker"));
        CHECK_FALSE(has_any(made, finding_kind::unreadable));
        CHECK_FALSE(has_any(made, finding_kind::malformed));
        CHECK_FALSE(has_any(made, finding_kind::not_scanned));
        CHECK_FALSE(has_any(made, finding_kind::limit));
    }
}

TEST_CASE("archives within archives are opened, each by its path") {
    const auto inner = make_archive("7zip", {{"run.exe", "MZ"}});
    const auto middle = tar_of({{"inner.7z", inner}});
    const auto made = look_at_file("invoice.zip", make_archive("zip", {{"middle.tar", middle}}));
    INFO(text_of(made));
    CHECK(has(made, finding_kind::extension, "invoice.zip/middle.tar/inner.7z/run.exe", ".exe"));
    CHECK(saw(made, "entry", "zip"));
    CHECK(saw(made, "entry", "7z"));
}

TEST_CASE("a single compressed file is called as its name without the end, or as its header says") {
    const auto gzip = make_archive("raw", {{"x", "MZ" + marker}}, {"gzip"});
    const auto made = look_at_file("run.exe.gz", gzip);
    INFO(text_of(made));
    CHECK(has(made, finding_kind::extension, "run.exe.gz/run.exe", ".exe"));
    CHECK(has(made, finding_kind::virus, "run.exe.gz/run.exe"));
    const auto stored = std::string("\x1f\x8b\x08\x08", 4) + std::string(6, '\0') +
                        std::string("evil.exe\0", 9) + gzip.substr(10);
    CHECK(has(look_at_file("data.bin", stored), finding_kind::extension, "data.bin/evil.exe", ".exe"));
    CHECK(has(look_at_file("run.exe.xz", make_archive("raw", {{"x", "MZ"}}, {"xz"})), finding_kind::extension,
              "run.exe.xz/run.exe"));
    CHECK_FALSE(has_any(look_at_file("run.txt.gz", gzip), finding_kind::extension));
}

TEST_CASE("an archive behind a program, a PDF or junk is opened") { // AR-07
    const std::vector<file> files{{"run.exe", marker}};
    const auto zip = make_zip({{"run.exe", marker}});
    const std::string pdf = "%PDF-1.7\n" + std::string(3000, 'x') + "\n%%EOF\n";
    const std::string program = "MZ" + std::string(4000, '\x90');
    const sample samples[] = {
        {"pdf and zip", pdf + zip},
        {"program and zip", program + zip},
        {"program and rar4", program + make_rar4(files)},
        {"program and rar5", program + make_rar5(files)},
        {"program and 7z", program + make_archive("7zip", files)},
        {"program and cab", program + make_cab(files)},
        {"junk and zip", "junk" + zip},
        {"zip and junk", zip + std::string(70'000, 'z')},
        {"pdf and zip without directory", pdf + make_zip({{"run.exe", marker}}, {.directory = false})},
        {"zip without directory", make_zip({{"run.exe", marker}}, {.directory = false})},
        {"rar and zip", make_rar4({{"a.txt", "x"}}) + zip},
    };
    for (const sample& one : samples) {
        const auto made = look_at_file("doc.pdf", one.octets);
        INFO(one.what << " " << text_of(made));
        CHECK(has(made, finding_kind::extension, "doc.pdf/run.exe", ".exe"));
        CHECK(has(made, finding_kind::virus, "run.exe"));
    }
}

TEST_CASE("a ZIP whose headers contradict each other is malformed") { // AR-05, AR-07
    const auto plain = make_zip({{"a.txt", "x"}});
    const sample samples[] = {
        {"names differ", make_zip({{.name = "a.txt", .octets = "x", .local_name = "b.txt"}})},
        {"several directories", plain + make_zip({{"b.txt", "y"}})},
        {"end in a comment", make_zip({{"a.txt", "x"}}, {.comment = make_zip({{"b.txt", "y"}})})},
        {"no directory", make_zip({{"a.txt", "x"}}, {.directory = false})},
        {"zip64 differs", make_zip({{"a.txt", "x"}}, {.zip64_more = 2})},
        {"count differs", make_zip({{"a.txt", "x"}}, {.count_more = 2})},
        {"hidden entry",
         make_zip({{"a.txt", "x"},
                   {.name = "c", .octets = "d", .before = make_zip({{"b", "y"}}, {.directory = false})}})},
    };
    for (const sample& one : samples) {
        const auto made = look_at_file("doc.zip", one.octets);
        INFO(one.what << " " << text_of(made));
        CHECK(has(made, finding_kind::malformed, "doc.zip", "zip: "));
    }
    const auto evil_local =
        look_at_file("d.zip", make_zip({{.name = "note.txt", .octets = "x", .local_name = "evil.exe"}}));
    CHECK(has(evil_local, finding_kind::extension, "d.zip/evil.exe"));
    const auto evil_central =
        look_at_file("d.zip", make_zip({{.name = "evil.exe", .octets = "x", .local_name = "note.txt"}}));
    CHECK(has(evil_central, finding_kind::extension, "d.zip/evil.exe"));
}

TEST_CASE("an office document in another file, and one with two of them, is no contradiction") {
    const auto document =
        make_archive("zip", {{"[Content_Types].xml", "<x/>"}, {"word/document.xml", "<y/>"}});
    const auto ole = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + std::string(2000, '\0') + document +
                     std::string(512, '\0') + document + std::string(9000, '\0');
    const auto made = look_at_file("letter.doc", ole);
    INFO(text_of(made));
    CHECK(made.findings.empty());
    CHECK(look_at_file("letter.docx", document).findings.empty());
    CHECK(look_at_file("two.docx", make_zip({{"word/embeddings/sheet.xlsx", document}, {"a.xml", "x"}}))
              .findings.empty());
}

TEST_CASE("odd names in archives are judged as a client or a system would make of them") { // AR-08
    const char* names[] = {"../../x.exe",       "/abs.exe",  "C:\\x.exe", "a\\b.exe",
                           "evil.exe.",         "evil.exe ", "EVIL.EXE",  "e\xe2\x80\xaevil.exe",
                           "\xff\xfe evil.exe", "evil．exe", "a.exe:ads", "evil.txt.exe"};
    for (const std::string name : names) {
        for (const std::string& octets : {make_zip({{name, "x"}}), make_rar4({{name, "x"}}),
                                          make_cab({{name, "x"}}), make_lha({{name, "x"}})}) {
            const auto made = look_at_file("x.bin", octets);
            INFO("[" << name << "] " << text_of(made));
            CHECK(has(made, finding_kind::extension, "x.bin/", ".exe"));
        }
    }
    const auto with_nul = look_at_file("x.zip", make_zip({{std::string("evil.exe\0.txt", 13), "x"}}));
    CHECK(has(with_nul, finding_kind::extension, "x.zip/evil.exe"));
    const auto unicode = look_at_file(
        "x.zip", make_zip({{.name = "a.txt", .octets = "x", .extra = unicode_path("a.txt", "evil.exe")}}));
    CHECK(has(unicode, finding_kind::extension, "x.zip/evil.exe"));
    const auto escaped = look_at_file("x.zip", make_zip({{"a\x1b[2J\xe2\x80\xae.exe", "x"}}));
    for (const auto& one : escaped.findings) CHECK(one.where.find('\x1b') == std::string::npos);
    for (const auto& one : escaped.all)
        CHECK((one.where + one.detail).find_first_of("\x1b") == std::string::npos);
}

TEST_CASE("a volume of several, and a container without a reader, are unreadable") { // AR-09, AR-10
    const auto seven_zip = make_archive("7zip", {{"a.txt", std::string(5000, 'x') + marker}});
    const auto zip = make_archive("zip", {{"a.txt", std::string(500, 'y') + marker}});
    const sample samples[] = {
        {"x.part1.rar", make_rar4({{"a.txt", "x"}}, {.volume = true})},
        {"x.rar", make_rar5({{"a.txt", "x"}}, {.volume = true})},
        {"x.7z.001", seven_zip.substr(0, seven_zip.size() / 2)},
        {"x.bin", seven_zip.substr(0, seven_zip.size() / 2)},
        {"x.zip.001", zip.substr(0, zip.size() / 2)},
        {"x.zip.002", "whatever"},
        {"x.r01", "whatever"},
        {"x.arj", std::string("\x60\xea\x2c\x00", 4) + std::string(100, 'a')},
        {"x.ace", "1234567**ACE**" + std::string(100, 'a')},
        {"x.wim", std::string("MSWIM\0\0\0", 8) + std::string(100, 'a')},
        {"truncated.gz",
         make_archive("raw", {{"x", std::string(3000, 'q') + marker}}, {"gzip"}).substr(0, 30)},
    };
    for (const sample& one : samples) {
        const auto made = look_at_file(one.what, one.octets);
        INFO(one.what << " " << text_of(made));
        CHECK(has(made, finding_kind::unreadable, one.what));
    }
}

TEST_CASE("a truncated ZIP is malformed, and what is in it is looked at") { // AR-07
    const auto zip = make_zip({{"run.exe", marker}, {"b.txt", std::string(300, 'b')}});
    const auto made = look_at_file("x.zip", zip.substr(0, zip.size() - 250));
    INFO(text_of(made));
    CHECK(has(made, finding_kind::malformed, "x.zip", "zip: no directory"));
    CHECK(has(made, finding_kind::extension, "x.zip/run.exe"));
    CHECK(has(made, finding_kind::virus, "run.exe"));
}
