// What a run found, for people (a table), for programs (JSON) and to look at (an SVG of the rate over time
// and of the latencies by percentile).
#pragma once

#include "bench/load/options.hpp"
#include "bench/load/tally.hpp"

#include <string>

namespace postern::bench {

std::string table_of(const options& wanted, const tally& counts);
std::string json_of(const options& wanted, const tally& counts);
std::string svg_of(const options& wanted, const tally& counts);

std::string_view unit_of(load_mode mode);                                // "messages"
const histogram& main_times(const options& wanted, const tally& counts); // what the mode is about
std::string duration_text(std::uint64_t nanoseconds);
std::string title_of(const options& wanted);

} // namespace postern::bench
