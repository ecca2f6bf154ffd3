// From a TOML file to a snapshot. Finds every error at once; each names file, line, column, key, what is
// wrong and the cure. Reads files only; opens nothing that a key names (certificates and folders are the
// caller's to check).
#pragma once

#include "conf/config.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace postern::conf {

inline constexpr std::size_t config_file_max = 1024 * 1024; // a larger file is an error, not a wait
inline constexpr std::size_t findings_max = 200;            // the rest are counted in a last one

// What a default depends on besides the table; passed in, so that the same file loads the same everywhere.
struct defaults {
    std::string hostname = "localhost"; // server.hostname where the file has none
};
defaults machine_defaults(); // the machine's own name

struct finding {
    enum class weight { warning, error };
    weight how = weight::error;
    std::string file;
    std::uint32_t line = 0; // 0 = the file as a whole
    std::uint32_t column = 0;
    std::string key;     // "listener[0].tier"; empty for a syntax error
    std::string problem; // what is wrong and what would be right, one line

    std::string to_string() const; // "FILE:LINE:COL: key: problem"; a warning's problem begins "warning: "
    bool operator==(const finding&) const = default;
};

struct loaded {
    std::shared_ptr<const config> snapshot; // null when any finding is an error
    std::vector<finding> findings;          // in the order of the file
    bool ok() const { return snapshot != nullptr; }
};

loaded load_file(const std::string& path, const defaults& machine = machine_defaults());
loaded load_text(std::string_view toml, const std::string& file_name, const defaults& machine = {});

// Where a key's value stands in the file, for errors found later (a certificate that can't be read).
// (line, column) of e.g. "tls.certificate[0].cert"; the whole file when it isn't set there.
finding locate(std::string_view toml, const std::string& file_name, std::string_view key);

} // namespace postern::conf
