// The least that an SMTP server can do on this machine: it answers commands by their first four letters,
// checks nothing, appends each message to one file, and says 250 after a flush that all share who came
// meanwhile. What it does in a second is what the kernel, the disk and the load generator leave to anybody.
// bare_receiver PORT FILE; it runs until it is killed. Recipients with "nobody" are refused.
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <unordered_map>
#include <vector>

namespace {

constexpr std::string_view greeting = "220 mx.d.test ESMTP\r\n",
                           taken = "250 2.0.0 Ok: queued as 0000000000\r\n", end_of_data = "\r\n.\r\n";
constexpr int events_max = 256;

[[noreturn]] void give_up(const char* what) {
    std::perror(what);
    std::_Exit(1);
}

void say(int fd, std::string_view what) {
    if (::send(fd, what.data(), what.size(), MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
        give_up("send");
}

class journal {
  public:
    explicit journal(const char* path) : fd_(::open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600)) {
        if (fd_ < 0) give_up(path);
        std::thread([this] { flush_for_ever(); }).detach();
    }
    void append(std::string_view message, int for_whom) {
        if (::write(fd_, message.data(), message.size()) != static_cast<ssize_t>(message.size()))
            give_up("write");
        {
            const std::lock_guard hold(mutex_);
            waiting_.push_back(for_whom);
        }
        some_.notify_one();
    }

  private:
    void flush_for_ever() {
        std::vector<int> all;
        for (;;) {
            {
                std::unique_lock hold(mutex_);
                some_.wait(hold, [&] { return !waiting_.empty(); });
                all.swap(waiting_);
            }
            if (::fdatasync(fd_) != 0) give_up("fdatasync");
            for (const int fd : all) say(fd, taken);
            all.clear();
        }
    }

    int fd_;
    std::mutex mutex_;
    std::condition_variable some_;
    std::vector<int> waiting_;
};

struct session {
    std::string come;
    bool in_data = false;
};

std::string_view answer_to(std::string_view line) {
    const auto verb = line.substr(0, 4);
    if (verb == "EHLO") return "250-mx.d.test\r\n250-PIPELINING\r\n250-SIZE 104857600\r\n250 8BITMIME\r\n";
    if (verb == "DATA") return "354 End data with <CR><LF>.<CR><LF>\r\n";
    if (verb == "QUIT") return "221 2.0.0 Bye\r\n";
    if (verb == "RCPT" && line.find("nobody") != line.npos)
        return "550 5.1.1 <nobody@d.test>: User unknown\r\n";
    return "250 2.1.0 Ok\r\n";
}

// False: it has quit.
bool take(int fd, session& with, journal& into) {
    if (with.in_data) {
        if (!with.come.ends_with(end_of_data)) return true;
        with.in_data = false;
        into.append(with.come, fd);
        with.come.clear();
        return true;
    }
    std::string replies;
    bool goes_on = true;
    for (std::size_t end = 0;
         goes_on && !with.in_data && (end = with.come.find('\n')) != std::string::npos;) {
        const std::string_view line(with.come.data(), end);
        replies += answer_to(line);
        goes_on = !line.starts_with("QUIT");
        with.in_data = line.starts_with("DATA");
        with.come.erase(0, end + 1);
    }
    if (!replies.empty()) say(fd, replies);
    return goes_on;
}

int listen_on(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || ::listen(fd, 4096) != 0)
        give_up("listen");
    return fd;
}

class loop {
  public:
    loop(std::uint16_t port, journal& into) : into_(into), listening_(listen_on(port)) { watch(listening_); }

    [[noreturn]] void run() {
        std::array<epoll_event, events_max> events{};
        for (;;) {
            const int count = ::epoll_wait(epoll_, events.data(), events_max, -1);
            for (int i = 0; i < count; ++i) {
                const int fd = events[static_cast<std::size_t>(i)].data.fd;
                if (fd == listening_) {
                    accept_all();
                } else {
                    read(fd);
                }
            }
        }
    }

  private:
    void watch(int fd) const {
        epoll_event wanted{};
        wanted.events = EPOLLIN;
        wanted.data.fd = fd;
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &wanted) != 0) give_up("epoll_ctl");
    }
    void accept_all() {
        for (int fd = 0; (fd = ::accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
            const int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            sessions_[fd] = {};
            watch(fd);
            say(fd, greeting);
        }
    }
    void read(int fd) {
        const ssize_t count = ::recv(fd, buffer_.data(), buffer_.size(), 0);
        if (count < 0 && errno == EAGAIN) return;
        auto& with = sessions_[fd];
        if (count > 0) with.come.append(buffer_.data(), static_cast<std::size_t>(count));
        if (count > 0 && take(fd, with, into_)) return;
        sessions_.erase(fd);
        ::close(fd);
    }

    journal& into_;
    int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    int listening_;
    std::unordered_map<int, session> sessions_;
    std::vector<char> buffer_ = std::vector<char>(256 * 1024);
};

} // namespace

int main(int count, char** words) {
    if (count != 3) {
        std::fputs("usage: bare_receiver PORT FILE\n", stderr);
        return 64;
    }
    const auto port = static_cast<std::uint16_t>(std::strtoul(words[1], nullptr, 10));
    journal into(words[2]);
    for (unsigned i = 1; i < std::thread::hardware_concurrency(); ++i)
        std::thread([&] { loop(port, into).run(); }).detach();
    loop(port, into).run();
}
