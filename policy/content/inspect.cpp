#include "policy/content/inspect.hpp"

#include "policy/content/facts.hpp"
#include "policy/content/piece.hpp"

#include <clocale>
#include <exception>
#include <iconv.h>
#include <new>
#include <utility>

namespace postern::policy::content {

bool prepare() {
    // Open for as long as the process lives: then libarchive opens it again without a file.
    static const iconv_t names = ::iconv_open("UTF-8", "ISO-8859-1");
    const bool converts = names != reinterpret_cast<iconv_t>(-1); // NOLINT: iconv's own way to fail
    return std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr && converts;
}

protocol::scan::report inspect(std::string_view message, const protocol::scan::order& asked,
                               const signatures* known, const std::string& folder, const stopwatch& elapsed) {
    look shared(asked, known, folder, elapsed);
    protocol::scan::facts about;
    try {
        fact_collector facts(asked.phrases, asked.now);
        if (asked.facts) facts.read_header(message);
        const bool parts = asked.attachments || asked.antivirus || asked.everything;
        if (parts) look_at_whole(shared, message, asked.facts ? &facts : nullptr);
        if (asked.facts && !parts) walk_for_facts(message, facts);
        if (asked.facts) about = facts.take();
        // What was found in a part has been told by the part's name; beyond a limit nothing is asked any
        // more.
        if (shared.viruses() == 0 && !shared.full()) shared.scan(message, {});
    } catch (const std::bad_alloc&) {
        shared.limit({}, "memory");
    } catch (const std::exception& error) { // of a library: nothing of ours throws
        shared.limit({}, error.what());
    }
    auto made = shared.take();
    made.about = std::move(about);
    return made;
}

} // namespace postern::policy::content
