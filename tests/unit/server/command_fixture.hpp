// Runs commands against a configuration and a state folder of their own, in this process.
#pragma once

#include "server/admin/commands.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace postern::server {

struct outcome {
    int code = 0;
    std::string out;
    std::string err;
};

class command_fixture {
  public:
    command_fixture() {
        char form[] = "/tmp/postern-command-XXXXXX";
        folder = ::mkdtemp(form);
        configure("");
    }
    ~command_fixture() { std::filesystem::remove_all(folder); }
    command_fixture(const command_fixture&) = delete;
    command_fixture& operator=(const command_fixture&) = delete;

    std::string config_path() const { return folder + "/postern.toml"; }
    std::string state_dir() const { return folder + "/state"; }
    std::string control_path() const { return folder + "/admin.sock"; }

    void configure(const std::string& more, const std::string& user = "") {
        std::ofstream(config_path())
            << "[server]\nhostname = \"mx.test\"\nuser = \"" << user << "\"\nstate_dir = \"" << state_dir()
            << "\"\n[admin]\nsocket = \"" << control_path()
            << "\"\n[[listener]]\nname = \"mx\"\naddress = [\"127.0.0.1:0\"]\ntier = \"a\"\n"
            << more;
    }

    // The words after "postern --config FILE".
    outcome run(std::vector<std::string> words, const std::string& input = "") const {
        words.insert(words.begin(), {"postern", "--config", config_path()});
        return run_words(words, input);
    }

    static outcome run_words(const std::vector<std::string>& words, const std::string& input = "") {
        std::vector<const char*> argv;
        for (const auto& word : words) argv.push_back(word.c_str());
        std::istringstream in(input);
        std::ostringstream out, err;
        terminal with{in, out, err};
        const int code = run_command_line(static_cast<int>(argv.size()), argv.data(), with);
        return {code, out.str(), err.str()};
    }

    std::string folder;
};

} // namespace postern::server
