// Any octets as a configuration: loading ends, with a snapshot or with an error, and each finding is one line
// that points into the file. A snapshot keeps the promises that config.hpp makes.
#include "conf/load.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto result = postern::conf::load_text(text, "fuzz.toml");

    bool errors = false;
    for (const auto& one : result.findings) {
        errors = errors || one.how == postern::conf::finding::weight::error;
        require(!one.problem.empty());
        require(one.to_string().find_first_of("\r\n") == std::string::npos);
        require(one.line <= size + 1);
    }
    require(result.ok() != errors);
    require(result.findings.size() <= postern::conf::findings_max + 1);
    if (!result.findings.empty()) postern::conf::locate(text, "fuzz.toml", result.findings.front().key);
    if (!result.ok()) return 0;

    const auto& read = *result.snapshot;
    require(!read.listeners.empty() && !read.queue.retry.empty() && !read.server.hostname.empty());
    for (const auto& listener : read.listeners) {
        require(!listener.name.empty() && !listener.addresses.empty() && !listener.hostname.empty());
    }
    require(read.limits.command_timeout.count() > 0 && read.limits.max_recipients >= 100);
    return 0;
}
