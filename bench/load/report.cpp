#include "bench/load/report.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace postern::bench {
namespace {

namespace json = boost::json;

struct named_percentile {
    const char* name;
    double percent;
};
constexpr named_percentile percentiles[] = {
    {"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"max", 100}};

struct named_times {
    const char* name;
    const char* title;
    const histogram& times;
};

std::vector<named_times> all_times(const options& wanted, const tally& counts) {
    const bool messages = wanted.mode == load_mode::deliver;
    return {{"connect_to_220", "connect to 220", counts.to_greeting},
            {"handshake", "TLS handshake", counts.to_handshake},
            {"final_reply", "final dot to its reply", counts.to_final},
            {"whole", messages ? "MAIL to final reply" : "connect to last reply", counts.whole}};
}

double per_second(double what, const tally& counts) {
    return counts.seconds() > 0 ? what / counts.seconds() : 0;
}

std::string times_row(std::string_view title, const histogram& times) {
    std::string row = fmt::format("{:24}", title);
    for (const auto& one : percentiles)
        row += fmt::format(" {:>9}", duration_text(times.percentile(one.percent)));
    return row + fmt::format(" {:>9}\n", times.count());
}

std::string troubles_table(const tally& counts) {
    if (counts.troubles.empty()) return "no unexpected reply\n";
    std::string text = "\nunexpected\n";
    for (const auto& [where, what] : counts.troubles) {
        const std::string code = where.second == 0 ? "-" : std::to_string(where.second);
        text += fmt::format("{:>9} x {:9} {:>3}  first: {}\n", what.count, name_of(where.first), code,
                            what.first);
    }
    return text;
}

json::object histogram_json(const histogram& times) {
    json::object made{{"count", times.count()}, {"min", times.min()}, {"mean", times.mean()}};
    for (const auto& one : percentiles) made[one.name] = times.percentile(one.percent);
    json::array buckets;
    for (const auto& one : times.filled()) buckets.push_back(json::array{one.lowest, one.highest, one.count});
    made["buckets"] = std::move(buckets);
    return made;
}

json::object options_json(const options& wanted) {
    return {{"server", wanted.server},
            {"sessions", wanted.sessions},
            {"threads", wanted.threads},
            {"messages", wanted.messages},
            {"per_session", wanted.per_session},
            {"seconds", wanted.seconds},
            {"size", wanted.size},
            {"pipelining", wanted.pipelining},
            {"chunking", wanted.chunking},
            {"tls", wanted.tls == load_tls::off        ? "off"
                    : wanted.tls == load_tls::starttls ? "starttls"
                                                       : "implicit"},
            {"resume", wanted.resume},
            {"groups", wanted.groups},
            {"idle", wanted.idle},
            {"opening", wanted.opening}};
}

json::array troubles_json(const tally& counts) {
    json::array made;
    for (const auto& [where, what] : counts.troubles)
        made.push_back(json::object{{"stage", name_of(where.first)},
                                    {"code", where.second},
                                    {"count", what.count},
                                    {"first", what.first}});
    return made;
}

} // namespace

std::string_view unit_of(load_mode mode) {
    switch (mode) {
    case load_mode::deliver: return "messages";
    case load_mode::reject: return "refusals";
    case load_mode::handshake: return "sessions";
    case load_mode::idle: return "idle sessions";
    }
    return "";
}

const histogram& main_times(const options& wanted, const tally& counts) {
    return wanted.mode == load_mode::deliver ? counts.to_final : counts.whole;
}

std::string duration_text(std::uint64_t nanoseconds) {
    const auto value = static_cast<double>(nanoseconds);
    if (value < 1e6) return fmt::format("{:.0f} us", value / 1e3);
    if (value < 1e9) return fmt::format("{:.2f} ms", value / 1e6);
    return fmt::format("{:.2f} s", value / 1e9);
}

std::string title_of(const options& wanted) {
    if (!wanted.name.empty()) return wanted.name;
    return fmt::format("{} sessions, {} octets", wanted.sessions, wanted.size);
}

std::string table_of(const options& wanted, const tally& counts) {
    const auto unit = unit_of(wanted.mode);
    std::string text =
        fmt::format("{}\n{} {}, {} failed, in {:.2f} s: {:.0f}/s", title_of(wanted), counts.done, unit,
                    counts.failed, counts.seconds(), per_second(static_cast<double>(counts.done), counts));
    if (wanted.mode == load_mode::deliver)
        text += fmt::format(", {:.2f} MB/s", per_second(static_cast<double>(counts.octets) / 1e6, counts));
    text += fmt::format("\n{} connections", counts.connections);
    if (counts.handshakes != 0)
        text += fmt::format(", {} TLS handshakes, {} of {} resumed", counts.handshakes, counts.resumed,
                            counts.offered);
    text += fmt::format("; {:.2f} s of processor here\n\n{:24}", counts.client_cpu, "");
    for (const auto& one : percentiles) text += fmt::format(" {:>9}", one.name);
    text += fmt::format(" {:>9}\n", "count");
    for (const auto& one : all_times(wanted, counts))
        if (one.times.count() != 0) text += times_row(one.title, one.times);
    return text + troubles_table(counts);
}

std::string json_of(const options& wanted, const tally& counts) {
    json::object made{{"name", title_of(wanted)},
                      {"options", options_json(wanted)},
                      {"unit", unit_of(wanted.mode)},
                      {"done", counts.done},
                      {"failed", counts.failed},
                      {"octets", counts.octets},
                      {"seconds", counts.seconds()},
                      {"per_second", per_second(static_cast<double>(counts.done), counts)},
                      {"connections", counts.connections},
                      {"handshakes", counts.handshakes},
                      {"offered", counts.offered},
                      {"resumed", counts.resumed},
                      {"client_cpu", counts.client_cpu},
                      {"unexpected", troubles_json(counts)}};
    json::object times;
    for (const auto& one : all_times(wanted, counts)) times[one.name] = histogram_json(one.times);
    made["nanoseconds"] = std::move(times);
    made["slot_seconds"] = std::chrono::duration<double>(tally::slot).count();
    made["done_in_slot"] = json::value_from(counts.done_in_slot);
    return json::serialize(made) + "\n";
}

} // namespace postern::bench
