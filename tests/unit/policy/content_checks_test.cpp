#include "tests/support/policy_world.hpp"

using namespace postern;
using namespace postern::testing;
using policy::stage;
using protocol::scan::finding_kind;

namespace {

// A message in which that was found.
struct fake_scanner final : policy::message_scanner {
    policy::scan_outcome outcome{protocol::scan::report{}, {}};
    std::optional<protocol::scan::order> asked;
    unsigned times = 0;
    boost::asio::awaitable<policy::scan_outcome> scan(protocol::scan::order what) override {
        asked = std::move(what);
        ++times;
        co_return outcome;
    }
};

struct content_world : policy_world {
    fake_scanner scanner;
    explicit content_world(const std::string& toml = {}) : policy_world(toml + "[spam]\nmode = \"off\"\n") {
        content = &scanner;
    }

    policy::verdict found(finding_kind kind, const std::string& where, const std::string& what) {
        scanner.outcome.found->findings.push_back({kind, where, what});
        return said();
    }
    policy::verdict said() {
        if (learned.recipients.empty()) REQUIRE(judge(stage::rcpt, "u@d.test").passed());
        return judge(stage::content);
    }
};

std::string line(const policy::verdict& said) { return reply_line(said.with); }

} // namespace

TEST_CASE("a message in which nothing was found passes, and is looked into once for both tests") {
    content_world w;
    CHECK(w.said().passed());
    CHECK(w.scanner.times == 1);
    REQUIRE(w.scanner.asked);
    CHECK(w.scanner.asked->attachments);
    CHECK(w.scanner.asked->antivirus);
    CHECK(w.scanner.asked->extensions.size() == 20);
    CHECK(w.scanner.asked->max_depth == 8);
    CHECK(w.scanner.asked->max_unpacked == 1'000'000'000);
}

TEST_CASE("a tier says which tests there are, and without any nobody looks") {
    const std::tuple<const char*, bool, bool> tiers[] = {
        {"a", false, false}, {"b", false, true}, {"c", true, true}, {"d", true, true}};
    for (const auto& [tier, attachments, antivirus] : tiers) {
        CAPTURE(tier);
        content_world w;
        w.listener.tier = tier;
        w.scanner.outcome.found->findings = {{finding_kind::extension, "a.exe", ".exe"}};
        CHECK(w.said().passed() == !attachments);
        CHECK((w.scanner.times == 1) == (attachments || antivirus));
        if (!w.scanner.asked) continue;
        CHECK(w.scanner.asked->attachments == attachments);
        CHECK(w.scanner.asked->antivirus == antivirus);
        CHECK(w.scanner.asked->extensions.empty() == !attachments);
    }
}

TEST_CASE("a mode of off asks for nothing") {
    content_world w("[attachments]\nmode = \"off\"\n[antivirus]\nmode = \"off\"\n");
    CHECK(w.said().passed());
    CHECK(w.scanner.times == 0);
}

TEST_CASE("a refusal names the file with its path, and the find") {
    content_world w;
    SECTION("by its extension") {
        const auto said = w.found(finding_kind::extension, "invoice.zip/inner.7z/run.exe", ".exe");
        CHECK(line(said) ==
              "554 5.7.1 invoice.zip/inner.7z/run.exe: files that end with .exe are not taken here");
        CHECK(said.check == "attachments");
    }
    SECTION("by a signature") {
        const auto said = w.found(finding_kind::virus, "e.zip/e.txt", "Eicar");
        CHECK(line(said) == "554 5.7.1 e.zip/e.txt: Eicar found");
        CHECK(said.check == "antivirus");
    }
    SECTION("in the order of the tests") {
        w.scanner.outcome.found->findings = {{finding_kind::virus, "", "Eicar"}};
        CHECK(w.found(finding_kind::extension, "a.exe", ".exe").check == "attachments");
    }
    SECTION("of the message as a whole") {
        CHECK(line(w.found(finding_kind::virus, "", "Eicar")) == "554 5.7.1 The message: Eicar found");
    }
    SECTION("whatever octets are in a name") {
        const auto said = w.found(finding_kind::extension, "a\r\n250 b.exe", ".exe");
        CHECK(line(said).find('\r') == std::string::npos);
    }
}

TEST_CASE("what test 6 can't judge is answered as configured") {
    struct row {
        finding_kind kind;
        const char* setting;
        bool refused;
        unsigned code;
    };
    const row rows[] = {{finding_kind::limit, "", true, 554},
                        {finding_kind::limit, "on_limit = \"accept\"", false, 0},
                        {finding_kind::unreadable, "", false, 0},
                        {finding_kind::unreadable, "on_unreadable = \"refuse\"", true, 554},
                        {finding_kind::malformed, "", true, 550},
                        {finding_kind::malformed, "on_malformed = \"accept\"", false, 0},
                        {finding_kind::encrypted, "", false, 0},
                        {finding_kind::encrypted, "on_encrypted = \"names\"", false, 0},
                        {finding_kind::encrypted, "on_encrypted = \"refuse\"", true, 554},
                        {finding_kind::encrypted_name, "", false, 0},
                        {finding_kind::encrypted_name, "on_encrypted = \"names\"", true, 554},
                        {finding_kind::encrypted_name, "on_encrypted = \"refuse\"", true, 554}};
    for (const auto& [kind, setting, refused, code] : rows) {
        CAPTURE(name_of(kind), setting);
        content_world w(std::string("[antivirus]\nmode = \"off\"\n[attachments]\n") + setting + "\n");
        const auto said = w.found(kind, "x.zip", "why");
        CHECK(said.passed() == !refused);
        if (refused) CHECK(said.with.code == code);
        CHECK(w.told.at(1).said.cause.find("x.zip") != std::string::npos); // it is told in either case
    }
}

TEST_CASE("what test 7 can't look at is never clean: it is answered as configured") {
    const std::tuple<finding_kind, const char*, unsigned> rows[] = {
        {finding_kind::not_scanned, "", 451},
        {finding_kind::not_scanned, "on_not_scanned = \"refuse\"", 554},
        {finding_kind::not_scanned, "on_not_scanned = \"accept\"", 250},
        {finding_kind::encrypted, "", 250},
        {finding_kind::encrypted, "on_encrypted = \"defer\"", 451},
        {finding_kind::encrypted, "on_encrypted = \"refuse\"", 554}};
    for (const auto& [kind, setting, code] : rows) {
        CAPTURE(name_of(kind), setting);
        content_world w(std::string("[attachments]\nmode = \"off\"\n[antivirus]\n") + setting + "\n");
        const auto said = w.found(kind, "x.zip", "why");
        CHECK(said.with.code == code);
        CHECK(w.told.at(2).said.cause.find("could not be scanned: x.zip why") != std::string::npos);
    }
}

TEST_CASE("without an answer of the scanner it is 451, and where the operator says so, let in and told") {
    content_world w;
    w.scanner.outcome = {{}, "the scanner ended in the middle"};
    const auto said = w.said();
    CHECK(line(said).starts_with("451 4.3.0 "));
    CHECK(said.cause.find("ended in the middle") != std::string::npos);
    content_world lenient("[attachments]\nmode = \"off\"\n[antivirus]\non_not_scanned = \"accept\"\n");
    lenient.scanner.outcome = {{}, "gone"};
    CHECK(lenient.said().passed());
    CHECK(lenient.told.at(2).said.cause.find("gone") != std::string::npos);
    content_world none;
    none.content = nullptr;
    CHECK(line(none.said()).starts_with("451 4.3.0 "));
}

TEST_CASE("an allow rule skips neither test") {
    content_world w;
    w.rule(storage::kept_action::allow, "a@s.test");
    CHECK(w.found(finding_kind::virus, "", "Eicar").with.code == 554);
}
