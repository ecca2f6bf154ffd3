// What inspect() makes of the forms of CASES MI, and of ordinary mail.
#include "tests/unit/policy/content/archives.hpp"
#include "tests/unit/policy/content/world.hpp"

#include <catch2/catch.hpp>

using namespace postern::policy::content::testing;

namespace {

const std::string evil_part = "Content-Disposition: attachment; filename=\"evil.exe\"\n\n";

struct row {
    const char* what;
    std::string message; // LF becomes CRLF
};

std::string mixed(const std::string& parts, const std::string& parameters = "; boundary=b") {
    return "From: a@example.net\nMIME-Version: 1.0\nContent-Type: multipart/mixed" + parameters + "\n\n" +
           parts;
}
std::string one_part(const std::string& header, const std::string& body = "x") {
    return mixed("--b\n" + header + "\n\n" + body + "\n--b--\n");
}

bool refused(const report& made) {
    return has_any(made, finding_kind::extension) || has_any(made, finding_kind::malformed) ||
           has_any(made, finding_kind::virus) || has_any(made, finding_kind::limit);
}

} // namespace

TEST_CASE("evil.exe is found whatever its name's parameter looks like") { // MI-01 to MI-05
    const std::string forms[] = {
        "Content-Disposition: attachment; filename*0=\"ev\"; filename*1=\"il.exe\"",
        "Content-Disposition: attachment; filename*1=\"il.exe\"; filename*0=\"ev\"",
        "Content-Disposition: attachment; filename*0*=utf-8''ev%69; filename*1*=l.exe",
        "Content-Disposition: attachment; filename=\"=?utf-8?B?ZXZpbC5leGU=?=\"",
        "Content-Type: application/x; name=\"evil.exe\"\nContent-Disposition: attachment; filename=\"a.txt\"",
        "Content-Type: application/x; name=\"a.txt\"\nContent-Disposition: attachment; filename=\"evil.exe\"",
        "Content-Disposition: attachment; filename=a.txt; filename=evil.exe",
        "Content-Disposition: attachment; filename=a.txt; filename*=utf-8''evil.exe",
        "Content-Disposition: attachment; filename=\"evil.exe.\"",
        "Content-Disposition: attachment; filename=\"evil.exe \"",
        std::string("Content-Disposition: attachment; filename=\"evil.exe\0.txt\"", 55),
        "Content-Disposition: attachment; filename=evil.exe%00.txt",
        "Content-Disposition: attachment; filename=\"evil.e\xE2\x80\x8Bxe\"",
        "Content-Disposition: attachment; filename=\"evil．exe\"",
        "Content-Disposition: attachment; filename=\"report.pdf.exe\"",
        "Content-Disposition: attachment; filename=\"a.exe:ads\"",
        "Content-Disposition: attachment; filename='evil.exe'",
        "Content-Disposition: attachment; filename=bad boy.exe",
        "Content-Disposition: attachment; filename=\"evil.\n exe\"",
        "Content-Disposition: filename=EVIL.EXE",
    };
    for (const std::string& form : forms) {
        const auto made = look_at_octets(crlf(one_part(form)), attachments_order());
        INFO(form << "\n" << text_of(made));
        CHECK(has(made, finding_kind::extension, "", ".exe"));
    }
    // The direction of writing hides nothing, and its mark is not shown as it is.
    const auto turned = look_at_octets(
        crlf(one_part("Content-Disposition: attachment; filename=\"txt.\xE2\x80\xAEgpj.exe\"")), all_order());
    CHECK(has(turned, finding_kind::extension, "", ".exe"));
    CHECK(saw(turned, "name", "\\u{202e}"));
}

