#include "tests/unit/tls/tls_peer.hpp"

#include <catch2/catch.hpp>
#include <openssl/ssl.h>
#include <sys/socket.h>

using namespace postern;
using namespace postern::test;
using tls::cipher_policy;
using tls::io_status;
using tls::server_contexts;

namespace {

constexpr int both_versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

class servers {
  public:
    servers() { settings_.certificates = {issue(folder_, "a", {.common_name = "a", .names = {"a.test"}})}; }
    std::shared_ptr<const server_contexts> load() {
        auto contexts = server_contexts::load(settings_, listeners_, test_now, problems_);
        REQUIRE(contexts);
        return contexts;
    }
    void share_keys() { listeners_[1].tickets = listeners_[0].tickets; }
    tls::ticket_keys& keys() { return *listeners_[0].tickets; }

  private:
    temporary_folder folder_;
    conf::tls_settings settings_{"1.2", {}};
    std::vector<server_contexts::listener> listeners_{
        {"mx", cipher_policy::opportunistic, std::make_shared<tls::ticket_keys>()},
        {"a listener whose name is longer than the 32 octets of a session id context",
         cipher_policy::opportunistic, std::make_shared<tls::ticket_keys>()}};
    std::vector<tls::certificate_problem> problems_;
};

const std::string other_listener =
    "a listener whose name is longer than the 32 octets of a session id context";

client::preparation speaking(int version, SSL_SESSION* session = nullptr) {
    return [version, session](SSL_CTX*, SSL* ssl) {
        SSL_set_min_proto_version(ssl, version);
        SSL_set_max_proto_version(ssl, version);
        if (session != nullptr) REQUIRE(SSL_set_session(ssl, session) == 1);
    };
}

bool resumes(const server_contexts& contexts, const std::string& listener, int version,
             SSL_SESSION* session) {
    const auto met = meet(contexts, listener, speaking(version, session));
    REQUIRE(met->done);
    return met->server->facts().resumed;
}

std::string read_text_from(tls::connection& from) {
    char part[512];
    const tls::io_outcome outcome = from.read(part);
    return outcome.status == io_status::done ? std::string(part, outcome.octets) : std::string();
}

} // namespace

TEST_CASE("sessions resume after a reload with the same ticket keys, and not with others") {
    servers with;
    for (const int version : both_versions) {
        CAPTURE(version);
        auto contexts = with.load();
        const auto first = meet(*contexts, "mx", speaking(version));
        REQUIRE(first->done);
        CHECK_FALSE(first->server->facts().resumed);
        const session_handle session = session_of(*first);
        contexts = with.load();
        CHECK(resumes(*contexts, "mx", version, session.get()));
        servers others;
        CHECK_FALSE(resumes(*others.load(), "mx", version, session.get()));
    }
}

TEST_CASE("a session of one listener never resumes on another, even with the same ticket keys") {
    servers with;
    const bool shared = GENERATE(false, true);
    if (shared) with.share_keys();
    const auto contexts = with.load();
    for (const int version : both_versions) {
        CAPTURE(version, shared);
        const auto first = meet(*contexts, "mx", speaking(version));
        const session_handle session = session_of(*first);
        CHECK(resumes(*contexts, "mx", version, session.get()));
        const auto met = meet(*contexts, other_listener, speaking(version, session.get()));
        CHECK_FALSE(met->server->facts().resumed);
    }
}

// RFC 8446 Appendix C.4: a client should use each ticket once, so that nobody can follow it.
TEST_CASE("a client that uses each ticket once is given a new one every time") {
    servers with;
    const auto contexts = with.load();
    const auto first = meet(*contexts, "mx", speaking(TLS1_3_VERSION));
    session_handle session = session_of(*first);
    for (int i = 0; i < 4; ++i) {
        CAPTURE(i);
        const auto met = meet(*contexts, "mx", speaking(TLS1_3_VERSION, session.get()));
        CHECK(met->server->facts().resumed);
        session_handle next = session_of(*met);
        const auto ticket_of = [](const session_handle& of) {
            const unsigned char* octets = nullptr;
            std::size_t size = 0;
            SSL_SESSION_get0_ticket(of.get(), &octets, &size);
            return std::vector<unsigned char>(octets, octets + size);
        };
        CHECK(ticket_of(next) != ticket_of(session));
        session = std::move(next);
    }
}

TEST_CASE("tickets survive one rotation of their key and not two") {
    servers with;
    for (const int version : both_versions) {
        CAPTURE(version);
        const auto contexts = with.load();
        const auto first = meet(*contexts, "mx", speaking(version));
        const session_handle session = session_of(*first);
        with.keys().rotate();
        const auto second = meet(*contexts, "mx", speaking(version, session.get()));
        CHECK(second->server->facts().resumed);
        const session_handle renewed = session_of(*second);
        with.keys().rotate();
        CHECK_FALSE(resumes(*contexts, "mx", version, session.get()));
        CHECK(resumes(*contexts, "mx", version, renewed.get()));
    }
}

