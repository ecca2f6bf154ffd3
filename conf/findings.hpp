// The findings of one load: gathered in any order, handed over in the order of the file, never more than
// findings_max.
#pragma once

#include "conf/load.hpp"

#include <string>
#include <toml++/toml.h>
#include <vector>

namespace postern::conf {

class findings {
  public:
    explicit findings(std::string file) : file_(std::move(file)) {}

    void error(const toml::source_region& where, std::string key, std::string problem);
    void warning(const toml::source_region& where, std::string key, std::string problem);
    void error_in_file(std::string key, std::string problem); // of the file as a whole

    bool has_errors() const { return errors_ != 0; }
    std::vector<finding> in_file_order() &&;

  private:
    void add(finding::weight how, toml::source_position where, std::string key, std::string problem);

    std::string file_;
    std::vector<finding> all_;
    std::size_t errors_ = 0;
    std::size_t left_out_ = 0;
};

} // namespace postern::conf