TEST_CASE("an odd structure is refused, one way or another") { // MI-07, MI-09, MI-10, MI-12
    const std::string virus = base64(std::string(30, 'x') + marker);
    const row rows[] = {
        {"two types",
         "Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n"},
        {"two encodings", "Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\nx\n"},
        {"two dispositions",
         one_part("Content-Disposition: inline\nContent-Disposition: attachment; filename=a.txt")},
        {"two names", one_part("Content-Disposition: attachment; filename=a.txt; filename=b.txt")},
        {"no boundary", mixed("--q\n" + evil_part + "x\n--q--\n", "")},
        {"two boundaries", mixed("--b\n\nx\n--b--\n", "; boundary=b; boundary=c")},
        {"a boundary that begins another", mixed("--b\n\nx\n--bc\n" + evil_part + "y\n--b--\n")},
        {"a part behind the end", mixed("--b\n\nx\n--b--\n--b\n" + evil_part + "y\n--b--\n")},
        {"uuencode in the preamble", mixed("begin 644 evil.exe\n#0V%T\n`\nend\n--b\n\nx\n--b--\n")},
        {"uuencode in the epilogue", mixed("--b\n\nx\n--b--\nbegin 644 evil.exe\n#0V%T\n`\nend\n")},
        {"uuencode in text", "Subject: x\n\nbegin 644 evil.exe\n#0V%T\n`\nend\n"},
        {"yEnc in text", "Subject: x\n\n=ybegin line=128 size=4 name=evil.exe\nabcd\n=yend size=4\n"},
        {"multi(part)part",
         "Content-Type: multi(part)part/mixed; boundary=b\n\n--b\n" + evil_part + "x\n--b--\n"},
        {"multipart\\mixed",
         "Content-Type: multipart\\mixed; boundary=b\n\n--b\n" + evil_part + "x\n--b--\n"},
        {"multipart/", "Content-Type: multipart/; boundary=b\n\n--b\n" + evil_part + "x\n--b--\n"},
        {"a message in base64", "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" +
                                    base64(one_part("Content-Disposition: attachment; filename=evil.exe"))},
        {"a partial message", "Content-Type: message/partial; id=1; number=1; total=2\n\nSubject: y\n\nx\n"},
        {"an external body",
         "Content-Type: message/external-body; access-type=URL; URL=\"http://x/\"\n\nA: b\n\n"},
        {"base64 with junk",
         one_part("Content-Transfer-Encoding: base64", "#" + virus.substr(0, 9) + "_%:" + virus.substr(9))},
        {"base64 with padding in it", one_part("Content-Transfer-Encoding: base64", base64("xx") + virus)},
        {"base64 without padding", one_part("Content-Transfer-Encoding: base64", "TWFueQ")},
    };
    for (const row& one : rows) {
        const auto made = look_at_octets(crlf(one.message), all_order());
        INFO(one.what << " " << text_of(made));
        CHECK(refused(made));
    }
}

TEST_CASE("a virus is found through every encoding that hides it") { // MI-07, MI-08
    const auto encoded = base64(std::string(30, 'x') + marker);
    std::string three;
    for (std::size_t at = 0; at < encoded.size(); at += 3) three += encoded.substr(at, 3) + "\n";
    std::string quoted;
    for (const char c : marker)
        quoted += c == '-' ? std::string("=2d") : c == '7' ? std::string("7=\n") : std::string(1, c);
    const row rows[] = {
        {"base64", one_part("Content-Transfer-Encoding: base64", encoded)},
        {"lines of three", one_part("Content-Transfer-Encoding: base64", three)},
        {"junk", one_part("Content-Transfer-Encoding: base64",
                          "-" + encoded.substr(0, 21) + "!." + encoded.substr(21))},
        {"an encoding with a comment", one_part("Content-Transfer-Encoding: (x) base64", encoded)},
        {"quoted-printable", one_part("Content-Transfer-Encoding: quoted-printable", quoted)},
        {"no encoding", one_part("Content-Type: text/plain", marker)},
        {"preamble", mixed(marker + "\n--b\n\nx\n--b--\n")},
        {"epilogue", mixed("--b\n\nx\n--b--\n" + marker + "\n")},
        {"not MIME", "Subject: x\n\n" + marker + "\n"},
    };
    for (const row& one : rows) {
        const auto made = look_at_octets(crlf(one.message), all_order());
        INFO(one.what << " " << text_of(made));
        CHECK(has(made, finding_kind::virus, "", "Postern.Test.Marker"));
    }
    const auto eicar_found = look_at_file("a.txt", eicar);
    CHECK(has(eicar_found, finding_kind::virus, "a.txt", "Postern.Test.Eicar"));
}

TEST_CASE("ordinary mail has no findings") {
    const row rows[] = {
        {"plain text", "From: a@example.net\nSubject: x\n\nHello\n"},
        {"an attachment", with_attachment("report.pdf", "%PDF-1.4 " + std::string(500, 'x'))},
        {"an ASCII name beside another", one_part("Content-Disposition: attachment; filename=\"EUR.txt\"; "
                                                  "filename*=utf-8''%E2%82%AC.txt")},
        {"a name with a blank and no quotes", one_part("Content-Type: application/pdf; name=my file.pdf")},
        {"no end", mixed("--b\n\nx\n")},
        {"an old type", "Content-Type: text\n\nx\n"},
        {"8-bit", "Content-Transfer-Encoding: 8-bit\n\nx\n"},
        {"an equals sign in quoted-printable",
         "Content-Transfer-Encoding: quoted-printable\n\na=b and =\nc\n"},
        {"a From line in a bounce",
         mixed("--b\nContent-Type: message/rfc822\n\nFrom a@b Mon Jan  1\nSubject: y\n\nx\n--b--\n")},
        {"a forwarded message",
         mixed("--b\nContent-Type: message/rfc822\n\nSubject: y\nFrom: c@d\n\nx\n--b--\n")},
        {"headers alone in a bounce",
         mixed("--b\nContent-Type: text/rfc822-headers\n\nSubject: y\nFrom: c@d\n--b--\n")},
        {"text about an exe",
         "Subject: evil.exe\n\nPlease run evil.exe, begin at once, PK and Rar! are archives.\n"},
        {"a line of two dashes", mixed("--b\n\nx\n-- \nsignature\n--\n--b--\n")},
        {"a dot at the end", one_part("Content-Disposition: attachment; filename=\"letter.txt.\"")},
        {"a name with exe in it", one_part("Content-Disposition: attachment; filename=\"exe.txt\"")},
    };
    for (const row& one : rows) {
        const bool made_already = one.message.find('\r') != std::string::npos;
        const auto made = look_at_octets(made_already ? one.message : crlf(one.message), all_order());
        INFO(one.what << " " << text_of(made));
        CHECK(made.findings.empty());
        CHECK(made.id == 7);
    }
}

