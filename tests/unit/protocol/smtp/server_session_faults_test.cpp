// The world around a session fails at each of its steps in turn, and the connection ends or times out after
// each octet: no message is acknowledged that was not kept, none is kept twice, and what was begun is
// dropped.
#include "tests/support/session_rig.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <optional>

using namespace postern::protocol;
using namespace postern::tests;

namespace {

struct conversation {
    std::string name;
    std::vector<std::string> groups; // each is one read
    std::size_t body_block = 64 * 1024;
    bool refused_at_connect = false;
};

std::vector<conversation> conversations() {
    const std::string ehlo = "EHLO c.test\r\n";
    const std::string to_u = "MAIL FROM:<a@s.test>\r\nRCPT TO:<u@d.test>\r\n";
    const std::string body = "Subject: x\r\n\r\n" + std::string(300, 'b') + "\r\n.\r\n";
    const std::string quit = "QUIT\r\n";
    return {
        {"plain", {ehlo, to_u + "DATA\r\n", body, quit}},
        {"tls", {ehlo, "STARTTLS\r\n", ehlo, to_u + "DATA\r\n", body, quit}},
        {"bdat",
         {ehlo, to_u + "BDAT 4\r\none\nBDAT 3\r\nabc", to_u + "BDAT 3\r\nabcBDAT 2 LAST\r\n\r\n", quit}},
        {"big", {ehlo, to_u + "DATA\r\n", std::string(90, 'x'), "\r\n" + body, quit}, 64},
        {"big bdat",
         {ehlo, to_u + "BDAT 200\r\n" + std::string(200, 'y') + "BDAT 100 LAST\r\n",
          std::string(100, 'z') + quit},
         64},
        {"two messages", {ehlo, to_u + "DATA\r\n", body + to_u + "DATA\r\n", body + quit}},
        {"refused greeting", {ehlo + "NOOP\r\nBDAT 3\r\nabc", quit}, 64 * 1024, true},
        {"refused recipients",
         {ehlo, "MAIL FROM:<>\r\nRCPT TO:<x@d.test>\r\nRCPT TO:<y@f.test>\r\nDATA\r\n", to_u, "DATA\r\n",
          "bare\nend\r\n.\r\n" + to_u + "RSET\r\n" + quit}},
        {"begun and left",
         {ehlo, to_u + "BDAT 3\r\nabc", "RSET\r\n" + to_u + "BDAT 3\r\nabc", "EHLO again\r\n", quit}},
    };
}

session_rig rig_for(const conversation& talk) {
    auto settings = session_rig::default_settings();
    settings.body_block = talk.body_block;
    session_rig rig(std::move(settings));
    if (talk.refused_at_connect)
        rig.rule = [](question_stage) {
            return verdict_answer{verdict_answer::kind::refuse, {554, {5, 7, 1}, "no", false}};
        };
    return rig;
}

std::vector<std::string> lines_of(const std::string& received) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < received.size();) {
        const auto end = received.find("\r\n", at);
        if (end == std::string::npos) return {"a line without its end"};
        lines.push_back(received.substr(at, end - at));
        at = end + 2;
    }
    return lines;
}

bool is_reply_line(const std::string& line) {
    if (line.size() < 4 || line.size() > 510 || line.find_first_of("\r\n") != std::string::npos) return false;
    return line[0] >= '2' && line[0] <= '5' && (line[3] == ' ' || line[3] == '-');
}

// What must hold whatever happened. `lost_write` = a write failed: its replies were not seen.
std::string broken_promise(const session_rig& rig, const std::string& received, bool lost_write) {
    std::size_t acknowledged = 0;
    for (const auto& line : lines_of(received)) {
        if (!is_reply_line(line)) return "not a reply line: " + line;
        if (line.find("queued as") != std::string::npos) ++acknowledged;
    }
    const auto kept = rig.messages().size();
    if (acknowledged > kept || (!lost_write && acknowledged != kept))
        return std::to_string(acknowledged) + " acknowledged, " + std::to_string(kept) + " kept";
    const unsigned settled = rig.commits() + rig.abandoned();
    const unsigned open = rig.opened() - settled;
    if (settled > rig.opened()) return "a message was ended twice";
    if (open > (rig.closed() ? 0U : 1U)) return "a message was neither committed nor abandoned";
    return {};
}

// Feeds the groups until the session closes; in step afterwards means that NOOP has exactly one answer.
std::string converse(session_rig& rig, const conversation& talk) {
    std::string received = rig.start();
    for (const auto& group : talk.groups) {
        if (rig.closed()) break;
        received += rig.feed(group);
    }
    return received;
}

