#include "tests/unit/server/stream_bench.hpp"
#include "tls/self_signed.hpp"
#include "tls/server_contexts.hpp"

#include <csignal>
#include <filesystem>
#include <openssl/ssl.h>

using namespace postern;
using namespace postern::test;
using server::stream_status;

namespace {

constexpr std::int64_t now = 1'750'000'000;

class certificate_folder {
  public:
    certificate_folder() {
        std::signal(SIGPIPE, SIG_IGN); // as the program does
        REQUIRE(::mkdtemp(path_.data()) != nullptr);
    }
    ~certificate_folder() { std::filesystem::remove_all(path_); }
    std::shared_ptr<const tls::server_contexts> contexts() const {
        bool made = false;
        const auto files = tls::self_signed_certificate(path_, "mx.example.net", now, made);
        REQUIRE(files.has_value());
        std::vector<tls::certificate_problem> problems;
        auto loaded = tls::server_contexts::load(
            {"1.2", {*files}}, {{"mx", tls::cipher_policy::strict, nullptr}}, now, problems);
        REQUIRE(loaded);
        return loaded;
    }

  private:
    std::string path_ = "/tmp/postern-stream-XXXXXX";
};

// A client that takes a step whenever it is asked.
class tls_client {
  public:
    explicit tls_client(int descriptor, int version = TLS1_3_VERSION)
        : context_(SSL_CTX_new(TLS_client_method())) {
        SSL_CTX_set_max_proto_version(context_, version);
        ssl_ = SSL_new(context_);
        SSL_set_fd(ssl_, descriptor);
        SSL_set_connect_state(ssl_);
    }
    ~tls_client() {
        SSL_free(ssl_);
        SSL_CTX_free(context_);
    }
    tls_client(const tls_client&) = delete;
    tls_client& operator=(const tls_client&) = delete;

