#include "server/last_resort.hpp"

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

using namespace postern::server;
using std::chrono::steady_clock;

namespace {

constexpr int code = 75;

// How a process ends whose own end hangs for longer than its last resort allows.
int end_that_hangs(std::chrono::milliseconds allowed) {
    const pid_t child = ::fork();
    if (child == 0) {
        const last_resort watching(steady_clock::now() + allowed, code);
        ::sleep(20);
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

TEST_CASE("an end that hangs is ended at its time") {
    const auto began = steady_clock::now();
    CHECK(end_that_hangs(std::chrono::milliseconds(100)) == code);
    CHECK(steady_clock::now() - began < std::chrono::seconds(15));
}

TEST_CASE("an end in good time is waited for by nobody") {
    const auto began = steady_clock::now();
    {
        const last_resort watching(began + std::chrono::hours(1), code);
    }
    CHECK(steady_clock::now() - began < std::chrono::seconds(15));
}
