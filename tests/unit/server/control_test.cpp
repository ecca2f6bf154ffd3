// The control socket against live peers: whatever one of them does, the server answers the next one.
// CVE-2025-62875.
#include "server/admin/control.hpp"

#include "command_fixture.hpp"
#include "server/admin/control_socket.hpp"

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>
#include <boost/system/system_error.hpp>
#include <catch2/catch.hpp>
#include <cstring>
#include <poll.h>
#include <random>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

using namespace postern::server;

namespace {

class fake_target final : public control_target {
  public:
    server_status status() override {
        server_status status;
        status.version = "1.2.3";
        status.hostname = "mx.test";
        status.pid = 42;
        status.started = 1;
        status.messages_accepted = 7;
        status.alarms = {{"the disk is nearly full", alarm::weight::refusing}};
        status.listeners = {{"mx", "127.0.0.1:25", "mx", "starttls", 3, 9}};
        return status;
    }
    reload_outcome reload() override {
        return {reload_ok, {reload_ok ? "server.threads needs a restart" : "f.toml:2:1: x: unknown key"}};
    }
    desk_answer ask_owner(std::string_view account, std::string_view address) override {
        asked = std::string(account) + " " + std::string(address);
        return account == "no@firma.cz" ? desk_answer::no_account : desk_answer::done;
    }
    std::string asked;
    postern::result<std::size_t> unblock(const std::optional<postern::protocol::cidr>& network) override {
        unblocked = network ? network->to_string() : "all";
        return std::size_t{1};
    }
    std::string unblocked;
    void wake_queue() override { ++woken; }
    std::vector<destination_status> destinations() override {
        destination_status one;
        one.name = "d.test";
        one.retry_at = 1'800'000'000;
        one.last_error = "450 \x1b";
        one.deferred = 4;
        return {one};
    }
    boost::asio::awaitable<std::vector<postern::storage::wish_outcome>>
    steer_queue(postern::storage::queue_wish wish, std::vector<postern::storage::queue_id> ids) override {
        wished = wish;
        std::vector<postern::storage::wish_outcome> outcomes(ids.size(),
                                                             postern::storage::wish_outcome::done);
        if (!outcomes.empty()) outcomes.back() = postern::storage::wish_outcome::busy;
        co_return outcomes;
    }

    bool reload_ok = true;
    std::atomic<int> woken{0};
    std::optional<postern::storage::queue_wish> wished;
};

std::string answer_to(std::string_view request, control_target& target);

} // namespace

