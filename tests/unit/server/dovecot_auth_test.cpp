// Dovecot's auth protocol: what is a yes, what is a no, and that everything else is neither. The real Dovecot
// is asked by tests/integration/test_dovecot_logins.py.
#include "server/dovecot_auth.hpp"

#include "protocol/sasl/base64.hpp"
#include "server/dovecot_words.hpp"
#include "tests/support/temporary_folder.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <future>
#include <set>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

using namespace postern;
using namespace postern::server;
using protocol::sasl::secret;
using kind = login_answer::kind;
using std::chrono::milliseconds;

namespace {

const std::string greeting =
    "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nSPID\t12\nCUID\t3\n"
    "COOKIE\tabc\nDONE\n";

// Takes one connection after the other; to each it sends the greeting, and its answer once a request has
// come.
class scripted {
  public:
    scripted(std::string hello, std::string answer) : hello_(std::move(hello)), answer_(std::move(answer)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path = folder_.path() + "/auth";
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        listening_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
        REQUIRE(::bind(listening_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listening_, 100) == 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~scripted() {
        ::shutdown(listening_, SHUT_RDWR);
        thread_.join();
        ::close(listening_);
    }
    scripted(const scripted&) = delete;
    scripted& operator=(const scripted&) = delete;

    std::string path;
    std::vector<std::string> seen; // what came on each connection; to be read when no login is under way

  private:
    void serve() {
        for (int fd = -1; (fd = ::accept(listening_, nullptr, nullptr)) >= 0; ::close(fd)) {
            (void)::send(fd, hello_.data(), hello_.size(), MSG_NOSIGNAL);
            std::string got;
            char part[4096];
            ssize_t size = 0;
            while (got.find("resp=") == std::string::npos && (size = ::read(fd, part, sizeof part)) > 0)
                got.append(part, static_cast<std::size_t>(size));
            if (size > 0) (void)::send(fd, answer_.data(), answer_.size(), MSG_NOSIGNAL);
            seen.push_back(got);
            if (answer_.empty())
                while (::read(fd, part, sizeof part) > 0) {
                }
        }
    }
    testing::temporary_folder folder_;
    std::string hello_, answer_;
    int listening_ = -1;
    std::thread thread_;
};

login_answer ask(const std::string& path, const std::string& login, const std::string& password,
                 milliseconds within = milliseconds(10'000), const std::string& client = "192.0.2.1") {
    boost::asio::io_context context{1};
    dovecot_auth source({path, {}}, 10);
    auto later = boost::asio::co_spawn(context, source.check({login, secret(password), client, within}),
                                       boost::asio::use_future);
    context.run();
    return later.get();
}

} // namespace

TEST_CASE("lines of Dovecot are read as it writes them", "[dovecot]") {
    const auto line = read_dovecot_line("OK\t1\tuser=a\x01tb\x01"
                                        "1c\x01n\ttemp\t\tempty=");
    CHECK(line.word == "OK");
    REQUIRE(line.fields.size() == 5);
    CHECK(line.value("user") == "a\tb\x01"
                                "c\n");
    CHECK(line.has("temp"));
    CHECK_FALSE(line.has("tem"));
    CHECK(line.value("empty") == "");
    CHECK_FALSE(line.value("use"));
    CHECK(read_dovecot_line("").word.empty());
    CHECK(read_dovecot_line("\x01").word == "\x01");
    CHECK(read_dovecot_line("A\t\x01").fields.front() == "\x01");
    const std::string any("a\tb\0c\r\n\x01", 8);
    CHECK(read_dovecot_line("X\t" + escape_dovecot(any)).fields.front() == any);
    const auto request = dovecot_request(7, "u@f.test", "pw", "192.0.2.1");
    CHECK(request.view() == "AUTH\t7\tPLAIN\tservice=smtp\tsecured\tno-penalty\trip=192.0.2.1\tresp=" +
                                protocol::sasl::encode_base64(std::string("\0u@f.test\0pw", 12)) + "\n");
    CHECK(dovecot_request(7, "u", "p", "").view().find("rip") == std::string_view::npos);
}

TEST_CASE("what Dovecot says is a yes, a no, or neither", "[dovecot]") {
    const struct {
        std::string answer;
        kind what;
        const char* why;
    } cases[] = {
        {"OK\t1\tuser=u@f.test\n", kind::ok, ""},
        {"OK\t1\tuser=U@f.test\tmore=x\n", kind::ok, ""},
        {"OK\t1\tuser=admin@f.test\n", kind::denied, "takes u@f.test for admin@f.test"},
        {"OK\t1\tuser=u\n", kind::denied, "takes u@f.test for u"},
        {"OK\t1\n", kind::denied, "nobody"},
        {"FAIL\t1\tuser=u@f.test\n", kind::denied, ""},
        {"FAIL\t1\tuser=u@f.test\tcode=user_disabled\treason=gone\n", kind::denied, ""},
        {"FAIL\t1\tuser=u@f.test\ttemp\treason=LDAP is away\n", kind::later, "LDAP is away"},
        {"FAIL\t1\tcode=temp_fail\n", kind::later, "trouble"},
        {"OK\t2\tuser=u@f.test\n", kind::later, "something else"},
        {"OK\n", kind::later, "something else"},
        {"CONT\t1\t\n", kind::later, "CONT"},
        {"\n", kind::later, "something else"},
        {"OK\t1\tuser=u@f.test", kind::later, "closed"},
        {std::string(20'000, 'x') + "\n", kind::later, "too long"},
    };
    for (const auto& row : cases) {
        scripted dovecot(greeting, row.answer);
        const auto answer = ask(dovecot.path, "U@f.test", "pw");
        INFO(row.answer.substr(0, 80) << ": " << answer.why);
        CHECK(answer.what == row.what);
        CHECK(answer.account == (row.what == kind::ok ? "u@f.test" : ""));
        CHECK(answer.why.find(row.why) != std::string::npos);
        if (*row.why == '\0') CHECK(answer.why.empty());
    }
}

TEST_CASE("what greets like no Dovecot of ours gets no password", "[dovecot]") {
    std::string endless;
    for (int i = 0; i < 200; ++i) endless += "SPID\t1\n";
    for (const std::string& hello :
         {std::string("VERSION\t2\t0\nMECH\tPLAIN\nDONE\n"), std::string("MECH\tLOGIN\nDONE\n"),
          std::string("220 mx.test ESMTP\r\n"), endless, std::string(20'000, 'x')}) {
        scripted dovecot(hello, "OK\t1\tuser=u@f.test\n");
        const auto answer = ask(dovecot.path, "u@f.test", "pw", milliseconds(300));
        INFO(answer.why);
        CHECK(answer.what == kind::later);
        CHECK_FALSE(answer.why.empty());
    }
}

TEST_CASE("a Dovecot that is away or hangs is trouble, told in time", "[dovecot]") {
    CHECK(ask("/nowhere/auth", "u@f.test", "pw").what == kind::later);
    for (const std::string& hello : {std::string(), greeting}) {
        scripted silent(hello, "");
        const auto began = std::chrono::steady_clock::now();
        const auto answer = ask(silent.path, "u@f.test", "pw", milliseconds(200));
        CHECK(answer.what == kind::later);
        CHECK(answer.why.find("in time") != std::string::npos);
        CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
    }
}

TEST_CASE("a login that is no address is not Dovecot's business", "[dovecot]") {
    scripted dovecot(greeting, "OK\t1\tuser=u@f.test\n");
    for (const std::string login : {"u", "", "u@f.test*master", "\"u\"@f.test", "u@f.test\tuser=x"})
        CHECK(ask(dovecot.path, login, "pw").what == kind::denied);
    CHECK(ask(dovecot.path, "u@f.test", "").what == kind::denied);
    CHECK(dovecot.seen.empty());
}

TEST_CASE("each connection has a number of its own, and only so many are open", "[dovecot]") {
    scripted dovecot(greeting, "OK\t1\tuser=u@f.test\n");
    boost::asio::io_context context{1};
    dovecot_auth source({dovecot.path, {}}, 10);
    std::vector<std::future<login_answer>> all;
    for (int i = 0; i < 30; ++i)
        all.push_back(
            boost::asio::co_spawn(context, source.check({"u@f.test", secret("pw"), "", milliseconds(10'000)}),
                                  boost::asio::use_future));
    context.run();
    std::size_t ok = 0;
    for (auto& one : all) ok += one.get().what == kind::ok ? 1 : 0;
    CHECK(ok == 10);
    CHECK(dovecot.seen.size() == 10);
    std::set<std::string> numbers;
    for (const auto& octets : dovecot.seen) numbers.insert(octets.substr(0, octets.find("AUTH")));
    CHECK(numbers.size() == 10);
    for (const auto& octets : numbers) CHECK(octets.starts_with("VERSION\t1\t1\nCPID\t"));
}

// Of tests/integration/test_dovecot_logins.py: where it listens; the password of good@d.test is "secret".
TEST_CASE("a real Dovecot", "[.real-dovecot]") {
    const char* path = std::getenv("POSTERN_TEST_DOVECOT");
    REQUIRE(path != nullptr);
    const auto right = ask(path, "Good@d.test", "secret");
    INFO(right.why);
    CHECK(right.what == kind::ok);
    CHECK(right.account == "good@d.test");
    CHECK(ask(path, "good@d.test", "Secret").what == kind::denied);
    CHECK(ask(path, "nobody@d.test", "secret").what == kind::denied);
    CHECK(ask(path, "good@d.test", "secret", milliseconds(10'000), "2001:db8::1").what == kind::ok);
    CHECK(ask(path, "odd@d.test", "p w=,\"ž{}").what == kind::ok);
    CHECK(ask(path, "renamed@d.test", "secret").what == kind::denied);
    CHECK(ask(path, "elsewhere@d.test", "secret", milliseconds(10'000), "192.0.2.9").what == kind::denied);
    CHECK(ask(path, "elsewhere@d.test", "secret", milliseconds(10'000), "192.0.2.1").what == kind::ok);
    boost::asio::io_context context{1};
    dovecot_auth source({path, {}}, 100);
    std::vector<std::future<login_answer>> all;
    for (int i = 0; i < 50; ++i)
        all.push_back(boost::asio::co_spawn(
            context,
            source.check({"good@d.test", secret(i % 5 == 0 ? "wrong" : "secret"), "", milliseconds(20'000)}),
            boost::asio::use_future));
    context.run();
    for (std::size_t i = 0; i < all.size(); ++i)
        CHECK(all[i].get().what == (i % 5 == 0 ? kind::denied : kind::ok));
}

// The same place, with Dovecot's source of passwords away.
TEST_CASE("a real Dovecot in trouble", "[.real-dovecot-trouble]") {
    const char* path = std::getenv("POSTERN_TEST_DOVECOT");
    REQUIRE(path != nullptr);
    const auto answer = ask(path, "good@d.test", "secret");
    INFO(answer.why);
    CHECK(answer.what == kind::later);
}
