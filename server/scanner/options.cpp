#include "server/scanner/options.hpp"

#include <algorithm>
#include <charconv>

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

result<options, std::string> read_options(std::string_view text) {
    options made;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto equals = line.find('=');
        if (equals == std::string_view::npos || !take(line.substr(0, equals), line.substr(equals + 1), made))
            return "the scanner does not understand \"" + std::string(line) +
                   "\"; it must be of the server's version";
    }
    if (made.memory == 0 || made.scratch == 0) return std::string("the scanner was not told its limits");
    return made;
}

} // namespace postern::server::scanner
