// The command line as rows: adding a command is a row with its handler, and a test. CLI11 is seen only by
// cli.cpp.
#pragma once

#include <cstdio>
#include <iosfwd>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::server {

// sysexits.h
enum class exit_code : int {
    ok = 0,
    usage = 64,
    bad_data = 65,
    no_user = 67,
    unavailable = 69,
    software = 70,
    cant_create = 73,
    temporary = 75,
    config = 78
};

// What the command line said, after its syntax was checked against the row.
struct arguments {
    std::string config_file;
    std::map<std::string, std::vector<std::string>>
        values; // by option ("--quota") or positional name ("ADDRESS")
    bool has(const std::string& name) const { return values.contains(name); }
    std::string one(const std::string& name) const; // first value, or ""
    const std::vector<std::string>& all(const std::string& name) const;
};

// Where a command reads and writes; tests pass their own.
struct terminal {
    std::istream& in;
    std::ostream& out;
    std::ostream& err; // one line: "postern: what: why"
};

struct argument_row {
    // "ADDRESS", "TARGET...", "[ADDRESS]", "[TARGET...]", "ACTION allow|deny", "--quota SIZE",
    // "--phrase TEXT..." (may be given again), "--json"
    std::string_view name;
    std::string_view help;
};

struct command_row {
    std::string_view group; // "domain", or "" for a command of one word
    std::string_view name;
    std::string_view help;
    std::span<const argument_row> takes;
    exit_code (*run)(const arguments&, terminal&);
};

// Every command, in the order of the help text.
std::span<const command_row> command_rows();

// Parses and runs; `serve` too. argv as main() got it.
int run_command_line(int argc, const char* const* argv, terminal& with);

} // namespace postern::server