TEST_CASE("the destinations are told as they are, and can't write to a terminal", "[control]") {
    fake_target target;
    const auto answer = answer_to(R"({"command":"destinations"})", target);
    const auto document = boost::json::parse(answer).as_object();
    const auto& rows = document.at("destinations").as_array();
    REQUIRE(rows.size() == 1);
    const auto& row = rows[0].as_object();
    CHECK(row.at("name") == "d.test");
    CHECK(row.at("deferred").to_number<int>() == 4);
    CHECK(row.at("retry_at").to_number<std::int64_t>() == 1'800'000'000);
    CHECK(row.at("last_error") == "450 ?");
}

namespace {

std::string answer_to(std::string_view request, control_target& target) {
    boost::asio::io_context context;
    std::string answer;
    boost::asio::co_spawn(context, answer_control_request(request, target),
                          [&](const std::exception_ptr& failure, std::string made) {
                              if (!failure) answer = std::move(made);
                          });
    context.run();
    return answer;
}

// serve_control on a thread of its own until the end of the test.
class live_server {
  public:
    explicit live_server(const std::string& path) {
        boost::asio::co_spawn(
            context_, serve_control(std::make_unique<control_listener>(path), target),
            boost::asio::bind_cancellation_slot(
                stop_.slot(), [this](const std::exception_ptr& error) { outcome = error; }));
        context_.poll(); // it listens now, or has failed
        thread_ = std::thread([this] { context_.run(); });
    }
    ~live_server() { stop(); }
    live_server(const live_server&) = delete;
    live_server& operator=(const live_server&) = delete;

    void stop() {
        if (!thread_.joinable()) return;
        boost::asio::post(context_, [this] { stop_.emit(boost::asio::cancellation_type::terminal); });
        thread_.join(); // ends only when every client is gone
    }

    fake_target target;
    std::exception_ptr outcome;

  private:
    boost::asio::io_context context_;
    boost::asio::cancellation_signal stop_;
    std::thread thread_;
};

class peer {
  public:
    explicit peer(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        connected = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    ~peer() { ::close(fd_); }
    peer(const peer&) = delete;
    peer& operator=(const peer&) = delete;

    void send(std::string_view bytes) const {
        [[maybe_unused]] const auto sent =
            ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    // Everything until the server closes; fails the test when it does not within `limit` ms.
    std::string rest(int limit = 9000) const {
        std::string all;
        char buffer[4096];
        for (;;) {
            pollfd wanted{fd_, POLLIN, 0};
            REQUIRE(::poll(&wanted, 1, limit) == 1);
            const auto count = ::recv(fd_, buffer, sizeof buffer, 0);
            if (count <= 0) return all;
            all.append(buffer, static_cast<std::size_t>(count));
        }
    }
    bool connected = false;

  private:
    int fd_;
};

bool alive(const std::string& path) {
    return ask_control(path, R"({"command":"status"})").find("\"version\":\"1.2.3\"") != std::string::npos;
}

} // namespace

TEST_CASE("a request that is none gets an error document", "[control]") {
    fake_target target;
    for (const std::string request :
         {"", " ", "status", "{", "[]", "null", "{}", R"({"command":1})", R"({"command":"stop"})",
          R"({"command":"status"} x)", "\xff\xfe", "\"\xed\xa0\x80\""}) {
        INFO(request);
        const auto document = boost::json::parse(answer_to(request, target)).as_object();
        CHECK(document.contains("error"));
    }
    const std::string deep = std::string(2000, '[') + std::string(2000, ']');
    CHECK(answer_to(deep, target).find("error") != std::string::npos);
    CHECK(answer_to(std::string("{\"command\":\"status\0\"}", 21), target).find("error") !=
          std::string::npos);
}

TEST_CASE("random octets never do more than get an error document", "[control]") {
    fake_target target;
    std::mt19937 chance(1);
    for (int i = 0; i < 2000; ++i) {
        std::string request = R"({"command":"status","x":[1,2,{"y":null}]})";
        for (int change = 0; change < 3; ++change)
            request[chance() % request.size()] = static_cast<char>(chance());
        CHECK(boost::json::parse(answer_to(request, target)).is_object());
    }
}

TEST_CASE("each request reaches what it names", "[control]") {
    fake_target target;
    CHECK(boost::json::parse(answer_to(R"({"command":"status"})", target)).at("messages_accepted") == 7);
    const auto reloaded = boost::json::parse(answer_to(R"({"command":"reload"})", target));
    CHECK(reloaded.at("ok") == true);
    CHECK(reloaded.at("messages").as_array().size() == 1);
    answer_to(R"({"command":"wake_queue"})", target);
    CHECK(target.woken == 1);
    CHECK(answer_to(R"({"command":"queue","do":"hold","ids":["1K101T1W25N00","1K101T1W25N01"]})", target) ==
          R"({"outcomes":["done","busy"]})");
    CHECK(target.wished == postern::storage::queue_wish::hold);
}

TEST_CASE("a wish that is none, or for too many at once, changes nothing", "[control]") {
    fake_target target;
    std::string many = R"({"command":"queue","do":"delete","ids":["1")";
    for (std::size_t i = 0; i < steered_at_once_max; ++i) many += R"(,"1")";
    for (const std::string request :
         {R"({"command":"queue"})", R"({"command":"queue","do":"remove","ids":[]})",
          R"({"command":"queue","do":"hold"})", R"({"command":"queue","do":1,"ids":[]})",
          R"({"command":"queue","do":"hold","ids":"1K101T1W25N00"})",
          R"({"command":"queue","do":"hold","ids":[1]})",
          R"({"command":"queue","do":"hold","ids":["x y"]})"}) {
        INFO(request);
        CHECK(answer_to(request, target).find("error") != std::string::npos);
    }
    CHECK(answer_to(many + "]}", target).find("error") != std::string::npos);
    CHECK_FALSE(target.wished);
}

TEST_CASE("the socket is made for its group, answers, and goes with the server", "[control]") {
    const command_fixture at;
    {
        const live_server server(at.control_path());
        struct stat facts{};
        REQUIRE(::lstat(at.control_path().c_str(), &facts) == 0);
        CHECK((facts.st_mode & 07777) == 0660);
        CHECK(alive(at.control_path()));
    }
    CHECK_FALSE(std::filesystem::exists(at.control_path()));
    CHECK(ask_control(at.control_path(), "{}").empty());
}

TEST_CASE("no client can stop the control socket", "[control][CVE-2025-62875]") {
    const command_fixture at;
    const live_server server(at.control_path());
    SECTION("that says nothing and leaves") { const peer silent(at.control_path()); }
    SECTION("that leaves in the middle of a line") {
        const peer leaving(at.control_path());
        leaving.send("{\"command\":");
    }
    SECTION("that leaves before its answer") {
        for (int i = 0; i < 100; ++i) {
            const peer leaving(at.control_path());
            leaving.send("{\"command\":\"status\"}\n");
        }
    }
    SECTION("that sends more than a request may have") {
        const peer loud(at.control_path());
        loud.send(std::string(control_request_max * 4, 'x'));
        CHECK(loud.rest().find("too long") != std::string::npos);
    }
    SECTION("that sends garbage") {
        std::mt19937 chance(2);
        for (int i = 0; i < 200; ++i) {
            std::string garbage(chance() % 300, '\0');
            for (auto& octet : garbage) octet = static_cast<char>(chance());
            const peer bad(at.control_path());
            bad.send(garbage + "\n");
        }
    }
    SECTION("that sends its request an octet at a time") {
        const peer slow(at.control_path());
        for (const char octet : std::string("{\"command\":\"status\"}\n")) slow.send(std::string(1, octet));
        CHECK(slow.rest().find("1.2.3") != std::string::npos);
    }
    CHECK(alive(at.control_path()));
}

TEST_CASE("silent clients are shown out, and no more than a few are let in", "[control]") {
    const command_fixture at;
    const live_server server(at.control_path());
    std::vector<std::unique_ptr<peer>> silent;
    for (std::size_t i = 0; i < control_clients_max; ++i)
        silent.push_back(std::make_unique<peer>(at.control_path()));
    const peer one_more(at.control_path());
    CHECK(one_more.rest(1000).find("too many") != std::string::npos);
    for (const auto& client : silent) client->rest(); // closed by their deadline
    CHECK(alive(at.control_path()));
}

TEST_CASE("a server that stops does not wait for its control clients", "[control]") {
    const command_fixture at;
    live_server server(at.control_path());
    const peer silent(at.control_path());
    REQUIRE(alive(at.control_path()));
    const auto start = std::chrono::steady_clock::now();
    server.stop();
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(3));
    CHECK(silent.rest(1000).empty());
}

TEST_CASE("a stale socket is replaced, a live one and a file are left alone", "[control]") {
    const command_fixture at;
    {
        const control_listener dead(at.control_path());
        std::filesystem::rename(at.control_path(),
                                at.control_path() + ".kept"); // survives its owner, as after a kill -9
    }
    std::filesystem::rename(at.control_path() + ".kept", at.control_path());
    const live_server server(at.control_path());
    CHECK(alive(at.control_path()));
    CHECK_THROWS_AS(control_listener(at.control_path()), boost::system::system_error);
    CHECK(alive(at.control_path()));
    const std::string file = at.folder + "/file";
    std::ofstream(file) << "precious";
    CHECK_THROWS_AS(control_listener(file), boost::system::system_error);
    CHECK(std::filesystem::exists(file));
    CHECK_THROWS_AS(control_listener(std::string(200, 'x')), boost::system::system_error);
}

TEST_CASE("status and reload without a server are exit 69", "[control][commands]") {
    const command_fixture at;
    for (const auto& words : {std::vector<std::string>{"status"}, {"status", "--json"}, {"reload"}}) {
        const auto result = at.run(words);
        CHECK(result.code == 69);
        CHECK(result.err == "postern: " + at.control_path() + ": no server answers there\n");
    }
}

TEST_CASE("status shows alarms first, and JSON whole", "[control][commands]") {
    const command_fixture at;
    const live_server server(at.control_path());
    const auto text = at.run({"status"});
    CHECK(text.code == 0);
    CHECK(text.out.starts_with("ALARM: the disk is nearly full\n"));
    CHECK(text.out.find("mx.test, Postern 1.2.3, pid 42") != std::string::npos);
    CHECK(text.out.find("127.0.0.1:25") != std::string::npos);
    const auto document = boost::json::parse(at.run({"status", "--json"}).out);
    CHECK(document.at("listeners").as_array().size() == 1);
}

TEST_CASE("reload says what needs a restart, and what was refused", "[control][commands]") {
    const command_fixture at;
    live_server server(at.control_path());
    const auto done = at.run({"reload"});
    CHECK(done.code == 0);
    CHECK(done.out == "server.threads needs a restart\n");
    server.target.reload_ok = false;
    const auto refused = at.run({"reload"});
    CHECK(refused.code == 78);
    CHECK(refused.err == "postern: reload refused: f.toml:2:1: x: unknown key\n");
}

TEST_CASE("a network that guessed is unblocked by name, or all are") {
    fake_target target;
    CHECK(answer_to(R"({"command":"unblock","network":"192.0.2.1"})", target) == R"({"unblocked":1})");
    CHECK(target.unblocked == "192.0.2.1/32");
    CHECK(answer_to(R"({"command":"unblock","network":""})", target) == R"({"unblocked":1})");
    CHECK(target.unblocked == "all");
    CHECK(answer_to(R"({"command":"unblock"})", target).find("error") != std::string::npos);
    CHECK(answer_to(R"({"command":"unblock","network":"192.0.2.1/8"})", target).find("error") !=
          std::string::npos);
}
