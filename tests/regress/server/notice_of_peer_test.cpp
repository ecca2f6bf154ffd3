// Every reply was told of as our own words, also what the LMTP server had said.
#include "notice_bench.hpp"

using namespace postern;

TEST_CASE("a notice says whose reply it is") {
    struct row {
        std::string transport, last_reply, remote, diagnostic;
    };
    const std::string unix_socket = "lmtp:unix:/run/dovecot/lmtp";
    const row rows[] = {
        {unix_socket, "5.1.1 550 5.1.1 no user", "mx.d.test", "smtp; 550 5.1.1 no user"},
        {unix_socket, "5.0.0 550", "mx.d.test", "smtp; 550"},
        {"lmtp:127.0.0.1:24", "5.2.2 552 full", "[127.0.0.1]", "smtp; 552 full"},
        {"lmtp:[::1]:24", "5.2.2 552 full", "[IPv6:::1]", "smtp; 552 full"},
        // given up for its age: the last reply is still the server's
        {"lmtp:127.0.0.1:24", "4.2.2 452 4.2.2 full", "[127.0.0.1]", "smtp; 452 4.2.2 full"},
        {"lmtp:127.0.0.1:24", "4.4.1 cannot connect: x", "", "x-postern; cannot connect: x"},
        {"lmtp:127.0.0.1:24", "5.6.0 5500 octets", "", "x-postern; 5500 octets"},
        {"lmtp:127.0.0.1:24", "5.6.0 650 x", "", "x-postern; 650 x"},
        {"maildir", "4.2.2 the mailbox is full", "", "x-postern; the mailbox is full"},
    };
    for (const auto& row : rows) {
        testing::notice_bench bench;
        bench.deliver_by(row.transport);
        bench.add_failed("v@d.test", row.last_reply);
        bench.store("Subject: x\r\n\r\n");
        const auto text = bench.notice();
        CAPTURE(row.last_reply, text);
        CHECK(testing::has(text, "\r\nDiagnostic-Code: " + row.diagnostic + "\r\n"));
        CHECK(testing::has(text, "\r\nRemote-MTA:") == !row.remote.empty());
        if (!row.remote.empty()) {
            CHECK(testing::has(text, "\r\nRemote-MTA: dns; " + row.remote + "\r\n"));
            CHECK(testing::has(text, "\r\n    " + row.remote + " said:\r\n"));
        }
    }
}
