#include "tests/unit/tls/tls_peer.hpp"

#include <catch2/catch.hpp>
#include <malloc.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

using namespace postern;
using namespace postern::test;
using tls::cipher_policy;
using tls::server_contexts;

namespace {

struct server {
    temporary_folder folder;
    conf::tls_settings settings{"1.2", {}};
    std::vector<server_contexts::listener> listeners{
        {"mx", cipher_policy::opportunistic, std::make_shared<tls::ticket_keys>()},
        {"submission", cipher_policy::strict, std::make_shared<tls::ticket_keys>()}};
    std::vector<tls::certificate_problem> problems;

    void add(const std::string& name, const certificate_order& order) {
        settings.certificates.push_back(issue(folder, name, order));
    }
    std::shared_ptr<const server_contexts> load() {
        return server_contexts::load(settings, listeners, test_now, problems);
    }
};

certificate_order order(const std::string& name) { return {.common_name = name, .names = {name}}; }

client::preparation asking_for(const std::string& server_name) {
    return [server_name](SSL_CTX*, SSL* ssl) { SSL_set_tlsext_host_name(ssl, server_name.c_str()); };
}

client::preparation with_ciphers(const std::string& ciphers) {
    return [ciphers](SSL_CTX*, SSL* ssl) {
        SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
        REQUIRE(SSL_set_cipher_list(ssl, ciphers.c_str()) == 1);
    };
}

client::preparation with_alpn(const std::string& list) {
    return [list](SSL_CTX*, SSL* ssl) {
        SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(list.data()),
                            static_cast<unsigned>(list.size()));
    };
}

} // namespace

TEST_CASE("SNI chooses the certificate, and unknown or odd names get the first one") {
    server with;
    with.add("default", order("default.example.net"));
    with.add("wild", {.common_name = "wild", .names = {"*.example.org", "example.org"}});
    with.add("plain", {.common_name = "only-cn.example.com", .names = {}});
    with.add("late", {.common_name = "late", .names = {"default.example.net", "late.example.com"}});
    with.add("cn-unused", {.common_name = "cn.example.com", .names = {"san.example.com"}});
    const auto contexts = with.load();
    REQUIRE(contexts);
    struct row {
        std::string asked;
        std::string shown;
    };
    const row rows[] = {
        {"default.example.net", "default.example.net"},
        {"a.example.org", "wild"},
        {"EXAMPLE.org", "wild"},
        {"a.b.example.org", "default.example.net"},
        {"only-cn.example.com", "only-cn.example.com"},
        {"late.example.com", "late"},
        {"san.example.com", "cn.example.com"},
        {"cn.example.com", "default.example.net"},
        {"unknown.test", "default.example.net"},
        {"example.org\\", "default.example.net"},
        {"192.0.2.1", "default.example.net"},
        {std::string(255, 'a'), "default.example.net"},
    };
    for (const row& each : rows) {
        for (const char* listener : {"mx", "submission"}) {
            CAPTURE(each.asked, listener);
            const auto met = meet(*contexts, listener, asking_for(each.asked));
            REQUIRE(met->done);
            CHECK(met->peer->peer_name() == each.shown);
            CHECK(met->server->facts().server_name == each.asked);
        }
    }
    const auto without = meet(*contexts, "mx");
    REQUIRE(without->done);
    CHECK(without->peer->peer_name() == "default.example.net");
    CHECK(without->server->facts().server_name.empty());
}

