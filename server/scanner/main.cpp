// The content sandbox: looks at messages for postern, which starts it. It is a program of its own so that
// hostile content can't reach the server's memory, files or network, and because libclamav is GPL-2.0.
#include "policy/content/clamav.hpp"
#include "policy/content/inspect.hpp"
#include "server/scanner/keeper.hpp"

#include <clocale>
#include <cstdio>

namespace {

using namespace postern;
using policy::content::signatures;
using server::scanner::rooms;
using server::scanner::workshop;

result<workshop, std::string> load(const rooms& where) {
    std::shared_ptr<const signatures> known;
    if (!where.signatures.empty()) {
        auto loaded = signatures::load(where.signatures, where.loading);
        if (!loaded) return loaded.error();
        known = std::move(*loaded);
    }
    workshop made;
    if (known) made.signatures = known->count();
    made.inspect = [known, scratch = where.scratch](std::string_view message,
                                                    const protocol::scan::order& asked) {
        return policy::content::inspect(message, asked, known.get(), scratch);
    };
    return made;
}

} // namespace

int main(int count, char** words) {
    constexpr int usage = 64;            // sysexits.h
    std::setlocale(LC_CTYPE, "C.UTF-8"); // else libarchive has no names beyond ASCII
    const auto what = server::scanner::read_options(count, words);
    if (!what) {
        std::fprintf(stderr, "postern-scanner: %s\n", what.error().c_str());
        return usage;
    }
    return server::scanner::keep(*what, load);
}