TEST_CASE("octets go both ways, and decrypted ones are announced") {
    servers with;
    const auto contexts = with.load();
    const auto met = meet(*contexts, "mx");
    REQUIRE(met->done);
    CHECK(met->server->write("220 ready\r\n").octets == 11);
    CHECK(met->peer->read_some() == "220 ready\r\n");
    REQUIRE(SSL_write(met->peer->ssl(), "EHLO a\r\n", 8) == 8);
    char two[2];
    CHECK_FALSE(met->server->has_decrypted_input());
    CHECK(met->server->read(two).octets == 2);
    CHECK(met->server->has_decrypted_input());
    CHECK(read_text_from(*met->server) == "LO a\r\n");
    CHECK_FALSE(met->server->has_decrypted_input());
    CHECK(met->server->read(two).status == io_status::want_read);
    CHECK(met->server->write("").status == io_status::done);
}

TEST_CASE("after the peer's close_notify nothing is read again, whatever follows in clear") {
    servers with;
    const auto contexts = with.load();
    const auto met = meet(*contexts, "mx");
    REQUIRE(met->done);
    REQUIRE(SSL_write(met->peer->ssl(), "BDAT 9\r\n", 8) == 8);
    SSL_shutdown(met->peer->ssl());
    REQUIRE(::send(met->sockets.client(), "\n", 1, 0) == 1);
    CHECK(read_text_from(*met->server) == "BDAT 9\r\n");
    char part[64];
    CHECK(met->server->read(part).status == io_status::closed);
    CHECK(met->server->read(part).status == io_status::closed);
    CHECK(met->server->write("250 no\r\n").status == io_status::closed);
    CHECK(met->server->error() == "the peer ended TLS");
    met->server->shutdown();
    CHECK(::recv(met->sockets.server(), part, sizeof part, 0) == 1); // the octet in clear is still there
}

TEST_CASE("a connection that breaks is over: a wrong record, a closed socket") {
    servers with;
    const auto contexts = with.load();
    char part[64];
    SECTION("plain text inside TLS") {
        const auto met = meet(*contexts, "mx");
        REQUIRE(::send(met->sockets.client(), "QUIT\r\n", 6, 0) == 6);
        CHECK(met->server->read(part).status == io_status::failed);
        CHECK_FALSE(met->server->error().empty());
        CHECK(met->server->read(part).status == io_status::failed);
        CHECK(met->server->write("221\r\n").status == io_status::failed);
        CHECK_FALSE(met->server->has_decrypted_input());
    }
    SECTION("the socket closed without close_notify") {
        const auto met = meet(*contexts, "mx");
        ::shutdown(met->sockets.client(), SHUT_RDWR);
        CHECK(met->server->read(part).status == io_status::closed);
        CHECK_FALSE(met->server->error().empty());
    }
    SECTION("handshake garbage") {
        socket_pair sockets;
        const std::string garbage =
            GENERATE(as<std::string>(), "QUIT\r\n", "GET / HTTP/1.1\r\n\r\n",
                     "\x80\x2e\x01\x03\x01" + std::string(60, 'g'), std::string("\x16\x03\x01\xff\xff", 5));
        CAPTURE(garbage);
        const auto server_side = contexts->accept("mx", sockets.server());
        CHECK(server_side->handshake() == io_status::want_read);
        REQUIRE(::send(sockets.client(), garbage.data(), garbage.size(), 0) > 0);
        CHECK(server_side->handshake() == io_status::failed);
        CHECK(server_side->handshake() == io_status::failed);
        server_side->shutdown();
    }
    SECTION("closed in mid-handshake") {
        socket_pair sockets;
        const auto server_side = contexts->accept("mx", sockets.server());
        REQUIRE(::send(sockets.client(), "\x16\x03\x01", 3, 0) == 3);
        ::shutdown(sockets.client(), SHUT_RDWR);
        CHECK(server_side->handshake() == io_status::closed);
    }
}

TEST_CASE("our own shutdown tells the peer and ends the connection") {
    servers with;
    const auto contexts = with.load();
    const auto met = meet(*contexts, "mx");
    met->server->shutdown();
    met->peer->read_some();
    CHECK((SSL_get_shutdown(met->peer->ssl()) & SSL_RECEIVED_SHUTDOWN) != 0);
    char part[8];
    CHECK(met->server->read(part).status == io_status::closed);
}

