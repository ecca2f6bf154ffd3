#include "conf/findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>

namespace postern::conf {

void findings::error(const toml::source_region& where, std::string key, std::string problem) {
    add(finding::weight::error, where.begin, std::move(key), std::move(problem));
}

void findings::warning(const toml::source_region& where, std::string key, std::string problem) {
    add(finding::weight::warning, where.begin, std::move(key), std::move(problem));
}

void findings::error_in_file(std::string key, std::string problem) {
    add(finding::weight::error, {}, std::move(key), std::move(problem));
}

void findings::add(finding::weight how, toml::source_position where, std::string key, std::string problem) {
    if (how == finding::weight::error) ++errors_;
    if (all_.size() == findings_max) {
        ++left_out_;
        return;
    }
    all_.push_back({how, file_, where.line, where.column, std::move(key), std::move(problem)});
}

std::vector<finding> findings::in_file_order() && {
    // std::stable_sort of libstdc++ 12 warns of its own buffer under clang; the position in `all_` keeps it
    // stable.
    std::vector<std::size_t> order(all_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) { return std::tuple{all_[i].line, all_[i].column, i}; });
    std::vector<finding> sorted;
    for (const auto i : order) sorted.push_back(std::move(all_[i]));
    if (left_out_ != 0) {
        sorted.push_back({has_errors() ? finding::weight::error : finding::weight::warning, file_, 0, 0, "",
                          fmt::format("{} more findings are not shown; mend these first", left_out_)});
    }
    return sorted;
}

std::string finding::to_string() const {
    std::string text = file;
    if (line != 0) text += fmt::format(":{}:{}", line, column);
    if (!key.empty()) text += fmt::format(": {}", key);
    return fmt::format("{}: {}{}", text, how == weight::warning ? "warning: " : "", problem);
}

} // namespace postern::conf
