// The resolver with a real unbound beside it, which validates and serves zones of its own: no other network.
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/server/resolver_bench.hpp"

#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace postern;
using namespace postern::testing;
using protocol::dns_absent;
using protocol::dns_found;
using protocol::dns_type;

namespace {

constexpr const char* settings = R"(server:
  interface: 127.0.0.1
  port: {port}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  logfile: "{folder}/log"
  do-ip6: no
  module-config: "validator iterator"
  trust-anchor-file: "{zones}/signed.test.anchor"
  local-zone: "test." nodefault
  local-zone: "plain.test." static
  local-data: "plain.test. 77 IN MX 20 second.plain.test."
  local-data: "plain.test. 77 IN MX 10 mail.plain.test."
  local-data: "mail.plain.test. 300 IN A 192.0.2.1"
  local-data: "8.2.0.192.in-addr.arpa. 300 IN PTR client.plain.test."
  local-zone: "refused.test." refuse
{texts}
remote-control:
  control-enable: no
auth-zone:
  name: "signed.test."
  zonefile: "{zones}/signed.test.zone"
  for-upstream: yes
  for-downstream: no
)";

std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    ::close(fd);
    return ntohs(address.sin_port);
}

std::string path_of_unbound() {
    for (const auto* path : {"/usr/sbin/unbound", "/usr/local/sbin/unbound"})
        if (::access(path, X_OK) == 0) return path;
    FAIL("there is no unbound: scripts/packages installs it");
    return {};
}

class unbound {
  public:
    unbound() {
        std::string texts;
        for (int i = 0; i < 20; ++i)
            texts += fmt::format("  local-data: 'long.plain.test. 300 IN TXT \"{}\"'\n",
                                 std::string(200, static_cast<char>('a' + i)));
        while (pid_ < 0) begin(texts);
    }
    ~unbound() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    unbound(const unbound&) = delete;
    unbound& operator=(const unbound&) = delete;

    conf::endpoint at() const { return {*protocol::ip_address::parse("127.0.0.1"), port_}; }
    void pause() const { ::kill(pid_, SIGSTOP); }

  private:
    // Its port may be taken between our look at it and its own: then it ends, and the next one is tried.
    void begin(const std::string& texts) {
        port_ = free_port();
        const std::string config = folder_.path() + "/unbound.conf";
        std::ofstream(config) << fmt::format(
            fmt::runtime(settings), fmt::arg("port", port_), fmt::arg("folder", folder_.path()),
            fmt::arg("texts", texts), fmt::arg("zones", POSTERN_SOURCE_DIR "/tests/unit/server/zones"));
        const std::string program = path_of_unbound();
        const char* words[] = {program.c_str(), "-c", config.c_str(), nullptr};
        REQUIRE(::posix_spawn(&pid_, program.c_str(), nullptr, nullptr, const_cast<char**>(words), environ) ==
                0);
        while (!answers())
            if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
                pid_ = -1;
                return;
            }
    }
    bool answers() const {
        resolver_bench bench;
        bench.settings.servers = {at()};
        return std::holds_alternative<dns_found>(bench.look_up("mail.plain.test"));
    }

    temporary_folder folder_;
    std::uint16_t port_ = 0;
    pid_t pid_ = -1;
};

const dns_found& found(const policy::dns_result& result) {
    if (const auto* trouble = std::get_if<policy::dns_try_later>(&result))
        INFO(policy::dns_cause_text(*trouble));
    REQUIRE(std::holds_alternative<dns_found>(result));
    return std::get<dns_found>(result);
}

} // namespace

TEST_CASE("what a real resolver says of names of every kind") {
    const unbound beside;
    resolver_bench bench;
    bench.settings.servers = {beside.at()};

    const auto mx = bench.look_up("plain.test", dns_type::mx);
    CHECK(found(mx).records.exchangers.size() == 2);
    CHECK(found(mx).ttl == 77);
    CHECK_FALSE(found(mx).authenticated);

    const auto pointer = bench.look_up("8.2.0.192.in-addr.arpa", dns_type::ptr);
    CHECK(found(pointer).records.pointers[0].to_string() == "client.plain.test");

    // 4,000 octets: they come by TCP.
    const auto long_one = bench.look_up("long.plain.test", dns_type::txt);
    CHECK(found(long_one).records.texts.size() == 20);

    const auto none = bench.look_up("none.plain.test");
    REQUIRE(std::holds_alternative<dns_absent>(none));
    CHECK(std::get<dns_absent>(none).what == dns_absent::kind::no_name);
    const auto nothing = bench.look_up("mail.plain.test", dns_type::mx);
    REQUIRE(std::holds_alternative<dns_absent>(nothing));
    CHECK(std::get<dns_absent>(nothing).what == dns_absent::kind::no_data);

    CHECK(is_trouble(bench.look_up("a.refused.test"), protocol::dns_trouble::refused));
}

TEST_CASE("what a resolver validated is told apart from what it only found, and what is bogus is trouble") {
    const unbound beside;
    resolver_bench bench;
    bench.settings.servers = {beside.at()};

    const auto mx = bench.look_up("signed.test", dns_type::mx);
    CHECK(found(mx).authenticated);
    CHECK(found(mx).records.exchangers[0].exchange.to_string() == "mail.signed.test");
    const auto tlsa = bench.look_up("_25._tcp.mail.signed.test", dns_type::tlsa);
    CHECK(found(tlsa).authenticated);
    CHECK(found(tlsa).records.tlsa[0].data.size() == 32);
    CHECK(found(bench.look_up("mail.signed.test", dns_type::aaaa)).records.addresses[0].to_string() ==
          "2001:db8::1");

    const auto alias = bench.look_up("alias.signed.test");
    CHECK(found(alias).authenticated);
    CHECK(found(alias).name.to_string() == "mail.signed.test");

    const auto none = bench.look_up("none.signed.test");
    REQUIRE(std::holds_alternative<dns_absent>(none));
    CHECK(std::get<dns_absent>(none).authenticated);

    CHECK(is_trouble(bench.look_up("bogus.signed.test"), protocol::dns_trouble::server_failure));
}

TEST_CASE("a resolver that stands still is silence, and what is remembered goes on") {
    const unbound beside;
    resolver_bench bench(std::chrono::milliseconds(300));
    bench.settings.servers = {beside.at()};
    CHECK(address_in(bench.look_up("mail.plain.test")) == 1);
    beside.pause();
    CHECK(is_later(bench.look_up("plain.test", dns_type::mx), policy::dns_try_later::cause::silent));
    CHECK(address_in(bench.look_up("mail.plain.test")) == 1);
}