TEST_CASE("a write that the peer doesn't take wants to be repeated, from another buffer too") {
    servers with;
    const auto contexts = with.load();
    const auto met = meet(*contexts, "mx");
    const std::string much(8 * 1024 * 1024, 'x');
    std::size_t sent = 0;
    std::size_t received = 0;
    bool waited = false;
    while (sent < much.size()) {
        const std::string moved = much.substr(sent, 100'000);
        const tls::io_outcome outcome = met->server->write(moved);
        sent += outcome.octets;
        if (outcome.status == io_status::done) continue;
        REQUIRE(outcome.status == io_status::want_write);
        waited = true;
        for (std::string part = met->peer->read_some(); !part.empty(); part = met->peer->read_some())
            received += part.size();
    }
    for (std::string part = met->peer->read_some(); !part.empty(); part = met->peer->read_some())
        received += part.size();
    CHECK(waited);
    CHECK(received == much.size());
}

TEST_CASE("renegotiation is refused") {
    servers with;
    const auto contexts = with.load();
    const auto met = meet(*contexts, "mx", speaking(TLS1_2_VERSION));
    REQUIRE(met->done);
    REQUIRE(SSL_renegotiate(met->peer->ssl()) == 1);
    char part[64];
    for (int turn = 0; turn < 5; ++turn) {
        CHECK_FALSE(met->peer->handshake_step());
        CHECK(met->server->read(part).status != io_status::done);
    }
    CHECK(met->server->error() != ""); // the client gave up
}

TEST_CASE("a flood of key updates ends the connection; a few are normal") {
    servers with;
    const auto contexts = with.load();
    const auto met = meet(*contexts, "mx", speaking(TLS1_3_VERSION));
    const auto updates = [&](unsigned count) {
        for (unsigned each = 0; each < count; ++each) {
            REQUIRE(SSL_key_update(met->peer->ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
            REQUIRE(SSL_do_handshake(met->peer->ssl()) == 1);
        }
        REQUIRE(SSL_write(met->peer->ssl(), "NOOP\r\n", 6) == 6);
    };
    updates(5);
    CHECK(read_text_from(*met->server) == "NOOP\r\n");
    updates(tls::connection::empty_messages_max);
    char part[64];
    CHECK(met->server->read(part).status == io_status::failed);
    CHECK(met->server->error() == "too many messages without data");
}

TEST_CASE("the server name in the facts is printable") {
    servers with;
    const auto contexts = with.load();
    const auto met = meet(*contexts, "mx",
                          [](SSL_CTX*, SSL* ssl) { SSL_set_tlsext_host_name(ssl, "a\r\n\x1b[2J\xff z"); });
    CHECK(met->server->facts().server_name == "a???[2J??z");
}

TEST_CASE("both ends call a connection by the same name, and no two connections have one", "[tls]") {
    servers these;
    const auto contexts = these.load();
    for (const int version : both_versions) {
        const auto met = meet(*contexts, "mx", speaking(version));
        REQUIRE(met->done);
        const auto name = met->server->channel_binding();
        unsigned char octets[64];
        std::string at_peer;
        if (version == TLS1_3_VERSION) {
            const std::string label = "EXPORTER-Channel-Binding";
            REQUIRE(SSL_export_keying_material(met->peer->ssl(), octets, 32, label.data(), label.size(),
                                               nullptr, 0, 0) == 1);
            at_peer.assign(reinterpret_cast<const char*>(octets), 32);
            CHECK(name.type == "tls-exporter");
        } else {
            at_peer.assign(reinterpret_cast<const char*>(octets),
                           SSL_get_finished(met->peer->ssl(), octets, sizeof octets));
            CHECK(name.type == "tls-unique");
        }
        CHECK(name.data == at_peer);
        CHECK(name.data.size() >= 12);
        const auto resumed = session_of(*met);
        const auto again = meet(*contexts, "mx", speaking(version, resumed.get()));
        REQUIRE(again->done);
        REQUIRE(again->server->facts().resumed);
        CHECK(again->server->channel_binding().data != name.data);
        if (version == TLS1_3_VERSION) continue;
        // The server's Finished is the first of a resumed handshake.
        const auto size = SSL_get_peer_finished(again->peer->ssl(), octets, sizeof octets);
        CHECK(again->server->channel_binding().data ==
              std::string(reinterpret_cast<const char*>(octets), size));
    }
}

TEST_CASE("a connection has no name before its handshake, nor without the extended master secret", "[tls]") {
    servers these;
    const auto contexts = these.load();
    const auto met = meet(*contexts, "mx", [](SSL_CTX*, SSL* ssl) {
        SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
        SSL_set_options(ssl, SSL_OP_NO_EXTENDED_MASTER_SECRET);
    });
    REQUIRE(met->done);
    CHECK(met->server->channel_binding().type.empty());
    CHECK(met->server->channel_binding().data.empty());
}
