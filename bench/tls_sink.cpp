// What smtp-sink is without TLS: it takes mail, keeps nothing, and says how much it took. A thread for each
// connection, since servers under measurement keep few of them. Nothing goes over a connection before
// STARTTLS but EHLO. tls_sink ADDRESS PORT CERTIFICATE KEY; it runs until it is killed.
#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace {

constexpr std::string_view end_of_data = "\r\n.\r\n";
std::atomic<unsigned long> messages{0};

[[noreturn]] void give_up(const char* what) {
    std::perror(what);
    std::_Exit(1);
}

class connection {
  public:
    connection(int fd, SSL_CTX& with) : fd_(fd), with_(with) {}
    connection(const connection&) = delete;
    ~connection() { ::close(fd_); }

    void talk() {
        say("220 sink ESMTP\r\n");
        while (is_open_ && receive()) take();
    }

  private:
    struct freed {
        void operator()(SSL* what) const { SSL_free(what); }
    };

    bool receive() {
        const int count = tls_ ? SSL_read(tls_.get(), buffer_.data(), static_cast<int>(buffer_.size()))
                               : static_cast<int>(::recv(fd_, buffer_.data(), buffer_.size(), 0));
        if (count <= 0) return false;
        come_.append(buffer_.data(), static_cast<std::size_t>(count));
        return true;
    }
    void say(std::string_view what) {
        const auto size = static_cast<int>(what.size());
        const bool sent = tls_ ? SSL_write(tls_.get(), what.data(), size) == size
                               : ::send(fd_, what.data(), what.size(), MSG_NOSIGNAL) == size;
        if (!sent) is_open_ = false;
    }
    void take() {
        std::string replies;
        for (std::size_t end = 0; is_open_;) {
            if (in_data_) {
                end = come_.find(end_of_data, looked_ < 4 ? 0 : looked_ - 4);
                looked_ = come_.size();
                if (end == come_.npos) break;
                come_.erase(0, end + end_of_data.size());
                in_data_ = false;
                ++messages;
                replies += "250 2.0.0 taken\r\n";
                continue;
            }
            end = come_.find("\r\n");
            if (end == come_.npos) break;
            const auto line = come_.substr(0, end);
            come_.erase(0, end + 2);
            if (line.starts_with("STARTTLS")) return start_tls();
            replies += answer_to(line);
        }
        if (!replies.empty()) say(replies);
    }
    std::string_view answer_to(std::string_view line) {
        const auto verb = line.substr(0, 4);
        if (verb == "EHLO")
            return tls_ ? "250-sink\r\n250-PIPELINING\r\n250-SIZE 104857600\r\n250 8BITMIME\r\n"
                        : "250-sink\r\n250 STARTTLS\r\n";
        if (verb == "QUIT") is_open_ = false;
        if (verb == "QUIT") return "221 2.0.0 bye\r\n";
        if (!tls_) return "530 5.7.0 STARTTLS first\r\n";
        if (verb == "DATA") {
            in_data_ = true;
            looked_ = 0;
            return "354 go on\r\n";
        }
        return "250 2.0.0 ok\r\n";
    }
    void start_tls() {
        say("220 2.0.0 go on\r\n");
        come_.clear();
        tls_.reset(SSL_new(&with_));
        if (!tls_ || SSL_set_fd(tls_.get(), fd_) != 1 || SSL_accept(tls_.get()) != 1) is_open_ = false;
    }

    int fd_;
    SSL_CTX& with_;
    std::unique_ptr<SSL, freed> tls_;
    std::string come_;
    std::size_t looked_ = 0; // of what has come: where no end of data is
    bool in_data_ = false, is_open_ = true;
    std::array<char, 16384> buffer_{};
};

int listen_on(const char* address, const char* port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(std::strtoul(port, nullptr, 10)));
    if (::inet_pton(AF_INET, address, &at.sin_addr) != 1 ||
        ::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || ::listen(fd, 4096) != 0)
        give_up("listen");
    return fd;
}

void report_for_ever() {
    for (unsigned long told = 0;;) {
        if (const unsigned long now = messages; now != told) {
            std::printf("mesg=%lu\n", now);
            std::fflush(stdout);
            told = now;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

} // namespace

int main(int count, char** words) {
    if (count != 5) {
        std::fputs("usage: tls_sink ADDRESS PORT CERTIFICATE KEY\n", stderr);
        return 64;
    }
    SSL_CTX* const with = SSL_CTX_new(TLS_server_method());
    if (with == nullptr || SSL_CTX_use_certificate_chain_file(with, words[3]) != 1 ||
        SSL_CTX_use_PrivateKey_file(with, words[4], SSL_FILETYPE_PEM) != 1)
        give_up("certificate");
    const int listening = listen_on(words[1], words[2]);
    std::thread(report_for_ever).detach();
    for (;;) {
        const int fd = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC), on = 1;
        if (fd < 0) continue;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        std::thread([fd, with] { std::make_unique<connection>(fd, *with)->talk(); }).detach();
    }
}
