// Two charts side by side, by hand: an SVG needs no library. Percentiles lie at their number of nines, so
// that the tail has as much room as the rest; times are logarithmic.
#include "bench/load/report.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <iterator>

namespace postern::bench {
namespace {

struct point {
    double x = 0, y = 0; // both from 0 to 1, up and right
};
struct mark {
    double at = 0; // 0 to 1
    std::string text;
};
struct chart {
    double left = 0;
    std::string title;
    std::vector<point> line;
    std::vector<mark> across, up;
};

constexpr double width = 400, height = 240, top = 70;

std::string escaped(std::string_view text) {
    std::string made;
    for (const char c : text) {
        switch (c) {
        case '<': made += "&lt;"; break;
        case '>': made += "&gt;"; break;
        case '&': made += "&amp;"; break;
        default: made += c;
        }
    }
    return made;
}

void text_at(std::string& out, double x, double y, std::string_view anchor, std::string_view text) {
    fmt::format_to(std::back_inserter(out), "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n",
                   x, y, anchor, escaped(text));
}

void line_to(std::string& out, point from, point to) {
    fmt::format_to(std::back_inserter(out), "<path d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\" class=\"grid\"/>\n",
                   from.x, from.y, to.x, to.y);
}

void draw(std::string& out, const chart& what) {
    text_at(out, what.left, top - 12, "start", what.title);
    for (const auto& one : what.up) {
        const double y = top + height * (1 - one.at);
        line_to(out, {what.left, y}, {what.left + width, y});
        text_at(out, what.left - 6, y + 4, "end", one.text);
    }
    for (const auto& one : what.across) {
        const double x = what.left + width * one.at;
        line_to(out, {x, top}, {x, top + height});
        text_at(out, x, top + height + 18, "middle", one.text);
    }
    out += "<path class=\"line\" d=\"";
    for (const auto& one : what.line)
        fmt::format_to(std::back_inserter(out), "{}{:.1f} {:.1f}", &one == what.line.data() ? 'M' : 'L',
                       what.left + width * one.x, top + height * (1 - one.y));
    out += "\"/>\n";
}

// The least of 1, 2, 5, 10, ... that isn't below `value`.
double round_up(double value) {
    double step = 1;
    while (step * 10 <= value) step *= 10;
    for (const double factor : {1.0, 2.0, 5.0, 10.0})
        if (step * factor >= value) return step * factor;
    return step * 10;
}

std::vector<double> rates(const tally& counts) {
    const double slot = std::chrono::duration<double>(tally::slot).count();
    const std::size_t together = counts.done_in_slot.size() / 120 + 1;
    std::vector<double> made;
    for (std::size_t i = 0; i < counts.done_in_slot.size(); i += together) {
        const std::size_t end = std::min(i + together, counts.done_in_slot.size());
        double sum = 0;
        for (std::size_t k = i; k < end; ++k) sum += counts.done_in_slot[k];
        made.push_back(sum / (slot * static_cast<double>(end - i)));
    }
    return made;
}

chart rate_chart(const options& wanted, const tally& counts) {
    chart made;
    made.left = 70;
    made.title = fmt::format("{} a second, over {:.1f} s", unit_of(wanted.mode), counts.seconds());
    const auto values = rates(counts);
    const double most = round_up(values.empty() ? 1 : *std::max_element(values.begin(), values.end()));
    for (std::size_t i = 0; i < values.size(); ++i)
        made.line.push_back(
            {values.size() < 2 ? 0 : static_cast<double>(i) / static_cast<double>(values.size() - 1),
             values[i] / most});
    for (const double at : {0.0, 0.25, 0.5, 0.75, 1.0}) {
        made.up.push_back({at, fmt::format("{:.0f}", most * at)});
        made.across.push_back(
            {at, fmt::format("{:.{}f} s", counts.seconds() * at, counts.seconds() < 4 ? 2 : 1)});
    }
    return made;
}

chart latency_chart(const options& wanted, const tally& counts) {
    const histogram& times = main_times(wanted, counts);
    chart made;
    made.left = 560;
    made.title = wanted.mode == load_mode::deliver ? "final dot to its reply, by percentile"
                                                   : "whole session, by percentile";
    const double lowest =
        std::floor(std::log10(static_cast<double>(std::max<std::uint64_t>(times.min(), 1000))));
    const double highest = std::max(
        lowest + 1, std::ceil(std::log10(static_cast<double>(std::max<std::uint64_t>(times.max(), 1000)))));
    const auto up = [&](double nanoseconds) {
        return (std::log10(std::max(nanoseconds, 1000.0)) - lowest) / (highest - lowest);
    };
    constexpr double nines = 4; // 99.99 %
    for (double at = 0; at <= 1.0001; at += 0.01) {
        const double percent = 100 * (1 - std::pow(10, -nines * at));
        made.line.push_back({at, up(static_cast<double>(times.percentile(percent)))});
    }
    for (double power = lowest; power <= highest; ++power)
        made.up.push_back({(power - lowest) / (highest - lowest),
                           duration_text(static_cast<std::uint64_t>(std::pow(10, power)))});
    for (const double percent : {0.0, 50.0, 90.0, 99.0, 99.9, 99.99})
        made.across.push_back({-std::log10(1 - percent / 100) / nines, fmt::format("p{}", percent)});
    return made;
}

} // namespace

std::string svg_of(const options& wanted, const tally& counts) {
    std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1000 350\" "
                      "font-family=\"sans-serif\" font-size=\"12\">\n"
                      "<style>.grid{stroke:#ddd}.line{stroke:#1f5fa8;stroke-width:2;fill:none}</style>\n"
                      "<rect width=\"1000\" height=\"350\" fill=\"#fff\"/>\n";
    text_at(out, 30, 26, "start",
            fmt::format("{}: {} {}, {} failed, {:.0f}/s", title_of(wanted), counts.done, unit_of(wanted.mode),
                        counts.failed,
                        counts.seconds() > 0 ? static_cast<double>(counts.done) / counts.seconds() : 0));
    draw(out, rate_chart(wanted, counts));
    draw(out, latency_chart(wanted, counts));
    return out + "</svg>\n";
}

} // namespace postern::bench