bool answers_noop_once(session_rig& rig) {
    if (rig.closed()) return true;
    rig.fails = nullptr;
    if (rig.session().reading() == waiting_for::content) return true; // NOOP would be content
    const auto said = rig.feed("NOOP\r\n");
    return said == "250 2.0.0 Ok\r\n" || said.starts_with("503");
}

std::string octets_of(const conversation& talk) {
    std::string all;
    for (const auto& group : talk.groups) all += group;
    return all;
}

} // namespace

TEST_CASE("whichever outside step fails, what is acknowledged is what is kept") {
    for (const auto& talk : conversations()) {
        auto untroubled = rig_for(talk);
        const auto all = converse(untroubled, talk);
        INFO(talk.name << ": " << all);
        CHECK(untroubled.closed());
        CHECK(broken_promise(untroubled, all, false) == "");
        for (unsigned failing = 0; failing < untroubled.steps(); ++failing) {
            auto rig = rig_for(talk);
            std::optional<step> failed;
            rig.fails = [&](step what, unsigned number) {
                if (number != failing) return false;
                failed = what;
                return true;
            };
            const auto received = converse(rig, talk);
            INFO("step " << failing << " failed: " << received);
            REQUIRE(failed);
            CHECK(broken_promise(rig, received, failed == step::write) == "");
            CHECK(answers_noop_once(rig));
            if (failed == step::write || failed == step::start_tls) CHECK(rig.closed());
        }
    }
}

TEST_CASE("a connection that ends after any octet keeps only what was committed") {
    for (const auto& talk : conversations()) {
        const auto octets = octets_of(talk);
        for (std::size_t length = 0; length <= octets.size(); ++length) {
            for (const bool times_out : {false, true}) {
                auto rig = rig_for(talk);
                std::string received = rig.start();
                std::size_t left = length;
                for (const auto& group : talk.groups) {
                    if (rig.closed() || left == 0) break;
                    received += rig.feed(std::string_view(group).substr(0, left));
                    left -= std::min(left, group.size());
                }
                const bool was_open = !rig.closed();
                const auto last = times_out ? rig.time_out() : rig.end();
                INFO(talk.name << " after " << length << ": " << received << last);
                CHECK(rig.closed());
                CHECK(broken_promise(rig, received + last, false) == "");
                CHECK(rig.opened() == rig.commits() + rig.abandoned());
                CHECK(last.starts_with("421") == (times_out && was_open));
            }
        }
    }
}

TEST_CASE("each failing step has its reply, and the next message goes through") {
    struct row {
        step failing;
        unsigned code;
    };
    for (const auto& each : std::to_array<row>({{step::store, 452}, {step::commit, 451}})) {
        auto settings = session_rig::default_settings();
        settings.body_block = 64;
        session_rig rig(std::move(settings));
        unsigned failures = 0;
        rig.fails = [&](step what, unsigned) { return what == each.failing && failures++ == 0; };
        rig.start();
        rig.feed("EHLO c\r\n");
        const std::string transaction = "MAIL FROM:<a@s.test>\r\nRCPT TO:<u@d.test>\r\nDATA\r\n";
        rig.feed(transaction);
        rig.feed(std::string(100, 'x') + "\r\n");
        CHECK(rig.feed("more\r\n.\r\n").starts_with(std::to_string(each.code)));
        CHECK(rig.messages().empty());
        rig.feed(transaction);
        rig.feed(std::string(100, 'y') + "\r\n");
        CHECK(rig.feed("more\r\n.\r\n").starts_with("250 2.0.0 Ok: queued as ID2"));
        REQUIRE(rig.messages().size() == 1);
        CHECK(rig.messages()[0].body == std::string(100, 'y') + "\r\nmore\r\n");
    }
}

TEST_CASE("a policy that cannot be asked is a 451, never a 250") {
    for (const auto asked :
         {question_stage::helo, question_stage::mail, question_stage::rcpt, question_stage::content}) {
        session_rig rig;
        rig.start();
        rig.fails = [&](step what, unsigned) {
            return what == step::ask && rig.session().question() == asked;
        };
        const auto received = rig.feed("HELO c\r\n") + rig.feed("MAIL FROM:<>\r\nRCPT TO:<u@d.test>\r\n") +
                              rig.feed("BDAT 1 LAST\r\nx");
        CHECK(received.find("451") != std::string::npos);
        CHECK(received.find("queued as") == std::string::npos);
        CHECK(rig.messages().empty());
    }
}