TEST_CASE("a message in a file is opened, in a file of another type and in an archive too") { // MI-13
    const auto inner =
        crlf("From: a@b\nSubject: y\n" + one_part("Content-Disposition: attachment; filename=evil.exe"));
    CHECK(has(look_at_file("mail.eml", inner), finding_kind::extension, "mail.eml/evil.exe"));
    CHECK(has(look_at_file("data.bin", inner), finding_kind::extension, "data.bin/evil.exe"));
    const auto zipped = look_at_file("x.zip", make_zip({{"mail.eml", inner}}));
    INFO(text_of(zipped));
    CHECK(has(zipped, finding_kind::extension, "x.zip/mail.eml/evil.exe"));
    const auto both = look_at_file("x.eml", with_attachment("y.zip", make_zip({{"run.exe", "x"}})));
    CHECK(has(both, finding_kind::extension, "x.eml/y.zip/run.exe"));
    // Text is shown, not opened.
    CHECK(look_at_octets(with_attachment("headers.txt", inner, "text/plain"), attachments_order())
              .findings.empty());
}

TEST_CASE("messages within each other end at a limit") { // MI-11
    std::string deep = "Subject: innermost\n\nx\n";
    for (int i = 0; i < 1000; ++i) deep = "Content-Type: message/rfc822\n\n" + deep;
    const auto made = look_at_octets(crlf(deep), all_order());
    CHECK(has(made, finding_kind::limit, "", "too_deep"));
    CHECK(has(made, finding_kind::not_scanned, "", "too_deep"));
    auto zipped = crlf("From: a@b\nSubject: y\n\nx\n");
    auto asked = all_order();
    asked.max_depth = 100;
    for (int i = 0; i < 12; ++i) zipped = with_attachment("m.zip", make_zip({{"m.eml", zipped}}));
    CHECK(has(look_at_octets(zipped, asked), finding_kind::limit, "", "messages"));
    std::string parts;
    for (int i = 0; i < 20'000; ++i) parts += "--b\n\n";
    CHECK(has(look_at_octets(crlf(mixed(parts)), all_order()), finding_kind::limit, "", "too_many_parts"));
}

TEST_CASE("a part without a name goes by its number, and a file in text by both") {
    const auto made = look_at_octets(
        crlf(mixed("--b\n\nx\n--b\nContent-Type: application/x\n\n" + marker + "\n--b--\n")), all_order());
    INFO(text_of(made));
    CHECK(has(made, finding_kind::virus, "part 3"));
    const auto in_text = look_at_octets(
        crlf(one_part("Content-Type: text/plain; name=notes.txt", "begin 644 evil.exe\n#0V%T\n`\nend")),
        all_order());
    CHECK(has(in_text, finding_kind::extension, "notes.txt/evil.exe"));
}

TEST_CASE("everything that was seen is told to a person who asks") {
    const auto message = with_attachment("invoice.zip", make_zip({{"a.txt", "x"}}));
    const auto made = look_at_octets(message, all_order());
    CHECK(saw(made, "part", "multipart multipart/mixed"));
    CHECK(saw(made, "part", "application/octet-stream, base64, depth 1"));
    CHECK(saw(made, "name", "invoice.zip -> invoice.zip"));
    CHECK(saw(made, "entry", "1 to 1 octets @ invoice.zip/a.txt"));
    CHECK(look_at_octets(message, attachments_order()).all.empty());
}

TEST_CASE("what was not asked is not looked for") {
    auto asked = attachments_order();
    asked.attachments = false;
    asked.antivirus = true;
    const auto message = with_attachment("run.exe", marker);
    const auto virus = look_at_octets(message, asked);
    CHECK_FALSE(has_any(virus, finding_kind::extension));
    CHECK(has_any(virus, finding_kind::virus));
    const auto extension = look_at_octets(message, attachments_order());
    CHECK(has_any(extension, finding_kind::extension));
    CHECK_FALSE(has_any(extension, finding_kind::virus));
    CHECK(has(look_at_octets(message, asked, engine::none), finding_kind::not_scanned, "", "no signatures"));
}
