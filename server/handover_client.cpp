#include "server/handover_client.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <poll.h>

namespace postern::server {

namespace {

constexpr std::chrono::seconds answer_time{15};
constexpr std::chrono::milliseconds connect_pause{20}; // between two tries at a full backlog

bool wait_readable(int fd, std::chrono::steady_clock::time_point until) {
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (left.count() <= 0) return false;
        pollfd wanted{fd, POLLIN, 0};
        const int ready = ::poll(&wanted, 1, static_cast<int>(left.count()));
        if (ready != 0 && !(ready < 0 && errno == EINTR)) return ready > 0;
    }
}

// 0, or errno.
int connect_in_time(const handover::address& to, int fd) {
    const auto until = std::chrono::steady_clock::now() + answer_time;
    while (to.connect(fd) != 0) {
        if (errno != EAGAIN && errno != EINTR) return errno;
        if (std::chrono::steady_clock::now() >= until) return ETIMEDOUT;
        ::poll(nullptr, 0, static_cast<int>(connect_pause.count()));
    }
    return 0;
}

} // namespace

// A record without text, and why, when none comes.
handover::record handover_client::next(std::string& problem) {
    if (!wait_readable(connection_.get(), std::chrono::steady_clock::now() + answer_time)) {
        problem = fmt::format("{}: the running server doesn't answer", path_);
        return {};
    }
    auto got = handover::receive(connection_.get());
    if (!got)
        problem = fmt::format("{}: {}", path_, got.error().message());
    else if (got->text.empty())
        problem = fmt::format("{}: the running server gives its sockets to nobody but itself and root, or it "
                              "ended",
                              path_);
    else if (got->text.starts_with(handover::refused))
        problem = got->text.substr(handover::refused.size());
    return problem.empty() ? std::move(*got) : handover::record{};
}

handover_client::offer handover_client::ask(const std::string& state_dir) {
    const handover::address there(state_dir);
    path_ = there.path();
    connection_ = storage::file_handle(handover::open_socket());
    offer made;
    const int failed = connect_in_time(there, connection_.get());
    made.nobody = failed == ENOENT || failed == ECONNREFUSED;
    if (failed != 0) {
        made.problem = fmt::format("{}: {}", path_, std::strerror(failed));
        return made;
    }
    if (const auto ec = handover::send(connection_.get(), handover::ask)) {
        made.problem = fmt::format("{}: {}", path_, ec.message());
        return made;
    }
    for (;;) {
        auto got = next(made.problem);
        if (!made.problem.empty()) return made;
        const auto all = handover::number_after(handover::sockets, got.text);
        if (!all || *all > handover::descriptors_max || got.descriptors.empty()) {
            made.problem = fmt::format("{}: the running server's answer is none of Postern's", path_);
            return made;
        }
        for (auto& each : got.descriptors) made.sockets.push_back(std::move(each));
        if (made.sockets.size() >= *all) return made;
    }
}

handover_client::agreement handover_client::agree() {
    agreement made;
    if (const auto ec = handover::send(connection_.get(), handover::go)) {
        made.problem = fmt::format("{}: {}", path_, ec.message());
        return made;
    }
    std::string silence;
    const auto got = next(silence);
    if (const auto seconds = handover::number_after(handover::draining, got.text))
        made.ends_within = std::chrono::seconds(static_cast<std::int64_t>(*seconds));
    return made;
}

} // namespace postern::server
