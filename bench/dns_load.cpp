// How many questions a resolver of one thread asks and hears in a second: dns_load [QUESTIONS [AT_ONCE]].
// Every name is another one, so nothing comes from memory. The server is a thread of this program that
// answers at once; under `taskset -c 0` both share one core.
#include "server/awaiting.hpp"
#include "server/resolver.hpp"

#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <ctime>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace postern;

namespace {

constexpr std::size_t header = 12, opt = 11; // octets

// Answers each question with one address.
class echo_server {
  public:
    echo_server() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        const int room = 4 << 20;
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
        if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
            ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            std::abort();
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~echo_server() {
        ::shutdown(fd_, SHUT_RDWR); // wakes the thread, though it says ENOTCONN
        thread_.join();
        ::close(fd_);
    }
    echo_server(const echo_server&) = delete;
    echo_server& operator=(const echo_server&) = delete;
    std::uint16_t port() const { return port_; }

  private:
    void serve() {
        constexpr std::uint8_t record[] = {0xc0, header, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 1};
        std::uint8_t message[1500];
        sockaddr_in from{};
        for (;;) {
            socklen_t size = sizeof from;
            const auto count = ::recvfrom(fd_, message, sizeof message - sizeof record, 0,
                                          reinterpret_cast<sockaddr*>(&from), &size);
            if (count <= 0) return;
            const auto end = static_cast<std::size_t>(count) - opt; // of the question
            message[2] = 0x81;
            message[3] = 0x80;
            message[7] = 1;
            message[11] = 0;
            std::copy(std::begin(record), std::end(record), message + end);
            ::sendto(fd_, message, end + sizeof record, 0, reinterpret_cast<sockaddr*>(&from), size);
        }
    }

    int fd_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

struct tally {
    unsigned long next = 0, questions = 0, found = 0, other = 0;
};

boost::asio::awaitable<void> ask(server::dns_resolver& whom, tally& counts) {
    while (counts.next < counts.questions) {
        const auto name = *protocol::dns_name::parse(fmt::format("n{}.bench.test", counts.next++));
        auto asking = whom.look_up({name, protocol::dns_type::a}, whom.deadline(std::chrono::seconds(10)));
        const auto result = co_await std::move(asking);
        ++(std::holds_alternative<protocol::dns_found>(result) ? counts.found : counts.other);
    }
}

double seconds_of(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

} // namespace

int main(int count, char** words) {
    echo_server beside;
    boost::asio::io_context context{1};
    server::dns_counts counted;
    server::resolver_settings settings;
    settings.servers = {{*protocol::ip_address::parse("127.0.0.1"), beside.port()}};
    server::dns_resolver resolver(context.get_executor(), settings, counted);
    tally counts;
    counts.questions = count > 1 ? std::strtoul(words[1], nullptr, 10) : 200'000;
    const auto at_once = count > 2 ? std::strtoul(words[2], nullptr, 10) : 100;
    const double began = seconds_of(CLOCK_MONOTONIC), used = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    for (unsigned long i = 0; i < at_once; ++i)
        server::spawn(context.get_executor(), ask(resolver, counts),
                      [](std::string_view what) { fmt::print(stderr, "{}\n", what); });
    context.run();
    const double took = seconds_of(CLOCK_MONOTONIC) - began, cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID) - used;
    const auto questions = static_cast<double>(counts.questions);
    fmt::print("{} questions, {} at once: {} found, {} not, {} sent, {:.0f} a second, {:.1f} us of the "
               "resolver's thread each\n",
               counts.questions, at_once, counts.found, counts.other, counted.sent.load(), questions / took,
               cpu / questions * 1e6);
    return counts.other == 0 ? 0 : 1;
}