TEST_CASE("a server name with a NUL in it is refused, not cut") {
    server with;
    with.add("default", order("default.example.net"));
    const auto contexts = with.load();
    REQUIRE(contexts);
    socket_pair sockets;
    client peer(sockets.client(), asking_for("odd.example.net"));
    SSL_set_bio(peer.ssl(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    peer.handshake_step();
    char* start = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(peer.ssl()), &start);
    std::string hello(start, static_cast<std::size_t>(size));
    const std::size_t name = hello.find("odd.example.net");
    REQUIRE(name != std::string::npos);
    hello[name + 3] = '\0';
    REQUIRE(::send(sockets.client(), hello.data(), hello.size(), 0) == size);
    const auto server_side = contexts->accept("mx", sockets.server());
    CHECK(server_side->handshake() == tls::io_status::failed);
    CHECK_FALSE(server_side->error().empty());
}

TEST_CASE("a client that offers other protocols but not smtp is refused; smtp and no ALPN are welcome") {
    server with;
    with.add("default", order("default.example.net"));
    const auto contexts = with.load();
    REQUIRE(contexts);
    struct row {
        std::string offered;
        bool welcome;
    };
    const row rows[] = {{"\x08http/1.1", false},   {"\x04imap", false},     {"\x02h2\x08http/1.1", false},
                        {"\x05smtps", false},      {"\x04smtp", true},      {"\x08http/1.1\x04smtp", true},
                        {"\x07\x04smtpxx", false}, {"", true /* no ALPN */}};
    for (const row& each : rows) {
        CAPTURE(each.offered);
        const auto met = meet(*contexts, "mx", with_alpn(each.offered));
        CHECK(met->done == each.welcome);
        const unsigned char* chosen = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(met->peer->ssl(), &chosen, &size);
        const std::string_view selected(reinterpret_cast<const char*>(chosen), size);
        CHECK(selected == (each.welcome && !each.offered.empty() ? "smtp" : ""));
    }
}

TEST_CASE("old versions are refused unless configured, and always on strict listeners") {
    struct row {
        const char* min_version;
        const char* listener;
        int version; // the only one that the client speaks
        bool welcome;
    };
    const row rows[] = {
        {"1.2", "mx", TLS1_VERSION, false},
        {"1.2", "mx", TLS1_1_VERSION, false},
        {"1.2", "mx", TLS1_2_VERSION, true},
        {"1.2", "mx", TLS1_3_VERSION, true},
        {"1.0", "mx", TLS1_VERSION, true},
        {"1.0", "mx", TLS1_1_VERSION, true},
        {"1.1", "mx", TLS1_VERSION, false},
        {"1.1", "mx", TLS1_1_VERSION, true},
        {"1.0", "submission", TLS1_1_VERSION, false},
        {"1.0", "submission", TLS1_2_VERSION, true},
        {"1.3", "mx", TLS1_2_VERSION, false},
        {"1.3", "submission", TLS1_3_VERSION, true},
        {"nonsense", "mx", TLS1_1_VERSION, false},
    };
    server with;
    with.add("default", order("default.example.net"));
    for (const row& each : rows) {
        CAPTURE(each.min_version, each.listener, each.version);
        with.settings.min_version = each.min_version;
        const auto contexts = with.load();
        REQUIRE(contexts);
        const auto met = meet(*contexts, each.listener, [&](SSL_CTX*, SSL* ssl) {
            SSL_set_min_proto_version(ssl, each.version);
            SSL_set_max_proto_version(ssl, each.version);
        });
        CHECK(met->done == each.welcome);
    }
}

TEST_CASE("SHA-1 signatures go with the old versions only, and never to strict listeners") {
    server with;
    with.add("rsa", {.common_name = "rsa", .names = {"mx.example.net"}, .kind = key_kind::rsa2048});
    const auto sha1_only = [](SSL_CTX*, SSL* ssl) {
        SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
        SSL_set_cipher_list(ssl, "ECDHE-RSA-AES128-GCM-SHA256");
        REQUIRE(SSL_set1_sigalgs_list(ssl, "RSA+SHA1") == 1);
    };
    CHECK_FALSE(meet(*with.load(), "mx", sha1_only)->done);
    with.settings.min_version = "1.0";
    CHECK(meet(*with.load(), "mx", sha1_only)->done);
    CHECK_FALSE(meet(*with.load(), "submission", sha1_only)->done);
}

TEST_CASE("strict listeners take forward secrecy with AEAD only; nobody takes anonymous or null ciphers") {
    struct row {
        const char* ciphers;
        bool strict;
        bool opportunistic;
    };
    const row rows[] = {
        {"ECDHE-RSA-AES128-GCM-SHA256", true, true},
        {"ECDHE-RSA-CHACHA20-POLY1305", true, true},
        {"DHE-RSA-AES256-GCM-SHA384", false, true},
        {"ECDHE-RSA-AES128-SHA", false, true},
        {"AES128-SHA", false, true},
        {"AES256-GCM-SHA384", false, true},
        {"DHE-RSA-AES128-SHA", false, false},
        {"ADH-AES128-SHA", false, false},
        {"NULL-SHA256", false, false},
        {"CAMELLIA256-SHA", false, false},
        {"ECDHE-RSA-NULL-SHA", false, false},
        {"AES128-CCM8", false, false},
    };
    server with;
    with.add("rsa", {.common_name = "rsa", .names = {"mx.example.net"}, .kind = key_kind::rsa2048});
    const char* const min_version = GENERATE("1.2", "1.0");
    with.settings.min_version = min_version;
    const auto contexts = with.load();
    REQUIRE(contexts);
    for (const row& each : rows) {
        CAPTURE(each.ciphers, min_version);
        CHECK(meet(*contexts, "submission", with_ciphers(each.ciphers))->done == each.strict);
        CHECK(meet(*contexts, "mx", with_ciphers(each.ciphers))->done == each.opportunistic);
    }
    const auto met =
        meet(*contexts, "mx", with_ciphers("AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-GCM-SHA384"));
    CHECK(met->server->facts().cipher == "ECDHE-RSA-AES256-GCM-SHA384");
    CHECK(met->server->facts().protocol == "TLSv1.2");
    CHECK(met->server->facts().bits == 256);
}

TEST_CASE("two certificates of different key types for the same names serve together") {
    server with;
    with.add("ec", {.common_name = "ec", .names = {"mx.example.net", "b.example.net"}});
    with.add("rsa",
             {.common_name = "rsa", .names = {"b.example.net", "mx.example.net"}, .kind = key_kind::rsa2048});
    with.add("second-ec", {.common_name = "second", .names = {"mx.example.net", "b.example.net"}});
    const auto contexts = with.load();
    REQUIRE(contexts);
    CHECK(meet(*contexts, "mx", asking_for("b.example.net"))->peer->peer_name() == "ec");
    CHECK(meet(*contexts, "mx", with_ciphers("ECDHE-RSA-AES128-GCM-SHA256"))->peer->peer_name() == "rsa");
    CHECK(meet(*contexts, "mx", with_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256"))->peer->peer_name() == "ec");
}

TEST_CASE("the chain behind the certificate in its file is sent") {
    server with;
    with.add("default", order("default.example.net"));
    const auto above = issue(with.folder, "above", order("authority.test"));
    const auto& files = with.settings.certificates.front();
    write_text(files.cert, read_text(files.cert) + "a comment\n" + read_text(above.cert));
    const auto contexts = with.load();
    REQUIRE(contexts);
    const auto met = meet(*contexts, "mx");
    CHECK(met->peer->peer_name() == "default.example.net");
    CHECK(sk_X509_num(SSL_get_peer_cert_chain(met->peer->ssl())) == 2);
}

TEST_CASE("every trouble with a certificate is named, with its setting and the cure") {
    server with;
    const auto good = issue(with.folder, "good", order("good.test"));
    const auto other = issue(with.folder, "other", order("other.test"));
    const auto weak = issue(with.folder, "weak",
                            {.common_name = "weak", .names = {"weak.test"}, .kind = key_kind::rsa1024});
    const auto expired = issue(with.folder, "expired",
                               {.common_name = "x", .names = {"x.test"}, .not_after = test_now - test_day});
    const auto early =
        issue(with.folder, "early",
              {.common_name = "x", .names = {"x.test"}, .not_before = test_now + 2 * test_day});
    write_text(with.folder.file("locked.key"), encrypted_key(good.key));
    write_text(with.folder.file("damaged.crt"),
               "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    write_text(with.folder.file("damaged.key"),
               "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    write_text(with.folder.file("empty"), "");
    write_text(with.folder.file("huge"), std::string(2 * 1024 * 1024, 'x'));
    const std::string missing = with.folder.file("missing");
    struct row {
        conf::certificate_settings files;
        std::string key;
        std::string problem;
    };
    const row rows[] = {
        {{missing, good.key}, "tls.certificate[1].cert", "cannot be read: No such file or directory"},
        {{good.cert, missing}, "tls.certificate[1].key", "cannot be read: No such file or directory"},
        {{with.folder.path(), good.key}, "tls.certificate[1].cert", "cannot be read: Is a directory"},
        {{"/dev/zero", good.key}, "tls.certificate[1].cert", "cannot be read"},
        {{with.folder.file("huge"), good.key}, "tls.certificate[1].cert", "cannot be read: File too large"},
        {{with.folder.file("empty"), good.key}, "tls.certificate[1].cert", "holds no certificate"},
        {{good.key, good.key}, "tls.certificate[1].cert", "holds no certificate"},
        {{with.folder.file("damaged.crt"), good.key},
         "tls.certificate[1].cert",
         "holds a damaged certificate"},
        {{good.cert, with.folder.file("damaged.key")}, "tls.certificate[1].key", "holds no private key"},
        {{good.cert, good.cert}, "tls.certificate[1].key", "holds no private key"},
        {{good.cert, with.folder.file("locked.key")}, "tls.certificate[1].key", "is protected by a password"},
        {{good.cert, other.key}, "tls.certificate[1].key", "does not belong to the certificate"},
        {expired, "tls.certificate[1].cert", "expired on 2025-06-14: renew it"},
        {early, "tls.certificate[1].cert", "is not valid before 2025-06-17"},
        {weak, "tls.certificate[1].cert", "is refused by OpenSSL (ee key too small)"},
    };
    for (const row& each : rows) {
        CAPTURE(each.files.cert, each.files.key);
        with.settings.certificates = {good, each.files};
        CHECK_FALSE(with.load());
        REQUIRE(with.problems.size() == 1);
        CHECK(with.problems[0].key == each.key);
        CHECK_THAT(with.problems[0].problem, Catch::StartsWith(each.problem));
        CHECK(with.problems[0].problem.find('\n') == std::string::npos);
    }
    with.settings.certificates = {{missing, missing}, expired, {good.cert, other.key}};
    CHECK_FALSE(with.load());
    CHECK(with.problems.size() == 4); // all of them at once
    with.settings.certificates.clear();
    CHECK_FALSE(with.load());
    REQUIRE(with.problems.size() == 1);
    CHECK(with.problems[0].key == "tls.certificate");
    with.settings.certificates = {good};
    CHECK(with.load());
    CHECK(with.problems.empty());
}

TEST_CASE("a pair that can't be used keeps its certificate of before, and holds up no other") {
    server with;
    with.add("one", order("one.test"));
    with.add("two", order("two.test"));
    const auto before = with.load();
    REQUIRE(before);
    issue(with.folder, "two", {.common_name = "renewed", .names = {"two.test"}});
    std::string problem;
    SECTION("a key that doesn't fit") {
        write_text(with.settings.certificates[0].key, read_text(issue(with.folder, "x", order("x")).key));
        problem = "does not belong";
    }
    SECTION("expired") {
        issue(with.folder, "one", {.common_name = "x", .names = {"one.test"}, .not_after = test_now - 1});
        problem = "expired on";
    }
    SECTION("refused by OpenSSL") {
        issue(with.folder, "one", {.common_name = "x", .names = {"one.test"}, .kind = key_kind::rsa1024});
        problem = "is refused by OpenSSL";
    }
    CHECK_FALSE(with.load());
    const auto after =
        server_contexts::load(with.settings, with.listeners, test_now, with.problems, before.get());
    REQUIRE(after);
    REQUIRE(with.problems.size() == 1);
    CHECK(with.problems[0].key.starts_with("tls.certificate[0]."));
    CHECK(with.problems[0].problem.find(problem) != std::string::npos);
    CHECK(meet(*after, "mx", asking_for("one.test"))->peer->peer_name() == "one.test");
    CHECK(meet(*after, "mx", asking_for("two.test"))->peer->peer_name() == "renewed");
}

TEST_CASE("a new pair that can't be used has nothing of before to keep") {
    server with;
    with.add("one", order("one.test"));
    const auto before = with.load();
    REQUIRE(before);
    with.settings.certificates.push_back({"/none.crt", "/none.key"});
    CHECK_FALSE(server_contexts::load(with.settings, with.listeners, test_now, with.problems, before.get()));
}

TEST_CASE("the earliest end of validity counts") {
    server with;
    with.add("a", {.common_name = "a", .names = {"a.test"}, .not_after = test_now + 50 * test_day});
    with.add("b", {.common_name = "b", .names = {"b.test"}, .not_after = test_now + 5 * test_day});
    const auto contexts = with.load();
    REQUIRE(contexts);
    CHECK(contexts->earliest_expiry() == test_now + 5 * test_day);
}

TEST_CASE("a connection goes on after its contexts were replaced") {
    server with;
    with.add("default", order("default.example.net"));
    auto contexts = with.load();
    REQUIRE(contexts);
    socket_pair sockets;
    const auto server_side = contexts->accept("mx", sockets.server());
    contexts.reset();
    with.listeners.clear();
    client peer(sockets.client(), asking_for("default.example.net"));
    CHECK(shake(*server_side, peer));
}

TEST_CASE("what an idle session costs") {
    server with;
    with.add("default", order("default.example.net"));
    const auto contexts = with.load();
    REQUIRE(contexts);
    constexpr std::size_t count = 200;
    std::vector<std::unique_ptr<meeting>> sessions;
    meet(*contexts, "mx"); // what OpenSSL sets up once
    const std::size_t before = mallinfo2().uordblks;
    for (std::size_t each = 0; each < count; ++each) {
        auto met = meet(*contexts, "mx");
        REQUIRE(met->done);
        met->peer.reset();
        sessions.push_back(std::move(met));
    }
    WARN("octets on the heap for an idle TLS session: " << (mallinfo2().uordblks - before) / count);
}
