// The content sandbox: looks at messages for postern, which starts it. It is a program of its own so that
// hostile content can't reach the server's memory, files or network, and because libclamav is GPL-2.0.
#include "policy/content/clamav.hpp"
#include "policy/content/inspect.hpp"
#include "server/scanner/keeper.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>

namespace {

using namespace postern;
using policy::content::signatures;
using server::scanner::rooms;
using server::scanner::workshop;

result<workshop, std::string> load(const rooms& where) {
    std::shared_ptr<const signatures> known;
    if (!where.signatures.empty()) {
        auto loaded = signatures::load(where.signatures, where.loading, where.scratch);
        if (!loaded) return loaded.error();
        known = std::move(*loaded);
    }
    workshop made;
    if (known) made.signatures = known->count();
    made.inspect = [known, scratch = where.scratch](std::string_view message,
                                                    const protocol::scan::order& asked) {
        const auto began = std::chrono::steady_clock::now();
        const auto elapsed = [began] {
            const auto past = std::chrono::steady_clock::now() - began;
            return static_cast<std::uint64_t>(
                std::chrono::duration_cast<std::chrono::milliseconds>(past).count());
        };
        return policy::content::inspect(message, asked, known.get(), scratch, elapsed);
    };
    return made;
}

} // namespace

int main() {
    policy::content::prepare();
    std::signal(SIGXFSZ, SIG_IGN); // a file that is full is an error, not an end
    const int code = server::scanner::keep(load);
    if (code == server::scanner::not_for_people)
        std::fputs(
            "postern-scanner: is started by postern, or by a service manager for it (docs/scanner.md)\n",
            stderr);
    return code;
}
