#include "conf/load.hpp"

#include "conf/findings.hpp"
#include "conf/nesting.hpp"
#include "conf/sections.hpp"
#include "conf/text_checks.hpp"
#include "conf/whole_file_checks.hpp"
#include "protocol/smtp/grammar.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace postern::conf {

namespace {

constexpr std::size_t host_name_max = 256;
constexpr std::size_t syntax_text_max = 200;

class open_file {
  public:
    // Not blocking: a FIFO in the file's place must not hold up the start.
    explicit open_file(const std::string& path)
        : descriptor_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)) {}
    ~open_file() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    open_file(const open_file&) = delete;
    open_file& operator=(const open_file&) = delete;
    int descriptor() const { return descriptor_; }

  private:
    int descriptor_;
};

problem system_problem(std::string_view what) {
    return {fmt::format("{}: {}", what, std::generic_category().message(errno)), ""};
}

// Never more than config_file_max + 1 octets, however the file grows meanwhile.
checked<std::string> read_octets(int descriptor) {
    std::string octets(config_file_max + 1, '\0');
    std::size_t length = 0;
    while (length < octets.size()) {
        const auto got = ::read(descriptor, octets.data() + length, octets.size() - length);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_problem("can't be read");
        if (got == 0) break;
        length += static_cast<std::size_t>(got);
    }
    octets.resize(length);
    return octets;
}

checked<std::string> read_file(const std::string& path) {
    const open_file file{path};
    if (file.descriptor() < 0) return system_problem("can't be opened");
    struct stat status{};
    if (::fstat(file.descriptor(), &status) != 0) return system_problem("can't be read");
    if (S_ISDIR(status.st_mode)) return problem{"is a folder", "name the file in it"};
    if (!S_ISREG(status.st_mode)) return problem{"is not a regular file", "name one"};
    return read_octets(file.descriptor());
}

// What the TOML library says, with a cure where people go wrong most.
std::string syntax_problem(std::string_view description) {
    auto text = protocol::printable(description, syntax_text_max);
    const bool bare_text = description.find("expected digit") != std::string_view::npos ||
                           description.find("could not determine value type") != std::string_view::npos;
    return bare_text ? text + "; texts, times and sizes stand in quotes: \"5m\"" : text;
}

// The tree of the file, or nullopt with one finding: a parser that has lost its way finds only phantoms after
// it.
std::optional<toml::table> parse(std::string_view toml, const std::string& file_name, findings& found) {
    if (toml.size() > config_file_max) {
        found.error_in_file("",
                            fmt::format("is larger than {} octets; a configuration is not", config_file_max));
        return std::nullopt;
    }
    if (const auto deep = too_many_key_parts(toml)) {
        const toml::source_position where{deep->line, deep->column};
        found.error({where, where, nullptr}, "",
                    fmt::format("a key of more than {} parts; no setting has so many", key_parts_max));
        return std::nullopt;
    }
    try {
        return toml::parse(toml, std::string_view{file_name});
    } catch (const toml::parse_error& error) {
        found.error(error.source(), "", syntax_problem(error.description()));
        return std::nullopt;
    }
}

// server.hostname from the machine, each listener's from the server's.
void derive_hostnames(config& read, const toml::table& root, const defaults& machine, findings& found) {
    if (read.server.hostname.empty() && root.at_path("server.hostname").node() == nullptr) {
        auto name = domain_name(machine.hostname);
        if (name.has_value())
            read.server.hostname = std::move(*name);
        else
            found.error_in_file(
                "server.hostname",
                fmt::format("is not set and the machine's own name won't do: {}", name.error().text));
    }
    for (auto& listener : read.listeners) {
        if (listener.hostname.empty()) listener.hostname = read.server.hostname;
    }
}

void derive_sizes(config& read) {
    constexpr std::uint64_t from_servers = 100'000'000, from_people = 30'000'000;
    for (auto& listener : read.listeners)
        if (listener.max_message_size == 0)
            listener.max_message_size =
                listener.role == listener_role::submission ? from_people : from_servers;
}

loaded finish(std::optional<config> read, findings found) {
    loaded result;
    if (read && !found.has_errors()) result.snapshot = std::make_shared<const config>(std::move(*read));
    result.findings = std::move(found).in_file_order();
    return result;
}

} // namespace

defaults machine_defaults() {
    std::string name(host_name_max, '\0');
    if (::gethostname(name.data(), name.size() - 1) != 0) return {};
    name.resize(name.find('\0'));
    return {name};
}

loaded load_text(std::string_view toml, const std::string& file_name, const defaults& machine) {
    findings found{file_name};
    const auto root = parse(toml, file_name, found);
    if (!root) return finish(std::nullopt, std::move(found));

    auto read = read_sections(*root, found);
    derive_hostnames(read, *root, machine, found);
    derive_sizes(read);
    check_whole_file(read, *root, found);
    return finish(std::move(read), std::move(found));
}

loaded load_file(const std::string& path, const defaults& machine) {
    const auto octets = read_file(path);
    if (octets.has_value()) return load_text(*octets, path, machine);
    findings found{path};
    found.error_in_file("", octets.error().text);
    return finish(std::nullopt, std::move(found));
}

} // namespace postern::conf