    bool shake() { return SSL_do_handshake(ssl_) == 1; }
    std::size_t write(std::string_view text) {
        const int octets = SSL_write(ssl_, text.data(), static_cast<int>(text.size()));
        return octets > 0 ? static_cast<std::size_t>(octets) : 0;
    }
    std::string read() {
        std::string text;
        char part[20'000];
        for (int octets = 1; octets > 0;) {
            octets = SSL_read(ssl_, part, sizeof part);
            if (octets > 0) text.append(part, static_cast<std::size_t>(octets));
        }
        return text;
    }
    void notify_close() { SSL_shutdown(ssl_); }
    bool was_told_of_close() const { return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0; }
    void allow_partial_writes() {
        SSL_set_mode(ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }

  private:
    SSL_CTX* context_;
    SSL* ssl_;
};

struct tls_bench : stream_bench {
    explicit tls_bench(std::size_t lent = server::thread_buffers::input_size, int version = TLS1_3_VERSION)
        : stream_bench(lent), contexts(folder.contexts()), peer(client.native_handle(), version) {}

    std::unique_ptr<tls::connection> layer() { return contexts->accept("mx", side->descriptor()); }
    void shake() {
        const auto shaking = start(side->start_tls(layer()));
        REQUIRE(eventually([&] { return peer.shake() && shaking->has_value(); }));
        REQUIRE(**shaking == stream_status::ok);
    }
    // Reads on the server side until `size` octets are there.
    void read_until(collector& got, std::size_t size) {
        while (got.text.size() < size) REQUIRE(run(side->read(got)) == stream_status::ok);
    }

    certificate_folder folder;
    std::shared_ptr<const tls::server_contexts> contexts;
    tls_client peer;
};

} // namespace

TEST_CASE("a stream becomes TLS in mid-connection and carries both ways") {
    const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    tls_bench with(65'536, version);
    CHECK(with.side->tls_layer() == nullptr);
    CHECK(with.run(with.side->write("220 go\r\n")) == stream_status::ok);
    int ending = 0;
    REQUIRE(with.received(ending) == "220 go\r\n");
    with.shake();
    REQUIRE(with.side->tls_layer() != nullptr);
    CHECK(with.side->tls_layer()->facts().protocol == (version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3"));
    CHECK(with.peer.write("EHLO a\r\n") == 8);
    collector got;
    with.read_until(got, 8);
    CHECK(got.text == "EHLO a\r\n");
    CHECK(with.run(with.side->write("250 ok\r\n")) == stream_status::ok);
    std::string reply;
    CHECK(with.eventually([&] { return (reply += with.peer.read()) == "250 ok\r\n"; }));
}

TEST_CASE("octets that OpenSSL holds decrypted are read although the descriptor stays silent") {
    tls_bench with(100);
    with.shake();
    const std::string record(16'000, 'r');
    CHECK(with.peer.write(record) == record.size());
    collector got;
    with.read_until(got, 100);
    CHECK(with.side->has_unread_input());
    with.read_until(got, record.size());
    CHECK(got.text == record);
    CHECK_FALSE(with.side->has_unread_input());
    const auto waiting = with.start(with.side->read(got));
    with.turn();
    CHECK_FALSE(waiting->has_value());
    CHECK(with.peer.write("\r\n.\r\n") == 5);
    CHECK(with.result_of(waiting) == stream_status::ok);
}

TEST_CASE("the end of the data, one octet to a TLS record") {
    tls_bench with;
    with.shake();
    const std::string text = "line\r\n.\r\n";
    for (const char octet : text) CHECK(with.peer.write({&octet, 1}) == 1);
    collector got;
    with.read_until(got, text.size());
    CHECK(got.text == text);
    CHECK(got.calls == text.size());
}

TEST_CASE("much goes through TLS both ways, whatever the buffers hold") {
    tls_bench with;
    with.shake();
    with.peer.allow_partial_writes();
    const std::string much(5'000'000, 'm');
    std::string received;
    const auto writing = with.start(with.side->write(much));
    CHECK(with.eventually([&] { return (received += with.peer.read()).size() == much.size(); }));
    CHECK(with.result_of(writing) == stream_status::ok);
    collector got;
    std::size_t sent = 0;
    eventual<stream_status> reading = with.start(with.side->read(got));
    CHECK(with.eventually([&] {
        if (sent < much.size()) sent += with.peer.write(std::string_view(much).substr(sent));
        if (reading->has_value()) reading = with.start(with.side->read(got));
        return got.text.size() == much.size();
    }));
    CHECK(got.text == much);
}

TEST_CASE("plain text behind STARTTLS fails the handshake, and nothing is answered in clear") {
    tls_bench with;
    const std::string injected = GENERATE("QUIT\r\n", "NOOP evil\r\n", "EHLO x\r\nMAIL FROM:<a@s.test>\r\n");
    with.deliver(injected);
    CHECK(with.run(with.side->start_tls(with.layer())) == stream_status::failed);
    CHECK_FALSE(with.side->tls_layer()->error().empty());
    collector got;
    CHECK(with.run(with.side->read(got)) == stream_status::failed);
    CHECK(with.run(with.side->write("221 bye\r\n")) == stream_status::failed);
    CHECK(got.calls == 0);
    with.side->close();
    int ending = 0;
    CHECK(with.received_until_end(ending).empty());
    CHECK(ending == 0);
}

TEST_CASE("after close_notify a cleartext octet is never read") {
    tls_bench with;
    with.shake();
    CHECK(with.peer.write("BDAT 9\r\n") == 8);
    with.peer.notify_close();
    with.send("\n");
    collector got;
    with.read_until(got, 8);
    CHECK(with.run(with.side->read(got)) == stream_status::end);
    CHECK(with.run(with.side->read(got)) == stream_status::end);
    CHECK(with.run(with.side->write("250 ok\r\n")) == stream_status::failed);
    CHECK(got.text == "BDAT 9\r\n");
}

TEST_CASE("a cleartext command in the midst of TLS is a failure for good") {
    tls_bench with;
    with.shake();
    with.send("MAIL FROM:<a@s.test>\r\n");
    collector got;
    CHECK(with.run(with.side->read(got)) == stream_status::failed);
    CHECK(with.run(with.side->read(got)) == stream_status::failed);
    CHECK(with.run(with.side->write("250 ok\r\n")) == stream_status::failed);
    CHECK(got.calls == 0);
}

TEST_CASE("a handshake that stalls ends by cancel, and no farewell in clear follows") {
    tls_bench with;
    const bool said_hello = GENERATE(false, true);
    if (said_hello) with.peer.shake();
    const auto shaking = with.start(with.side->start_tls(with.layer()));
    with.turn();
    CHECK_FALSE(shaking->has_value());
    with.side->cancel();
    CHECK(with.result_of(shaking) == stream_status::cancelled);
    with.side->uncancel();
    CHECK(with.run(with.side->write("421 too slow\r\n")) == stream_status::failed);
    collector got;
    CHECK(with.run(with.side->read(got)) == stream_status::failed);
    with.side->close();
    int ending = 0;
    CHECK(with.received_until_end(ending).find("421") == std::string::npos);
    CHECK(ending == 0);
}

TEST_CASE("a cancel before STARTTLS leaves no plain stream behind") {
    tls_bench with;
    with.side->cancel();
    CHECK(with.run(with.side->start_tls(with.layer())) == stream_status::cancelled);
    with.side->uncancel();
    CHECK(with.run(with.side->write("421 too slow\r\n")) == stream_status::failed);
}

TEST_CASE("after a cancelled wait in TLS the farewell goes out; after a cancelled write it doesn't") {
    tls_bench with;
    with.shake();
    SECTION("read") {
        collector got;
        const auto reading = with.start(with.side->read(got));
        with.turn();
        with.side->cancel();
        CHECK(with.result_of(reading) == stream_status::cancelled);
        with.side->uncancel();
        CHECK(with.run(with.side->write("421 too slow\r\n")) == stream_status::ok);
        with.side->close();
        std::string reply;
        CHECK(with.eventually([&] {
            reply += with.peer.read();
            return with.peer.was_told_of_close();
        }));
        CHECK(reply == "421 too slow\r\n");
    }
    SECTION("write") {
        const std::string much(8'000'000, 'x');
        const auto writing = with.start(with.side->write(much));
        with.turn();
        with.side->cancel();
        CHECK(with.result_of(writing) == stream_status::cancelled);
        with.side->uncancel();
        CHECK(with.run(with.side->write("421 too slow\r\n")) == stream_status::failed);
    }
}

TEST_CASE("TLS can't begin twice, nor without a layer, and peeking is for plain streams") {
    tls_bench with;
    CHECK(with.run(with.side->start_tls(nullptr)) == stream_status::failed);
    with.shake();
    CHECK(with.run(with.side->start_tls(with.layer())) == stream_status::failed);
    char seen[8];
    CHECK(with.result_of(with.start(with.side->peek(seen, 0))).status == stream_status::failed);
    CHECK(with.side->skip(1) == stream_status::failed);
    CHECK(with.run(with.side->write("250 still here\r\n")) == stream_status::ok);
}
