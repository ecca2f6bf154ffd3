// Commands one after the other, each with the exit code and the line that it must give.
#pragma once

#include "command_fixture.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

namespace postern::server {

struct step {
    std::vector<std::string> words;
    int code = 0;
    std::string says = {}; // part of stderr
};

inline void run_steps(const command_fixture& at, const std::vector<step>& steps) {
    for (const auto& [words, code, says] : steps) {
        const auto result = at.run(words);
        std::string line;
        for (const auto& word : words) line += word + " ";
        INFO(line << "-> " << result.err);
        CHECK(result.code == code);
        CHECK(result.err.find(says) != std::string::npos);
        if (code != 0) CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    }
}

inline boost::json::array list_of(const outcome& result, const char* name) {
    return boost::json::parse(result.out).as_object().at(name).as_array();
}

} // namespace postern::server
