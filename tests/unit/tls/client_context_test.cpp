#include "tests/unit/tls/tls_peer.hpp"
#include "tls/client_context.hpp"
#include "tls/self_signed.hpp"

#include <catch2/catch.hpp>

using namespace postern;
using namespace postern::test;

TEST_CASE("our client speaks TLS 1.3 with a server whose certificate proves nothing") {
    const temporary_folder folder;
    const auto files = issue(folder, "mx", {"mx.d.test", {"mx.d.test"}});
    std::vector<tls::certificate_problem> problems;
    const auto contexts = tls::server_contexts::load(
        {"1.2", {files}}, {{"mx", tls::cipher_policy::opportunistic, nullptr}}, test_now, problems);
    REQUIRE(contexts);
    const socket_pair sockets;
    const auto server = contexts->accept("mx", sockets.server());
    const auto context = tls::client_context::make();
    REQUIRE(context);
    const auto client = context->connect(sockets.client());
    REQUIRE(client);
    auto client_done = tls::io_status::want_read, server_done = tls::io_status::want_read;
    for (int turn = 0; turn < 20; ++turn) {
        if (client_done != tls::io_status::done) client_done = client->handshake();
        if (server_done != tls::io_status::done) server_done = server->handshake();
    }
    REQUIRE(client_done == tls::io_status::done);
    REQUIRE(server_done == tls::io_status::done);
    CHECK(client->facts().protocol == "TLSv1.3");
    REQUIRE(client->write("EHLO").octets == 4);
    char heard[16];
    CHECK(server->read(heard).octets == 4);
}
