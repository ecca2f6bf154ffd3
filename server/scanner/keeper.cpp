#include "server/scanner/keeper.hpp"

#include "server/scanning/channel.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace postern::server::scanner {
using scanning::control;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr int unavailable = 69; // sysexits.h
constexpr std::chrono::seconds control_time{10};
constexpr std::chrono::seconds look_time{5};
// A worker that lived for less than `short_life` is replaced after a pause, which doubles.
constexpr std::chrono::seconds short_life{1};
constexpr milliseconds first_pause{50};
constexpr milliseconds longest_pause{5000};
constexpr int niceness = 5;

class keeper {
  public:
    keeper(const options& what, const rooms& where, const workshop& shop, int children)
        : what_(what), where_(where), shop_(shop), children_(children), places_(what.workers) {}

    int run() {
        for (;;) {
            bury();
            start_due();
            if (ended_) return *ended_;
            std::array<pollfd, 2> events{pollfd{control_descriptor, POLLIN, 0}, pollfd{children_, POLLIN, 0}};
            ::poll(events.data(), events.size(), static_cast<int>(until_next_start().count()));
            if (events[1].revents != 0) drain_signals();
            if (events[0].revents != 0) hear();
        }
    }

  private:
    struct place {
        pid_t process = 0; // 0 = nobody
        unsigned number = 0;
        steady_clock::time_point began, start_at;
        milliseconds pause = first_pause;
    };

    void tell(std::string word, std::string rest, int descriptor = -1) {
        const auto text = scanning::to_text({std::move(word), std::move(rest)});
        // A server that is gone, or hears nothing, needs no keeper.
        if (scanning::send(control_descriptor, text, descriptor, steady_clock::now() + control_time))
            ended_ = 0;
    }

    void hear() {
        auto got = scanning::receive_now(control_descriptor, scanning::control_max);
        if (!got) {
            if (got.error() != boost::system::errc::resource_unavailable_try_again) ended_ = 0;
            return;
        }
        const auto said = scanning::read_control(got->octets);
        if (said.word == "ping") tell("alive", said.rest);
        if (said.word == "retire") is_retired_ = true;
        if (said.word != "end") return;
        for (const auto& one : places_)
            if (one.process != 0 && one.number == said.number()) ::kill(one.process, SIGKILL);
    }

    void drain_signals() {
        signalfd_siginfo told{};
        while (::read(children_, &told, sizeof told) > 0) {
        }
    }

    void bury() {
        for (;;) {
            int status = 0;
            const pid_t gone = ::waitpid(-1, &status, WNOHANG);
            if (gone <= 0) return;
            for (auto& one : places_)
                if (one.process == gone) ended(one, status);
        }
    }

    void ended(place& one, int status) {
        const auto now = steady_clock::now();
        const bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        one.pause =
            well || now - one.began >= short_life ? first_pause : std::min(2 * one.pause, longest_pause);
        one.start_at = well ? now : now + one.pause;
        one.process = 0;
        auto how = WIFSIGNALED(status) ? std::string("signal ") + std::to_string(WTERMSIG(status))
                                       : std::string("exit code ") + std::to_string(WEXITSTATUS(status));
        if (!well) tell("ended", std::to_string(one.number) + ' ' + how);
    }

    milliseconds until_next_start() const {
        const auto now = steady_clock::now();
        auto next = now + look_time;
        for (const auto& one : places_)
            if (one.process == 0 && !is_retired_) next = std::min(next, one.start_at);
        return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(next - now));
    }

    void start_due() {
        const auto now = steady_clock::now();
        for (auto& one : places_)
            if (one.process == 0 && now >= one.start_at && !ended_ && !is_retired_) start(one);
    }

    void start(place& one) {
        one.start_at = steady_clock::now() + one.pause; // of the next try, should this one fail
        auto channel = scanning::make_pair();
        if (!channel) return;
        const auto parent = ::getpid();
        const pid_t process = ::fork();
        if (process < 0) return;
        if (process == 0) ::_exit(live(parent, std::move(channel->theirs)));
        one.process = process;
        one.number = ++numbers_;
        one.began = steady_clock::now();
        tell("worker", std::to_string(one.number), channel->ours.get());
    }

    // In the child. Exit code 71 (sysexits: no such right) where the doors can't be shut: it looks at nothing
    // then.
    int live(pid_t parent, storage::file_handle channel) {
        constexpr int not_safe = 71;
        ::close(control_descriptor);
        ::close(children_);
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        // The keeper's end is theirs, even while it is too busy to tell.
        if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) return not_safe;
        ::setpriority(PRIO_PROCESS, 0, niceness); // who waits for a scan can wait, other sessions shall not
        if (!shut_the_door(what_, where_)) return not_safe;
        return work(channel.get(), shop_.inspect);
    }

    const options& what_;
    const rooms& where_;
    const workshop& shop_;
    int children_; // tells of their ends
    std::vector<place> places_;
    unsigned numbers_ = 0;
    bool is_retired_ = false; // no worker is replaced: another program has taken over
    std::optional<int> ended_;
};

int fail(const std::string& why) {
    const auto text = scanning::to_text({"failed", why});
    (void)scanning::send(control_descriptor, text, -1, steady_clock::now() + control_time);
    return unavailable;
}

int watch_children() {
    sigset_t ends;
    ::sigemptyset(&ends);
    ::sigaddset(&ends, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &ends, nullptr);
    return ::signalfd(-1, &ends, SFD_NONBLOCK | SFD_CLOEXEC);
}

} // namespace

int keep(const loader& load) {
    // Whoever started the program may have descriptors that are not closed on exec: a connection that another
    // of its threads has just accepted is one for a moment.
    ::close_range(control_descriptor + 1, ~0U, 0);
    const int children = watch_children();
    // Whoever opens no conversation has started the program by hand.
    const auto first =
        scanning::receive(control_descriptor, scanning::control_max, steady_clock::now() + control_time);
    if (!first) return not_for_people;
    const auto said = scanning::read_control(first->octets);
    const auto what = read_options(said.word == "begin" ? said.rest : "?");
    if (!what) return fail(what.error());
    auto where = leave_the_world(*what);
    if (!where) return fail(where.error());
    const auto shop = load(*where);
    if (!shop) return fail(shop.error());
    measure(*where);
    const auto text = scanning::to_text({"ready", std::to_string(shop->signatures)});
    if (scanning::send(control_descriptor, text, -1, steady_clock::now() + control_time)) return unavailable;
    return keeper(*what, *where, *shop, children).run();
}

} // namespace postern::server::scanner
