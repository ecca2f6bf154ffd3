// A block that was refused before anybody took it stayed: every read behind it asked to store it again, and
// each time the log told of a full disk.
#include "tests/support/session_rig.hpp"

#include <array>
#include <catch2/catch.hpp>

using namespace postern::protocol;
using postern::testing::session_rig;

namespace {

// How often a session asks to store while content comes in, when nothing is taken.
struct asked {
    unsigned stores = 0;
    std::string said;
};

asked send(server_session& session, const std::string& octets) {
    asked made;
    constexpr std::size_t piece = 16 * 1024;
    for (std::size_t at = 0; at <= octets.size(); at += piece) {
        session.on_input(std::string_view(octets).substr(at, piece));
        for (auto what = session.next(); what != step::read; what = session.next()) {
            if (what == step::ask) session.on_verdict({});
            if (what == step::open_message) session.on_message_opened("id", 0);
            if (what == step::abandon) session.on_abandoned();
            if (what == step::store) {
                ++made.stores;
                session.on_stored({verdict_answer::kind::refuse, make_reply(reply_id::storage_full)}, {});
            }
            if (what == step::write) {
                made.said = session.output();
                session.on_written();
            }
            REQUIRE(what != step::close);
            REQUIRE(what != step::commit);
        }
    }
    return made;
}

} // namespace

TEST_CASE("a block that nobody took is dropped when it is refused") {
    const std::string line = std::string(70, 'x') + "\r\n";
    std::string text = "Subject: x\r\n\r\n";
    while (text.size() < 512 * 1024) text += line;
    const std::pair<std::string, std::string> rows[] = {
        {"DATA\r\n", text + ".\r\n"},
        {{}, "BDAT " + std::to_string(text.size()) + " LAST\r\n" + text},
    };
    for (const auto& [command, content] : rows) {
        CAPTURE(command);
        constexpr std::array<std::uint8_t, 4> from{192, 0, 2, 1};
        auto settings = session_rig::default_settings();
        settings.body_block = 64 * 1024;
        server_session session(settings, ip_address::v4(from), {});
        send(session, {});
        send(session, "EHLO c.test\r\n");
        send(session, "MAIL FROM:<a@s.test>\r\nRCPT TO:<u@d.test>\r\n");
        send(session, command);
        const auto got = send(session, content);
        CAPTURE(got.said);
        CHECK(got.stores == 1);
        CHECK(got.said.starts_with("452 4.3.1"));
        CHECK(send(session, "MAIL FROM:<a@s.test>\r\n").said.starts_with("250 "));
    }
}
