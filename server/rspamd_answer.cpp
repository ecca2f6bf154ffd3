// rspamd is trusted to score, not to be well: its answer is read like anything from outside.
#include "server/rspamd_client.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cmath>

namespace postern::server {

namespace {

namespace json = boost::json;

constexpr double score_max = 10'000;
constexpr std::size_t text_max = 1024;
constexpr std::size_t depth_max = 32;

std::optional<double> number_of(const json::object& from, std::string_view key) {
    const auto* value = from.if_contains(key);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    const double number = value->to_number<double>();
    return std::isfinite(number) ? std::optional(std::clamp(number, -score_max, score_max)) : std::nullopt;
}

std::string text_of(const json::object& from, std::string_view key) {
    const auto* value = from.if_contains(key);
    if (value == nullptr || !value->is_string()) return {};
    return protocol::printable(std::string_view(value->get_string()), text_max);
}

// As it may stand in a header: RSPAMD names its symbols so.
bool is_name(std::string_view text) {
    constexpr std::size_t name_max = 64;
    const auto good = [](char c) {
        return protocol::is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
    };
    return !text.empty() && text.size() <= name_max && std::all_of(text.begin(), text.end(), good);
}

std::vector<rspamd_symbol> symbols_of(const json::object& from) {
    std::vector<rspamd_symbol> symbols;
    const auto* all = from.if_contains("symbols");
    if (all == nullptr || !all->is_object()) return symbols;
    for (const auto& one : all->get_object()) {
        if (symbols.size() == rspamd_symbols_max) break;
        if (!is_name(one.key()) || !one.value().is_object()) continue;
        const auto score = number_of(one.value().get_object(), "score");
        symbols.push_back({std::string(one.key()), score.value_or(0)});
    }
    std::sort(symbols.begin(), symbols.end(),
              [](const rspamd_symbol& a, const rspamd_symbol& b) { return a.name < b.name; });
    return symbols;
}

} // namespace

result<rspamd_answer, std::string> read_rspamd_answer(std::string_view text) {
    json::parse_options how;
    how.max_depth = depth_max;
    boost::system::error_code ec;
    const auto parsed = json::parse(text, ec, {}, how);
    if (ec || !parsed.is_object()) return std::string("its answer is not JSON");
    const auto& from = parsed.get_object();
    if (const auto error = text_of(from, "error"); !error.empty()) return "it says: " + error;
    const auto score = number_of(from, "score");
    if (!score) return std::string("its answer has no score");
    rspamd_answer made;
    made.score = *score;
    made.required = number_of(from, "required_score").value_or(0);
    made.action = text_of(from, "action");
    made.subject = text_of(from, "subject");
    made.symbols = symbols_of(from);
    return made;
}

} // namespace postern::server
