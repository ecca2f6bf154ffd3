// SIGHUP is blocked rather than ignored: the reload that somebody asked for during the start is not lost.
#include "server/process_signals.hpp"

#include <csignal>

namespace postern::server {

namespace {

void change_hangup(int how) {
    sigset_t hangup;
    sigemptyset(&hangup);
    sigaddset(&hangup, SIGHUP);
    ::pthread_sigmask(how, &hangup, nullptr);
}

} // namespace

void hold_signals() {
    change_hangup(SIG_BLOCK);
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
}

void let_hangup_come() { change_hangup(SIG_UNBLOCK); }

} // namespace postern::server
