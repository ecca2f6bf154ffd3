#include "server/scanner/options.hpp"

#include <charconv>
#include <string_view>

namespace postern::server::scanner {
namespace {

template <class T> bool read_number(std::string_view text, T& to) {
    const auto* end = text.data() + text.size();
    const auto [at, failure] = std::from_chars(text.data(), end, to);
    return failure == std::errc{} && at == end;
}

bool take(std::string_view name, std::string_view value, options& to) {
    if (name == "workers") return read_number(value, to.workers) && to.workers > 0;
    if (name == "memory") return read_number(value, to.memory) && to.memory > 0;
    if (name == "scratch") return read_number(value, to.scratch) && to.scratch > 0;
    if (name == "user") return read_number(value, to.user);
    if (name == "group") return read_number(value, to.group);
    if (name == "signatures")
        to.signatures = value;
    else if (name == "scratch_folder")
        to.scratch_folder = value;
    else if (name == "walls" && value == "namespaces")
        to.around = walls::namespaces;
    else if (name == "walls" && value == "calls")
        to.around = walls::calls_only;
    else
        return false;
    return true;
}

} // namespace

result<options, std::string> read_options(int count, char** words) {
    options made;
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        const auto equals = word.find('=');
        if (equals == std::string_view::npos || !take(word.substr(0, equals), word.substr(equals + 1), made))
            return "unknown word \"" + std::string(word) + "\"; this program is started by postern alone";
    }
    if (made.memory == 0 || made.scratch == 0) return std::string("started by postern alone");
    return made;
}

} // namespace postern::server::scanner
